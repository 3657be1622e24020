"""Settings of a training run: one dataclass that flags, widgets and pack defaults all build."""
from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Collection

from stylegan2.config import num_layers

# what a training does when its last step is taken, by the phase that its status tells, as people are told it
PHASES = {
    "calibrating": "Learned; measuring how strong it is …",
    "reporting": "Learned; trying it on other faces …",
    "done": "Learned; leaving everything in order …",
}
MIN_RESOLUTION = 32  # pixels: below, neither CLIP nor a parser sees a face


@dataclass(frozen=True)
class TrainConfig:
    """Raises ValueError for a value outside its range. Distances in W are in units of the pack's spread, the root mean
    square distance of a random w from the mean one, so that the same settings mean the same in every pack."""

    steps: int = 75
    batch_size: int = 4  # pictures a step
    learning_rate: float = 0.002  # Adam's, for a direction whose rows have unit length
    adam_epsilon: float = 1.0  # in units of the gradient's root mean square: weak, noisy entries move less than strong ones
    row_freedom: float = 0.3  # how much rows of w+ learn apart from one another: 0 is one step for all (W), 1 each its own (W+)
    lr_halvings: int = 3  # the learning rate is halved this many times, evenly over the run
    clip_weight: float = 1.0
    clip_form: str = "directional"  # "directional" (the picture's move against the text's) or "plain" (1 - cosine to the prompt)
    localization_weight: float = 1.0  # share of the squared change outside the part
    correlation_weight: float = 0.5  # only between several directions
    agreement_weight: float = 0.1  # keeps the rows of w+ together
    shortfall_weight: float = 0.2  # asks for an effect, where the directional form alone would be content with a hint
    sideways_weight: float = 0.0  # keeps what CLIP sees of everything else as it was
    target_gain: float = 2.0  # the CLIP gain that counts as an effect, in standard deviations of unedited pictures
    num_directions: int = 1
    # "w+"; "w", where all rows make the same step, whatever row_freedom says; or "style", the channels that the rows feed
    space: str = "w+"
    mask_mode: str = "inside"  # stay "inside" the part, or "outside" it: change all but the part (LELSD's background mode)
    mask_aggregation: str = "average"  # of the masks before and after: "average", "union" or "intersection"
    place_weight: float = 1.0  # how much the place where a worn thing will be counts as the part, in pictures that do not show it
    use_areas: bool = True  # whether a moustache, which the parser has no class for, is held where moustaches are, or anywhere on the skin
    use_colours: bool = True  # whether a prompt that names a colour takes every face to it from its own (`lelsd.colour`), or all by one step
    distance: str = "l2"  # what counts as change: "l2", "l1" or "cosine"
    # of the maps whose change is looked at: "auto" (the last of each resolution, and as much of the picture), or such as
    # "4:1,6:0.5,image:2"
    feature_weights: str = "auto"
    layers: str = "auto"  # "auto" (those that do what the prompt says), "all", or indices of w+ rows such as "3,4"
    # begin at the "regression" of CLIP scores on w, at the "gradient" of the CLIP gain, or at "random"
    initial: str = "regression"
    step_size: float = 0.3  # distance in W at alpha 1 while training; the saved direction is calibrated anew
    alpha_min: float = 0.4  # alpha is drawn from [alpha_min, alpha_max] ...
    alpha_max: float = 1.4
    both_signs: bool = True  # ... and half of the time from its negative, which must lead away from the prompt
    away_weight: float = 0.3  # how much such a sample counts for CLIP: a face without glasses cannot lose them
    truncation: float = 0.8
    # of the pictures that the losses look at, in pixels; 0 is the generator's own. Less is an approximation, and faster
    resolution: int = 0
    seed: int = 0
    preview_every: int = 25  # steps
    checkpoint_every: int = 10  # steps
    report: bool = True  # end with a report card, made on samples that neither training nor calibration saw

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            whole = isinstance(low, int)
            if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)) or not math.isfinite(value) \
                    or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; accepted: {'a whole number' if whole else 'a number'} from {low} to {high}")
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: true or false")
        for name, accepted in CHOICES.items():
            if getattr(self, name) not in accepted:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: {', '.join(accepted)}")
        if self.resolution and (self.resolution < MIN_RESOLUTION or self.resolution & (self.resolution - 1)):
            raise ValueError(
                f"resolution is {self.resolution}; accepted: 0 for the generator's own, or a power of two from {MIN_RESOLUTION}")
        if self.alpha_min > self.alpha_max:
            raise ValueError(f"alpha_min is {self.alpha_min}; accepted: up to alpha_max, {self.alpha_max}")
        if self.clip_weight == 0 and self.localization_weight == 0:
            raise ValueError(
                "clip_weight and localization_weight are both 0: at least one must be larger, or there is nothing to learn")

    def to_dict(self) -> dict:
        """All fields, JSON-able."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "TrainConfig":
        """Raises ValueError for a key that is not a setting."""
        return cls().updated(values)

    def updated(self, values: dict) -> "TrainConfig":
        """A copy with some settings replaced; None leaves a setting as it is. Raises ValueError for an unknown one."""
        known = [field.name for field in fields(self)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown training setting {unknown[0]!r}; accepted: {', '.join(known)}")
        return replace(self, **{name: value for name, value in values.items() if value is not None})


SWITCHES = ("use_areas", "use_colours", "both_signs", "report")

CHOICES: dict[str, tuple[str, ...]] = {
    "clip_form": ("directional", "plain"), "initial": ("regression", "gradient", "random"), "space": ("w+", "w", "style"),
    "mask_mode": ("inside", "outside"), "mask_aggregation": ("average", "union", "intersection"), "distance": ("l2", "l1", "cosine"),
}
"""What is accepted for every setting that is one of a few words."""

RANGES: dict[str, tuple] = {
    "steps": (1, 100_000), "batch_size": (1, 64), "learning_rate": (1e-6, 10.0), "adam_epsilon": (1e-12, 100.0),
    "row_freedom": (0.0, 1.0), "lr_halvings": (0, 20), "clip_weight": (0.0, 1000.0), "localization_weight": (0.0, 1000.0),
    "correlation_weight": (0.0, 1000.0), "agreement_weight": (0.0, 1000.0), "shortfall_weight": (0.0, 1000.0),
    "sideways_weight": (0.0, 1000.0), "target_gain": (1e-3, 100.0), "num_directions": (1, 16), "step_size": (1e-3, 10.0),
    "away_weight": (0.0, 1000.0), "place_weight": (0.0, 1.0), "alpha_min": (0.0, 10.0), "alpha_max": (1e-3, 10.0),
    "truncation": (0.0, 2.0), "resolution": (0, 4096), "seed": (0, 2**32 - 1), "preview_every": (1, 100_000),
    "checkpoint_every": (1, 100_000),
}
"""Least and largest value of every number; whole numbers where the limits are."""

PRESETS: dict[str, dict] = {
    "default": {},
    # eCLIPsed, section 3.3, and its published notebook: plain CLIP loss, one sign, Adam 1e-3 halved three times, 200 steps
    "published": {
        "steps": 200, "batch_size": 2, "learning_rate": 1e-3, "adam_epsilon": 1e-8, "row_freedom": 1.0, "lr_halvings": 3,
        "clip_form": "plain", "localization_weight": 0.05, "correlation_weight": 0.0, "agreement_weight": 0.0,
        "shortfall_weight": 0.0, "sideways_weight": 0.0, "place_weight": 0.0, "use_areas": False, "use_colours": False,
        "alpha_min": 0.1, "alpha_max": 1.0, "both_signs": False, "truncation": 0.7, "initial": "random",
    },
}


def preset(name: str) -> dict:
    """The settings of a preset. Raises ValueError for an unknown name."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; accepted: {', '.join(PRESETS)}")
    return dict(PRESETS[name])


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of step 1 ... steps: halved `lr_halvings` times at even distances (LELSD's schedule)."""
    return config.learning_rate * 0.5 ** ((step - 1) * (config.lr_halvings + 1) // config.steps)


def rows_seen(config: TrainConfig, resolution: int) -> int:
    """How many rows of w+ the losses can see in a generator of this resolution: those of smaller pictures are fewer, and the
    rest has nothing to learn from. Raises ValueError for pictures that are larger than the generator's."""
    if config.resolution > resolution:
        raise ValueError(f"resolution is {config.resolution}; accepted: up to the generator's own, {resolution}")
    return num_layers(config.resolution or resolution)


def parse_layers(text: str, num_layers: int) -> list[int] | None:
    """"auto" -> None, "all" -> every row of w+, "3,4" or "3-6" -> those, sorted.

    Raises ValueError for anything else and for a layer the generator has not.
    """
    text = str(text).strip().lower()
    accepted = f"auto, all, or layers from 0 to {num_layers - 1} such as 3,4 or 2-5"
    if text == "auto":
        return None
    if text == "all":
        return list(range(num_layers))
    chosen: set[int] = set()
    for item in text.split(","):
        low, _, high = item.strip().partition("-")
        if not (low.strip().isdecimal() and (high.strip().isdecimal() or not high)) or len(low) > 4 or len(high) > 4:
            raise ValueError(f"layers are {text[:60]!r}; accepted: {accepted}")
        chosen |= set(range(int(low), int(high or low) + 1))
    wrong = sorted(layer for layer in chosen if layer >= num_layers)
    if wrong or not chosen:
        raise ValueError(f"layer {wrong[0] if wrong else text!r} is out of range; accepted: {accepted}")
    return sorted(chosen)


def parse_feature_weights(text: str, layers: Collection[int]) -> dict[int | str, float] | None:
    """"auto" -> None, "4:1,6:0.5,image:2" -> {4: 1.0, 6: 0.5, "image": 2.0}: weights of feature maps by layer, and of the picture.

    Raises ValueError for anything else, a layer that is not among `layers`, and weights that are all 0.
    """
    text = str(text).strip().lower()
    if text == "auto":
        return None
    accepted = (f"auto, or weights from 0 to 1000 by layer ({min(layers)} to {max(layers)}) or image, "
                f"such as {max(layers)}:1,image:0.5")
    weights: dict[int | str, float] = {}
    for item in text.split(","):
        name, _, weight = (part.strip() for part in item.partition(":"))
        layer = int(name) if name.isdecimal() and len(name) < 4 else name
        try:
            weights[layer] = float(weight)
        except ValueError:
            weights[layer] = math.nan
        if (layer != "image" and layer not in layers) or not 0 <= weights[layer] <= 1000:
            raise ValueError(f"feature_weights have {item.strip()[:40]!r}; accepted: {accepted}")
    if not any(weights.values()):
        raise ValueError(f"feature_weights {text[:60]!r} are all 0; accepted: {accepted}")
    return weights
