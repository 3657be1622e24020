"""A run's folder: config.json, checkpoint.pt, log.jsonl, sheets/, and what comes out of it, generator.safetensors (and semantic.safetensors)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselines.secgan.config import SecganConfig
from baselines.secgan.sheets import training_sheet
from baselines.secgan.training import Trainer
from baselines.secgan.weights import save_generator
from packs.files import write_atomically
from portraits import processes
from portraits.training import load_checkpoint, save_checkpoint
from portraits.validation import log
from stylegan2.images import save_png

FILES = {"rgb": "generator.safetensors", "semantic": "semantic.safetensors"}


@dataclass(frozen=True)
class Run:
    """Where a training is kept. Intervals are in discriminator steps; a sheet costs as much as some steps."""

    folder: Path
    log_every: int = 50
    save_every: int = 1000
    sheet_every: int = 1000

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def settings(self) -> Path:
        return self.folder / "config.json"

    @property
    def generator(self) -> Path:
        return self.folder / FILES["rgb"]

    def begin(self, config: SecganConfig) -> None:
        """Write the settings. Raises ValueError where the folder holds a run already."""
        if self.settings.exists():
            raise ValueError(f"{self.folder} holds a run already; --resume goes on with it, another --out begins a new one")
        write_atomically(self.settings, (json.dumps(config.to_dict(), indent=2) + "\n").encode())

    def config(self) -> SecganConfig:
        """The settings of the run that is there. Raises ValueError where there is none, or it is damaged."""
        try:
            return SecganConfig.from_dict(json.loads(self.settings.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ValueError(f"{self.folder} holds no run: it has no {self.settings.name}") from None
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{self.settings} is damaged: {error}") from None

    def resume(self, trainer: Trainer) -> bool:
        """Go on from the checkpoint; False where none was written yet. Raises ValueError for a damaged one."""
        if not self.checkpoint.exists():
            return False
        trainer.load(load_checkpoint(self.checkpoint))
        return True

    def save(self, trainer: Trainer) -> None:
        """The generators as they are now, and the checkpoint, last: where that is new, all is."""
        for name in trainer.branches:
            save_generator(trainer.generator(name), trainer.config, self.folder / FILES[name], name)
        save_checkpoint(self.checkpoint, trainer.state())

    def show(self, trainer: Trainer) -> Path:
        """A sheet of edits of held-out pictures, as figure 5 has them."""
        folder = self.folder / "sheets"
        folder.mkdir(parents=True, exist_ok=True)
        return save_png(folder / f"{trainer.budget.step:07d}.png", training_sheet(trainer))


def train(trainer: Trainer, run: Run) -> Iterator[dict]:
    """Train to the end of the budget, writing into the run's folder; yields {step, fraction, seconds, rate, losses} with each log line.

    The losses are those of that step, the generators' those of their last one.
    """
    latest: dict = {}
    for found in trainer.steps():
        latest |= found
        step, last = trainer.budget.step, trainer.fraction >= 1
        if not processes.first():
            continue
        if step % run.log_every == 0 or last:
            yield _logged(trainer, latest, run)
        if step % run.save_every == 0 or last:
            run.save(trainer)
        if step % run.sheet_every == 0 or last:
            run.show(trainer)


def _logged(trainer: Trainer, latest: dict, run: Run) -> dict:
    losses = {name: round(float(value), 5) for name, value in latest.items()}
    line = {"step": trainer.budget.step, "fraction": round(trainer.fraction, 5), "seconds": round(trainer.budget.elapsed, 1),
            "rate": trainer.rate, "losses": losses}
    log(run.folder / "log.jsonl", line)
    return line
