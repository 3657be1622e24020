"""The networks of M-AAE (paper, table 1): an encoder and a decoder that are VAE and GAN generator at once, and a discriminator.

Table 1 gives channels and kernels. Strides, paddings, the layer that makes colours and where the variance of the code comes from
are not in it; docs/maae.md says what was chosen and why.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.maae.receptive import Window, minimal_pixels

RESIDUAL_BLOCKS = 3  # at the end of the encoder, and as many at the beginning of the decoder
DOWNSCALING = 4  # of the code against the picture
SLOPE = 0.2  # of the leaky ReLU
INITIAL_SPREAD = 0.02  # standard deviation of the weights at first (section 4.1), of networks of the published width
PUBLISHED_WIDTH = 64
SMALLEST = 36  # pixels a side that five halvings and a 2x2 convolution need
INJECTIONS = ("sparse", "entire", "concat-image", "concat-feature")


@dataclass(frozen=True)
class NetworkConfig:
    """What the networks look like. The published ones have the defaults, at 348 pixels."""

    size: int = 348  # pixels a side; a multiple of 4
    width: int = 64  # channels of the first layer; the code has 8 times as many
    residual_kernel: int = 1  # of the residual blocks; a larger one sees further, so that fewer latent pixels are changed
    injection: str = "sparse"  # where the strength goes in: few latent pixels, all of them, or a further channel of picture or code
    delta: float = 5.0  # strength that reverses the attribute

    def __post_init__(self) -> None:
        if self.size < SMALLEST or self.size % DOWNSCALING:
            raise ValueError(f"size is {self.size}; accepted: multiples of {DOWNSCALING} from {SMALLEST} on")
        if self.width < 1 or self.residual_kernel < 1 or self.residual_kernel % 2 == 0:
            raise ValueError(f"width is {self.width} and residual_kernel {self.residual_kernel}; accepted: from 1 on, the kernel odd")
        if self.injection not in INJECTIONS:
            raise ValueError(f"injection is {self.injection!r}; accepted: {', '.join(INJECTIONS)}")
        if not self.delta > 0:
            raise ValueError(f"delta is {self.delta}; accepted: numbers above 0")

    def to_dict(self) -> dict:
        return asdict(self)


def encoder_windows(config: NetworkConfig) -> list[Window]:
    """What each convolution of the encoder sees of the one below, from the picture up; shortcuts see no more."""
    kernel = config.residual_kernel
    return [Window(7, 1, 3), Window(3, 2, 1), Window(3, 2, 1), *[Window(kernel, 1, kernel // 2)] * (2 * RESIDUAL_BLOCKS)]


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Padded so that stride alone changes the size."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1 convolution where channels change: [N, inputs, H, W] -> [N, outputs, H, W].

    Not normalised: an instance norm would let every latent pixel see the whole picture, which the receptive field denies.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.conv0, self.conv1 = convolution(inputs, outputs, kernel), convolution(outputs, outputs, kernel)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.conv1(F.leaky_relu(self.conv0(x), SLOPE))


def residual_blocks(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """As many as table 1 has, the first of which changes the channels."""
    return nn.Sequential(*(ResidualBlock(outputs if block else inputs, outputs, kernel) for block in range(RESIDUAL_BLOCKS)))


class Encoder(nn.Module):
    """Pictures [N, 3 (or 4, with a channel of strength), S, S] -> mean of the code [N, 8 width, S/4, S/4]."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        w, kernel = config.width, config.residual_kernel
        self.convs = nn.ModuleList([convolution(3 + (config.injection == "concat-image"), w, 7), convolution(w, 2 * w, 3, 2),
                                    convolution(2 * w, 4 * w, 3, 2)])
        self.blocks = residual_blocks(4 * w, 8 * w, kernel)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
        return self.blocks(x)


class Decoder(nn.Module):
    """A code [N, 8 width (+ 1), S/4, S/4] -> pictures [N, 3, S, S] in (-1, 1)."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        w, kernel = config.width, config.residual_kernel
        self.blocks = residual_blocks(8 * w + (config.injection == "concat-feature"), 8 * w, kernel)
        self.ups = nn.ModuleList([convolution(8 * w, 4 * w, 3), convolution(4 * w, 2 * w, 3)])
        self.last, self.to_rgb = convolution(2 * w, w, 7), nn.Conv2d(w, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(x)
        for conv in self.ups:
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)
        return torch.tanh(self.to_rgb(F.leaky_relu(self.last(x), SLOPE)))


class Generator(nn.Module):
    """The encoder, the decoder, and the strength of the attribute between them.

    `pixels` [1, 1, S/4, S/4] is 1 where a strength is added to every channel of the code: the partial dilated layer.
    """

    pixels: Tensor

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config, self.encoder, self.decoder = config, Encoder(config), Decoder(config)
        where = torch.from_numpy(minimal_pixels(config.size, encoder_windows(config)))
        chosen = where if config.injection == "sparse" else torch.full_like(where, config.injection == "entire")
        self.register_buffer("pixels", chosen.float()[None, None], persistent=False)
        initialise(self, config.width)

    @property
    def encodes_strength(self) -> bool:
        """Whether the code itself depends on the strength."""
        return self.config.injection == "concat-image"

    def encode(self, images: Tensor, strength: Tensor) -> Tensor:
        """images [N, 3, S, S] in [-1, 1], strength [N] -> the mean of their code [N, 8 width, S/4, S/4]."""
        return self.encoder(self._with_channel(images, strength) if self.encodes_strength else images)

    def decode(self, code: Tensor, strength: Tensor) -> Tensor:
        """The pictures [N, 3, S, S] of a code at strengths [N]: from -delta, without the attribute, to delta, with it; 0 as it is."""
        if self.config.injection == "concat-feature":
            return self.decoder(self._with_channel(code, strength))
        return self.decoder(code + strength.to(code.dtype).view(-1, 1, 1, 1) * self.pixels.to(code.dtype))

    def forward(self, images: Tensor, strength: Tensor) -> Tensor:
        """Pictures [N, 3, S, S] edited at strengths [N]; the code is its mean, without noise."""
        return self.decode(self.encode(images, strength), strength)

    def _with_channel(self, maps: Tensor, strength: Tensor) -> Tensor:
        """maps [N, C, H, W] and a channel that is the strength in units of delta everywhere."""
        share = (strength / self.config.delta).to(maps.dtype).view(-1, 1, 1, 1)
        return torch.cat([maps, share.expand(-1, 1, *maps.shape[2:])], 1)


class Discriminator(nn.Module):
    """Pictures [N, 3, S, S] -> logits [N, 2, H, W] a patch: how real it is as a picture without the attribute, and as one with it.

    The last of table 1's six convolutions has two outputs in place of one: with a single one, nothing in the paper's objective
    would say which way an edit goes.
    """

    def __init__(self, width: int):
        super().__init__()
        w = width
        self.convs = nn.ModuleList([convolution(inputs, outputs, 3, 2) for inputs, outputs in
                                    ((3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 16 * w))])
        self.last = nn.Conv2d(16 * w, 2, 2)
        initialise(self, width)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
        return self.last(x)


def initialise(module: nn.Module, width: int) -> None:
    """Weights from N(0, 0.02), biases 0 (section 4.1).

    In narrower networks the spread grows, so that a layer passes on as much as in the published ones, and a picture is not lost at first.
    """
    spread = INITIAL_SPREAD * (PUBLISHED_WIDTH / width) ** 0.5
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, spread)
            nn.init.zeros_(layer.bias)
