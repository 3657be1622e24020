"""The built-in generator: StyleGAN2 fitted to the renderer, growing from few pixels through its skip outputs.

Three steps. `train_synthesis` gives W a meaning: w is the face's appearance vector (`scene.appearance`), standardised and
turned by a fixed rotation, and the synthesis network learns to draw what the renderer draws for it. `portraits/sharpen.py` then
asks for detail that regression leaves soft. The mapping network (`portraits/train_mapping.py`) learns which w belongs to a
latent z. W is therefore close to linear in the quantities *by construction*, which a generator trained adversarially does
not promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from portraits import processes
from portraits.faint import balanced, faint_weights
from portraits.generator_loss import part_weights, picture_loss
from portraits.pictures import Pictures, ahead
from portraits.scene import NUM_FACTORS, appearance_names
from portraits.training import load_checkpoint, save_checkpoint
from stylegan2.generator import Generator, GeneratorConfig

LONGEST_STEP = 60.0  # seconds that a step counts at most, so that a process that was stopped for a while keeps its schedule
MAPS_FROM = 32  # pixels; below, the constant and the styles do
# "cpu" draws a picture of 256 pixels in 13 ms on two cores, "gpu" in 28; a run of the wider can begin with a pack of the narrower.
WIDTHS = {"cpu": {"channel_base": 4096, "channel_max": 256}, "gpu": {"channel_base": 8192, "channel_max": 256}}


def synthesis_config(name: str, resolution: int) -> GeneratorConfig:
    """What is trained: "cpu" or "gpu" widths, and a W as wide as the appearance vector (`lift` widens it afterwards).

    Raises ValueError for another name.
    """
    if name not in WIDTHS:
        raise ValueError(f"unknown config {name!r}; accepted are {', '.join(WIDTHS)}")
    w_dim = -(-len(appearance_names()) // 8) * 8
    return GeneratorConfig(resolution=resolution, z_dim=NUM_FACTORS, w_dim=w_dim, num_mapping_layers=3, **WIDTHS[name])


@dataclass(frozen=True)
class Basis:
    """How an appearance vector becomes w: (appearance - mean) / spread, rotated. All float32 tensors."""

    mean: torch.Tensor  # [P]
    spread: torch.Tensor  # [P]
    rotation: torch.Tensor  # [P, D] with orthonormal rows

    @staticmethod
    def fit(appearances: torch.Tensor, w_dim: int, seed: int = 0) -> Basis:
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
    batch_size: int = 16  # of each process
    learning_rate: float = 6e-3
    grow_at: tuple[float, ...] = (0.02, 0.08, 0.25)  # shares of the time after which the resolution doubles; after the last it is full
    average: float = 0.998  # decay of the averaged weights a step
    seed: int = 0


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
        self.average = Generator(generator.config).to(self.device).requires_grad_(False)
        self.average.load_state_dict(generator.state_dict())
        self.average.synthesis.dtype = generator.synthesis.dtype
        self.trained = [*generator.synthesis.parameters(), *self.maps]
        self.optimiser = torch.optim.Adam(self.trained, settings.learning_rate, betas=(0.9, 0.99), fused=True)
        self.faint = torch.from_numpy(faint_weights(generator.resolution)).to(self.device)
        self.seconds, self.step = 0.0, 0

    @property
    def device(self) -> torch.device:
        return self.generator.synthesis.b4.const.device

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / (60 * self.settings.minutes))

    @property
    def resolution(self) -> int:
        """Pixels drawn now."""
        return stage_resolution(self.progress, self.settings, self.generator.resolution)

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs, on this device or another, under a temporary name first."""
        save_checkpoint(path, {
            "generator": self.generator.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "config": self.generator.config.to_dict(), "basis": vars(self.basis), "seconds": self.seconds, "step": self.step,
        })

    def load(self, path: Path) -> None:
        """Continue a saved run; the settings are the caller's. Raises ValueError for a run of another generator."""
        state = load_checkpoint(path)
        if state["config"] != self.generator.config.to_dict():
            raise ValueError(f"{path} is a run of another generator ({state['config']}); use an empty work folder, or its config")
        self.generator.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.basis = Basis(**state["basis"])
        self.seconds, self.step = state["seconds"], state["step"]

    def rows(self, w: torch.Tensor) -> torch.Tensor:
        """w [N, D] in every row of w+: [N, L, D] on the trainer's device."""
        return w.to(self.device)[:, None].expand(-1, self.generator.num_ws, -1)

    def train_step(self, target: torch.Tensor, masks: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """One step on pictures [N, 3, R, R] in [-1, 1], masks [N, R, R] and w [N, D]; returns the loss, a scalar."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.progress, self.settings) * min(1.0, (self.step + 1) / 100)
        drawn = self.generator.synthesis(self.rows(w), resolution=target.shape[-1])
        loss = picture_loss(drawn, target, part_weights(masks, self.faint))
        self.optimiser.zero_grad()
        loss.backward()
        self.update()
        return loss.detach()

    @torch.no_grad()
    def update(self) -> None:
        """Step by the gradients, averaged over the processes, and move the averaged weights."""
        processes.average_gradients(self.trained)
        self.optimiser.step()
        self.step += 1
        decay = min(self.settings.average, 1 - 10 / (self.step + 10))
        averages = [*self.average.synthesis.parameters(), *noise_maps(self.average)]
        torch._foreach_lerp_(averages, [tensor.detach() for tensor in self.trained], 1 - decay)


def new_trainer(appearances: np.ndarray, config: GeneratorConfig, settings: SynthesisTraining, dtype: torch.dtype,
                device: torch.device | str = "cpu") -> SynthesisTrainer:
    """A fresh run, the same on every device; `appearances` [N, P] are those of the training pictures, `dtype` is of the maps."""
    torch.manual_seed(settings.seed)
    generator = Generator(config)
    generator.synthesis.dtype = dtype
    with torch.no_grad():
        for name, parameter in generator.synthesis.named_parameters():
            if name.endswith("affine.weight"):  # small styles at first: w has D unit-variance entries and every layer starts near style 1
                parameter.mul_(0.3)
            elif name.endswith("torgb.weight") and not name.startswith("b4."):  # a new resolution changes nothing when it comes in
                parameter.zero_()
    basis = Basis.fit(torch.as_tensor(appearances), config.w_dim, settings.seed)
    return SynthesisTrainer(generator.to(device), basis, settings)


def train_synthesis(trainer: SynthesisTrainer, pictures: Pictures, appearances: np.ndarray, clock: Callable[[], float],
                    indices: np.ndarray | None = None) -> Iterator[dict]:
    """Train until the minutes are spent; yields {step, progress, loss, resolution} each step, the loss as a scalar tensor.

    appearances [N, P] belong to the pictures, of which those of `indices` (all) are learned from; `clock` returns seconds.
    """
    w = trainer.basis.w(torch.as_tensor(np.asarray(appearances)))
    indices = balanced(np.arange(len(appearances)) if indices is None else indices, appearances)
    keys = ((picked, trainer.resolution) for picked in picks(indices, trainer.settings, trainer.step))
    batches = ahead(lambda key: (key[0], *pictures.batch(*key)), keys)
    last = processes.shared(clock(), trainer.device)
    while trainer.progress < 1:
        picked, target, masks = next(batches)
        loss = trainer.train_step(target, masks, w[picked])
        now = processes.shared(clock(), trainer.device)
        trainer.seconds, last = trainer.seconds + min(now - last, LONGEST_STEP), now
        yield {"step": trainer.step, "progress": trainer.progress, "loss": loss, "resolution": target.shape[-1]}


def picks(indices: np.ndarray, settings, step: int) -> Iterator[np.ndarray]:
    """The batches' indices from `step` on: random, and those of a run that was never interrupted."""
    while True:
        random = np.random.Generator(np.random.Philox(key=[settings.seed + (processes.rank() << 32), step]))
        yield np.sort(random.choice(indices, settings.batch_size, replace=False))
        step += 1
