"""The adversarial phase of the built-in generator: detail that regression leaves soft, without giving up what it got right.

A critic compares drawn and rendered crops of the same faces. It is StyleGAN2's residual discriminator in narrow widths, told
by projection (Miyato and Koyama 2018) which face it looks at and where, so that a generated strand must be one that this
face has. Its loss is the non-saturating one with R1 at every 16th step (Karras et al. 2020, appendix B): equalised
learning rates, which the discriminator has, leave no use for spectral norms, and R1 is what converges near the data
(Mescheder et al. 2018), where a regressed generator already is.

The critic sees only what a blur takes away. Soft and rendered pictures are all but the same picture: shown them whole, it
could not tell them apart after 340 steps (loss 1.386, which is chance); shown their detail, it could after 50.

Two things keep it honest. The critic's gradient on the picture is scaled to a share of the regression's, whatever the two
losses are worth at the time; and `Sharpener.judge` accepts the averaged weights only while the validation L1 is
within a few percent of where the phase began, and halves the share when it is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from portraits import processes
from portraits.faint import balanced
from portraits.generator_loss import part_weights, picture_loss
from portraits.pictures import Pictures, ahead
from portraits.train_generator import LONGEST_STEP, SynthesisTrainer, picks
from portraits.training import load_checkpoint, save_checkpoint
from stylegan2.discriminator import Discriminator, DiscriminatorConfig, minibatch_stddev
from stylegan2.layers import FullyConnected

PLACE = 2  # entries of a condition that say where the crop lies
BLUR, CONTRAST = 5, 6.0  # pixels of the box whose mean is taken away, and by how much what is left is raised


@dataclass
class Sharpening:
    """Settings of `sharpen`."""

    minutes: float = 30.0
    batch_size: int = 16  # of each process, a multiple of 4
    learning_rate: float = 1e-3  # of the generator; falls along a cosine
    critic_rate: float = 2e-3
    share: float = 0.5  # of the critic's gradient against the regression's, at first and at most
    penalty: float = 0.5  # R1's gamma
    penalty_every: int = 16
    tolerance: float = 0.03  # by which the validation L1 may be worse than at the beginning
    crop: int = 128
    channel_base: int = 2048  # of the critic: 16 channels at 128 pixels ...
    channel_max: int = 128
    seed: int = 0


def detail(images: Tensor) -> Tensor:
    """What a blur takes away from pictures [N, 3, H, W], raised to about the contrast of a picture."""
    edge = BLUR // 2
    return CONTRAST * (images - F.avg_pool2d(F.pad(images, (edge,) * 4, mode="replicate"), BLUR, stride=1))


class Critic(Discriminator):
    """Crops [N, 3, S, S] in [-1, 1] and conditions [N, D + 2] (w and the crop's place) -> logits [N], high for rendered."""

    def __init__(self, config: DiscriminatorConfig, w_dim: int):
        super().__init__(config)
        self.project = FullyConnected(w_dim + PLACE, config.channels(4))

    def forward(self, images: Tensor, condition: Tensor) -> Tensor:
        x = detail(images).to(self.dtype, memory_format=torch.channels_last)
        for resolution in self.resolutions:
            x = self.get_submodule(f"b{resolution}")(x)
        x = minibatch_stddev(x.float().contiguous(), self.b4.group_size)
        features = self.b4.fc(self.b4.conv(x).flatten(1))
        return self.b4.out(features)[:, 0] + (features * self.project(condition)).sum(1) / math.sqrt(features.shape[1])


def r1_penalty(critic: Critic, real: Tensor, condition: Tensor, gamma: float) -> Tensor:
    """gamma / 2 times the mean squared norm of the critic's gradient at rendered pictures, in float32: a scalar."""
    dtype, critic.dtype = critic.dtype, torch.float32
    try:
        real = real.detach().requires_grad_()
        gradient, = torch.autograd.grad(critic(real, condition).sum(), real, create_graph=True)
    finally:
        critic.dtype = dtype
    return gamma / 2 * gradient.square().sum((1, 2, 3)).mean()


class Sharpener:
    """State of the phase: the generator's trainer, the critic, how much it is heard, and the weights that were accepted."""

    def __init__(self, trainer: SynthesisTrainer, settings: Sharpening):
        self.trainer, self.settings = trainer, settings
        size = min(settings.crop, trainer.generator.resolution)
        torch.manual_seed(settings.seed)
        config = DiscriminatorConfig(size, settings.channel_base, settings.channel_max)
        self.critic = Critic(config, trainer.generator.w_dim).to(trainer.device)
        self.critic.dtype = trainer.generator.synthesis.dtype
        self.optimiser = torch.optim.Adam(self.critic.parameters(), settings.critic_rate, betas=(0.0, 0.99), fused=True)
        self.share, self.limit = settings.share, math.inf
        self.accepted = {name: value.clone() for name, value in trainer.average.state_dict().items()}
        self.seconds, self.step = 0.0, 0

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / (60 * self.settings.minutes))

    def begin(self, l1: float) -> None:
        """Set the limit of the validation L1 by its value before the phase."""
        self.limit = l1 * (1 + self.settings.tolerance)

    @torch.no_grad()
    def judge(self, l1: float) -> bool:
        """Keep the averaged weights if their validation L1 is allowed; listen to the critic more, or less, from now on."""
        allowed = l1 <= self.limit
        if allowed:
            for name, value in self.trainer.average.state_dict().items():
                self.accepted[name].copy_(value)
        self.share = min(self.settings.share, self.share * 1.25) if allowed else self.share / 2
        return allowed

    def save(self, path: Path) -> None:
        self.trainer.save(path.with_name(path.stem + ".generator.pt"))
        save_checkpoint(path, {
            "critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict(), "accepted": self.accepted, "share": self.share,
            "limit": self.limit, "seconds": self.seconds, "step": self.step,
        })

    def load(self, path: Path) -> None:
        self.trainer.load(path.with_name(path.stem + ".generator.pt"))
        state = load_checkpoint(path)
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.accepted = {name: value.to(self.trainer.device) for name, value in state["accepted"].items()}
        self.share, self.limit, self.seconds, self.step = state["share"], state["limit"], state["seconds"], state["step"]

    def train_step(self, target: Tensor, masks: Tensor, w: Tensor) -> dict[str, Tensor]:
        """One step of the generator and one of the critic on pictures [N, 3, R, R], masks [N, R, R] and w [N, D]."""
        w = w.to(self.trainer.device)
        drawn = self.trainer.generator.synthesis(self.trainer.rows(w))
        crop, condition = self._crop(target.shape[-1], w)
        weights = part_weights(masks, self.trainer.faint)
        losses, gradient = self._on_picture(drawn.detach(), target, weights, crop, condition)
        for group in self.trainer.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress))) * min(1.0, (self.step + 1) / 50)
        self.trainer.optimiser.zero_grad()
        drawn.backward(gradient)
        self.trainer.update()
        losses["critic"] = self._critic_step(crop(target), crop(drawn.detach()), condition)
        self.step += 1
        return losses

    def _on_picture(self, drawn: Tensor, target: Tensor, weights: Tensor, crop, condition: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Both losses and their joint gradient at the picture."""
        drawn = drawn.requires_grad_()
        loss = picture_loss(drawn, target, weights)
        regression, = torch.autograd.grad(loss, drawn)
        fooled = F.softplus(-self.critic(crop(drawn), condition)).mean()
        adversarial, = torch.autograd.grad(fooled, drawn)
        scale = self.share * regression.norm() / adversarial.norm().clamp_min(1e-12)
        return {"loss": loss.detach(), "fooled": fooled.detach()}, regression + scale * adversarial

    def _crop(self, size: int, w: Tensor) -> tuple[Callable[[Tensor], Tensor], Tensor]:
        """This step's crop as a function of pictures, and the conditions [N, D + 2] that name it."""
        side = self.critic.config.resolution
        random = np.random.Generator(np.random.Philox(key=[self.settings.seed + (processes.rank() << 32), self.step | 1 << 40]))
        top, left = random.integers(0, size - side + 1, 2).tolist()
        place = torch.tensor([top, left], device=w.device).div(max(1, size - side)).mul(2).sub(1).expand(len(w), -1)
        return lambda images: images[..., top : top + side, left : left + side], torch.cat([w, place], 1)

    def _critic_step(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        loss = F.softplus(-self.critic(real, condition)).mean() + F.softplus(self.critic(fake, condition)).mean()
        total = loss
        if self.step % self.settings.penalty_every == 0:
            total = loss + self.settings.penalty_every * r1_penalty(self.critic, real, condition, self.settings.penalty)
        self.optimiser.zero_grad()
        total.backward()
        processes.average_gradients(self.critic.parameters())
        self.optimiser.step()
        return loss.detach()


def sharpen(sharpener: Sharpener, pictures: Pictures, appearances: np.ndarray, clock: Callable[[], float],
            indices: np.ndarray | None = None) -> Iterator[dict]:
    """Train until the minutes are spent; yields {step, progress, loss, fooled, critic} each step, the losses as scalar tensors.

    Arguments as for `train_synthesis`. The caller validates now and then, and passes the L1 to `begin` once and then to `judge`.
    """
    trainer = sharpener.trainer
    w = trainer.basis.w(torch.as_tensor(np.asarray(appearances)))
    indices = balanced(np.arange(len(appearances)) if indices is None else indices, appearances)
    batches = ahead(lambda picked: (picked, *pictures.batch(picked)), picks(indices, sharpener.settings, sharpener.step))
    last = processes.shared(clock(), trainer.device)
    while sharpener.progress < 1:
        picked, target, masks = next(batches)
        losses = sharpener.train_step(target, masks, w[picked])
        sharpener.share = processes.shared(sharpener.share, trainer.device)
        now = processes.shared(clock(), trainer.device)
        sharpener.seconds, last = sharpener.seconds + min(now - last, LONGEST_STEP), now
        yield {"step": sharpener.step, "progress": sharpener.progress, **losses}
