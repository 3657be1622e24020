"""The pieces that MaskGAN's networks share: normalisation, spatial feature transform, residual block, pix2pixHD's backbone.

Maps are [N, C, H, W]. Statistics are computed in float32 whatever the number format of the maps, so that all of this also
runs under autocast.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


def one_hot(masks: Tensor, num_classes: int) -> Tensor:
    """Class numbers [N, H, W] -> float32 [N, num_classes, H, W], 1 in the channel of a pixel's class.

    Raises: ValueError: another shape.
    """
    if masks.ndim != 3:
        raise ValueError(f"masks have shape {list(masks.shape)}; accepted: [N, H, W] of class numbers")
    # compared rather than scattered: a class beyond the last gives no channel at all where a scatter would corrupt memory
    return (masks[:, None].long() == torch.arange(num_classes, device=masks.device)[:, None, None]).float()


def normalise(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """weight (x - mean) / sigma + bias, mean and (biased) sigma of each map of each sample; the format of x is kept.

    weight, bias: [N, C], from a style encoder: adaptive instance normalisation (MaskGAN, section 3.3; Huang and Belongie
    2017, equation 8). Without them, plain instance normalisation.
    """
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    scale = (variance + EPSILON).rsqrt()
    if weight is not None:
        scale = scale * weight.float()[:, :, None, None]
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias.float()[:, :, None, None]
    return torch.addcmul(shift, x.float(), scale).to(x.dtype)


class Normalise(nn.Module):
    """Plain instance normalisation, for sequences of layers."""

    def forward(self, x: Tensor) -> Tensor:
        return normalise(x)


class SpatialFeatureTransform(nn.Module):
    """Features x (1 + gamma) + beta, both maps made from a condition of the same size (MaskGAN, figure 12; Wang et al. 2018)."""

    def __init__(self, channels: int):
        super().__init__()
        self.gamma, self.beta = (
            nn.Sequential(nn.Conv2d(channels, channels, 1), nn.LeakyReLU(0.1), nn.Conv2d(channels, channels, 1)) for _ in range(2)
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x * (1 + self.gamma(condition)) + self.beta(condition)


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), reflected at the edges; the norms are AdaIN where parameters are given."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False) for _ in range(2))

    def forward(self, x: Tensor, parameters: Tensor | None = None) -> Tensor:
        """parameters: [N, 4 C], bias and weight of the first norm, then those of the second."""
        bias1, weight1, bias2, weight2 = (None,) * 4 if parameters is None else parameters.chunk(4, dim=1)
        y = F.relu(normalise(self.conv1(x), weight1, bias1))
        return x + normalise(self.conv2(y), weight2, bias2)


def halve(inputs: int, outputs: int) -> nn.Sequential:
    """dK of pix2pixHD: 3 x 3 convolution of stride 2, instance normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), Normalise(), nn.ReLU())


def double(inputs: int, outputs: int) -> nn.Sequential:
    """uK of pix2pixHD: the transpose of that convolution, instance normalisation, ReLU."""
    conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False)
    return nn.Sequential(conv, Normalise(), nn.ReLU())


class Backbone(nn.Module):
    """The generator of pix2pixHD (Wang et al. 2018, appendix A): c7s1, `downs` halvings, residual blocks, doublings, c7s1.

    Maps [N, inputs, H, W] -> [N, outputs, H, W] without a last nonlinearity; H and W are multiples of 2^downs.
    """

    def __init__(self, inputs: int, outputs: int, base: int, downs: int, blocks: int, max_channels: int):
        super().__init__()
        widths = [min(base * 2**i, max_channels) for i in range(downs + 1)]
        self.channels = widths[-1]
        first = nn.Conv2d(inputs, widths[0], 7, padding=3, padding_mode="reflect", bias=False)
        self.begin = nn.Sequential(first, Normalise(), nn.ReLU())
        self.down = nn.Sequential(*(halve(a, b) for a, b in zip(widths, widths[1:])))
        self.blocks = nn.ModuleList(ResidualBlock(self.channels) for _ in range(blocks))
        self.up = nn.Sequential(*(double(b, a) for a, b in reversed([*zip(widths, widths[1:])])))
        self.end = nn.Conv2d(widths[0], outputs, 7, padding=3, padding_mode="reflect")
        self.apply(_small_weights)

    def forward(self, x: Tensor, parameters: Tensor | None = None) -> Tensor:
        """parameters: of AdaIN, [N, blocks * 4 * channels] (`ResidualBlock`), or None for plain normalisation."""
        x = self.down(self.begin(x))
        each = [None] * len(self.blocks) if parameters is None else parameters.chunk(len(self.blocks), dim=1)
        for block, own in zip(self.blocks, each):
            x = block(x, own)
        return self.end(self.up(x))


def _small_weights(module: nn.Module) -> None:
    """pix2pixHD's start: weights N(0, 0.02), biases 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
