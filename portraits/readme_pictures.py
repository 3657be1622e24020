"""The README's pictures of the drawn world: `python -m portraits.readme_pictures --out docs/images`.

samples.webp is a page of samples of the pack's generator, as they come; edits.webp shows ready-made directions, a row each, at
strengths from -2 to 2, the first on the face of the first seed, and so on. The same pack and seeds give the same pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from lelsd.direction import Direction, load_direction
from lelsd.strip import caption, strip
from packs import cli
from packs.files import write_atomically
from packs.pack import Pack, load_pack
from stylegan2.generate import samples
from stylegan2.images import grid
from stylegan2.seeds import parse_seeds

SHOWN = "curly_hair,blonde_hair,pink_hair,smile,glasses,hat,beard,red_lipstick"
FACES = "4,23,12,27,19,8,16,11"  # one for each of them, without what it adds
TILE = 160  # pixels of a face
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
WORDS, HEAD = 190, 24  # of the column with the prompts, and of the row with the strengths
QUALITY = 82  # of WebP


def samples_page(pack: Pack, seeds: Sequence[int], columns: int, tile: int = TILE) -> Image.Image:
    """Samples of these seeds, row by row."""
    page = grid(torch.stack([image.cpu() for _, image in samples(pack.generator, seeds, pack.truncation)]), columns)
    return page.resize((page.width * tile // pack.resolution, page.height * tile // pack.resolution), Image.Resampling.LANCZOS)


def edits_page(pack: Pack, directions: Sequence[Direction], seeds: Sequence[int], tile: int = TILE) -> Image.Image:
    """A row a direction: its prompt, then its face at each strength. Raises ValueError for fewer seeds than directions."""
    if len(seeds) < len(directions):
        raise ValueError(f"{len(seeds)} seeds are too few for {len(directions)} directions; one each is accepted")
    page, font = Image.new("RGB", (WORDS + tile * len(STRENGTHS), HEAD + tile * len(directions)), "white"), ImageFont.load_default(15)
    draw = ImageDraw.Draw(page)
    for column, alpha in enumerate(STRENGTHS):
        draw.text((WORDS + tile * column + tile // 2, HEAD // 2), caption(alpha), fill="black", font=font, anchor="mm")
    for row, (direction, seed) in enumerate(zip(directions, seeds)):
        faces = strip(pack, direction, [seed], STRENGTHS, truncation=pack.truncation, captions=False).resize((tile * len(STRENGTHS), tile), Image.Resampling.LANCZOS)
        page.paste(faces, (WORDS, HEAD + tile * row))
        draw.text((WORDS - 8, HEAD + tile * row + tile // 2), direction.prompt.removeprefix("a person ").removeprefix("with "), fill="black", font=font, anchor="rm")
    return page


def find_directions(pack: Pack, names: str) -> list[Direction]:
    """The ready-made directions of "a,b,c". Raises ValueError for one that the pack has not."""
    there = {path.stem: path for path in pack.directions()}
    missing = [name for name in names.split(",") if name not in there]
    if missing:
        raise ValueError(f"pack {pack.name!r} has no direction {missing[0]!r}; accepted are {', '.join(there) or 'none'}")
    return [load_direction(there[name]) for name in names.split(",")]


def save_webp(path: Path, picture: Image.Image) -> int:
    """Write it; returns its size in bytes."""
    written = BytesIO()
    picture.save(written, "WEBP", quality=QUALITY, method=6)
    write_atomically(path, written.getvalue())
    return len(written.getvalue())


def main(arguments: Sequence[str]) -> dict:
    """Write the two pictures."""
    parser = cli.ArgumentParser(prog="python -m portraits.readme_pictures", description="Make the README's pictures of a pack.")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack")
    parser.add_argument("--samples", type=parse_seeds, default="0-31", help="seeds of the page of samples (0-31)")
    parser.add_argument("--columns", type=cli.positive_int, default=8, help="of the page of samples (8)")
    parser.add_argument("--directions", default=SHOWN, help=f"of the pack, a row each ({SHOWN})")
    parser.add_argument("--seeds", type=parse_seeds, default=FACES, help=f"faces of those rows ({FACES})")
    parser.add_argument("--out", type=Path, required=True, help="folder for samples.webp and edits.webp")
    parser.add_device()
    options = parser.parse_args(list(arguments))
    pack = load_pack(options.pack, options.device)
    edits = edits_page(pack, find_directions(pack, options.directions), options.seeds)
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = {"samples": save_webp(options.out / "samples.webp", samples_page(pack, options.samples, options.columns)),
             "edits": save_webp(options.out / "edits.webp", edits)}
    return {"out": options.out, "bytes": sizes}


if __name__ == "__main__":
    cli.run(main)
