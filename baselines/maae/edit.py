"""Edit pictures with trained networks of M-AAE.

    python -m baselines.maae.edit --run runs/maae --attribute Eyeglasses photo.png --out edited                 # a strip from -5 to 5
    python -m baselines.maae.edit --run runs/maae --attribute Eyeglasses=5 --attribute Smiling=-3 photo.png --out edited

With strengths, attributes are edited in turn, each in what the one before made, as the paper does (section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from baselines.maae.editor import MaaeEditor

SHOWN = (-1.0, -0.6, -0.2, 0.0, 0.2, 0.6, 1.0)  # strengths of a strip, in units of delta


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.maae.edit`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    asked = [attribute_and_strength(text) for text in options.attribute]
    unspecified = [name for name, strength in asked if strength is None]
    if unspecified and len(asked) > 1:
        raise ValueError(f"attribute {unspecified[0]!r} has no strength; accepted for several: NAME=STRENGTH each")
    from baselines.maae.editor import load_editor
    from stylegan2.images import from_pil, open_image, output_stems, save_png, to_pil

    editor = load_editor(options.run, cli.resolve_device(options.device))
    size = editor.trained(asked[0][0]).settings.network.size
    pictures = [from_pil(open_image(path), size) for path in options.image]
    if unspecified:
        edited = [strip_of(editor, asked[0][0], image) for image in pictures]
    else:
        edited = [to_pil(editor.in_turn(image, asked)) for image in pictures]
    options.out.mkdir(parents=True, exist_ok=True)
    written = [save_png(options.out / f"{stem}.png", picture)
               for stem, picture in zip(output_stems(options.image, options.out, [".png"]), edited)]
    return {"out": options.out, "pictures": written, "strengths": {name: strength for name, strength in asked}}


def attribute_and_strength(text: str) -> tuple[str, float | None]:
    """`NAME` or `NAME=STRENGTH`. Raises ValueError for a strength that is no number."""
    name, equals, strength = text.partition("=")
    return name.strip(), cli.number(strength) if equals else None


def strip_of(editor: "MaaeEditor", attribute: str, image: "Tensor") -> "Image.Image":
    """A picture [1, 3, S, S], and beside it the same at strengths from -delta to delta (figure 6)."""
    import torch

    from stylegan2.images import strip

    delta = editor.trained(attribute).settings.network.delta
    shown = [image, *(editor.at(image, attribute, share * delta) for share in SHOWN)]
    return strip(torch.cat(shown), ["given", *(f"{share * delta:+g}" for share in SHOWN)])


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Edit pictures with trained networks of M-AAE.")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder that baselines.maae.train wrote")
    parser.add_argument("--attribute", required=True, action="append", metavar="NAME[=STRENGTH]",
                        help="what to edit, how strongly (-5 to 5); may come again")
    parser.add_argument("image", type=Path, nargs="+", metavar="IMAGE", help="pictures; their central square is used")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the edited pictures")
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
