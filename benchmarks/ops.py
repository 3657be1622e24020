"""How fast the compiled operations are, against their references in PyTorch: `python -m benchmarks.ops --json`."""

from __future__ import annotations

import itertools
import math
from typing import Callable, Iterator, NamedTuple, Sequence

import torch
from torch import Tensor

from benchmarks.measure import in_turn, machine, peak_mb
from packs import cli
from stylegan2.layers import SynthesisLayer
from stylegan2.ops import bias_act, downsample2d, native, scale_bias_act, setup_filter, upfirdn2d, upsample2d
from stylegan2.ops.memory import reuse_freed_memory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# Maps of the published generator at 1024 pixels: channels and side, from the small and deep to the large and thin.
MAPS = [(512, 16), (512, 64), (256, 128), (64, 512)]
PICTURES = [(3, 128), (3, 512)]
SIZES = {
    "bias_act": MAPS, "scale_bias_act": MAPS, "filter": MAPS, "downsample2d": MAPS, "upsample2d": PICTURES,
    "synthesis_layer": MAPS, "synthesis_layer_up": MAPS[:3],
}


class Case(NamedTuple):
    """One operation on one kind of map. `gradient`: with the gradient of the map, else forward only."""

    op: str
    channels: int
    side: int
    batch: int
    dtype: str
    layout: str
    gradient: bool


def operation(case: Case, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The function of a map that a case is about."""
    draw = torch.Generator().manual_seed(1)

    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw).to(device)

    taps, channels = setup_filter().to(device), case.channels
    bias, noise = randn(channels), randn(1, 1, case.side, case.side)
    same_bias, scale = bias.to(DTYPES[case.dtype]), randn(case.batch, channels).abs()
    if case.op.startswith("synthesis_layer"):
        return _layer(case, device, randn(case.batch, 512))
    return {
        "bias_act": lambda x: bias_act(x, same_bias, "lrelu", clamp=256),
        "scale_bias_act": lambda x: scale_bias_act(x, scale, bias, noise, 256),
        "filter": lambda x: upfirdn2d(x, taps, padding=(2, 1, 2, 1)),
        "upsample2d": lambda x: upsample2d(x, taps),
        "downsample2d": lambda x: downsample2d(x, taps),
    }[case.op]


def _layer(case: Case, device: torch.device, w: Tensor) -> Callable[[Tensor], Tensor]:
    """A whole layer of the generator, its convolution included: what the operations are part of."""
    up = 2 if case.op.endswith("_up") else 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        layer = SynthesisLayer(case.channels, case.channels // up, 512, case.side * up, up, conv_clamp=256)
    layer = layer.to(device).requires_grad_(False)
    return lambda x: layer(x, w)


def measure(case: Case, device: torch.device, repeats: int, seed: int = 0) -> dict:
    """One result line. PSNR is against the reference in float32, its largest magnitude as the peak."""
    shape = case.batch, case.channels, case.side, case.side
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device, DTYPES[case.dtype])
    x = x.to(memory_format=LAYOUTS[case.layout])
    function = operation(case, device)

    def fast(x: Tensor = x) -> Tensor:
        if not case.gradient:
            with torch.no_grad():
                return function(x)
        x = x.detach().requires_grad_()
        y = function(x)
        return torch.autograd.grad(y, x, y.detach())[0]

    def plain(x: Tensor = x) -> Tensor:
        with native.reference():
            return fast(x)

    seconds, reference_seconds = in_turn([fast, plain], repeats, device)
    return {
        **case._asdict(), "resolution": case.side, "precision": case.dtype, "device": device.type, "median_s": seconds,
        "peak_mb": peak_mb(fast, device), "reference_s": reference_seconds, "ratio": reference_seconds / seconds,
        "psnr_db": _psnr(fast(x.clone()), plain(x.float())),
    }


def _psnr(result: Tensor, expected: Tensor) -> float | None:
    error = float((result.float() - expected).square().mean().sqrt())
    return 20 * math.log10(float(expected.abs().max()) / error) if error else None


def cases(ops: Sequence[str], batch: int, dtypes: Sequence[str], device: torch.device) -> Iterator[Case]:
    """Every size, format, layout and direction of these operations, as far as they are compiled for the device."""
    for op in ops:
        if op == "scale_bias_act" and device.type == "cpu":  # there it is a part of synthesis_layer
            continue
        for (channels, side), dtype, layout, gradient in itertools.product(SIZES[op], dtypes, LAYOUTS, (False, True)):
            yield Case(op, channels, side, batch, dtype, layout, gradient)


def some_of(accepted: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of "a,b": names among the accepted ones, which its ValueError lists."""
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        wrong = [name for name in names if name not in accepted]
        if wrong:
            raise ValueError(f"there is no {wrong[0][:60]!r}; accepted: {', '.join(accepted)}, separated by commas")
        return names
    return parse


def main(argv: Sequence[str]) -> dict:
    """Measure each operation on the maps it meets in the generator."""
    parser = cli.ArgumentParser(description="Time the compiled operations against their references in PyTorch.")
    parser.add_argument("--ops", type=some_of(list(SIZES)), default=",".join(SIZES), help="which ones (all)")
    parser.add_argument("--dtypes", type=some_of(list(DTYPES)), default="float32,bfloat16", help="number formats (float32,bfloat16)")
    parser.add_argument("--batch", type=cli.positive_int, default=1, metavar="N", help="maps at once (1)")
    parser.add_argument("--repeats", type=cli.positive_int, default=10, metavar="N", help="timed runs, of which the median counts (10)")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON line, no table on standard error")
    parser.add_seed(0)
    parser.add_device()
    options = parser.parse_args(argv)

    reuse_freed_memory()
    device, results = cli.resolve_device(options.device), []
    for case in cases(options.ops, options.batch, options.dtypes, device):
        results.append(measure(case, device, options.repeats, options.seed))
        if not options.json:
            cli.say("{op:18} {channels:4} x {side:<4} {dtype:8} {layout:13} {direction:8} {ms:9.3f} ms, {ratio:6.2f} times as fast".format(
                **results[-1], direction="gradient" if case.gradient else "forward", ms=results[-1]["median_s"] * 1e3))
    compiled = (native.cuda() if device.type == "cuda" else native.cpu()) is not None
    return {"benchmark": "ops", "machine": machine(), "repeats": options.repeats, "compiled": compiled, "results": results}


if __name__ == "__main__":
    cli.run(main)
