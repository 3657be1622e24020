"""A run's folder: for each attribute NAME.checkpoint, NAME.log.jsonl, NAME.png (a sheet), and what comes out of it, NAME.safetensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from baselines.maae.data import Material
from baselines.maae.network import Discriminator
from baselines.maae.sheets import training_sheet
from baselines.maae.store import Trained, load_networks, save_networks
from baselines.maae.training import Features, Trainer, TrainSettings, train
from portraits import processes
from portraits.training import load_checkpoint
from portraits.validation import log
from stylegan2.images import save_png


@dataclass(frozen=True)
class Run:
    """Where one attribute's training is kept. Intervals are in steps."""

    folder: Path
    attribute: str
    log_every: int = 50
    save_every: int = 500
    start: Path | None = None  # checkpoint of another training, of other settings, that this one begins with

    @property
    def checkpoint(self) -> Path:
        return self.folder / f"{self.attribute}.checkpoint"

    @property
    def network(self) -> Path:
        """There once the training came to its end."""
        return self.folder / f"{self.attribute}.safetensors"

    def finished(self, settings: TrainSettings) -> bool:
        """Whether the network is there, trained by these settings for as many steps. Raises ValueError for one trained otherwise."""
        if not self.network.exists():
            return False
        trained = load_networks(self.network)[self.attribute]
        before, now = ({**values.to_dict(), "steps": None} for values in (trained.settings, settings))
        other = sorted(name for name in now if before[name] != now[name])
        if other:
            raise ValueError(f"{self.network} was trained with {other[0]} {before[other[0]]!r}, not {now[other[0]]!r}; "
                             "accepted: the same, or a new folder")
        return trained.steps >= settings.steps

    def begin(self, resume: bool) -> None:
        """Raises ValueError where the folder holds such a training already and nobody said to go on."""
        if not resume and (self.checkpoint.exists() or self.network.exists()):
            raise ValueError(f"{self.folder} holds a training of {self.attribute} already; --resume goes on with it, "
                             "another --out begins a new one")

    def steps(self, trainer: Trainer, material: Material) -> Iterator[dict]:
        """Train to the end from the checkpoint, if there is one; yields {attribute, step, losses} with each log line."""
        if self.checkpoint.exists():
            trainer.load(self.checkpoint)
        elif self.start is not None:
            trainer.begin_with(self.start)
        sides = material.sides(self.attribute, material.faces.train_indices)
        for found in train(trainer, material.read, *sides):
            last = trainer.step >= trainer.settings.steps
            if processes.first() and (last or trainer.step % self.log_every == 0):
                yield self._logged(trainer.step, found)
            if processes.first() and (last or trainer.step % self.save_every == 0):
                trainer.save(self.checkpoint)
                save_png(self.folder / f"{self.attribute}.png", training_sheet(trainer, material))
        if processes.first():
            save_networks({self.attribute: Trained.of(trainer)}, self.network)

    def _logged(self, step: int, found: dict[str, Tensor]) -> dict:
        line = {"attribute": self.attribute, "step": step, "losses": {name: round(value.item(), 5) for name, value in found.items()}}
        log(self.folder / f"{self.attribute}.log.jsonl", line)
        return line


def train_attribute(run: Run, settings: TrainSettings, material: Material, features: Features | None) -> Iterator[dict]:
    """Train one attribute's network to the end of its steps, or go on to it; nothing where it is there. Yields as `Run.steps`."""
    if not run.finished(settings):
        yield from run.steps(Trainer(settings, features, material.pictures.device), material)


def load_discriminator(run: Run) -> Discriminator | None:
    """The run's own discriminator, frozen, on the CPU; None where the checkpoint was not kept."""
    if not run.checkpoint.exists():
        return None
    state = load_checkpoint(run.checkpoint)
    discriminator = Discriminator(state["settings"]["discriminator_width"])
    discriminator.load_state_dict(state["discriminator"])
    return discriminator.eval().requires_grad_(False)
