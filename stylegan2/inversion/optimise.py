"""Inversion by optimisation: w+ is moved until the generator draws the target.

Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix D, optimise w, from the mean, with a
perceptual distance; here it is w+ (Abdal et al. 2019, "Image2StyleGAN"), from any start, and noise stays what it is. w+ that
strays far from W draws the target and edits badly (Tov et al. 2021, "Designing an encoder for StyleGAN image manipulation", 3), so a
step is split into one that all rows share and one of each row's own, and both are pulled back, the second harder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.generator import Generator
from stylegan2.layers import NOISE_MODES

COARSEST = 8  # pixels of the smallest scale that is compared
WARM_UP, COOL_DOWN = 0.05, 0.5  # shares of the steps in which the learning rate rises, and in which it falls
LEAST_GAIN = 0.002  # share of the loss that `patience` steps must win
SMALLEST_SPREAD = 0.01  # of an entry of w, relative to the largest: entries that never move must not be divided by 0

Distance = Callable[[Tensor], Tensor]
"""Pictures [N, 3, H, W] in [-1, 1] -> how far each is from its target, [N], at least 0; differentiable."""


@dataclass(frozen=True)
class Inversion:
    """Settings of `invert`. Lengths in W are in standard deviations of its entries."""

    steps: int = 200  # at most; 0 only looks at the start
    learning_rate: float = 0.05  # of Adam at its highest: about the length of a step of an entry
    pixel_weight: float = 1.0
    feature_weight: float = 1.0
    pull: float = 0.003  # of the mean squared distance from the start that all rows share
    pull_apart: float = 0.01  # of the mean squared distance of each row from what they share
    compare_at: int = 256  # pixels: larger pictures are compared at this size
    patience: int = 40  # steps that may pass without a gain
    noise: str = "const"  # the stored maps, or "none"

    def __post_init__(self) -> None:
        if self.steps < 0 or self.patience < 1 or self.compare_at < COARSEST:
            raise ValueError(f"steps {self.steps}, patience {self.patience}, compare_at {self.compare_at}; accepted: at least 0, 1 and {COARSEST}")
        if self.noise not in NOISE_MODES or self.noise == "random":
            raise ValueError(f"noise is {self.noise!r}; accepted: const, none")
        if self.learning_rate <= 0 or min(self.pixel_weight, self.feature_weight, self.pull, self.pull_apart) < 0:
            raise ValueError("a learning rate above 0 and weights of at least 0 are accepted")


@dataclass(frozen=True, eq=False)
class Progress:
    """What has been found after `step` steps: the best so far, of each target.

    w_plus: [N, L, D]. image: [N, 3, R, R], its picture. loss, pixel, feature: [N], the loss that is lowered and the two
    distances in it (feature is 0 where none was given). finished: whether this is the last.
    """

    step: int
    steps: int
    w_plus: Tensor
    image: Tensor
    loss: Tensor
    pixel: Tensor
    feature: Tensor
    finished: bool


def invert(generator: Generator, target: Tensor, start: Tensor, distance: Distance | None = None,
           settings: Inversion = Inversion()) -> Iterator[Progress]:
    """Search for the w+ that draws `target`; the first thing told is the start, the last what was found.

    Args:
        target: [N, 3, R, R] in [-1, 1], R the generator's; each picture is searched for on its own.
        start: [N, L, D] or [1, L, D], an encoder's guess or `average_start`.
        distance: of features, beside that of the pixels.

    Stop asking to cancel. The same input, device and thread count give the same result; the generator is left as it is.
    Raises: ValueError: shapes that do not fit.
    """
    search = _Search(generator, target, start, distance, settings)
    history: list[float] = []
    for step in range(settings.steps + 1):
        objective = search.look()
        history.append(search.best["loss"].mean().item())
        finished = step == settings.steps or _stalled(history, settings.patience)
        yield Progress(step, settings.steps, **{name: value.clone() for name, value in search.best.items()}, finished=finished)
        if finished:
            return
        search.move(objective, settings.learning_rate * _rate(step / settings.steps))


def average_start(generator: Generator) -> Tensor:
    """The mean latent in every row, [1, L, D]."""
    return generator.mapping.w_avg.float()[None, None].repeat(1, generator.num_ws, 1)


@torch.no_grad()
def spread(generator: Generator, count: int = 512) -> Tensor:
    """The standard deviation of the entries of w, [D], from `count` fixed samples."""
    z = torch.randn(count, generator.z_dim, generator=torch.Generator().manual_seed(0))
    each = generator.mapping.w(z.to(generator.mapping.w_avg.device)).std(dim=0)
    return each.clamp_min(SMALLEST_SPREAD * float(each.max())).clamp_min(1e-8)


def pixel_distance(images: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference, mean over the pictures and their halves down to `COARSEST` pixels: [N, 3, H, W] twice -> [N].

    The coarse scales have a gradient where fine detail lies a few pixels off.
    """
    levels = []
    while True:
        levels.append((images - target).abs().mean(dim=(1, 2, 3)))
        if images.shape[-1] < 2 * COARSEST:
            return torch.stack(levels).mean(dim=0)
        images, target = F.avg_pool2d(images, 2), F.avg_pool2d(target, 2)


class _Search:
    """The step from the start, its optimiser, and the best of each target so far."""

    def __init__(self, generator: Generator, target: Tensor, start: Tensor, distance: Distance | None, settings: Inversion) -> None:
        _check(generator, target, start)
        self.generator, self.distance, self.settings = generator, distance, settings
        self.start = start.detach().float().expand(len(target), -1, -1)
        self.factor = max(1, generator.resolution // settings.compare_at)
        self.target = self.smaller(target.detach().float())
        self.spread = spread(generator)
        self.common = torch.zeros_like(self.start[:, :1]).requires_grad_()
        self.own = torch.zeros_like(self.start).requires_grad_()
        self.optimiser = torch.optim.Adam([self.common, self.own], betas=(0.9, 0.99))
        self.best: dict[str, Tensor] = {}

    def smaller(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images, self.factor) if self.factor > 1 else images

    @torch.enable_grad()
    def look(self) -> Tensor:
        """Draw what the step gives, and remember it where it is the best; the objective, a scalar with its gradient."""
        w_plus = self.start + self.spread * (self.common + self.own)
        image = self.generator.synthesis(w_plus, noise=self.settings.noise).float()
        seen = self.smaller(image)
        pixel = pixel_distance(seen, self.target)
        feature = torch.zeros_like(pixel) if self.distance is None else self.distance(seen)
        pulled = self.settings.pull * self.common.square().mean(dim=(1, 2)) + self.settings.pull_apart * self.own.square().mean(dim=(1, 2))
        loss = self.settings.pixel_weight * pixel + self.settings.feature_weight * feature + pulled
        self._remember({"w_plus": w_plus, "image": image, "loss": loss, "pixel": pixel, "feature": feature})
        return loss.sum()

    @torch.no_grad()
    def _remember(self, found: dict[str, Tensor]) -> None:
        if not self.best:
            self.best = {name: value.detach().clone() for name, value in found.items()}
            return
        better = found["loss"] < self.best["loss"]
        for name, value in found.items():
            self.best[name][better] = value.detach()[better]

    def move(self, objective: Tensor, rate: float) -> None:
        """One step of Adam. Gradients are asked for by name, so that the generator's own weights get none."""
        parameters = [self.common, self.own]
        for parameter, gradient in zip(parameters, torch.autograd.grad(objective, parameters)):
            parameter.grad = gradient
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()


def _rate(progress: float) -> float:
    """The learning rate's share of its highest: a linear rise, then constant, then a cosine to 0."""
    fall = max(0.0, (progress - (1 - COOL_DOWN)) / COOL_DOWN)
    return min(1.0, (progress + 0.01) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * fall))


def _stalled(history: list[float], patience: int) -> bool:
    """Whether the last `patience` steps have won next to nothing."""
    return len(history) > patience and history[-1 - patience] - history[-1] <= LEAST_GAIN * history[-1 - patience]


def _check(generator: Generator, target: Tensor, start: Tensor) -> None:
    size = generator.resolution
    if target.ndim != 4 or target.shape[1:] != (3, size, size) or len(target) == 0:
        raise ValueError(f"the picture has shape {list(target.shape)}; accepted by this generator: [N, 3, {size}, {size}]")
    if start.ndim != 3 or len(start) not in (1, len(target)) or start.shape[1:] != (generator.num_ws, generator.w_dim):
        raise ValueError(f"the start has shape {list(start.shape)}; accepted: [{len(target)} or 1, {generator.num_ws}, {generator.w_dim}]")
