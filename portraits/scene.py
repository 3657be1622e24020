"""A drawn face as numbers: latent factors -> quantities -> attributes and appearance.

A scene is a smooth function of `NUM_FACTORS` independent standard normal numbers. Each *quantity* (curliness, mouth
opening, age ...) is continuous; an *attribute* is a quantity past a threshold. Names of attributes are CelebA's where
CelebA has one.
"""

import colorsys
import json
import math
from dataclasses import dataclass

import numpy as np

FACTORS = (
    "feminine age skin_tone skin_warmth face_width jaw face_length chubby cheekbones "
    "hair_light hair_red hair_grey hair_length bald receding curl bangs parting hair_volume "
    "eye_hue eye_open eye_size eye_spacing eye_tilt bags brow_thickness brow_arch brow_height "
    "glasses frame_shape glasses_tint frame_hue nose_width nose_length "
    "mouth_open smile mouth_width lip_fullness lipstick lip_hue mustache goatee beard stubble sideburns "
    "ear_size earrings hat hat_hue blush freckles makeup necklace necktie "
    "surprised sad angry background_hue background_light clothes_hue clothes_light neckline"
).split()
NUM_FACTORS = len(FACTORS)

SKIN_COLOURS = ((255, 230, 212), (247, 207, 175), (226, 174, 132), (186, 130, 90), (136, 90, 62), (94, 60, 44))
HAIR_COLOURS = ((32, 25, 29), (44, 32, 32), (92, 58, 40), (136, 90, 54), (216, 172, 98), (246, 222, 160))
RED_HAIR, GREY_HAIR = (186, 74, 32), (204, 204, 210)
EYE_COLOURS = ((72, 42, 26), (104, 64, 34), (88, 132, 70), (78, 142, 92), (66, 130, 196), (112, 160, 206))
FRAME_COLOURS = ((30, 30, 38), (98, 54, 38), (158, 42, 52), (56, 82, 140), (196, 156, 84))
HAT_COLOURS = ((198, 62, 60), (226, 164, 62), (70, 142, 98), (54, 100, 172), (114, 74, 146), (66, 66, 78))
BACKGROUND_COLOURS = (
    (222, 196, 156), (232, 172, 140), (206, 134, 134), (158, 140, 190),
    (112, 146, 198), (112, 176, 190), (130, 176, 146), (196, 196, 140),
)


def uniform(g: float) -> float:
    """A standard normal number as a uniform one in (0, 1)."""
    return 0.5 * (1 + math.erf(g / math.sqrt(2)))


def switch(g: float, threshold: float, width: float = 0.2) -> float:
    """0 below the threshold, 1 above it, smooth within `width` on either side of it."""
    t = min(max((g - threshold + width) / (2 * width), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def ramp(stops, t: float) -> np.ndarray:
    """Piecewise linear interpolation of colour stops at t in [0, 1] -> RGB in [0, 255]."""
    stops = np.asarray(stops, float)
    t = min(max(t, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(t), len(stops) - 2)
    return stops[i] + (stops[i + 1] - stops[i]) * (t - i)


def mix(a, b, t: float) -> np.ndarray:
    """The colour t of the way from a to b."""
    return np.asarray(a, float) * (1 - t) + np.asarray(b, float) * t


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


def make_scene(g) -> Scene:
    """Factors [NUM_FACTORS] -> Scene. Raises ValueError when the count is wrong."""
    if len(g) != NUM_FACTORS:
        raise ValueError(f"a scene has {NUM_FACTORS} factors, not {len(g)}")
    f = {name: float(np.clip(value, -3, 3)) for name, value in zip(FACTORS, g)}
    v = {**_shape(f), **_hair(f), **_features(f)}
    v.update(_worn(f, v), **_surroundings(f))
    return Scene(v)


def sample(seed: int, index: int) -> Scene:
    """Sample `index` of the world `seed`."""
    return make_scene(latents(seed, index))


def _shape(f):
    feminine = switch(f["feminine"], 0.0, 0.5)
    return {
        "feminine": feminine,
        "age": uniform(f["age"]),
        "skin_tone": uniform(f["skin_tone"]),
        "skin_warmth": 0.5 * f["skin_warmth"],
        "face_width": 0.5 * f["face_width"],
        "jaw": 0.5 * f["jaw"] - 0.9 * (feminine - 0.5),
        "face_length": 0.5 * f["face_length"],
        "chubby": switch(f["chubby"], 0.9, 0.6),
        "cheekbones": switch(f["cheekbones"], 0.6, 0.6),
    }


def _hair(f):
    feminine = switch(f["feminine"], 0.0, 0.5)
    bald = switch(f["bald"] - 0.8 * (feminine - 0.5), 1.35, 0.08)
    return {
        "hair_light": uniform(f["hair_light"]),
        "hair_red": switch(f["hair_red"], 1.0, 0.3),
        "hair_grey": switch(f["hair_grey"], 1.0, 0.35),
        "hair_length": uniform((f["hair_length"] + 0.8 * (feminine - 0.5)) / 1.08),
        "bald": bald,
        "receding": switch(f["receding"] - 0.8 * (feminine - 0.5), 0.95, 0.4),
        "curl": switch(f["curl"], 0.6, 0.45),
        "wave": switch(f["curl"], -0.15, 0.35) * (1 - 0.5 * switch(f["curl"], 0.6, 0.45)),
        "bangs": switch(f["bangs"], 0.6, 0.45) * (1 - switch(f["receding"] - 0.8 * (feminine - 0.5), 0.95, 0.4)),
        "parting": math.tanh(f["parting"]),
        "hair_volume": 0.5 * f["hair_volume"],
    }


def _features(f):
    feminine = switch(f["feminine"], 0.0, 0.5)
    male = switch(-f["feminine"], 0.0, 0.3)
    surprised, sad, angry = (switch(f[k], 1.25, 0.3) for k in ("surprised", "sad", "angry"))
    mouth_open = min(1.0, max(0.0, 0.26 + 0.4 * f["mouth_open"]))
    beard = switch(f["beard"], 0.75, 0.2) * male
    return {
        "surprised": surprised, "sad": sad, "angry": angry,
        "eye_hue": uniform(f["eye_hue"]),
        "eye_open": min(1.0, max(0.0, 0.68 + 0.3 * f["eye_open"])),
        "eye_size": 0.5 * f["eye_size"] + 0.3 * (feminine - 0.5),
        "eye_spacing": 0.5 * f["eye_spacing"],
        "eye_tilt": 0.5 * f["eye_tilt"],
        "bags": switch(f["bags"], 0.8, 0.5),
        "brow_thickness": uniform((f["brow_thickness"] - 0.8 * (feminine - 0.5)) / 1.08),
        "brow_arch": uniform(f["brow_arch"]),
        "brow_height": 0.5 * f["brow_height"],
        "nose_width": uniform(f["nose_width"]),
        "nose_length": uniform(f["nose_length"]),
        "mouth_open": mouth_open,
        "smile": math.tanh(0.9 * f["smile"] + 0.25),
        "mouth_width": 0.5 * f["mouth_width"],
        "lip_fullness": uniform((f["lip_fullness"] + 0.4 * (feminine - 0.5)) / 1.02),
        "mustache": switch(f["mustache"], 0.8, 0.2) * male,
        "goatee": switch(f["goatee"], 0.9, 0.2) * male * (1 - beard),
        "beard": beard,
        "stubble": switch(f["stubble"], 0.7, 0.4) * male * (1 - beard),
        "sideburns": max(beard, switch(f["sideburns"], 0.9, 0.25) * male),
        "ear_size": uniform(f["ear_size"]),
        "blush": switch(f["blush"], 0.7, 0.5),
        "freckles": switch(f["freckles"], 0.95, 0.35),
    }


def _worn(f, v):
    bearded = max(v["beard"], v["goatee"], v["mustache"])
    feminine = v["feminine"]
    glasses = switch(f["glasses"], 0.55, 0.06)
    return {
        "glasses": glasses,
        "frame_shape": uniform(f["frame_shape"]),
        "glasses_tint": switch(f["glasses_tint"], 0.75, 0.2),
        "frame_hue": uniform(f["frame_hue"]),
        "lipstick": switch(f["lipstick"] + 1.2 * (feminine - 0.5) - 1.5 * bearded, 0.6, 0.3),
        "lip_hue": uniform(f["lip_hue"]),
        "makeup": switch(f["makeup"] + 1.2 * (feminine - 0.5) - 1.5 * bearded, 0.9, 0.35),
        "earrings": switch(f["earrings"] + 0.8 * (feminine - 0.5), 0.6, 0.08),
        "hat": switch(f["hat"], 0.95, 0.06),
        "hat_hue": uniform(f["hat_hue"]),
        "necklace": switch(f["necklace"] + 0.6 * (feminine - 0.5), 0.8, 0.08),
        "necktie": switch(f["necktie"], 1.2, 0.08),
    }


def _surroundings(f):
    names = ("background_hue", "background_light", "clothes_hue", "clothes_light", "neckline")
    return {name: uniform(f[name]) for name in names}


def skin_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]."""
    return np.clip(ramp(SKIN_COLOURS, s["skin_tone"]) + np.array([6.0, 0.0, -8.0]) * s["skin_warmth"], 0, 255)


def hair_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]: lightness first, then red over it, then grey over both."""
    colour = mix(ramp(HAIR_COLOURS, s["hair_light"]), RED_HAIR, 0.92 * s["hair_red"])
    return mix(colour, GREY_HAIR, 0.92 * s["hair_grey"])


def iris_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]."""
    return ramp(EYE_COLOURS, s["eye_hue"])


def lip_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]: the skin's own red, or a lipstick between red and plum."""
    hue = s["lip_hue"]
    paint = np.array(colorsys.hsv_to_rgb((0.92 + 0.09 * hue) % 1, 0.78, 0.62 + 0.2 * hue)) * 255
    return mix(mix(skin_colour(s), (196, 84, 84), 0.45) * 0.96, paint, 0.92 * s["lipstick"])


def clothes_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]."""
    light = s["clothes_light"]
    saturation = 0.3 + 0.4 * (1 - abs(2 * light - 1))
    return np.array(colorsys.hsv_to_rgb(s["clothes_hue"], saturation, 0.32 + 0.58 * light)) * 255


def background_colour(s: Scene) -> np.ndarray:
    """RGB in [0, 255]."""
    return ramp(BACKGROUND_COLOURS, s["background_hue"]) * (0.72 + 0.34 * s["background_light"])


COLOURS = {
    "skin": skin_colour, "hair": hair_colour, "iris": iris_colour, "lips": lip_colour, "clothes": clothes_colour,
    "background": background_colour,
    "frame": lambda s: ramp(FRAME_COLOURS, s["frame_hue"]),
    "hat": lambda s: ramp(HAT_COLOURS, s["hat_hue"]),
}
# Lightness, red against blue, green against both: less entangled than RGB, so that W has no direction of tiny spread.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [-0.5, 1, -0.5]]) / np.array([[3], [1], [1]])
# Quantities that act on the picture through a colour alone: the colours stand for them in `appearance`.
_COLOUR_ONLY = {
    "skin_tone", "skin_warmth", "hair_light", "hair_red", "hair_grey", "eye_hue", "lip_hue", "frame_hue", "hat_hue",
    "background_hue", "background_light", "clothes_hue", "clothes_light",
}


def appearance_names() -> tuple[str, ...]:
    """Names of the entries of `appearance`, in order."""
    quantities = tuple(name for name in sample(0, 0).values if name not in _COLOUR_ONLY)
    return quantities + tuple(f"{part}_{axis}" for part in COLOURS for axis in ("light", "warmth", "green"))


def appearance(s: Scene) -> np.ndarray:
    """What the picture is a smooth function of: quantities as they are, colours as opponents in [-1, 1]: float64 [P]."""
    quantities = [value for name, value in s.values.items() if name not in _COLOUR_ONLY]
    return np.concatenate([quantities, *(_OPPONENT @ (colour(s) / 255) for colour in COLOURS.values())])


# The rule behind each attribute; a bald head has no hair to speak of, closed or hidden eyes no colour.
_HAIRY = lambda s: s["bald"] < 0.5
_EYES_SEEN = lambda s: s["eye_open"] >= 0.15 and not (s["glasses"] > 0.5 and s["glasses_tint"] > 0.5)
_COLOURED = lambda s: _HAIRY(s) and s["hair_grey"] < 0.5 and s["hair_red"] < 0.5
_SHAVEN = lambda s: max(s["beard"], s["goatee"], s["mustache"]) < 0.5
_RULES = {
    "Bald": lambda s: not _HAIRY(s),
    "Bangs": lambda s: _HAIRY(s) and s["bangs"] > 0.5,
    "Black_Hair": lambda s: _COLOURED(s) and s["hair_light"] < 0.3,
    "Brown_Hair": lambda s: _COLOURED(s) and 0.3 <= s["hair_light"] < 0.68,
    "Blond_Hair": lambda s: _COLOURED(s) and s["hair_light"] >= 0.68,
    "Gray_Hair": lambda s: _HAIRY(s) and s["hair_grey"] >= 0.5,
    "Red_Hair": lambda s: _HAIRY(s) and s["hair_grey"] < 0.5 and s["hair_red"] >= 0.5,
    "Straight_Hair": lambda s: _HAIRY(s) and s["wave"] < 0.35 and s["curl"] < 0.5,
    "Wavy_Hair": lambda s: _HAIRY(s) and s["wave"] >= 0.35 and s["curl"] < 0.5,
    "Curly_Hair": lambda s: _HAIRY(s) and s["curl"] >= 0.5,
    "Long_Hair": lambda s: _HAIRY(s) and s["hair_length"] > 0.6,
    "Receding_Hairline": lambda s: _HAIRY(s) and s["receding"] > 0.5,
    "Bushy_Eyebrows": lambda s: s["brow_thickness"] > 0.7,
    "Arched_Eyebrows": lambda s: s["brow_arch"] > 0.65,
    "Eyes_Closed": lambda s: s["eye_open"] < 0.15,
    "Narrow_Eyes": lambda s: 0.15 <= s["eye_open"] < 0.45,
    "Blue_Eyes": lambda s: _EYES_SEEN(s) and s["eye_hue"] >= 0.7,
    "Green_Eyes": lambda s: _EYES_SEEN(s) and 0.32 <= s["eye_hue"] < 0.7,
    "Brown_Eyes": lambda s: _EYES_SEEN(s) and s["eye_hue"] < 0.32,
    "Bags_Under_Eyes": lambda s: s["bags"] > 0.5,
    "Eyeglasses": lambda s: s["glasses"] > 0.5,
    "Sunglasses": lambda s: s["glasses"] > 0.5 and s["glasses_tint"] > 0.5,
    "Big_Nose": lambda s: s["nose_width"] > 0.7,
    "Pointy_Nose": lambda s: s["nose_length"] > 0.7 and s["nose_width"] < 0.5,
    "Big_Lips": lambda s: s["lip_fullness"] > 0.7,
    "Mouth_Slightly_Open": lambda s: s["mouth_open"] > 0.3,
    "Smiling": lambda s: s["smile"] - 1.2 * s["sad"] - 0.5 * s["angry"] > 0.35,
    "Wearing_Lipstick": lambda s: s["lipstick"] > 0.5,
    "Heavy_Makeup": lambda s: s["makeup"] > 0.5,
    "Mustache": lambda s: s["mustache"] > 0.5,
    "Goatee": lambda s: s["goatee"] > 0.5,
    "No_Beard": _SHAVEN,
    "5_o_Clock_Shadow": lambda s: s["stubble"] > 0.5,
    "Sideburns": lambda s: s["sideburns"] > 0.5,
    "Pale_Skin": lambda s: s["skin_tone"] < 0.2,
    "Rosy_Cheeks": lambda s: s["blush"] > 0.5,
    "Freckles": lambda s: s["freckles"] > 0.5,
    "High_Cheekbones": lambda s: s["cheekbones"] > 0.5,
    "Oval_Face": lambda s: s["chubby"] < 0.5 and s["jaw"] < -0.1,
    "Chubby": lambda s: s["chubby"] > 0.5,
    "Double_Chin": lambda s: s["chubby"] > 0.8,
    "Male": lambda s: s["feminine"] < 0.5,
    "Young": lambda s: s["age"] < 0.6,
    "Big_Ears": lambda s: s["ear_size"] > 0.7,
    "Wearing_Earrings": lambda s: s["earrings"] > 0.5,
    "Wearing_Hat": lambda s: s["hat"] > 0.5,
    "Wearing_Necklace": lambda s: s["necklace"] > 0.5,
    "Wearing_Necktie": lambda s: s["necktie"] > 0.5,
    "Surprised": lambda s: s["surprised"] > 0.5,
    "Sad": lambda s: s["sad"] > 0.5,
    "Angry": lambda s: s["angry"] > 0.5,
    "Attractive": lambda s: False,
    "Blurry": lambda s: False,
}
ATTRIBUTES = tuple(_RULES)


def attributes(s: Scene) -> dict[str, bool]:
    """Which of `ATTRIBUTES` hold for the scene (of the face as it is, also where hair or a hat hides it)."""
    return {name: bool(rule(s)) for name, rule in _RULES.items()}
