"""The pieces of Semantic-VAE (section 3.1), in the order in which a mask goes through them: MLP, LSTMs, decoder."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


FIRST_LOG_VARIANCE = -3.0  # of codes: with noise as large as N(0, 1)'s from the start, the decoder learns to do without codes


class ClassLinear(nn.Module):
    """A linear layer for every class: [N, C, in] -> [N, C, out], by one matrix for all (num_matrices 1) or one each (C).

    Begins as He et al. (2015) have it, for ReLUs: with less, what tells masks apart is lost after three layers.
    """

    def __init__(self, in_features: int, out_features: int, num_matrices: int = 1, first_bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_matrices, out_features, in_features) * math.sqrt(2 / in_features))
        self.bias = nn.Parameter(torch.full((num_matrices, out_features), first_bias))

    def forward(self, x: Tensor) -> Tensor:
        if len(self.weight) == 1:
            return F.linear(x, self.weight[0], self.bias[0])
        return torch.einsum("nci,coi->nco", x, self.weight) + self.bias


class ClassEncoder(nn.Module):
    """Class channels [N, C, P] in [0, 1] -> mean and log variance of their codes, each [N, C, D].

    Three linear layers with ReLU. Codes that follow N(0, 1) cannot come out of a ReLU, so that two linear heads are on top.
    """

    def __init__(self, num_pixels: int, hidden: int, code_dim: int, num_matrices: int):
        super().__init__()
        widths = (num_pixels, hidden, hidden, hidden)
        self.layers = nn.ModuleList(ClassLinear(a, b, num_matrices) for a, b in zip(widths, widths[1:]))
        self.mean = ClassLinear(hidden, code_dim, num_matrices)
        self.log_variance = ClassLinear(hidden, code_dim, num_matrices, FIRST_LOG_VARIANCE)

    def forward(self, channels: Tensor) -> tuple[Tensor, Tensor]:
        x = channels
        for layer in self.layers:
            x = layer(x).relu()
        return self.mean(x), self.log_variance(x)


class PartSequence(nn.Module):
    """Codes as a sequence over the classes, so that each part hears of the others: [N, C, D] -> [N, C, D].

    The LSTM's state is zero at first, for every call and both ways: the same codes always give the same mask. After it the
    feed-forward block, two linear layers around a GELU, beside a linear shortcut.

    With both gates half open, a layer passes on a quarter of what goes into its cells; so their input weights begin four times
    as large as would keep a signal. With PyTorch's own start, next to
    nothing of what tells masks apart gets through three layers.
    """

    def __init__(self, code_dim: int, num_layers: int, width: int, bidirectional: bool, feed_forward: int):
        super().__init__()
        self.lstm = nn.LSTM(code_dim, width, num_layers, batch_first=True, bidirectional=bidirectional)
        for name, weight in self.lstm.named_parameters():
            if name.startswith("weight_ih"):  # rows of input gate, forget gate, cell, output gate
                nn.init.normal_(weight[2 * width : 3 * width], std=4 / math.sqrt(weight.shape[1]))
        states = width * (2 if bidirectional else 1)
        self.feed_forward = nn.Sequential(nn.Linear(states, feed_forward), nn.GELU(), nn.Linear(feed_forward, code_dim))
        self.shortcut = nn.Linear(states, code_dim)

    def forward(self, codes: Tensor) -> Tensor:
        states, _ = self.lstm(codes)
        return self.feed_forward(states) + self.shortcut(states)


def group_norm(channels: int) -> nn.GroupNorm:
    """Up to 32 groups of at least four channels each; `channels` is a multiple of 4."""
    return nn.GroupNorm(math.gcd(32, channels // 4), channels)


class ResidualBlock(nn.Module):
    """x [N, in, H, W] -> shortcut(x) + conv(act(conv(up(act(x))))) [N, out, H', W'], act being group norm and SiLU.

    up doubles the sides (nearest) if `doubles`. The last convolution starts at zero: the block is its shortcut at first.
    """

    def __init__(self, in_channels: int, out_channels: int, doubles: bool):
        super().__init__()
        self.doubles = doubles
        self.norm0, self.conv0 = group_norm(in_channels), nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm1, self.conv1 = group_norm(out_channels), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()
        nn.init.zeros_(self.conv1.weight)
        nn.init.zeros_(self.conv1.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv0(self._up(F.silu(self.norm0(x))))
        y = self.conv1(F.silu(self.norm1(y)))
        return self._up(self.shortcut(x)) + y

    def _up(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.doubles else x


class MaskDecoder(nn.Module):
    """Maps of the parts [N, C, G, G] -> logits [N, C, G * 2^num_doublings, ...].

    A 1x1 convolution to widths[0], a residual block from each width to the next, a 1x1 convolution to the classes. The last
    `num_doublings` blocks double the sides, so that a smaller mask leaves out doublings and not blocks.
    """

    def __init__(self, num_classes: int, widths: Sequence[int], num_doublings: int):
        super().__init__()
        pairs = list(zip(widths, widths[1:]))
        self.first = nn.Conv2d(num_classes, widths[0], 1)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b, i >= len(pairs) - num_doublings) for i, (a, b) in enumerate(pairs)))
        self.last = nn.Conv2d(widths[-1], num_classes, 1)

    def forward(self, maps: Tensor) -> Tensor:
        return self.last(self.blocks(self.first(maps)))
