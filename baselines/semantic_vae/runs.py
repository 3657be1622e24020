"""A training in its folder, which is all that the commands share:

    RUN/run.json            data and settings, which must agree when a run goes on
    RUN/checkpoint.pt       where it is, written whole or not at all
    RUN/metrics.jsonl       a line every few steps
    RUN/masks_SIZE.npy      masks of single files, decoded once (not for a cache of portraits)
    RUN/model.safetensors   the averaged weights, when the training is over
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from baselines.begun import NAME, begin_with
from baselines.semantic_vae.density import fit_densities
from baselines.semantic_vae.masks import Masks
from baselines.semantic_vae.model import SemanticVAE, SemanticVAEConfig, load_model, save_model
from baselines.semantic_vae.training import Trainer, TrainSettings
from packs import cli
from packs.files import write_atomically
from portraits import processes
from portraits.validation import log

MODEL = "model.safetensors"
FITTED = 4000  # masks that say where codes lie
REPORT_EVERY = 25  # steps between lines of metrics.jsonl


def described(config: SemanticVAEConfig, settings: TrainSettings) -> dict:
    """What run.json and the model's file say of both, as JSON."""
    return json.loads(json.dumps({**asdict(config), **asdict(settings)}))


def prepare(masks: Masks, folder: Path, device: torch.device) -> Masks:
    """Masks that are quick to read: single files are decoded by the first process, into `folder`; the others wait for it."""
    path = folder / f"masks_{masks.size}.npy"
    if processes.first():
        masks.pack(path, lambda done: cli.say(f"{done} masks decoded") if done % 2560 == 0 else None)
    processes.shared(0.0, device)
    masks.pack(path)
    return masks


def begin(out: Path, masks: Masks, config: SemanticVAEConfig, settings: TrainSettings, resume: bool, device: torch.device) -> None:
    """Begin a run in a folder, or go on with it. Raises ValueError for one that is there unasked, or has other data or settings."""
    if not resume and (out / NAME).is_file():
        raise ValueError(f"{out} holds a run already; accepted: another --out, or --resume to go on with it")
    processes.shared(0.0, device)  # no process may write before all have looked
    begin_with(out, {"data": str(masks.folder), **described(config, settings)})


def train_run(out: Path, masks: Masks, config: SemanticVAEConfig, settings: TrainSettings, device: torch.device) -> Iterator[dict]:
    """Train in a folder that was begun, from its checkpoint on, and write the model.

    Yields {"step", "loss", "cross_entropy", "kl", "seconds"} every `REPORT_EVERY` steps and at the end, as they are logged.
    """
    trainer = Trainer(masks, config, settings, out / "checkpoint.pt", device)
    if processes.first():
        _forget_after(out / "metrics.jsonl", trainer.budget.step)
    for progress in trainer.run():
        if progress["step"] % REPORT_EVERY == 0 or progress["step"] == settings.steps:
            line = {name: float(value) if isinstance(value, torch.Tensor) else value for name, value in progress.items()}
            if processes.first():
                log(out / "metrics.jsonl", line)
            yield line
    if processes.first():
        model = trainer.averaged()
        model.densities = fit_densities(model, masks.batches(masks.train_indices[:FITTED]))
        start = None if settings.start is None else Path(settings.start).name  # whose folder is nobody else's business
        save_model(out / MODEL, model, {**described(config, settings), "start": start})


def open_run(run: Path, device: torch.device | str = "cpu") -> SemanticVAE:
    """The model of a finished run. Raises ValueError where there is none."""
    return load_model(run / MODEL, device)


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that are done again after a kill."""
    if path.is_file():
        whole = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        lines = [line for line in whole if json.loads(line)["step"] <= step]
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
