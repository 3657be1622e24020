"""Training of one attribute's networks: pairs of faces without and with it, the discriminator and the generator in turns.

A step is a function of the seed, its number and the process, so that a run that was stopped goes on to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from baselines.maae.losses import Weights, fake_loss, identity_loss, judged_as, kl_divergence, l1, mask_loss, real_loss, weighted
from baselines.maae.network import Discriminator, Generator, NetworkConfig
from portraits import processes
from portraits.pictures import ahead
from portraits.training import AveragedWeights, load_checkpoint, maps_dtype, save_checkpoint, step_rng

Features = Callable[[Tensor], Tensor]  # pictures [N, 3, S, S] in [-1, 1] -> features [N, ...] of a frozen recogniser
RAMP = 100  # steps after a warm-up in which the learning rate rises to what it is: a new loss moves everything at once


@dataclass(frozen=True)
class TrainSettings:
    """How an attribute is trained. What the paper gives is the default; it says nothing of steps and of averaged weights."""

    attribute: str
    network: NetworkConfig = field(default_factory=NetworkConfig)
    weights: Weights = field(default_factory=Weights)
    steps: int = 20000
    batch_size: int = 64  # of all processes together: half without the attribute, half with it
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    discriminator_width: int = 64  # channels of the discriminator's first layer; it costs little beside the generator
    mismatch: float = 0.0  # weight, in the discriminator's loss, of real pictures shown to the side that they are not of; not in the paper
    warm_up: int = 0  # first steps, in which the generator only learns to rebuild (equation 2); not in the paper
    average: float = 0.998  # decay of the averaged weights, which are what is kept; 0 keeps the last ones
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2 or self.batch_size % 2 or not self.learning_rate > 0:
            raise ValueError(f"steps are {self.steps}, batch_size {self.batch_size}, learning_rate {self.learning_rate}; "
                             "accepted: steps from 1, an even batch size from 2, a learning rate above 0")
        if self.discriminator_width < 1 or not self.mismatch >= 0 or self.warm_up < 0:
            raise ValueError(f"discriminator_width is {self.discriminator_width}, mismatch {self.mismatch} and warm_up {self.warm_up}; "
                             "accepted: a width from 1 on, the others from 0 on")
        if not 0 <= self.average < 1:
            raise ValueError(f"average is {self.average}; accepted: from 0 to below 1")

    def to_dict(self) -> dict:
        return asdict(self) | {"betas": list(self.betas)}

    @classmethod
    def from_dict(cls, values: dict) -> "TrainSettings":
        """The reverse of `to_dict`. Raises ValueError for what is none."""
        try:
            return cls(**{**values, "network": NetworkConfig(**values["network"]), "weights": Weights(**values["weights"]),
                          "betas": tuple(values["betas"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"these are no settings of a training: {error}") from error


@dataclass(frozen=True)
class Batch:
    """images [2n, 3, S, S] in [-1, 1], background [2n, 1, S, S] 1 where it is, side int64 [2n]: 0 without, 1 with the attribute."""

    images: Tensor
    background: Tensor
    side: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.images.to(device), self.background.to(device), self.side.to(device))


def pick_pairs(without: np.ndarray, having: np.ndarray, settings: TrainSettings, step: int) -> np.ndarray:
    """Indices of a step's pictures in this process: half from `without`, half from `having`, int64 [2n].

    A picture comes twice in a batch only where there are too few. Raises ValueError where a side has none, or processes do not share evenly.
    """
    share, rest = divmod(settings.batch_size, 2 * processes.count())
    if rest:
        raise ValueError(f"batch size {settings.batch_size} cannot be shared by {processes.count()} processes; accepted: multiples of "
                         f"{2 * processes.count()}")
    for words, side in (("without", without), ("with", having)):
        if not len(side):
            raise ValueError(f"no training picture is {words} {settings.attribute}; accepted: attributes that some have and some lack")
    random = np.random.Generator(np.random.Philox(key=[settings.seed + (processes.rank() << 32), step]))
    return np.concatenate([random.choice(side, share, replace=len(side) < share) for side in (without, having)])


class Trainer:
    """Generator, discriminator, their optimisers and the averaged generator; `step` is how many steps they have taken."""

    def __init__(self, settings: TrainSettings, features: Features | None, device: torch.device | str = "cpu"):
        """features: of the identity loss. Raises ValueError where that has a weight, and there are none."""
        if settings.weights.identity and features is None:
            raise ValueError(f"the identity loss has weight {settings.weights.identity:g} and no network to tell faces apart; "
                             "accepted without one: weight 0")
        self.settings, self.features, self.device, self.step = settings, features, torch.device(device), 0
        torch.manual_seed(settings.seed)
        generator, discriminator = Generator(settings.network), Discriminator(settings.discriminator_width)
        self.generator, self.discriminator = (model.to(self.device, memory_format=torch.channels_last) for model in (generator, discriminator))
        self.optimisers = self._new_optimisers()
        self.average = AveragedWeights(self.generator, settings.average)
        self.dtype = maps_dtype(self.device)

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """The generator alone in the warm-up, then the discriminator and after it the generator, learn from a batch.

        Mean losses, scalars on the device, by name.
        """
        random = step_rng(self.settings.seed + 7919 * processes.rank(), self.step, self.device)
        found = self._warm_up_step(batch, random) if self.step < self.settings.warm_up else self._adversarial_step(batch, random)
        self.step += 1
        self.average.update(self.generator, self.step)
        return {name: values.mean().detach() for name, values in found.items()}

    def _warm_up_step(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        with self._autocast():
            code, same = self._decoded(batch.images.contiguous(memory_format=torch.channels_last),
                                       [batch.images.new_zeros(len(batch.images))], random)
            found = self._vae_losses(batch, {"code": code, "same": same})
        loss = weighted(found, self.settings.weights)
        self._update(0, loss)
        return {**found, "loss": loss}

    def _adversarial_step(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        if self.settings.warm_up:
            self._leave_warm_up()
        with self._autocast():
            views = self._views(batch, random)
            critic_loss = self._discriminator_loss(batch, views)
        self._update(1, critic_loss)
        self.discriminator.requires_grad_(False)  # it only passes gradients on
        with self._autocast():  # anew: one context keeps the weights that it has rounded, and these have changed
            found = self._generator_losses(batch, views)
        loss = weighted(found, self.settings.weights)
        self._update(0, loss)
        self.discriminator.requires_grad_(True)
        return {**found, "discriminator": critic_loss, "loss": loss}

    def averaged(self) -> Generator:
        """The averaged generator, frozen."""
        return self.average.of(self.generator)

    def state(self) -> dict:
        """All that a resumed run needs, as tensors and plain values."""
        return {"settings": self.settings.to_dict(), "step": self.step, "generator": self.generator.state_dict(),
                "discriminator": self.discriminator.state_dict(), "average": self.average.values,
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers]}

    def save(self, path: Path) -> None:
        save_checkpoint(path, self.state())

    def load(self, path: Path) -> None:
        """Go on from a file of `save`. Raises ValueError for a damaged one, and for one of other settings (but the number of steps)."""
        state = load_checkpoint(path)
        before, now = ({**values, "steps": None} for values in (state["settings"], self.settings.to_dict()))
        other = sorted(name for name in now if before.get(name) != now[name])
        if other:
            raise ValueError(f"{path} was trained with {other[0]} {before.get(other[0])!r}, not {now[other[0]]!r}; "
                             "accepted: the same, or a new folder")
        self._take(state)

    def begin_with(self, path: Path) -> None:
        """Go on from a file of `save` with settings of one's own, but with its attribute and networks. Raises ValueError."""
        state = load_checkpoint(path)
        for name, now in (("attribute", self.settings.attribute), ("network", asdict(self.settings.network)),
                          ("discriminator_width", self.settings.discriminator_width)):
            if state["settings"].get(name) != now:
                raise ValueError(f"{path} was trained with {name} {state['settings'].get(name)!r}, not {now!r}; accepted: the same to begin with")
        self._take(state)

    def _take(self, state: dict) -> None:
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load(state["average"])
        for optimiser, values in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(values)
        self.step = state["step"]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def _new_optimisers(self) -> list[torch.optim.Adam]:
        return [torch.optim.Adam(model.parameters(), self.settings.learning_rate, self.settings.betas)
                for model in (self.generator, self.discriminator)]

    def _leave_warm_up(self) -> None:
        """Adam begins anew: with its second moments of the small gradients before, the first steps would undo the warm-up."""
        since = self.step - self.settings.warm_up
        if since == 0:
            self.optimisers = self._new_optimisers()
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = self.settings.learning_rate * min(1.0, (since + 1) / RAMP)

    def _update(self, which: int, loss: Tensor) -> None:
        optimiser, model = self.optimisers[which], (self.generator, self.discriminator)[which]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        processes.average_gradients(model.parameters())
        optimiser.step()

    def _views(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        """The generator's pictures [2n, 3, S, S] of a batch, and the mean of its code.

        same: at strength 0. edited: at delta towards the other side. back: of a picture edited at a random strength up to delta, undone at its
        negative, so that the code has to keep the strength (section 3.2 varies it there, and does not say how).
        """
        images, towards = batch.images.contiguous(memory_format=torch.channels_last), 1.0 - 2.0 * batch.side
        full = towards * self.settings.network.delta
        part = full * torch.rand(len(images), generator=random, device=self.device)
        code, same, edited, halfway = self._decoded(images, [torch.zeros_like(full), full, part], random)
        _, back = self._decoded(halfway, [-part], random)
        return {"code": code, "same": same, "edited": edited, "back": back}

    def _decoded(self, images: Tensor, strengths: list[Tensor], random: torch.Generator) -> Iterator[Tensor]:
        """The mean of the pictures' code at the first strength, then their pictures at each."""
        for number, strength in enumerate(strengths):
            if number == 0 or self.generator.encodes_strength:
                mean = self.generator.encode(images, strength)
                code = mean + torch.randn(mean.shape, generator=random, device=self.device).to(mean.dtype)
            if number == 0:
                yield mean
            yield self.generator.decode(code, strength)

    def _discriminator_loss(self, batch: Batch, views: dict[str, Tensor]) -> Tensor:
        """Equation 3, a scalar: pictures are real on their own side, those made are not on the side that they are made for.

        With `mismatch`, real pictures are not on the other side either, which says from the first step on what tells the sides apart.
        """
        own, other = batch.side, 1 - batch.side
        logits = self.discriminator(torch.cat([batch.images, views["same"].detach(), views["edited"].detach()]))
        real, same, edited = logits.split(len(batch.images))
        loss = real_loss(judged_as(real, own)) + 0.5 * (fake_loss(judged_as(same, own)) + fake_loss(judged_as(edited, other)))
        if self.settings.mismatch:
            loss = loss + self.settings.mismatch * fake_loss(judged_as(real, other))
        return loss.mean()

    @staticmethod
    def _vae_losses(batch: Batch, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Equation 2, [2n] each."""
        return {"kl": kl_divergence(views["code"]), "reconstruction": l1(views["same"], batch.images)}

    def _generator_losses(self, batch: Batch, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Every loss of the generator that has a weight, [2n] each."""
        weights, images = self.settings.weights, batch.images
        logits = self.discriminator(torch.cat([views["same"], views["edited"]]))
        same, edited = judged_as(logits, torch.cat([batch.side, 1 - batch.side])).split(len(images))
        found = {**self._vae_losses(batch, views), "gan": 0.5 * (real_loss(same) + real_loss(edited)), "cycle": l1(views["back"], images)}
        if weights.identity:
            found["identity"] = identity_loss(self.features(images).detach(), self.features(views["edited"]))
        if weights.mask:
            found["mask"] = mask_loss(images, views["edited"], batch.background)
        return found


def train(trainer: Trainer, read: Callable[[np.ndarray], Batch], without: np.ndarray, having: np.ndarray) -> Iterator[dict[str, Tensor]]:
    """Train to the end of the settings' steps, reading ahead; yields the losses of each step.

    read: indices [2n], the first half without the attribute -> their batch. without, having: the training pictures of either side.
    """
    keys = (pick_pairs(without, having, trainer.settings, step) for step in count(trainer.step))
    batches = ahead(read, keys)
    while trainer.step < trainer.settings.steps:
        yield trainer.train_step(next(batches).to(trainer.device))
