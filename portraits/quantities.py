"""Latent factors -> the quantities of one face.

A scene is a smooth function of `NUM_FACTORS` independent standard normal numbers. Most quantities have *plateaus*: they
move fast near the threshold of their attribute and slowly elsewhere, without a gap, so that what is called present is
seen to be there.
"""

import json
import math
from dataclasses import dataclass

import numpy as np

FACTORS = (
    "feminine age skin_tone skin_warmth face_width jaw face_length chubby double_chin cheekbones "
    "hair_light hair_red hair_grey hair_length bald receding curl bangs parting hair_volume "
    "eye_hue eye_open eye_size eye_spacing eye_tilt bags brow_thickness brow_arch brow_height "
    "glasses frame_shape frame_weight glasses_tint frame_hue nose_width nose_point "
    "mouth_open smile mouth_width lip_fullness lipstick lip_hue mustache goatee beard stubble sideburns "
    "ear_size earrings earring_kind hat hat_kind hat_hue blush freckles makeup necklace necklace_kind necktie "
    "surprised sad angry background_hue background_light light clothes_hue clothes_light neckline collar"
).split()
NUM_FACTORS = len(FACTORS)


def uniform(g: float) -> float:
    """A standard normal number as a uniform one in (0, 1)."""
    return 0.5 * (1 + math.erf(g / math.sqrt(2)))


def switch(g: float, threshold: float, width: float = 0.2) -> float:
    """0 below the threshold, 1 above it, smooth within `width` on either side of it."""
    t = min(max((g - threshold + width) / (2 * width), 0.0), 1.0)
    return t * t * (3 - 2 * t)


# What follows the sexes: factor -> by how much it moves from the most masculine to the most feminine face.
LEANS = {
    "jaw": -0.6, "receding": -0.8, "hair_length": 0.8, "bald": -0.8, "brow_thickness": -0.8, "lip_fullness": 0.4, "lipstick": 1.2, "makeup": 1.2,
    "earrings": 0.8, "necklace": 0.6,
}
# Quantity -> plateaus (threshold, width, height); what is left to 1 grows evenly with the factor's rank.
STEPS = {
    "age": ((0.25, 0.3, 0.38), (1.0, 0.35, 0.27)),
    "hair_length": ((-0.5, 0.3, 0.22), (0.3, 0.3, 0.40)),
    "eye_open": ((-1.45, 0.15, 0.34), (-0.65, 0.25, 0.36)),
    "brow_thickness": ((-0.6, 0.35, 0.25), (0.5, 0.3, 0.55)),
    "nose_width": ((-0.6, 0.35, 0.25), (0.5, 0.3, 0.55)),
    "lip_fullness": ((-0.6, 0.35, 0.25), (0.5, 0.3, 0.55)),
    "ear_size": ((-0.6, 0.35, 0.20), (0.5, 0.3, 0.60)),
    "brow_arch": ((0.35, 0.35, 0.75),),
    "nose_point": ((0.55, 0.3, 0.8),),
    "bags": ((0.65, 0.3, 0.85),),
    "cheekbones": ((0.5, 0.3, 0.85),),
    "chubby": ((0.8, 0.35, 0.85),),
    "jaw": ((0.0, 0.4, 0.7),),
    "mouth_open": ((0.1, 0.22, 0.3), (1.1, 0.6, 0.35)),
}


def stepped(name: str, g: float) -> float:
    """The quantity `name` in (0, 1), rising with its factor g, fast near its thresholds."""
    steps = STEPS[name]
    rest = 1 - sum(height for _, _, height in steps)
    return rest * uniform(g) + sum(height * switch(g, threshold, width) for threshold, width, height in steps)


def level(name: str, which: int = -1) -> float:
    """The value of a stepped quantity at one of its thresholds (the last one by default)."""
    return stepped(name, STEPS[name][which][0])


def opening(g: float) -> float:
    """How far the mouth is open, in [0, 1]; closed lips have no degrees."""
    closed = 0.158
    return max(0.0, stepped("mouth_open", g) - closed) / (1 - closed)


@dataclass(frozen=True)
class Scene:
    """The quantities of one face, by name; `scene["curl"]` reads one. JSON and back gives the same picture."""

    values: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def replace(self, **changes: float) -> "Scene":
        """The same face with some quantities changed; ValueError for a name that is none."""
        for name in changes:
            if name not in self.values:
                raise ValueError(f"unknown quantity {name!r}; accepted are {', '.join(self.values)}")
        return Scene({**self.values, **changes})

    def to_json(self) -> str:
        return json.dumps({name: round(value, 6) for name, value in self.values.items()})

    @staticmethod
    def from_json(text: str) -> "Scene":
        return Scene(json.loads(text))


def latents(seed: int, index: int) -> np.ndarray:
    """The standard normal factors of sample `index` of the world `seed`: float64 [NUM_FACTORS]."""
    return np.random.Generator(np.random.Philox(key=[seed, index])).standard_normal(NUM_FACTORS)


def lean_of(feminine: float) -> float:
    """How far a face leans by its factor, from -0.5, masculine, to 0.5; times its entry of `LEANS`, a factor moves by it."""
    return switch(feminine, 0.0, 0.25) - 0.5


def make_scene(g) -> Scene:
    """Factors [NUM_FACTORS] -> Scene. Raises ValueError when the count is wrong."""
    if len(g) != NUM_FACTORS:
        raise ValueError(f"a scene has {NUM_FACTORS} factors, not {len(g)}")
    f = {name: min(max(float(value), -3.0), 3.0) for name, value in zip(FACTORS, g)}
    lean = lean_of(f["feminine"])
    f.update({name: f[name] + move * lean for name, move in LEANS.items()})
    v = {**_shape(f, lean), **_hair(f), **_features(f, lean)}
    v.update(_worn(f, v), **_surroundings(f))
    return Scene(v)


def sample(seed: int, index: int) -> Scene:
    """Sample `index` of the world `seed`."""
    return make_scene(latents(seed, index))


def _shape(f, lean):
    chubby = stepped("chubby", f["chubby"])
    return {
        "feminine": lean + 0.5,
        "age": stepped("age", f["age"]),
        "skin_tone": uniform(f["skin_tone"]),
        "skin_warmth": 0.5 * f["skin_warmth"],
        "face_width": 0.5 * f["face_width"],
        "jaw": 2 * stepped("jaw", f["jaw"]) - 1,
        "face_length": 0.5 * f["face_length"],
        "chubby": chubby,
        "double_chin": switch(f["double_chin"] + 1.6 * (chubby - 0.25), 1.25, 0.3),
        "cheekbones": stepped("cheekbones", f["cheekbones"]),
    }


def _hair(f):
    receding = switch(f["receding"], 0.95, 0.3)
    curl = switch(f["curl"], 0.6, 0.35)
    return {
        "hair_light": uniform(f["hair_light"]),
        "hair_red": switch(f["hair_red"], 1.0, 0.25),
        "hair_grey": switch(f["hair_grey"], 1.0, 0.25),
        "hair_length": stepped("hair_length", f["hair_length"] / 1.08),
        "bald": switch(f["bald"], 1.35, 0.05),
        "receding": receding,
        "curl": curl,
        "wave": switch(f["curl"], -0.15, 0.3) * (1 - 0.5 * curl),
        "bangs": switch(f["bangs"], 0.6, 0.3) * (1 - receding),
        "parting": math.tanh(f["parting"]),
        "hair_volume": 0.5 * f["hair_volume"],
    }


def _features(f, lean):
    male = switch(-f["feminine"], 0.0, 0.25)
    surprised, sad, angry = (switch(f[k], 1.25, 0.25) for k in ("surprised", "sad", "angry"))
    beard = switch(f["beard"], 0.75, 0.2) * male
    mood = {"surprised": surprised, "sad": sad, "angry": angry}
    return mood | {
        "eye_hue": uniform(f["eye_hue"]),
        "eye_open": stepped("eye_open", f["eye_open"]),
        "eye_size": 0.5 * f["eye_size"] + 0.3 * lean,
        "eye_spacing": 0.5 * f["eye_spacing"],
        "eye_tilt": 0.5 * f["eye_tilt"],
        "bags": stepped("bags", f["bags"]),
        "brow_thickness": stepped("brow_thickness", f["brow_thickness"]),
        "brow_arch": stepped("brow_arch", f["brow_arch"]),
        "brow_height": 0.5 * f["brow_height"],
        "nose_width": stepped("nose_width", f["nose_width"]),
        "nose_point": stepped("nose_point", f["nose_point"]),
        "mouth_open": opening(f["mouth_open"]),
        "smile": -0.16 + 0.76 * switch(f["smile"], 0.1, 0.35) + 0.32 * math.tanh(f["smile"]),
        "mouth_width": 0.5 * f["mouth_width"],
        "lip_fullness": stepped("lip_fullness", f["lip_fullness"]),
        "mustache": switch(f["mustache"], 0.8, 0.2) * male,
        "goatee": switch(f["goatee"], 0.9, 0.2) * male * (1 - beard),
        "beard": beard,
        "stubble": switch(f["stubble"], 0.7, 0.3) * male * (1 - beard),
        "sideburns": max(beard, switch(f["sideburns"], 0.9, 0.25) * male),
        "ear_size": stepped("ear_size", f["ear_size"]),
        "blush": switch(f["blush"], 0.7, 0.35),
        "freckles": switch(f["freckles"], 0.95, 0.3),
    }


def _worn(f, v):
    bearded = max(v["beard"], v["goatee"], v["mustache"])
    return {
        "glasses": switch(f["glasses"], 0.55, 0.06),
        "frame_shape": uniform(f["frame_shape"]),
        "frame_weight": uniform(f["frame_weight"]),
        "glasses_tint": switch(f["glasses_tint"], 0.75, 0.2),
        "frame_hue": uniform(f["frame_hue"]),
        "lipstick": switch(f["lipstick"] - 1.5 * bearded, 0.6, 0.25),
        "lip_hue": uniform(f["lip_hue"]),
        "makeup": switch(f["makeup"] - 1.5 * bearded, 0.9, 0.3),
        "earrings": switch(f["earrings"], 0.6, 0.08),
        "earring_kind": switch(f["earring_kind"], 0.0, 0.3),
        "hat": switch(f["hat"], 0.95, 0.06),
        "hat_kind": switch(f["hat_kind"], 0.15, 0.3),
        "hat_hue": uniform(f["hat_hue"]),
        "necklace": switch(f["necklace"], 0.8, 0.08),
        "necklace_kind": switch(f["necklace_kind"], 0.0, 0.3),
        "necktie": switch(f["necktie"], 1.2, 0.08),
    }


def _surroundings(f):
    names = ("background_hue", "background_light", "clothes_hue", "clothes_light", "neckline")
    light = {"light": math.tanh(1.2 * f["light"]), "collar": switch(f["collar"], 0.5, 0.15)}
    return {name: uniform(f[name]) for name in names} | light
