"""Training of Semantic-VAE: it reconstructs masks, by weighted cross entropy plus KL (equation 3), and stops and goes on anywhere.

Every random number is a function of the seed and the step. On the CPU with as many threads, a run that was killed ends with
the same weights as one left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from baselines.semantic_vae.losses import class_weights, cross_entropy, kl_divergence
from baselines.semantic_vae.masks import Masks, mirrored
from baselines.semantic_vae.model import SemanticVAE, SemanticVAEConfig, load_model
from portraits import processes
from portraits.pictures import ahead
from portraits.training import AveragedWeights, Budget, RunState, maps_dtype, pick_indices, set_learning_rate, step_rng

STATISTICS_ROWS = 200  # masks that are counted at a time for the class weights
LARGEST_GRADIENT = 1.0
FIRST_KL_SHARE = 0.02  # of lambda, at the first step


@dataclass(frozen=True)
class TrainSettings:
    """How it is trained. Raises ValueError for what makes no sense."""

    steps: int = 4000
    batch_size: int = 16  # of all processes together
    lr: float = 1e-3  # of Adam, at its highest
    kl_weight: float = 5e-4  # lambda of equation 3
    kl_warmup: float = 0.3  # share of the steps in which lambda rises: at once, codes are given up before they are read
    weighted: bool = True  # cross entropy weighted by rarity (equation 1)
    mirror: bool = True  # every second mask is seen in a mirror
    average: float = 0.998  # decay of the averaged weights a step
    save_every: int = 250
    seed: int = 0
    start: str | None = None  # file of the model whose weights it begins with

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; accepted: whole numbers from 1")
        if not (self.lr > 0 and self.kl_weight >= 0 and 0 <= self.kl_warmup <= 1 and 0 <= self.average < 1):
            raise ValueError(f"lr {self.lr}, kl_weight {self.kl_weight}, kl_warmup {self.kl_warmup} and average {self.average}; "
                             "accepted: above 0, at least 0, in [0, 1] and in [0, 1)")

    def kl_weight_at(self, step: int) -> float:
        """Lambda in a step: it rises in a straight line to `kl_weight`. Not from 0, where variances have no bounds."""
        rise = self.kl_warmup * self.steps
        return self.kl_weight * (min(1.0, max(FIRST_KL_SHARE, step / rise)) if rise else 1.0)


class Trainer:
    """All that changes in a training, and one step of it."""

    def __init__(self, masks: Masks, config: SemanticVAEConfig, settings: TrainSettings, checkpoint: Path,
                 device: torch.device | str = "cpu"):
        """Goes on from `checkpoint` if there is one.

        Raises ValueError for a damaged one, batches that cannot be shared out, or a model to start from of another shape.
        """
        self.masks, self.settings, self.device = masks, settings, torch.device(device)
        if settings.batch_size % processes.count():
            raise ValueError(f"batch size is {settings.batch_size}; accepted: multiples of the {processes.count()} processes")
        self.weights = self._class_weights().to(self.device) if settings.weighted else None
        torch.manual_seed(settings.seed)
        self.model = (SemanticVAE(config) if settings.start is None else _started(settings.start, config)).to(self.device)
        self.dtype = maps_dtype(self.device)
        if self.dtype is torch.bfloat16:
            self.model.decoder.to(memory_format=torch.channels_last)
        self.average = AveragedWeights(self.model, settings.average)
        self.budget = Budget(settings.steps)
        optimizer = torch.optim.Adam(self.model.parameters(), settings.lr)
        self.state = RunState(checkpoint, self.model, optimizer, self.average, self.budget)
        self.state.resume()

    def run(self) -> Iterator[dict]:
        """Steps until the end: yields {"step", "loss", "cross_entropy", "kl", "seconds"} after each, the losses as scalar tensors,
        over this process's share of the batch.

        The state is saved every `save_every` steps and at the end, before its step is yielded.
        """
        batches = ahead(lambda indices: self.masks.read(indices), map(self._share, count(self.budget.step)))
        while self.budget.fraction < 1:
            losses = self.step(next(batches))
            if processes.first() and (self.budget.step % self.settings.save_every == 0 or self.budget.fraction >= 1):
                self.state.save()
            yield {"step": self.budget.step, **losses, "seconds": self.budget.elapsed}

    def step(self, masks: Tensor) -> dict[str, Tensor]:
        """One step on this process's masks uint8 [B, S, S]."""
        masks, noise = self._varied(masks.to(self.device))
        set_learning_rate(self.state.optimizer, self.budget.learning_rate(self.settings.lr))
        losses = self.losses(masks, noise)
        self.state.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        processes.average_gradients(self.model.parameters())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
        self.state.optimizer.step()
        self.average.update(self.model, self.budget.step)
        self.budget.step += 1
        return {name: value.detach() for name, value in losses.items()}

    def losses(self, masks: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Masks int64 [B, S, S] and standard normal noise [B, 19, D] of their codes -> the loss (equation 3) and its two terms."""
        mean, log_variance = self.model.distribution(masks)
        maps = self.model.maps(mean + (0.5 * log_variance).exp() * noise)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16):
            logits = self.model.decoder(maps)
        entropy = cross_entropy(logits, masks, self.weights).mean()
        kl = kl_divergence(mean, log_variance).mean()
        kl_weight = self.settings.kl_weight_at(self.budget.step)
        return {"loss": entropy + kl_weight * kl, "cross_entropy": entropy, "kl": kl}

    def averaged(self) -> SemanticVAE:
        """The model with averaged weights, frozen: what is measured and saved."""
        return self.average.of(self.model)

    def _share(self, step: int) -> np.ndarray:
        """The training indices that this process reads in a step."""
        return pick_indices(self.masks, self.settings.batch_size, self.settings.seed, step)[self._rows()]

    def _rows(self) -> slice:
        return slice(processes.rank(), None, processes.count())

    def _varied(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        """The masks as int64, some mirrored, and the noise of their codes: those that a single process would draw for them."""
        rng, size = step_rng(self.settings.seed, self.budget.step, self.device), self.settings.batch_size
        turned = torch.rand(size, generator=rng, device=self.device)[self._rows()] < 0.5
        noise = torch.randn(size, *self.model.code_shape, generator=rng, device=self.device)[self._rows()]
        masks = masks.long()
        return (torch.where(turned[:, None, None], mirrored(masks), masks) if self.settings.mirror else masks), noise

    def _class_weights(self) -> Tensor:
        return class_weights(self.masks.batches(self.masks.train_indices, STATISTICS_ROWS))


def _started(path: str, config: SemanticVAEConfig) -> SemanticVAE:
    """The model of a file, to be trained on. Raises ValueError for one of another shape than `config`'s."""
    model = load_model(path)
    other = [name for name, value in asdict(model.config).items() if value != getattr(config, name)]
    if other:
        raise ValueError(f"{path} has {other[0]} {getattr(model.config, other[0])}, not {getattr(config, other[0])}; accepted: the same")
    return model.train().requires_grad_(True)
