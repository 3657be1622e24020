"""The published algorithm: a step in W+ learned from a plain CLIP loss and a localization loss on all feature maps.

Section 3 of the paper; what it leaves open (initialisation, range of alpha, masks) as in its published code: rows begin at
random with unit length and are free to grow, alpha is one number a batch, masks are hard, the part is the prompt's. The
losses are those of `lelsd.losses`; what differs from ours is what they look at, how they are weighed and what is learned.
"""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.eclipsed.config import TYPICAL_ALPHA, EclipsedConfig, expand
from lelsd import losses
from lelsd.clip_guide import ClipGuide
from lelsd.config import learning_rate_at
from lelsd.direction import Direction
from lelsd.objective import sample_noise
from segmentation.parts import label_mask

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack

SINGLE = 0  # the step whose noise is the one picture


def train(pack: "Pack", prompt: "Prompt", config: EclipsedConfig, report: Callable[[int, dict[str, float]], None] = lambda step, found: None) -> Direction:
    """Learn the direction of a prompt. report: told each step's number and losses. Alpha 1 of the result is the paper's 6.

    The direction's `quality` holds the seconds that training took. Deterministic, given device and threads.
    """
    started = time.monotonic()
    training = Eclipsed(pack, prompt, config)
    optimizer = torch.optim.Adam([training.rows], lr=config.learning_rate)
    for step in range(1, config.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(config, step)
        found = training.losses(step)
        optimizer.zero_grad(set_to_none=True)
        (config.clip_weight * found["clip"] + config.localization_weight * found["localization"]).backward()
        optimizer.step()
        report(step, {name: float(value.detach()) for name, value in found.items()})
    return training.direction(seconds=round(time.monotonic() - started, 3))


class Eclipsed:
    """rows: what is learned, [L, D], or [1, D] in W."""

    def __init__(self, pack: "Pack", prompt: "Prompt", config: EclipsedConfig) -> None:
        self.pack, self.prompt, self.config, self.guide = pack, prompt, config, ClipGuide(pack)
        self.text = self.guide.encode_text([expand(prompt) if config.expanded else prompt.text])[0]
        generator = pack.generator
        drawn = torch.randn(generator.num_ws if config.space == "W+" else 1, generator.w_dim, generator=torch.Generator().manual_seed(config.seed))
        self.rows = F.normalize(drawn, dim=1).to(pack.device).requires_grad_()

    def losses(self, step: int) -> dict[str, Tensor]:
        """The batch means of a step, differentiable in `rows`: clip = 1 - cosine, localization = share of change outside."""
        w_plus, alpha = self.batch(step)
        synthesis = self.pack.generator.synthesis
        with torch.no_grad():
            image_before, maps_before = synthesis(w_plus, return_features=True)
        image, maps = synthesis(w_plus + alpha * self.rows, return_features=True)
        clip = losses.clip_loss(self.guide.encode_image(image), self.text).mean()
        if self.config.localization_weight == 0:
            return {"clip": clip, "localization": torch.zeros_like(clip)}
        mask = losses.average_mask(self.mask(image_before), self.mask(image))
        return {"clip": clip, "localization": losses.localization_loss(maps_before.values(), maps.values(), mask).mean()}

    @torch.no_grad()
    def batch(self, step: int) -> tuple[Tensor, float]:
        """Latents [N, L, D] and the strength of a step; the same ones in every step of a run on a single picture."""
        config, z_dim = self.config, self.pack.generator.z_dim
        z, random = sample_noise(config.seed, step, (config.batch_size, z_dim))
        if config.single:
            z = single_noise(config.seed, z_dim).expand(config.batch_size, -1)
        alpha = config.alpha_min + (config.alpha_max - config.alpha_min) * float(torch.rand((), generator=random))
        return self.pack.generator.mapping(z.to(self.pack.device), truncation=config.truncation), alpha

    @torch.no_grad()
    def mask(self, images: Tensor) -> Tensor:
        """Where the parser sees the part: [N, 3, R, R] -> [N, 1, R, R], 0 or 1."""
        return label_mask(self.pack.parser(images).argmax(dim=1), self.prompt.part)[:, None].float()

    def direction(self, **quality: float) -> Direction:
        """The result as a Direction: all layers, and alpha 1 where the paper's is 6."""
        pack, rows = self.pack, self.rows.detach().expand(self.pack.generator.num_ws, -1).float().cpu()
        length = float(rows.square().sum(dim=1).mean().sqrt())
        return Direction(rows[None] / length, tuple(range(len(rows))), self.prompt.text, self.prompt.part, pack.name, pack.hash,
                         (TYPICAL_ALPHA * length,), {self.prompt.part: 1.0}, self.config.to_dict(), quality)


def single_noise(seed: int, z_dim: int) -> Tensor:
    """The latent of the one picture that a run with `single` trains on, [1, z_dim]."""
    return sample_noise(seed, SINGLE, (1, z_dim))[0]
