"""What the trainers of the drawn world share: budget and learning rate, averaged weights, checkpoints, augmentation."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from packs.files import unfinished
from stylegan2.generator import compute_dtype


LEARNING_RATE = 2e-3  # of AdamW at its highest, unless a trainer says otherwise


class Budget:
    """How far a training has come, by steps or by minutes; minutes spent before a restart count.

    Exactly one of `steps` and `minutes` is given. With steps, a run is a function of its seed alone; with minutes, of
    the machine too.
    """

    def __init__(self, steps: int | None = None, minutes: float | None = None):
        if (steps is None) == (minutes is None):
            raise ValueError(f"give either steps or minutes, not steps={steps} and minutes={minutes}")
        if (steps if minutes is None else minutes) <= 0:
            raise ValueError(f"a budget of {steps} steps, {minutes} minutes trains nothing; accepted are numbers above 0")
        self.steps, self.seconds = steps, None if minutes is None else 60.0 * minutes
        self.step, self._before, self._start = 0, 0.0, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds of training, those before a restart included."""
        return self._before + time.monotonic() - self._start

    @property
    def fraction(self) -> float:
        """The part of the budget that is used, in [0, 1]."""
        used = self.step / self.steps if self.seconds is None else self.elapsed / self.seconds
        return min(1.0, used)

    def learning_rate(self, peak: float, warmup_steps: int = 50) -> float:
        """Linear warm-up, then a cosine down to a hundredth of `peak`."""
        cosine = 0.505 + 0.495 * math.cos(math.pi * self.fraction)
        return peak * min(1.0, (self.step + 1) / warmup_steps) * cosine

    def state(self) -> dict:
        return {"step": self.step, "elapsed": self.elapsed}

    def resume(self, state: dict) -> None:
        self.step, self._before, self._start = state["step"], state["elapsed"], time.monotonic()


class AveragedWeights:
    """Exponential moving average of a module's parameters and of the statistics in its buffers.

    The half life grows with the steps taken (a tenth of them at first), so that a short run is not an average with noise.
    """

    def __init__(self, module: nn.Module, decay: float = 0.998):
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def load(self, values: dict) -> None:
        """Values of a checkpoint, onto the devices of those that are there."""
        self.values = {name: values[name].to(value.device) for name, value in self.values.items()}

    def of(self, module: nn.Module) -> nn.Module:
        """A frozen copy of the module in evaluation mode, with the averages."""
        copied = copy.deepcopy(module).eval().requires_grad_(False)
        copied.load_state_dict(self.values)
        return copied


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for matrices and filters, none for gains, biases, temperatures and embeddings of position."""
    matrices = [p for n, p in module.named_parameters() if p.ndim >= 2 and "embedding" not in n]
    others = [p for n, p in module.named_parameters() if p.ndim < 2 or "embedding" in n]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def save_checkpoint(path: Path, state: dict) -> None:
    """torch.save, all of it or nothing: a kill leaves the previous checkpoint whole."""
    with unfinished(path) as waiting:
        torch.save(state, waiting)


def load_checkpoint(path: Path) -> dict:
    """Tensors and plain values only. Raises ValueError for a file that is not a whole checkpoint."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch reports damage by RuntimeError, EOFError, UnpicklingError and others
        raise ValueError(f"{path} is not a whole checkpoint; delete it to start anew") from error


@dataclass
class RunState:
    """What a training that goes on needs, as one checkpoint file: {"model", "optimizer", "average", "budget"}."""

    path: Path
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedWeights
    budget: Budget

    def resume(self) -> None:
        """Go on where the file was written; nothing where there is none. Raises ValueError for a damaged one."""
        if self.path.exists():
            state = load_checkpoint(self.path)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average.load(state["average"])
            self.budget.resume(state["budget"])

    def save(self) -> None:
        save_checkpoint(self.path, {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                                    "average": self.average.values, "budget": self.budget.state()})


def pick_indices(cache, batch_size: int, seed: int, step: int):
    """Training indices of step `step`, as if the epochs had been drawn one after another: int64 [B].

    A function of (seed, step), so that a resumed run sees the batches that it would have seen.
    """
    import numpy as np

    available = cache.train_indices
    if not 1 <= batch_size <= len(available):
        raise ValueError(f"batch size is {batch_size}; this cache allows 1 to {len(available)}")
    a_epoch = len(available) // batch_size
    epoch, place = divmod(step, a_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(available)
    return order[place * batch_size : (place + 1) * batch_size]


def step_rng(seed: int, step: int, device: torch.device) -> torch.Generator:
    """The random numbers of one step, on the device, so that a resumed run draws what it would have drawn."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step)


@torch.no_grad()
def augment(images: Tensor, rng: torch.Generator, shift: float = 0.03) -> Tensor:
    """Small changes that alter no fact: images [B, 3, S, S] in [-1, 1] -> the same shape.

    Shifts and scales of a few pixels, light, blur, noise; and a haze of another picture over some, so that a ghost of
    a pair of glasses does not count as glasses: a generator that is being edited draws ghosts first. `rng` is of the
    images' device (`step_rng`).
    """
    count, device = len(images), images.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng, device=device)

    scale = 1 + 0.04 * (uniform(count) - 0.5)
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = 2 * shift * (2 * uniform(count, 2) - 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    haze = 0.28 * uniform(count) * (uniform(count) < 0.3)
    images = torch.lerp(images, images.roll(1, 0), haze.view(-1, 1, 1, 1))
    blurred = uniform(count) < 0.35
    images[blurred] = blur(images[blurred])
    images = images * (1 + 0.2 * (uniform(count, 1, 1, 1) - 0.5)) + 0.12 * (uniform(count, 3, 1, 1) - 0.5)
    noisy = uniform(count) < 0.4
    noise = torch.randn(images[noisy].shape, generator=rng, device=device)
    images[noisy] += noise * (0.08 * uniform(len(noise), 1, 1, 1))
    return images


def blur(images: Tensor) -> Tensor:
    """The binomial filter 1 2 1 twice over, as a cheap blur."""
    return F.avg_pool2d(F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 2, 1), 2, 1)


def maps_dtype(device: torch.device | str) -> torch.dtype:
    """The number format of feature maps in training: bfloat16 on GPUs and on processors built for it, else float32."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return compute_dtype(device)


def autocast(device: torch.device | str) -> torch.autocast:
    """A context in which feature maps are of `maps_dtype`."""
    device = torch.device(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=maps_dtype(device) is torch.bfloat16)
