"""Edit picture files by attribute with a trained run, beside a baseline if one is given.

    python -m baselines.secgan.edit --run runs/secgan --baseline runs/baseline --attribute Bangs face.png --out edits/

writes for each picture NAME.png (edited), NAME_difference.png, NAME_mask.png and NAME_mask_edited.png (what the parser sees),
NAME_mask_translated.png (what the semantic branch makes of the mask, where the run has one), and figure.png of all of them.
NAME is the picture's, with -2 and so on where something would be overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.secgan.editor import SecganEditor, load_editor
from baselines.secgan.run import FILES
from baselines.secgan.segments import colours, likeliest, log_probability
from baselines.secgan.sheets import figure, words
from baselines.secgan.weights import load_generator
from evaluation.editor import Request, Samples
from evaluation.pictures import heat
from packs import cli
from packs.pack import load_pack
from portraits.pictures import smooth
from segmentation.parser import read_picture
from stylegan2.images import output_stems, save_png, to_pil

if TYPE_CHECKING:
    from segmentation.parser import FaceParser

FIGURE = "figure.png"
LARGEST, FIGURE_SIZE = 1024, 256  # pixels: of a picture that is edited, and of one in the figure
SUFFIXES = {"difference": "_difference", "mask": "_mask", "edited mask": "_mask_edited", "translated mask": "_mask_translated"}


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.secgan.edit`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    pictures = {path: _square(read_picture(path)) for path in options.images}
    device = cli.resolve_device(options.device)
    parser = load_pack(options.pack, device).parser
    editor = load_editor(options.run, device, parser)
    baseline = None if options.baseline is None else load_editor(options.baseline, device, parser)
    request = Request("", options.attribute, options.value == "on", options.alpha)
    options.out.mkdir(parents=True, exist_ok=True)
    rows, results = [], []
    ends = (".png", *(f"{suffix}.png" for suffix in SUFFIXES.values()))
    stems = output_stems(list(pictures), options.out, ends, [options.out / FIGURE])
    for (path, image), stem in zip(pictures.items(), stems):
        cli.say(f"{path} ...")
        made = _columns(editor, baseline, parser, _semantic(options.run, device), image, request)
        results.append({"image": path, **_written(made, editor.name, options.out, stem)})
        small = {column: smooth(shown[None], FIGURE_SIZE)[0] for column, shown in made.items()}
        rows.append((f"{path.stem}\n{words(options.attribute, request.value)}", small))
    drawn = save_png(options.out / FIGURE, figure(f"alpha {options.alpha:g}", rows))
    return {"editor": editor.name, "attribute": options.attribute, "value": request.value, "alpha": options.alpha, "figure": drawn, "images": results}


def _parser():
    parser = cli.ArgumentParser(description="Edit pictures by attribute with a trained SeCGAN, or a baseline of it.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="picture files of aligned faces; their central square is taken")
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, or its generator.safetensors")
    parser.add_argument("--baseline", type=Path, metavar="RUN", help="another run, to stand beside it in the figure")
    parser.add_argument("--attribute", required=True, help="such as Bangs or Eyeglasses")
    parser.add_argument("--value", choices=("on", "off"), default="on", help="whether the attribute comes or goes (on)")
    parser.add_argument("--alpha", type=float, default=1.0, metavar="F", help="strength; 1 is the network's own edit (1)")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose parser makes the masks (portraits)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for what is written")
    parser.add_device()
    return parser


def _square(image: Tensor) -> Tensor:
    """The central square of [1, 3, H, W], no larger than `LARGEST`."""
    side = min(image.shape[2:])
    top, left = ((length - side) // 2 for length in image.shape[2:])
    square = image[:, :, top : top + side, left : left + side]
    return smooth(square, LARGEST) if side > LARGEST else square


def _semantic(run: Path, device: torch.device):
    """The semantic generator beside the RGB one, or None."""
    path = (run if run.is_dir() else run.parent) / FILES["semantic"]
    return load_generator(path, device, "semantic")[0] if path.exists() else None


@torch.no_grad()
def _columns(editor: SecganEditor, baseline: SecganEditor | None, parser: "FaceParser", semantic, image: Tensor,
             request: Request) -> dict[str, Tensor]:
    """The columns of figure 5 for one picture [1, 3, R, R], each [3, R, R] on the CPU."""
    device, samples = editor.device, Samples(image)
    after = editor.edit(samples, request)
    made = {"original": image} | ({} if baseline is None else {"baseline": baseline.edit(samples, request)}) | {editor.name: after}
    if baseline is not None:
        made["baseline difference"] = heat(image, made["baseline"])
    made |= {"difference": heat(image, after), "mask": colours(log_probability(parser(image.to(device)))),
             "edited mask": colours(log_probability(parser(after.to(device))))}
    if semantic is not None:
        small = likeliest(log_probability(parser(smooth(image.to(device), editor.config.size))))
        made["translated mask"] = colours(semantic(small, editor.difference(request)[None]))
    return {name: shown[0].cpu() for name, shown in made.items()}


def _written(made: Mapping[str, Tensor], edited: str, out: Path, name: str) -> dict[str, Path]:
    """Save what has a file of its own; the paths by what they hold."""
    files = {"edited": save_png(out / f"{name}.png", to_pil(made[edited]))}
    return files | {column.replace(" ", "_"): save_png(out / f"{name}{suffix}.png", to_pil(made[column]))
                    for column, suffix in SUFFIXES.items() if column in made}


if __name__ == "__main__":
    cli.run(main)
