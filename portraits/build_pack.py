"""Builds the built-in pack from nothing: `python -m portraits.build_pack --work DIR`, or one `--stage` of it.

Every stage reads what the earlier ones left in the work folder, goes on where it was killed, and writes one model.

    data        renders of the drawn world with masks, attributes and captions
    generator   the synthesis network, then its mapping network (`torchrun --nproc_per_node N -m portraits.build_pack` for N processes)
    parser      Face-BiSeNet    classifier  attributes, for evaluation    clip  an open_clip model of our own size
    assemble    the pack folder    directions  the ready-made directions, trained with the assembled pack
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Sequence

import numpy as np
import torch
from torch import distributed

from packs import cli
from packs.files import add_files
from packs.pack import load_pack
from packs.weights import write_pack
from portraits import train_mapping
from portraits.clip_training import ClipTraining, pack_entry, train_clip
from portraits.classifier import train_classifier
from portraits.dataset import PortraitCache, build_cache
from portraits.scene import NUM_FACTORS, appearance, make_scene
from portraits.train_generator import SynthesisTraining, new_trainer, train_synthesis
from safetensors.torch import load_file, save_file
from segmentation.bisenet import BiSeNet
from segmentation.train import TrainSettings, train_parser
from stylegan2.generator import Generator, GeneratorConfig, compute_dtype

BUILT_IN = Path(__file__).resolve().parents[1] / "packs" / "portraits"
DATA_SEED, SAMPLES, SIZE = 1, 24_000, 128
W_DIM = 512
SYNTHESIS = GeneratorConfig(resolution=SIZE, z_dim=NUM_FACTORS, w_dim=80, num_mapping_layers=3, channel_base=4096, channel_max=192)
PARSER = {"kind": "bisenet", "num_classes": 19, "width": 0.25, "input_size": 256}
CLASSIFIER = {"width": 24, "num_features": 192}
MINUTES = {"generator": 75.0, "parser": 12.0, "classifier": 8.0, "clip": 22.0}  # on two cores of an EPYC with AVX-512 BF16
READY_MADE = {
    "curly hair": "a person with curly hair", "blonde hair": "a person with blonde hair", "long hair": "a person with long hair",
    "grey hair": "a person with grey hair", "glasses": "a person with glasses", "open mouth": "a person with the mouth open",
    "smile": "a smiling person", "beard": "a person with a beard", "hat": "a person with a hat", "red lipstick": "a person wearing lipstick",
    "closed eyes": "a person with closed eyes", "earrings": "a person with earrings",
}


def stage_data(work: Path, options) -> None:
    build_cache(work / "cache", DATA_SEED, options.count, SIZE, workers=os.cpu_count() or 1,
                progress=lambda p: cli.say(f"data: {p['done']} of {p['count']}"))


def stage_generator(work: Path, options) -> None:
    if "RANK" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("gloo")
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // distributed.get_world_size()))
    cache = PortraitCache(work / "cache")
    appearances = np.stack([appearance(make_scene(g)) for g in cache.latents]).astype(np.float32)
    settings = SynthesisTraining(minutes=options.minutes or MINUTES["generator"], batch_size=16 // _processes(), seed=options.seed)
    trainer = new_trainer(appearances, SYNTHESIS, settings, compute_dtype("cpu"))
    checkpoint = work / "synthesis.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    saved = trainer.seconds
    for progress in train_synthesis(trainer, cache.images, cache.masks, appearances, time.monotonic):
        if _first() and (progress["progress"] >= 1 or trainer.seconds - saved > 180):
            saved = trainer.seconds
            trainer.save(checkpoint)
        if _first() and progress["step"] % 50 == 0:
            _tell("generator", progress)
    if _first():
        finish_generator(work, trainer.average, trainer.basis, options.seed)


def finish_generator(work: Path, synthesis: Generator, basis, seed: int = 0) -> None:
    """Give the trained synthesis network its W of pairs and its mapping network; write generator.safetensors."""
    generator = train_mapping.lift(synthesis, basis, W_DIM)
    for progress in train_mapping.fit_mapping(generator, basis, seed=seed):
        if progress["step"] % 500 == 0:
            _tell("mapping", progress)
    _save(work / "generator.safetensors", generator.state_dict())
    (work / "generator.json").write_text(json.dumps(generator.config.to_dict()))


def stage_parser(work: Path, options) -> None:
    cache = PortraitCache(work / "cache")
    torch.manual_seed(options.seed)
    network = BiSeNet(PARSER["num_classes"], PARSER["width"])
    chosen = [cache.validation_indices[i : i + 32] for i in range(0, min(256, len(cache.validation_indices)), 32)]
    validation = [(cache.read_images(indices), cache.read_masks(indices)) for indices in chosen]
    settings = TrainSettings(steps=4000, input_size=PARSER["input_size"], bfloat16=compute_dtype("cpu") == torch.bfloat16,
                             seconds=60 * (options.minutes or MINUTES["parser"]), seed=options.seed)
    batches = cache.batches(np.random.default_rng(options.seed), 16)
    for progress in train_parser(network, batches, settings, validation, work / "parser.checkpoint", resume=True):
        if "mean_iou" in progress or progress["step"] % 50 == 0:
            _tell("parser", progress)
    _save(work / "parser.safetensors", network.state_dict())


def stage_classifier(work: Path, options) -> None:
    minutes = options.minutes or MINUTES["classifier"]
    for progress in train_classifier(PortraitCache(work / "cache"), work, minutes=minutes, seed=options.seed, width=CLASSIFIER["width"]):
        _tell("classifier", progress)


def stage_clip(work: Path, options) -> None:
    settings = ClipTraining(minutes=options.minutes or MINUTES["clip"], seed=options.seed)
    for progress in train_clip(PortraitCache(work / "cache"), work, settings):
        _tell("clip", progress)


def stage_assemble(work: Path, options) -> None:
    info = {
        "name": "portraits", "version": "1", "domain": "drawn faces", "resolution": SIZE, "neutral_text": "a person", "licence": "MIT",
        "generator": json.loads((work / "generator.json").read_text()), "parser": PARSER, "clip": pack_entry(), "classifier": CLASSIFIER,
        "defaults": {"truncation": 1.0, "layers": "all"},
    }
    models = {name: load_file(work / f"{name}.safetensors") for name in ("generator", "parser", "clip", "classifier")}
    # Directions of an earlier generator would be listed by nobody and fit nothing.
    shutil.rmtree(options.out / "directions", ignore_errors=True)
    write_pack(options.out, info, models)
    cli.say(f"assembled: {options.out}")


def stage_directions(work: Path, options) -> None:
    from lelsd.config import TrainConfig
    from lelsd.prompt import parse_prompt
    from lelsd.train import train_direction

    pack = load_pack(options.out)
    for name, prompt in READY_MADE.items():
        run = work / "directions" / pack.hash[:12] / name.replace(" ", "_")
        if not (run / "direction.safetensors").exists():
            shutil.rmtree(run, ignore_errors=True)
            for progress in train_direction(pack, parse_prompt(prompt, pack), TrainConfig().updated(pack.defaults), run):
                pass
            _tell(name, progress.quality)
        add_files(options.out, {f"directions/{run.name}.safetensors": (run / "direction.safetensors").read_bytes()})


STAGES = {
    "data": stage_data, "generator": stage_generator, "parser": stage_parser, "classifier": stage_classifier, "clip": stage_clip,
    "assemble": stage_assemble, "directions": stage_directions,
}


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def _first() -> bool:
    return not distributed.is_initialized() or distributed.get_rank() == 0


def _tell(stage: str, progress: dict) -> None:
    shown = {key: round(value, 4) if isinstance(value, float) else value for key, value in progress.items() if not isinstance(value, dict)}
    cli.say(f"{stage}: {shown}")


def _save(path: Path, state: dict) -> None:
    temporary = path.with_suffix(".tmp")
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
    temporary.replace(path)


def main(arguments: Sequence[str]) -> dict:
    """Build the pack, or run one stage."""
    parser = cli.ArgumentParser(prog="python -m portraits.build_pack", description="Train the built-in pack on the drawn world.")
    parser.add_argument("--work", type=Path, required=True, help="folder for data, checkpoints and models; outside the repository")
    parser.add_argument("--stage", choices=("all", *STAGES), default="all")
    parser.add_argument("--minutes", type=float, help="training time of the stage (default: as the shipped pack)")
    parser.add_argument("--count", type=int, default=SAMPLES, help=f"renders to train on (default {SAMPLES})")
    parser.add_argument("--out", type=Path, default=BUILT_IN, help="pack folder (default: the built-in one)")
    parser.add_seed(0)
    options = parser.parse_args(list(arguments))
    options.work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for stage in STAGES if options.stage == "all" else (options.stage,):
        STAGES[stage](options.work, options)
    return {"stage": options.stage, "work": str(options.work), "out": str(options.out), "seconds": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    cli.run(main)
