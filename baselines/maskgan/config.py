"""What decides the shapes of MaskGAN's networks, and how each stage of its training is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from segmentation.parts import CLASSES

SIZES = (64, 128, 256, 512, 1024)  # pixels a side: the style encoder halves a picture five times, and takes the mean of what is left


@dataclass(frozen=True)
class MaskGANConfig:
    """The networks. The defaults are the published ones, for 512 pixels; `PRESETS` has smaller ones.

    Raises: ValueError: a size that is no power of two from 64 to 1024, or a width below 1.
    """

    size: int = 512  # pixels a side
    num_classes: int = len(CLASSES)
    base: int = 64  # channels of the painter at full size, doubled with each halving ...
    max_channels: int = 1024  # ... up to this many
    downs: int = 4
    blocks: int = 4  # residual blocks with AdaIN
    style_base: int = 16  # first layer of the style encoder and of the label encoder
    style_channels: int = 64  # of all their further layers, and of the style code
    critic_base: int = 64
    critic_layers: int = 3  # halvings of a scale
    critic_scales: int = 2
    blender_base: int = 32
    blender_downs: int = 3
    blender_blocks: int = 3
    vae_base: int = 32  # channels after the first halving, doubled with each further one ...
    vae_max_channels: int = 2048  # ... up to this many, until maps have 4 x 4 pixels
    vae_latent: int = 1024

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size is {self.size}; accepted: {', '.join(map(str, SIZES))} pixels")
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} is {getattr(self, field.name)}; accepted: a whole number from 1")
        if self.size >> max(self.downs, self.blender_downs) < 4:
            raise ValueError(f"{self.downs} and {self.blender_downs} halvings leave less than 4 pixels of {self.size}; accepted: fewer")

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError for a key that is no field, or a value that is no whole number."""
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r} of MaskGAN's networks; accepted: {', '.join(known)}")
            if type(value) is not int:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from 1")
        return cls(**values)


PRESETS: dict[str, dict[str, int]] = {
    "paper": {},
    # painter and MaskVAE together are under 14 MB in float16: width where the picture is large, few channels where filters are
    "small": {"base": 24, "max_channels": 192, "critic_base": 32, "blender_base": 16, "vae_base": 16, "vae_max_channels": 128,
              "vae_latent": 128},
    "tiny": {"base": 4, "max_channels": 8, "style_base": 4, "style_channels": 8, "critic_base": 4, "blender_base": 4, "vae_base": 4,
             "vae_max_channels": 8, "vae_latent": 8, "blocks": 2},
}


def preset(name: str, size: int) -> MaskGANConfig:
    """The networks of a name for pictures of `size` pixels. Raises ValueError for an unknown name, or a size that is not accepted."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; accepted: {', '.join(PRESETS)}")
    return MaskGANConfig(size=size, **PRESETS[name])


@dataclass(frozen=True)
class TrainSettings:
    """How a stage is trained. Raises ValueError for an unknown stage, no steps or pictures, or negative rates and weights.

    The learning rate is constant for the first half of the steps and falls to 0 in the second, as with pix2pixHD.
    """

    RATES: ClassVar[dict[str, float]] = {"dense": 2e-4, "maskvae": 5e-4, "ebst": 5e-5, "control": 5e-5}

    stage: str
    iterations: int
    batch_size: int = 1
    learning_rate: float = 0.0  # 0: that of the stage, in `RATES`
    feature_weight: float = 10.0  # of the critic's features, equation 6
    perceptual_weight: float = 10.0
    kl_weight: float = 1e-5
    interpolation: float = 2.5  # lambda_inter of algorithm 1
    mirrored: float = 0.5  # share of the pictures that are seen in a mirror
    decay: float = 0.998  # of the averaged weights, which are what is kept
    seed: int = 0

    def __post_init__(self) -> None:
        if self.stage not in self.RATES:
            raise ValueError(f"unknown stage {self.stage!r}; accepted: {', '.join(self.RATES)}")
        if self.iterations < 1 or self.batch_size < 1:
            raise ValueError(f"{self.iterations} iterations of {self.batch_size} pictures train nothing; accepted: from 1 on")
        if min(self.learning_rate, self.feature_weight, self.perceptual_weight, self.kl_weight) < 0 or not 0 <= self.decay < 1:
            raise ValueError(f"learning_rate and weights must not be negative, and decay in [0, 1): {self}")
        if self.interpolation <= 0:
            raise ValueError(f"interpolation is {self.interpolation}; accepted: above 0")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        peak = self.learning_rate or self.RATES[self.stage]
        return peak * min(1.0, 2.0 * (1.0 - step / self.iterations))

    def to_dict(self) -> dict:
        return asdict(self)
