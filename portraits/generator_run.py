"""The generator's stages as they run for hours: what is saved, validated and shown on the way. `build_pack` calls them.

In the work folder: synthesis.pt, sharpen.pt (+ sharpen.generator.pt), curves generator.jsonl and sharpen.jsonl, and sheets/.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from packs import cli
from packs.files import write_atomically
from packs.pack import load_pack
from portraits import processes, train_mapping, validation
from portraits.dataset import PortraitCache
from portraits.pictures import Pictures
from portraits.scene import appearance, make_scene
from portraits.sharpen import Sharpener, Sharpening, sharpen
from portraits.shipped import APPEARANCE, Standard, mapping_layers
from portraits.train_generator import Basis, SynthesisTrainer, SynthesisTraining, new_trainer, synthesis_config, train_synthesis
from portraits.training import load_checkpoint, maps_dtype
from portraits.warm_start import REFINING, start_generator, start_of
from stylegan2.checkpoints import save_generator
from stylegan2.generator import Generator, GeneratorConfig

SAVE_EVERY, LOOK_EVERY, TELL_EVERY = 120.0, 240.0, 20.0  # seconds
VALIDATED, SHOWN = 192, 16  # held-out faces


class Material:
    """What both phases read: pictures on the device, appearance vectors, the indices to learn from and those held out."""

    def __init__(self, cache: PortraitCache, device: torch.device):
        self.pictures = Pictures(cache.images, cache.masks, device)
        self.appearances = np.stack([appearance(make_scene(g)) for g in cache.latents]).astype(np.float32)
        self.train, self.held_out = cache.train_indices, cache.validation_indices

    def look(self, trainer: SynthesisTrainer, resolution: int, path: Path, full: bool = False) -> dict[str, float]:
        """Validation figures of the averaged weights, and a sheet at `path`."""
        chosen = self.held_out if full else self.held_out[:VALIDATED]
        what = trainer.average, trainer.basis, self.pictures, self.appearances
        validation.sheet(*what, self.held_out[:SHOWN], resolution, path)
        return validation.validate(*what, chosen, resolution)


class Timer:
    """True once every `seconds`, for work that is done now and then."""

    def __init__(self, seconds: float):
        self.seconds, self._last = seconds, time.monotonic()

    def __call__(self) -> bool:
        due = time.monotonic() - self._last >= self.seconds
        if due:
            self._last = time.monotonic()
        return due


def make_trainer(cache: PortraitCache, material: Material, config: str, settings: SynthesisTraining) -> SynthesisTrainer:
    device = material.pictures.device
    return new_trainer(material.appearances[material.train], synthesis_config(config, cache.size), settings, maps_dtype(device), device)


def begin(work: Path, material: Material, cache: PortraitCache, config: str, settings: SynthesisTraining,
          given: Path | str | None = None) -> SynthesisTrainer:
    """The trainer of work/synthesis.pt if it is there, else a new one, with the weights of the pack `given` or random ones."""
    start = start_of(work, "generator", work / "synthesis.pt", given)
    if start.refining:  # what is there need not grow
        settings = dataclasses.replace(settings, learning_rate=start.rate(settings.learning_rate), grow_at=())
    trainer = make_trainer(cache, material, config, settings)
    if (work / "synthesis.pt").exists():
        trainer.load(work / "synthesis.pt")
    if start.pack is not None:
        start_generator(trainer, start.pack)
    return trainer


def run_generator(work: Path, cache: PortraitCache, device: torch.device, config: str, settings: SynthesisTraining,
                  look_every: float = LOOK_EVERY, given: Path | str | None = None) -> dict:
    """Regression to the end of its minutes, from where `begin` says; the last validation figures."""
    material = Material(cache, device)
    trainer = begin(work, material, cache, config, settings, given)
    if given is not None and trainer.step == 0 and processes.first():
        figures = material.look(trainer, cache.size, work / "sheets" / "generator_0000000.png")
        _record(work / "generator.jsonl", "generator", {"step": 0, "progress": 0.0, "resolution": cache.size, "seconds": 0.0, **figures})
    save, look, tell = Timer(SAVE_EVERY), Timer(look_every), Timer(TELL_EVERY)
    figures = {}
    for progress in train_synthesis(trainer, material.pictures, material.appearances, time.monotonic, material.train):
        last = progress["progress"] >= 1
        if not processes.first():
            continue
        if save() or last:
            trainer.save(work / "synthesis.pt")
        if tell() or last:
            _say("generator", {**progress, "seconds": trainer.seconds})
        if look() or last:
            figures = material.look(trainer, progress["resolution"], work / "sheets" / f"generator_{trainer.step:07d}.png", last)
            _record(work / "generator.jsonl", "generator", {**progress, "seconds": trainer.seconds, **figures})
    return figures


def run_sharpen(work: Path, cache: PortraitCache, device: torch.device, config: str, settings: Sharpening,
                look_every: float = LOOK_EVERY, given: Path | str | None = None) -> dict:
    """The adversarial phase from work/synthesis.pt (or, where there is none, the pack `given`), or on from work/sharpen.pt; the
    last validation figures."""
    if given is None and not (work / "synthesis.pt").exists():
        raise ValueError(f"{work} has no synthesis.pt to sharpen; run the stage 'generator' first, or start with a pack")
    material = Material(cache, device)
    trainer = begin(work, material, cache, config, SynthesisTraining(batch_size=settings.batch_size, seed=settings.seed), given)
    if not (work / "synthesis.pt").exists() and processes.first():
        trainer.save(work / "synthesis.pt")  # the mapping network's stage reads the basis from it
    trainer.generator.load_state_dict(trainer.average.state_dict())
    sharpener = Sharpener(trainer, settings)
    where: Callable[[], Path] = lambda: work / "sheets" / f"sharpen_{sharpener.step:07d}.png"
    if (work / "sharpen.pt").exists():
        sharpener.load(work / "sharpen.pt")
    else:
        figures = material.look(trainer, cache.size, where())
        sharpener.begin(figures["l1"])
        _record(work / "sharpen.jsonl", "sharpen", {"step": 0, **figures, "limit": sharpener.limit})
    save, look, tell = Timer(SAVE_EVERY), Timer(look_every), Timer(TELL_EVERY)
    for progress in sharpen(sharpener, material.pictures, material.appearances, time.monotonic, material.train):
        last = progress["progress"] >= 1
        if not processes.first():
            continue
        if tell() or last:
            _say("sharpen", progress)
        if look() or last:
            figures = material.look(trainer, cache.size, where())
            accepted = sharpener.judge(figures["l1"])
            _record(work / "sharpen.jsonl", "sharpen", {**progress, "seconds": sharpener.seconds, **figures, "accepted": accepted, "share": sharpener.share})
        if save() or last:
            sharpener.save(work / "sharpen.pt")
    return figures


def run_mapping(work: Path, seed: int = 0, given: Path | str | None = None, **fit) -> None:
    """The finished generator: work/generator.safetensors and .json, and work/appearance.json, which says what its W means."""
    generator, basis = finish(work, seed, given, **fit)
    save_generator(generator, work / "generator.safetensors")
    write_atomically(work / "generator.json", json.dumps(generator.config.to_dict()).encode())
    write_atomically(work / APPEARANCE, Standard.of(basis).to_json())


def finish(work: Path, seed: int = 0, given: Path | str | None = None, **fit) -> tuple[Generator, Basis]:
    """The accepted (or else the regressed) synthesis network of the work folder, lifted, with a mapping network trained for it,
    which starts as that of the pack `given`. `fit`: further arguments of `train_mapping.fit_mapping`.

    Reads the checkpoints alone, so that it may run beside their training. Raises ValueError where there are none.
    """
    if not (work / "synthesis.pt").exists():
        raise ValueError(f"{work} has no synthesis.pt to make a mapping network for; run the stage 'generator' first")
    state, sharpened = load_checkpoint(work / "synthesis.pt"), work / "sharpen.pt"
    trained, basis = Generator(GeneratorConfig.from_dict(state["config"])), Basis(**state["basis"])
    trained.load_state_dict(load_checkpoint(sharpened)["accepted"] if sharpened.exists() else state["average"])
    generator = train_mapping.lift(trained, basis)
    if given is not None:
        pack = load_pack(given)
        fit = {"learning_rate": REFINING * train_mapping.LEARNING_RATE, **fit, "start": mapping_layers(pack.generator, Standard.of_pack(pack), basis)}
    for progress in train_mapping.fit_mapping(generator, basis, seed=seed, **fit):
        if progress["step"] % 500 == 0:
            _say("mapping", progress)
    return generator, basis


def _plain(line: dict) -> dict:
    return {key: round(float(value), 5) if isinstance(value, (float, torch.Tensor)) else value for key, value in line.items()}


def _say(stage: str, line: dict) -> None:
    cli.say(f"{stage}: {_plain(line)}")


def _record(path: Path, stage: str, line: dict) -> None:
    validation.log(path, _plain(line))
    _say(stage, line)
