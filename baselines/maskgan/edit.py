"""Edits pictures with a trained MaskGAN: `python -m baselines.maskgan.edit --run RUN IMAGE... --out DIR` and one of

    --attribute Smiling [--remove] [--alpha F]   takes the shape of the part from a donor's mask
    --style-of PICTURE                           keeps each shape, takes the style of that picture
    --mask MASK.png                              keeps each style, takes that shape: an indexed PNG of class numbers

The masks of the pictures are the pack's parser's. For each IMAGE, NAME_maskgan.png and NAME_maskgan_mask.png are written;
NAME is the picture's, with -2 and so on where something would be overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from baselines.maskgan.editor import STAGES, MaskGANEditor, load_editor
from baselines.maskgan.shapes import SHAPES
from evaluation.editor import Request
from packs import cli
from packs.pack import load_pack
from segmentation.parser import label_image, read_labels, read_picture
from stylegan2.images import from_pil, output_stems, save_png, to_pil

ENDS = ("_maskgan.png", "_maskgan_mask.png")  # of the files that are written of a picture


def read_square(path: Path, size: int) -> Tensor:
    """The central square of a picture file, [1, 3, size, size] in [-1, 1]. Raises as `read_picture`."""
    return from_pil(to_pil(read_picture(path)), size)


def edit(editor: MaskGANEditor, image: Tensor, options) -> tuple[Tensor, Tensor]:
    """The edited picture [1, 3, S, S] and the mask it was painted from [1, S, S]."""
    painter, mask = editor.painter, editor.parse(image).argmax(dim=1)
    if options.style_of is not None:
        reference = read_square(options.style_of, painter.config.size).to(image.device)
        return painter.paint(mask, reference, editor.parse(reference).argmax(dim=1)), mask
    if options.mask is not None:
        drawn = torch.from_numpy(read_labels(options.mask)[None]).to(image.device)
        return painter.paint(drawn, image, mask), drawn
    request = Request("", options.attribute, not options.remove, options.alpha)
    edited = editor.edited_masks(mask, request)
    return painter.paint(edited, image, mask), edited


def main(argv: Sequence[str] | None = None) -> dict:
    """The command line."""
    parser = cli.ArgumentParser(prog="python -m baselines.maskgan.edit", description="Edit pictures with a trained MaskGAN.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="picture files; their central squares are edited")
    parser.add_argument("--run", type=Path, required=True, help="a run of baselines.maskgan.train")
    parser.add_argument("--stage", choices=STAGES, default=None, help="which painter of the run; the first of these that is there")
    wish = parser.add_mutually_exclusive_group(required=True)
    wish.add_argument("--attribute", metavar="NAME", help=f"one of {', '.join(SHAPES)}")
    wish.add_argument("--style-of", type=Path, metavar="PICTURE", help="take this picture's style")
    wish.add_argument("--mask", type=Path, metavar="PNG", help="take this mask's shape")
    parser.add_argument("--remove", action="store_true", help="with --attribute: without it instead of with it")
    parser.add_argument("--alpha", type=float, default=1.0, metavar="F", help="with --attribute: how far the shape goes (default 1)")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose parser finds the masks")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    parser.add_device()
    options = parser.parse_args(argv)
    if options.attribute is not None and options.attribute not in SHAPES:
        raise ValueError(f"--attribute {options.attribute!r} is no shape; accepted: {', '.join(SHAPES)}")
    for path in options.images:
        read_picture(path)  # a bad one is found before anything is loaded or written
    if options.attribute is None and (options.remove or options.alpha != 1.0):
        raise ValueError("--remove and --alpha mean something with --attribute only")
    return _edit_all(options)


@torch.no_grad()
def _edit_all(options) -> dict:
    device = cli.resolve_device(options.device)
    pack = load_pack(options.pack, device)
    editor = load_editor(options.run, lambda images: pack.parser(images), options.stage, device)
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    others = [path for path in (options.style_of, options.mask) if path is not None]
    for path, stem in zip(options.images, output_stems(options.images, options.out, ENDS, others)):
        cli.say(f"{path} ...")
        image = read_square(path, editor.painter.config.size).to(device)
        edited, mask = edit(editor, image, options)
        picture = save_png(options.out / f"{stem}{ENDS[0]}", to_pil(edited))
        drawn = save_png(options.out / f"{stem}{ENDS[1]}", label_image(mask[0]))
        results.append({"image": path, "edited": picture, "mask": drawn})
    return {"run": options.run, "stage": editor.painter.name, "out": options.out, "images": results}


if __name__ == "__main__":
    cli.run(main)
