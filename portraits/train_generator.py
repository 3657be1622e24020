"""The built-in generator: StyleGAN2 fitted to the renderer, growing from few pixels through its skip outputs.

Two steps. `train_synthesis` gives W a meaning: w is the face's appearance vector (`scene.appearance`), standardised and
turned by a fixed rotation, and the synthesis network learns to draw what the renderer draws for it. The mapping network
(`portraits/train_mapping.py`) then learns which w belongs to a latent z. W is therefore close to linear in the
quantities *by construction*, which a generator trained adversarially does not promise.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import distributed

from stylegan2.generator import Generator, GeneratorConfig

MAPS_FROM = 32  # pixels; below, the constant and the styles do
SMALL_CLASSES = (2, 3, 4, 5, 6, 9, 11, 12, 13, 15)  # brows, eyes, glasses, earrings, mouth, lips, necklace


@dataclass(frozen=True)
class Basis:
    """How an appearance vector becomes w: (appearance - mean) / spread, rotated. All float32 tensors."""

    mean: torch.Tensor  # [P]
    spread: torch.Tensor  # [P]
    rotation: torch.Tensor  # [P, D] with orthonormal rows

    @staticmethod
    def fit(appearances: torch.Tensor, w_dim: int, seed: int = 0) -> "Basis":
        """From samples [N, P]; ValueError when D < P, since W could not hold them."""
        size = appearances.shape[1]
        if w_dim < size:
            raise ValueError(f"w_dim {w_dim} is smaller than the {size} entries of an appearance vector")
        square = torch.randn(w_dim, w_dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        rotation = torch.linalg.qr(square).Q[:size].float()
        return Basis(appearances.mean(0), appearances.std(0).clamp_min(1e-3), rotation)

    def w(self, appearances: torch.Tensor) -> torch.Tensor:
        """[N, P] -> [N, D]."""
        return ((appearances - self.mean) / self.spread) @ self.rotation


@dataclass
class SynthesisTraining:
    """Settings of `train_synthesis`."""

    minutes: float = 60.0
    batch_size: int = 16
    learning_rate: float = 6e-3
    grow_at: tuple[float, ...] = (0.08, 0.22, 0.50)  # shares of the time after which the resolution doubles; after the last it is full
    small_part_weight: float = 3.0
    seed: int = 0


def part_weights(masks: torch.Tensor, extra: float) -> torch.Tensor:
    """Loss weights [N, 1, H, W] for class masks [N, H, W]: 1, and 1 + extra on small parts, which the eye seeks."""
    small = torch.zeros(19)
    small[list(SMALL_CLASSES)] = extra
    small[17] = 0.7 * extra  # hair: its texture is faint against the rest
    return 1 + small[masks.long()][:, None]


def picture_loss(drawn: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted L1 at full size, plus L1 of local gradients (edges), plus L1 at 1/4: a scalar."""
    error = drawn - target
    fine = (error.abs() * weights).mean() / weights.mean()
    edges = ((error[..., 1:] - error[..., :-1]).abs() * weights[..., 1:]).mean() + ((error[..., 1:, :] - error[..., :-1, :]).abs() * weights[..., 1:, :]).mean()
    return fine + 0.5 * edges / weights.mean() + 0.5 * F.avg_pool2d(error, 4).abs().mean()


def stage_resolution(progress: float, settings: SynthesisTraining, full: int) -> int:
    """Pixels drawn at this share of the training."""
    doublings_left = sum(progress < share for share in settings.grow_at)
    return max(full >> doublings_left, 8)


def learning_rate(progress: float, settings: SynthesisTraining) -> float:
    """Constant for the first half, then a cosine down to 2%."""
    tail = max(0.0, (progress - 0.5) / 0.5)
    return settings.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * tail)))


def noise_maps(generator: Generator) -> list[torch.Tensor]:
    """The stored noise maps [R, R] of the layers from `MAPS_FROM` pixels up."""
    return [getattr(generator.synthesis, f"b{resolution}").get_submodule(name).noise_const
            for resolution in generator.config.resolutions if resolution >= MAPS_FROM for name in ("conv0", "conv1")]


@torch.no_grad()
def learn_noise_maps(generator: Generator) -> list[torch.Tensor]:
    """Make the noise maps learnable, from zero, and return them.

    Ringlets, freckles and the ribs of a hat stay in their places and only grow or fade. A fixed pattern is the one thing
    that convolutions on a 4x4 constant learn slowly, and just what a stored map adds; the styles decide where it shows.
    """
    for name, tensor in generator.synthesis.state_dict().items():
        if name.endswith(("noise_const", "noise_strength")):
            tensor.zero_()
    for resolution in generator.config.resolutions:
        if resolution >= MAPS_FROM:
            for name in ("conv0", "conv1"):
                getattr(generator.synthesis, f"b{resolution}").get_submodule(name).noise_strength.fill_(1.0)
    return [noise_map.requires_grad_() for noise_map in noise_maps(generator)]


class SynthesisTrainer:
    """State of a run: the generator, its running average (what ships), the optimiser and the seconds spent."""

    def __init__(self, generator: Generator, basis: Basis, settings: SynthesisTraining):
        self.settings, self.basis, self.generator = settings, basis, generator
        self.maps = learn_noise_maps(generator)
        self.average = Generator(generator.config).requires_grad_(False)
        self.average.load_state_dict(generator.state_dict())
        self.trained = [*generator.synthesis.parameters(), *self.maps]
        self.optimiser = torch.optim.Adam(self.trained, settings.learning_rate, betas=(0.9, 0.99), fused=True)
        self.seconds, self.step = 0.0, 0

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / (60 * self.settings.minutes))

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs, under a temporary name first."""
        state = {
            "generator": self.generator.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "config": self.generator.config.to_dict(), "basis": vars(self.basis), "seconds": self.seconds, "step": self.step,
        }
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def load(self, path: Path) -> None:
        """Continue a saved run; the settings are the caller's."""
        state = torch.load(path, weights_only=True)
        self.generator.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.basis = Basis(**state["basis"])
        self.seconds, self.step = state["seconds"], state["step"]

    def train_step(self, images: torch.Tensor, masks: torch.Tensor, w: torch.Tensor) -> float:
        """One step on uint8 images [N, H, W, 3], masks [N, H, W] and w [N, D]; returns the loss."""
        full = self.generator.resolution
        resolution = stage_resolution(self.progress, self.settings, full)
        target = images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        factor = full // resolution
        target = F.avg_pool2d(target, factor) if factor > 1 else target
        weights = part_weights(masks[:, ::factor, ::factor], self.settings.small_part_weight)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.progress, self.settings) * min(1.0, (self.step + 1) / 100)
        rows = w[:, None].expand(-1, self.generator.num_ws, -1)
        loss = picture_loss(self.generator.synthesis(rows, resolution=resolution), target, weights)
        self.optimiser.zero_grad()
        loss.backward()
        average_gradients(self.trained)
        self.optimiser.step()
        self.step += 1
        decay = min(0.998, 1 - 10 / (self.step + 10))
        with torch.no_grad():
            averages = [*self.average.synthesis.parameters(), *noise_maps(self.average)]
            torch._foreach_lerp_(averages, [tensor.detach() for tensor in self.trained], 1 - decay)
        return loss.item()


def average_gradients(parameters) -> None:
    """Mean of the gradients over the processes of a `torchrun`; nothing when there is just one."""
    if not distributed.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(mean.view_as(gradient))


def shared_clock(clock) -> float:
    """Rank 0's seconds, so that all processes change resolution at the same step."""
    if not distributed.is_initialized():
        return clock()
    seconds = torch.tensor([clock()], dtype=torch.float64)
    distributed.broadcast(seconds, 0)
    return seconds.item()


def new_trainer(appearances: np.ndarray, config: GeneratorConfig, settings: SynthesisTraining, dtype: torch.dtype) -> SynthesisTrainer:
    """A fresh run; `appearances` [N, P] are those of the training pictures."""
    torch.manual_seed(settings.seed)
    generator = Generator(config)
    generator.synthesis.dtype = dtype
    with torch.no_grad():  # small styles at first: w has D unit-variance entries and every layer starts near style 1
        for name, parameter in generator.synthesis.named_parameters():
            if name.endswith("affine.weight"):
                parameter.mul_(0.3)
    return SynthesisTrainer(generator, Basis.fit(torch.as_tensor(appearances), config.w_dim, settings.seed), settings)


def train_synthesis(trainer: SynthesisTrainer, images, masks, appearances, clock) -> Iterator[dict]:
    """Train until the minutes are spent; yields {step, progress, loss, resolution} each step.

    images uint8 [N, S, S, 3] and masks uint8 [N, S, S] are indexed a batch at a time, so they may be memory maps;
    `clock` returns seconds.
    """
    w = trainer.basis.w(torch.as_tensor(np.asarray(appearances)))
    settings, last = trainer.settings, shared_clock(clock)
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    while trainer.progress < 1:
        random = np.random.Generator(np.random.Philox(key=[settings.seed + (rank << 32), trainer.step]))
        picked = np.sort(random.choice(len(images), settings.batch_size, replace=False))
        loss = trainer.train_step(torch.from_numpy(images[picked]), torch.from_numpy(masks[picked]), w[picked])
        now = shared_clock(clock)
        trainer.seconds, last = trainer.seconds + now - last, now
        resolution = stage_resolution(trainer.progress, settings, trainer.generator.resolution)
        yield {"step": trainer.step, "progress": trainer.progress, "loss": loss, "resolution": resolution}
