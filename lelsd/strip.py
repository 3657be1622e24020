"""A strip: one row a seed, one column a strength. How one sees what a direction does.

    python -m lelsd.strip --direction PATH [--seeds 0-7] [--alphas=-1,0,1] --out strip.png
"""
from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

import torch
from PIL import Image, ImageDraw, ImageFont

from lelsd.direction import Direction, load_direction
from packs import cli
from stylegan2 import images
from stylegan2.generate import check_truncation
from stylegan2.seeds import latents_from_seeds, parse_seeds
from stylegan2.steps import edited

if TYPE_CHECKING:
    from packs.pack import Pack

ALPHAS, HELD_ALPHAS = (-2.0, -1.0, 0.0, 1.0, 2.0), (-1.0, -0.5, 0.0, 0.5, 1.0)  # the second of directions with ends
CAPTION_HEIGHT, CAPTION_SHARE = 16, 5  # pixels at least; of large pictures the fifth part, for they are shown small


@torch.no_grad()
def strip(pack: "Pack", direction: Direction, seeds: Sequence[int], alphas: Sequence[float] | None = None, index: int = 0,
          layers: Sequence[int] | None = None, truncation: float = 1.0, captions: bool = True) -> Image.Image:
    """The picture of `direction` at each strength (None: `usual_alphas`) for each seed; the layers below the first edited one are computed once.

    Raises ValueError for a direction of another pack, or a truncation outside 0 to 2."""
    direction.check_pack(pack)
    check_truncation(truncation)
    alphas = usual_alphas(direction) if alphas is None else alphas
    synthesis = pack.generator.synthesis
    lowest = min(direction.layers)
    rows = []
    for z in latents_from_seeds(seeds, pack.generator.z_dim):
        w_plus = pack.generator.mapping(z[None].to(pack.device), truncation=truncation)
        state = synthesis.state_below(w_plus, lowest)
        steps = direction.step_from(w_plus, torch.tensor(list(alphas)), index, layers).to(pack.device)
        rows.append(images.to_uint8(edited(synthesis, w_plus, steps, state=state)))
    return sheet(rows, [caption(alpha) for alpha in alphas] if captions else [])


def usual_alphas(direction: Direction) -> tuple[float, ...]:
    """Strengths that show what a direction does."""
    return HELD_ALPHAS if direction.has_ends else ALPHAS


def caption(alpha: float) -> str:
    """A strength as it stands above its column."""
    return f"{alpha:+g}" if alpha else "0"


def sheet(rows: Sequence, captions: Sequence[str] = (), names: Sequence[str] = ()) -> Image.Image:
    """rows of uint8 arrays [N, H, W, 3] -> one picture, captions above the columns, names before the rows."""
    height, width = rows[0].shape[1:3]
    top, left = caption_height(width) if captions else 0, names_width(names, width)
    pasted = Image.new("RGB", (left + width * len(rows[0]), top + height * len(rows)), "white")
    places = [(words, (left + column * width + width // 2, top // 2)) for column, words in enumerate(captions)]
    places += [(words, (left // 2, top + row * height + height // 2)) for row, words in enumerate(names)]
    for words, place in places:
        ImageDraw.Draw(pasted).text(place, words, fill="black", anchor="mm", font=_font(width))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            pasted.paste(Image.fromarray(picture), (left + x * width, top + y * height))
    return pasted


def caption_height(width: int) -> int:
    """Pixels that captions need above pictures of this width."""
    return max(CAPTION_HEIGHT, width // CAPTION_SHARE)


def names_width(names: Sequence[str], width: int) -> int:
    """Pixels that the names of rows need before pictures of this width, with some air; none for no names."""
    return caption_height(width) + math.ceil(max(_font(width).getlength(name) for name in names)) if names else 0


def _font(width: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(0.62 * caption_height(width))


def parse_alphas(text: str) -> list[float]:
    """"-2,-1,0,1,2" -> numbers. Raises ValueError for anything else."""
    try:
        alphas = [float(item) for item in text.split(",")]
    except ValueError:
        raise ValueError(f"alphas are {text[:60]!r}; accepted: numbers from -10 to 10 separated by commas, such as -2,0,2") from None
    if not all(-10 <= alpha <= 10 for alpha in alphas):
        raise ValueError(f"alphas are {text[:60]!r}; accepted: numbers from -10 to 10 separated by commas, such as -2,0,2")
    return alphas


def main(argv: Sequence[str]) -> dict:
    """Write a strip."""
    from packs.pack import load_pack
    parser = cli.ArgumentParser(description="Draw a direction: one row a seed, one column a strength.")
    parser.add_argument("--direction", type=Path, required=True, help="a direction.safetensors")
    parser.add_argument("--pack", default="portraits")
    parser.add_argument("--seeds", default="0-7", help="such as 0-7 or 1,5,9 (0-7)")
    parser.add_argument("--alphas", help="strengths; write --alphas=-2,0,2 (-1,-0.5,0,0.5,1, or twice that for a direction without ends)")
    parser.add_argument("--truncation", type=float, default=0.8)
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    parser.add_device()
    options = parser.parse_args(argv)
    direction = load_direction(options.direction)
    pack = load_pack(options.pack, options.device)
    alphas = usual_alphas(direction) if options.alphas is None else parse_alphas(options.alphas)
    picture = strip(pack, direction, parse_seeds(options.seeds), alphas, truncation=options.truncation)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    images.save_png(options.out, picture)
    return {"strip": options.out, "prompt": direction.prompt, "rows": options.seeds, "columns": ",".join(f"{alpha:g}" for alpha in alphas)}


if __name__ == "__main__":
    cli.run(main)
