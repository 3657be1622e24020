"""The README's pictures of the drawn world: `python -m portraits.readme_pictures --out docs/images`.

samples.webp is a page of samples of the pack's generator, as they come; edits.webp shows ready-made directions, a row each, at
strengths from 0 to 1, the first on the face of the first seed, and so on; prompts.webp and hats.webp show faces, and what prompts for
several things make of them, a row each. The same pack and seeds give the same pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from textwrap import wrap

import torch
from PIL import Image, ImageDraw, ImageFont

from lelsd.colour_words import named_colour
from lelsd.direction import Direction, load_direction
from lelsd.edit import Edit, EditStack, apply
from lelsd.first import first_direction
from lelsd.prompt import Prompt, parse_prompt
from lelsd.strip import caption, strip
from lelsd.wishes import by_meaning, directions_for
from packs import cli
from packs.files import write_atomically
from packs.pack import Pack, load_pack
from stylegan2.generate import samples
from stylegan2.images import grid, to_pil
from stylegan2.seeds import latents_from_seeds, parse_seeds

SHOWN = "curly_hair,blonde_hair,pink_hair,smile,glasses,hat,beard,red_lipstick"
FACES = "4,23,12,3,19,8,16,11"  # one for each of them, without what it adds
TILE = 160  # pixels of a face
PROMPTS = ("an old man with glasses and a red hat", "a smiling woman with long blonde hair", "curly red hair and freckles", "long pink hair and a blue shirt")
HATS = ("a hat", "a red hat", "a yellow hat", "a black hat")
CROWD = "62,3,33,11,40,5,19"  # faces of the pages of prompts
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


@torch.no_grad()
def prompts_page(pack: Pack, prompts: Sequence[str], seeds: Sequence[int], tile: int = TILE) -> Image.Image:
    """The faces of these seeds, and below them, a row a prompt, with everything that it asks for: by directions of the pack, and colours that have a name.

    Raises ValueError for a thing that neither does."""
    known = by_meaning(map(load_direction, pack.directions()), pack)
    base = pack.generator.mapping(latents_from_seeds(seeds, pack.generator.z_dim).to(pack.device), truncation=pack.truncation)
    page, font = Image.new("RGB", (WORDS + tile * len(seeds), tile * (1 + len(prompts))), "white"), ImageFont.load_default(15)
    draw = ImageDraw.Draw(page)
    for row, text in enumerate(("", *prompts)):
        edits = directions_for(parse_prompt(text, pack), pack, known, partial(_named_colour, pack)) if text else []
        w_plus = apply(base, EditStack(tuple(Edit(direction, alpha) for direction, alpha in edits)))
        for column, some in enumerate(w_plus.split(1)):
            face = to_pil(pack.generator.synthesis(some)).resize((tile, tile), Image.Resampling.LANCZOS)
            page.paste(face, (WORDS + tile * column, tile * row))
        draw.multiline_text((WORDS - 8, tile * row + tile // 2), "\n".join(wrap(text, 24)), fill="black", font=font, anchor="rm", align="right")
    return page


def _named_colour(pack: Pack, wish: Prompt) -> Direction:
    """Of which there is nothing to learn. Raises ValueError for anything else."""
    if named_colour(wish) is None:
        raise ValueError(f"pack {pack.name!r} has no direction for {wish.text!r}; accepted: what it has one for, and colours that have a name")
    return first_direction(pack, wish)


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
    """Write the pictures."""
    parser = cli.ArgumentParser(prog="python -m portraits.readme_pictures", description="Make the README's pictures of a pack.")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack")
    parser.add_argument("--samples", type=parse_seeds, default="0-31", help="seeds of the page of samples (0-31)")
    parser.add_argument("--columns", type=cli.positive_int, default=8, help="of the page of samples (8)")
    parser.add_argument("--directions", default=SHOWN, help=f"of the pack, a row each ({SHOWN})")
    parser.add_argument("--seeds", type=parse_seeds, default=FACES, help=f"faces of those rows ({FACES})")
    parser.add_argument("--crowd", type=parse_seeds, default=CROWD, help=f"faces of the pages of prompts ({CROWD})")
    parser.add_argument("--out", type=Path, required=True, help="folder for samples.webp, edits.webp, prompts.webp and hats.webp")
    parser.add_device()
    options = parser.parse_args(list(arguments))
    pack = load_pack(options.pack, options.device)
    edits = edits_page(pack, find_directions(pack, options.directions), options.seeds)
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = {"samples": save_webp(options.out / "samples.webp", samples_page(pack, options.samples, options.columns)),
             "edits": save_webp(options.out / "edits.webp", edits),
             **{name: save_webp(options.out / f"{name}.webp", prompts_page(pack, prompts, options.crowd)) for name, prompts in (("prompts", PROMPTS), ("hats", HATS))}}
    return {"out": options.out, "bytes": sizes}


if __name__ == "__main__":
    cli.run(main)
