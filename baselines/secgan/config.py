"""What a training is: backbone, method, sizes, and the published settings of each backbone (section 4.3)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from baselines.data.attributes import ATTRIBUTES

METHODS = ("baseline", "concat", "secgan")
MASKS_FROM = ("parser", "truth")
SMALLEST, LARGEST = 64, 1024  # pixels: six halvings must leave one


@dataclass(frozen=True)
class Backbone:
    """What the two published trainings differ in. The weights multiply the losses of equations (13) to (16).

    classification_d, classification_g: lambda_cls for the discriminator and the generator, one value in the paper, two in
    AttGAN. summed: whether the classification loss is a sum over the attributes (the paper's dot product, and StarGAN) or
    their mean (AttGAN, whose weights are made for it). final_rate: share of the learning rate at the end.
    """

    batch_size: int
    learning_rate: float
    iterations: int
    classification_d: float
    classification_g: float
    reconstruction: float
    summed: bool
    flips: bool
    final_rate: float
    penalty: float = 10.0

    def rate(self, fraction: float) -> float:
        """Factor of the learning rate at this share of the training: constant for half of it, then down to `final_rate`.

        Linearly to 0 for StarGAN, exponentially to a hundredth for AttGAN (section 4.3; AttGAN's own code has one step of ten).
        """
        tail = max(0.0, 2 * fraction - 1)
        return 1 - tail if self.final_rate == 0 else self.final_rate**tail


BACKBONES = {
    "stargan": Backbone(16, 1e-4, 200_000, classification_d=1, classification_g=1, reconstruction=10, summed=True, flips=True, final_rate=0),
    # 200 epochs of 182,000 pictures, 32 at a time: the paper's "roughly 1.1M iterations"
    "attgan": Backbone(32, 2e-4, 1_137_500, classification_d=1, classification_g=10, reconstruction=100, summed=False, flips=False, final_rate=0.01),
}
ADAM_BETAS = (0.5, 0.999)
WARM_UP_RATE = 5e-4  # there is no adversary in a warm-up, and so nothing to fall out of step with


@dataclass(frozen=True)
class SecganConfig:
    """Settings of a run. None stands for the backbone's published value; with `minutes` the steps are not counted.

    width: factor of all channel counts, 1 as published. batch_size: of each process. consistency: lambda_sc, 0.01 is best in
    figure 3. discriminator_steps: N of algorithm 1. warm_up: so many of the steps come before algorithm 1, and teach the generators to
    rebuild what they see and the discriminators its labels, each alone; 0 as in the paper. masks_from: where the source masks come from, the parser as in the paper, or
    the data set's true masks. keep_detail: an editor lays only the change G(x, y) - G(x, 0) over the picture, which a short training cannot
    rebuild in full; the networks learn the same. average: decay of the averaged generator that is shown and exported; 0 is the generator itself, as
    in the paper.
    """

    backbone: str = "stargan"
    method: str = "secgan"
    size: int = 128
    width: float = 1.0
    iterations: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    consistency: float = 0.01
    discriminator_steps: int = 5
    warm_up: int = 0
    masks_from: str = "parser"
    keep_detail: bool = False
    average: float = 0.0
    seed: int = 0
    attributes: tuple[str, ...] = ATTRIBUTES

    def __post_init__(self) -> None:
        _one_of("backbone", self.backbone, tuple(BACKBONES))
        _one_of("method", self.method, METHODS)
        _one_of("masks_from", self.masks_from, MASKS_FROM)
        if not SMALLEST <= self.size <= LARGEST or self.size % SMALLEST:
            raise ValueError(f"size is {self.size}; accepted are multiples of {SMALLEST} up to {LARGEST} pixels (the paper's are 128 and 256)")
        if self.iterations is not None and self.minutes is not None:
            raise ValueError(f"give either iterations or minutes, not iterations={self.iterations} and minutes={self.minutes}")
        for name, least in (("iterations", 1), ("batch_size", 1), ("discriminator_steps", 1), ("consistency", 0), ("warm_up", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}; accepted are numbers from {least}")
        for name in ("width", "minutes", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}; accepted are numbers above 0")
        if not 0 <= self.average < 1:
            raise ValueError(f"average is {self.average}; accepted are numbers from 0 to below 1")
        object.__setattr__(self, "attributes", tuple(self.attributes))  # a list, where it comes from JSON

    @property
    def published(self) -> Backbone:
        return BACKBONES[self.backbone]

    @property
    def batch(self) -> int:
        """Pictures a step and process."""
        return self.batch_size or self.published.batch_size

    @property
    def rate(self) -> float:
        """The learning rate at the start."""
        return self.learning_rate or self.published.learning_rate

    @property
    def steps(self) -> int | None:
        """How many discriminator steps, or None where minutes count."""
        return None if self.minutes is not None else self.iterations or self.published.iterations

    @property
    def semantic(self) -> bool:
        """Whether there is a semantic branch."""
        return self.method == "secgan"

    @property
    def needs_masks(self) -> bool:
        """Whether source masks are looked at in training: the RGB baseline alone does without."""
        return self.method != "baseline"

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "SecganConfig":
        """Raises ValueError for a setting that there is not, or a value that none accepts."""
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}; accepted are {', '.join(cls.__dataclass_fields__)}")
        return cls(**values)


def _one_of(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"unknown {name} {value!r}; accepted are {', '.join(accepted)}")
