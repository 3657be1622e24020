"""How fast w+ becomes a picture, against our own plain float32 path: `python -m benchmarks.synthesis --json`."""

from __future__ import annotations

import math
from typing import Sequence

import torch

from benchmarks.measure import in_turn, machine, peak_mb
from packs import cli
from stylegan2.generator import Generator, GeneratorConfig, compute_dtype
from stylegan2.ops import native
from stylegan2.ops.memory import reuse_freed_memory

PRECISIONS = {"default": None, "bfloat16": torch.bfloat16, "float32": torch.float32}


@torch.no_grad()
def measure(generator: Generator, batch: int, precision: str, repeats: int, seed: int = 0, first_layer: int = 0) -> dict:
    """One result line for one batch size.

    The fast path and the reference (float32, and none of the compiled operations) see the same latents and run in turn. PSNR takes
    the range [-1, 1] as its peak. With a `first_layer` the fast path starts at the state below it, as a slider does whose
    direction touches no earlier layer; the reference always makes the whole picture.
    """
    device = generator.mapping.w_avg.device
    dtype = PRECISIONS[precision] or compute_dtype(device)
    z = torch.randn(batch, generator.z_dim, generator=torch.Generator().manual_seed(seed)).to(device)
    w_plus = generator.mapping(z, truncation=0.7)
    state = generator.synthesis.state_below(w_plus, first_layer, dtype=dtype) if first_layer else None

    def fast() -> torch.Tensor:
        return generator.synthesis(w_plus, state=state, dtype=dtype)

    def reference() -> torch.Tensor:
        with native.reference():
            return generator.synthesis(w_plus, dtype=torch.float32)

    peak = peak_mb(fast, device)
    seconds, reference_seconds = in_turn([fast, reference], repeats, device)
    error = float((fast() - reference()).square().mean())
    return {
        "resolution": generator.resolution, "batch": batch, "precision": precision, "device": device.type,
        "dtype": str(dtype).removeprefix("torch."), "compiled": device.type == "cpu" and native.cpu() is not None,
        "first_layer": first_layer, "median_s": seconds, "images_per_s": batch / seconds,
        "peak_mb": peak, "reference_s": reference_seconds, "ratio": reference_seconds / seconds,
        "psnr_db": 10 * math.log10(4 / error) if error > 0 else None,
    }


@torch.no_grad()
def untrained(resolution: int, device: torch.device) -> Generator:
    """A generator of the published widths with random weights: as slow as a trained one, its pictures as bright as photographs are.

    A picture is linear in the toRGB weights, which are scaled to give it a standard deviation of 0.5; PSNR would mean little otherwise.
    """
    config = GeneratorConfig(resolution=resolution, z_dim=512, w_dim=512, channel_base=16384 if resolution < 512 else 32768)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = Generator(config).to(device).eval().requires_grad_(False)
        z = torch.randn(1, config.z_dim).to(device)
    scale = 0.5 / generator(z).std()
    for size in config.resolutions:
        generator.synthesis.get_submodule(f"b{size}").torgb.weight.mul_(scale)
    return generator


def parse_batches(text: str) -> list[int]:
    """"1,8" -> [1, 8]. Raises ValueError for anything but whole numbers from 1."""
    batches = [int(item) if item.strip().isdecimal() else 0 for item in text.split(",")]
    if min(batches) < 1:
        raise ValueError(f"batches are {text[:60]!r}; accepted: whole numbers from 1 separated by commas, such as 1,8")
    return batches


def main(argv: Sequence[str]) -> dict:
    """Measure a pack's generator, or one of another resolution with random weights."""
    from packs.pack import load_pack

    parser = cli.ArgumentParser(description="Time synthesis against the plain float32 path.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--resolution", type=int, help="instead of a pack: random weights, published widths, such as 1024")
    parser.add_argument("--batch", type=parse_batches, default="1,8", help="batch sizes (1,8)")
    parser.add_argument("--precision", choices=PRECISIONS, default="default", help="default is what the device is fastest in")
    parser.add_argument("--first-layer", type=int, default=0, metavar="L", help="start at the state below layer L, as a slider does (0)")
    parser.add_argument("--repeats", type=cli.positive_int, default=10, metavar="N", help="timed runs, of which the median counts (10)")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON line, no table on standard error")
    parser.add_seed(0)
    parser.add_device()
    options = parser.parse_args(argv)

    reuse_freed_memory()
    device = cli.resolve_device(options.device)
    generator = load_pack(options.pack, device).generator if options.resolution is None else untrained(options.resolution, device)
    results = [measure(generator, batch, options.precision, options.repeats, options.seed, options.first_layer) for batch in options.batch]
    if not options.json:
        for line in results:
            cli.say("{resolution} px, batch {batch}, {dtype}: {median_s:.4f} s, {ratio:.2f} times as fast as plain float32".format(**line))
    return {"benchmark": "synthesis", "machine": machine(), "repeats": options.repeats, "results": results}


if __name__ == "__main__":
    cli.run(main)
