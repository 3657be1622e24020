"""MaskVAE (MaskGAN, section 3.2 and figure 10): whole masks as points of a latent space, between which lie other masks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.layers import one_hot

SMALLEST = 4  # pixels of the last maps
SLOPE, EPSILON = 0.2, 1e-3


def _block(conv: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(channels, eps=EPSILON), nn.LeakyReLU(SLOPE))


def _widen(inputs: int, outputs: int) -> nn.Sequential:
    """Nearest upsampling, then a convolution that sees its own edge repeated."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate"))


class MaskVAE(nn.Module):
    """One-hot masks [N, C, S, S] -> mean and log variance [N, Z]; latents [N, Z] -> logits [N, C, S, S]."""

    def __init__(self, config: MaskGANConfig):
        super().__init__()
        self.num_classes, self.latent = config.num_classes, config.vae_latent
        halvings = (config.size // SMALLEST).bit_length() - 1
        widths = [min(config.vae_base * 2**i, config.vae_max_channels) for i in range(halvings)]
        down = zip([config.num_classes, *widths], widths)
        self.encoder = nn.Sequential(*(_block(nn.Conv2d(a, b, 4, stride=2, padding=1), b) for a, b in down))
        self.shape = (widths[-1], SMALLEST, SMALLEST)
        flat = widths[-1] * SMALLEST**2
        self.mean, self.log_variance = (nn.Linear(flat, self.latent) for _ in range(2))
        self.enter = nn.Linear(self.latent, flat)
        up = [*zip(widths[::-1], widths[-2::-1])]
        self.decoder = nn.Sequential(*(_block(_widen(a, b), b) for a, b in up), _widen(widths[0], config.num_classes))

    def encode(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder(masks).flatten(1)
        return self.mean(features), self.log_variance(features)

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(F.leaky_relu(self.enter(latents), SLOPE).view(-1, *self.shape))

    @torch.no_grad()
    def between(self, latents: Tensor) -> Tensor:
        """The likeliest mask at each latent, one-hot [N, C, S, S]: the painter only ever sees masks that are decided."""
        return one_hot(self.decode(latents).argmax(dim=1), self.num_classes)


def sample(mean: Tensor, log_variance: Tensor, rng: torch.Generator) -> Tensor:
    """A draw from N(mean, exp(log_variance)), [N, Z], differentiable in both; `rng` is of their device."""
    noise = torch.randn(mean.shape, generator=rng, device=mean.device)
    return mean + noise * (0.5 * log_variance).exp()


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """From N(mean, exp(log_variance)) to N(0, 1), summed over the latent, in the mean over the batch: a scalar."""
    mean, log_variance = mean.float(), log_variance.float()
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()


def vae_losses(logits: Tensor, masks: Tensor, mean: Tensor, log_variance: Tensor, kl_weight: float) -> dict[str, Tensor]:
    """Equation 1: {"loss", "reconstruct", "kl"} of logits [N, C, S, S] against class numbers [N, S, S]; the cross entropy is
    the mean over the pixels."""
    reconstruct, kl = F.cross_entropy(logits.float(), masks.long()), kl_divergence(mean, log_variance)
    return {"loss": reconstruct + kl_weight * kl, "reconstruct": reconstruct, "kl": kl}


def inter_outer(target: Tensor, reference: Tensor, interpolation: float) -> tuple[Tensor, Tensor]:
    """Line 5 of algorithm 1: the latents z^t + (z^ref - z^t) / lambda and z^t - (z^ref - z^t) / lambda, [N, Z] each."""
    step = (reference - target) / interpolation
    return target + step, target - step
