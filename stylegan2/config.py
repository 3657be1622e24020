"""What decides the shapes of a StyleGAN2: one small description for every resolution and width."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything that decides the shapes of a generator.

    Raises: ValueError: a resolution that is not a power of two from 8, or a size below 1.
    """

    resolution: int = 128
    z_dim: int = 64
    w_dim: int = 64
    num_mapping_layers: int = 8
    channel_base: int = 32768  # channels at resolution r: channel_base / r ...
    channel_max: int = 512  # ... and never more than this
    conv_clamp: float | None = None  # limit of every convolution's output; float16 training uses 256

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        for name in ("z_dim", "w_dim", "num_mapping_layers", "channel_base", "channel_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; accepted: a whole number from 1")

    @property
    def resolutions(self) -> list[int]:
        """4, 8, ... up to the resolution of the image: one block each."""
        return [2**i for i in range(2, self.resolution.bit_length())]

    @property
    def num_ws(self) -> int:
        """L, the number of rows of w+."""
        return num_layers(self.resolution)

    def channels(self, resolution: int) -> int:
        """Channels of the feature maps at this resolution."""
        return channels_at(resolution, self.channel_base, self.channel_max)

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> GeneratorConfig:
        """Raises ValueError for a key that is not a field."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown generator setting {unknown[0]!r}; accepted: {', '.join(known)}")
        return cls(**values)


def num_layers(resolution: int) -> int:
    """How many rows of w+ a picture of this resolution needs: 2 log2(resolution) - 2."""
    return 2 * int(math.log2(resolution)) - 2


def channels_at(resolution: int, channel_base: int, channel_max: int) -> int:
    """Channels of the feature maps at a resolution: halved with each doubling, up to a limit."""
    return max(1, min(channel_base // resolution, channel_max))


def check_resolution(resolution: int) -> None:
    """Raises ValueError unless a network can have this resolution."""
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"resolution is {resolution}; accepted: a power of two from 8")
