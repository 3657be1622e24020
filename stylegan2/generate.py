"""Samples from seeds, on disk: `python -m stylegan2.generate --pack portraits --seeds 0-15 --out DIR`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Sequence

import torch
from torch import Tensor

from packs import cli
from stylegan2.images import grid, save_png, to_pil
from stylegan2.layers import NOISE_MODES
from stylegan2.seeds import latents_from_seeds, parse_seeds

if TYPE_CHECKING:
    from stylegan2.generator import Generator

MAX_TRUNCATION = 2.0
MAX_SHEET = 256  # images on the contact sheet; more would be unreadable


def check_truncation(truncation: float) -> None:
    """Raises ValueError for a truncation outside 0 to 2."""
    if not 0 <= truncation <= MAX_TRUNCATION:
        raise ValueError(f"truncation is {truncation}; accepted: a number from 0 to {MAX_TRUNCATION:g}")


def samples(
    generator: Generator,
    seeds: Sequence[int],
    truncation: float = 1.0,
    noise: str = "const",
    random: torch.Generator | None = None,
    batch_size: int = 8,
) -> Iterator[tuple[int, Tensor]]:
    """Make one image a seed, on the generator's device, a batch at a time.

    Args:
        truncation: 0 is the mean face, 1 the distribution as learned.
        noise, random: as in `Synthesis.forward`.

    Returns: what yields seed, float32 [3, R, R] about [-1, 1].
    Raises: ValueError: a truncation outside 0 to 2 or a batch size below 1, at once; an unknown noise.
    """
    check_truncation(truncation)
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; accepted: a whole number from 1")
    return _drawn(generator, seeds, truncation, noise, random, batch_size)


@torch.no_grad()
def _drawn(generator: Generator, seeds: Sequence[int], truncation: float, noise: str, random: torch.Generator | None,
           batch_size: int) -> Iterator[tuple[int, Tensor]]:
    device = generator.mapping.w_avg.device
    for start in range(0, len(seeds), batch_size):
        batch = seeds[start:start + batch_size]
        z = latents_from_seeds(batch, generator.z_dim).to(device)
        images = generator.synthesis(generator.mapping(z, truncation), noise, random)
        yield from zip(batch, images)


def write_samples(images: Iterator[tuple[int, Tensor]], out: Path, total: int) -> dict:
    """Write seed_0000.png and so on, and contact_sheet.png of the first 256; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    files, tiles = [], []
    for seed, image in images:
        files.append(save_png(out / f"seed_{seed:04d}.png", to_pil(image)))
        if len(tiles) < MAX_SHEET:
            tiles.append(image.cpu())
        cli.say(f"{len(files)}/{total} seed {seed}")
    return {"files": files, "sheet": save_png(out / "contact_sheet.png", grid(torch.stack(tiles)))}


def main(argv: Sequence[str]) -> dict:
    """Write samples of a pack's generator and a contact sheet. Raises ValueError and OSError."""
    from packs.pack import load_pack

    parser = cli.ArgumentParser(description="Write samples of a pack's generator, and a contact sheet.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--seeds", type=parse_seeds, default="0-15", help="such as 0-7 or 1,5,9 (0-15)")
    parser.add_argument("--truncation", type=float, help="0 is the mean face, 1 all variety (the pack's own)")
    parser.add_argument("--noise", choices=NOISE_MODES, default="const", help="fine detail: stored, none, or drawn from --seed (const)")
    parser.add_argument("--batch-size", type=cli.positive_int, default=8, metavar="N", help="images at once (8)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_seed(0)
    parser.add_device()
    options = parser.parse_args(argv)

    start = time.monotonic()
    pack = load_pack(options.pack, options.device)
    generator, truncation = pack.generator, pack.truncation if options.truncation is None else options.truncation
    random = torch.Generator(generator.mapping.w_avg.device).manual_seed(options.seed)
    seeds = list(dict.fromkeys(options.seeds))
    images = samples(generator, seeds, truncation, options.noise, random, options.batch_size)
    written = write_samples(images, options.out, len(seeds))
    return {"out": options.out, **written, "count": len(seeds), "truncation": truncation,
            "resolution": generator.resolution, "seconds": round(time.monotonic() - start, 3)}


if __name__ == "__main__":
    cli.run(main)
