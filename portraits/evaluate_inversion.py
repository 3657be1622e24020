"""Measures how well a pack finds held-out renders again: `python -m portraits.evaluate_inversion --pack P --cache DIR`.

Part of `portraits.evaluate_pack` too. Feature distance, identity and pixel error, of the encoder alone and after some steps of
optimisation; with `--out FOLDER` a page is written there: targets, what the encoder said, and what was found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from lelsd.features import FeatureDistance
from lelsd.invert import invert_picture, start_of
from lelsd.likeness import Likeness, means
from packs import cli
from packs.pack import Pack, load_pack
from portraits.dataset import PortraitCache
from portraits.pictures import Pictures
from stylegan2.images import grid, save_png
from stylegan2.inversion.optimise import Inversion

RENDERS, STEPS = 64, 20
BATCH = 8  # pictures at once, and on the page


def evaluate_inversion(pack: Pack, cache: PortraitCache, count: int = RENDERS, steps: int = STEPS, out: Path | None = None) -> dict:
    """{"renders", "steps", "start", "before", "after", "seconds_each"}: `likeness.means` of the start and of what was found.

    Raises ValueError for a pack whose pictures the cache's cannot be shrunk to.
    """
    if pack.resolution > cache.size or cache.size % pack.resolution:
        raise ValueError(f"pack {pack.name!r} draws {pack.resolution} pixels, the cache holds {cache.size}; accepted are multiples")
    pictures, distance = Pictures(cache.images), FeatureDistance(pack)
    likeness, settings = Likeness(pack, distance), Inversion(steps=steps, patience=steps + 1)
    chosen, begun, told, page = cache.validation_indices[:count], time.monotonic(), [], []
    for place in range(0, len(chosen), BATCH):
        target = pictures.only(chosen[place : place + BATCH], pack.resolution).to(pack.device)
        first = final = None
        for final in invert_picture(pack, target, settings, distance):
            first = first or final
        told.append((likeness(target, first.image), likeness(target, final.image)))
        page = page or [target, first.image, final.image]
        cli.say(f"inversion: {place + len(target)} of {len(chosen)}")
    seconds = (time.monotonic() - begun) / len(chosen)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        save_png(out / "inversion.png", grid(torch.cat(page).cpu(), len(page[0])))
    before, after = (means({name: torch.cat([each[name] for each in column]) for name in column[0]}) for column in zip(*told))
    return {"renders": len(chosen), "steps": steps, "start": start_of(pack, target)[1], "before": before, "after": after,
            "seconds_each": round(seconds, 3)}


def main(arguments: Sequence[str]) -> dict:
    """Measure a pack's inversion."""
    parser = cli.ArgumentParser(prog="python -m portraits.evaluate_inversion", description="Measure how well a pack finds held-out renders again.")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack")
    parser.add_argument("--cache", type=Path, required=True, help="a cache of renders, as build_pack's stage data makes")
    parser.add_argument("--count", type=cli.positive_int, default=RENDERS, help=f"held-out renders ({RENDERS})")
    parser.add_argument("--steps", type=cli.whole_number, default=STEPS, help=f"of optimisation after the encoder ({STEPS})")
    parser.add_argument("--out", type=Path, help="folder for inversion.png")
    parser.add_device()
    options = parser.parse_args(list(arguments))
    pack = load_pack(options.pack, options.device)
    return evaluate_inversion(pack, PortraitCache(options.cache), options.count, options.steps, options.out)


if __name__ == "__main__":
    cli.run(main)
