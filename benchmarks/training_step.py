"""Time, memory and error of a step of training, against a plain float32 reference: `python -m benchmarks.training_step --json`.

The architectures are eCLIPsed's (FFHQ-1024, CLIP ViT-B/32, BiSeNet at 512 pixels), the weights random. Each figure comes from
a process of its own, so that the memory of one does not count for another; they run one after the other, as side by side
they would need the memory of both.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.measure import in_turn, machine, peak_mb
from benchmarks.plain_step import PlainObjective
from benchmarks.untrained import UntrainedPack
from lelsd.config import PRESETS, TrainConfig, parse_layers, preset, rows_seen
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.run_folder import RunFolder
from lelsd.train import Training
from packs import cli
from stylegan2.generator import GeneratorConfig, compute_dtype
from stylegan2.ops.memory import reuse_freed_memory

PRECISIONS = ("default", "float32")
OURS, PLAIN = "ours", "plain"
TINY_CLIP = {"embed_dim": 32, "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
             "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}
ARCHITECTURES = {
    "ffhq": ({"z_dim": 512, "w_dim": 512, "channel_base": 32768}, {}),
    "tiny": ({"z_dim": 16, "w_dim": 16, "channel_base": 512, "channel_max": 32, "num_mapping_layers": 2},
             {"clip": TINY_CLIP, "parser_width": 0.125, "parser_size": 64}),
}
"""Settings of the generator, and of the other models."""


@dataclass(frozen=True)
class Case:
    """One thing to measure. looked_at: the resolution of the pictures that the losses look at, 0 for the generator's own."""

    side: str = OURS
    architecture: str = "ffhq"
    resolution: int = 1024
    batch: int = 2
    precision: str = "default"
    preset: str = "published"
    layers: str = "all"
    looked_at: int = 0
    device: str = "cpu"
    repeats: int = 3
    seed: int = 0


def prepare(case: Case) -> Training:
    """A run that has not begun, at a random direction."""
    device = torch.device(case.device)
    exact = case.side == PLAIN or case.precision == "float32"
    generator, others = ARCHITECTURES[case.architecture]
    pack = UntrainedPack(GeneratorConfig(resolution=case.resolution, **generator), device=device,
                         dtype=torch.float32 if exact else compute_dtype(device), **others)
    config = TrainConfig().updated(preset(case.preset)).updated(
        {"batch_size": case.batch, "layers": case.layers, "initial": "random", "resolution": case.looked_at, "seed": case.seed})
    prompt = parse_prompt("a person with curly hair", pack)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(pack, prompt, config, RunFolder(Path(folder)), lambda: False)
    training.objective = (PlainObjective if case.side == PLAIN else Objective)(pack, prompt, config)
    return training


def gradient(training: Training) -> Tensor:
    """Of the first step's loss with respect to the directions, [K, n, D]."""
    total, _ = training.losses(1)
    (found,) = torch.autograd.grad(total, training.raw)
    return found


def measure(case: Case) -> tuple[dict, Tensor]:
    """Seconds and megabytes of a step of Adam, and the gradient of the first one. Without repeats, the gradient alone."""
    if case.side == OURS:
        reuse_freed_memory()  # as the command line does; the reference leaves the allocator as eCLIPsed does
    training = prepare(case)
    found = gradient(training)
    if not case.repeats:
        return {}, found
    steps = iter(range(1, 10**6))
    peak = peak_mb(lambda: training.train_step(next(steps)), training.pack.device)
    (seconds,) = in_turn([lambda: training.train_step(next(steps))], case.repeats, training.pack.device)
    return {"median_s": seconds, "peak_mb": peak, "dtype": str(training.pack.dtype).removeprefix("torch.")}, found


def measure_apart(case: Case) -> tuple[dict, Tensor]:
    """`measure` in a process of its own. Raises ValueError with the last words of one that failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gradient.safetensors"
        done = subprocess.run([sys.executable, "-m", "benchmarks.training_step", "--measure", json.dumps(asdict(case)), str(path)],
                              capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
        if done.returncode:
            words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}, for lack of memory it may be"]
            raise ValueError(f"{case.side} at {case.resolution} pixels, batch {case.batch}, could not be measured: {words[-1]}")
        return json.loads(done.stdout.splitlines()[-1]), load_file(path)["gradient"]


def agreement(found: Tensor, wanted: Tensor) -> dict[str, float]:
    """Cosine of two gradients [K, n, D], and the length of their difference by that of `wanted`. Rows that an approximation
    does not learn count as 0."""
    found = F.pad(found, (0, 0, 0, wanted.shape[1] - found.shape[1]))
    return {"cosine": float(F.cosine_similarity(found.flatten(), wanted.flatten(), dim=0, eps=1e-30)),
            "error": float((found - wanted).norm() / wanted.norm().clamp_min(1e-30))}


def compare(case: Case, looked_at: Sequence[int], reference: bool, progress=cli.say) -> list[dict]:
    """A result line for `case`, and one for each approximation that looks at smaller pictures."""
    plain = exact = None
    if reference:
        progress("the plain reference ...")
        figures, plain = measure_apart(replace(case, side=PLAIN))
        progress("the gradient in float32 ...")
        exact = measure_apart(replace(case, precision="float32", repeats=0))[1]
    lines = []
    for size in (0, *looked_at):
        progress(f"a step that looks at {size or case.resolution} pixels ...")
        ours, found = measure_apart(replace(case, looked_at=size))
        line = {"resolution": case.resolution, "batch": case.batch, "precision": case.precision, "device": case.device, "preset": case.preset,
                "layers": case.layers, "looked_at": size or case.resolution, "exact": size in (0, case.resolution), **ours}
        if reference:
            line |= {"reference_s": figures["median_s"], "ratio": figures["median_s"] / ours["median_s"],
                     "reference_peak_mb": figures["peak_mb"], "gradient": agreement(found, plain)}
            if size == 0:
                line["gradient_float32"] = agreement(exact, plain)
        lines.append(line)
    return lines


def parse_sizes(text: str) -> list[int]:
    """"256,512" -> [256, 512]. Raises ValueError for anything else."""
    sizes = [int(item) if item.strip().isdecimal() else 0 for item in text.split(",")]
    if min(sizes) < 1:
        raise ValueError(f"sizes are {text[:60]!r}; accepted: numbers of pixels separated by commas, such as 256,512")
    return sizes


def main(argv: Sequence[str]) -> dict:
    """Measure a step, or, as the process that another one started, one side of it."""
    if argv[:1] == ["--measure"]:
        figures, found = measure(Case(**json.loads(argv[1])))
        save_file({"gradient": found.detach().cpu().contiguous()}, argv[2])
        return figures
    parser = cli.ArgumentParser(description="Time a step of training against a plain float32 one; the reference takes up to 16 GB.")
    parser.add_argument("--resolution", type=int, default=1024, help="of the generator, in pixels (1024)")
    parser.add_argument("--batch", type=cli.positive_int, default=2, metavar="N", help="pictures a step (2)")
    parser.add_argument("--precision", choices=PRECISIONS, default="default", help="default is what the device is fastest in")
    parser.add_argument("--preset", choices=PRESETS, default="published", help="the settings whose losses count (published)")
    parser.add_argument("--layers", default="all", help="rows of w+ that are learned (all)")
    parser.add_argument("--looked-at", type=parse_sizes, default=[], metavar="PIXELS",
                        help="measure the approximation too whose losses look at pictures of these sizes, such as 256,512")
    parser.add_argument("--repeats", type=cli.positive_int, default=3, metavar="N", help="timed steps, of which the median counts (3)")
    parser.add_argument("--no-reference", dest="reference", action="store_false", help="time and memory alone")
    parser.add_argument("--reference", dest="reference", action="store_true", default=True, help="against the reference (the default)")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="ffhq", help="tiny: small models, to try the command (ffhq)")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON line, no progress on standard error")
    parser.add_seed(0)
    parser.add_device()
    options = parser.parse_args(argv)

    case = Case(OURS, options.architecture, options.resolution, options.batch, options.precision, options.preset, options.layers, 0,
                cli.resolve_device(options.device).type, options.repeats, options.seed)
    GeneratorConfig(resolution=case.resolution)  # what is wrong is named before anything is measured
    for size in (0, *options.looked_at):
        parse_layers(case.layers, rows_seen(TrainConfig(resolution=size), case.resolution))
    results = compare(case, options.looked_at, options.reference, (lambda text: None) if options.json else cli.say)
    return {"benchmark": "training_step", "machine": machine(), "repeats": case.repeats, "results": results}


if __name__ == "__main__":
    cli.run(main)
