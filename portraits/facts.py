"""The attributes of a scene: the rule behind each of `ATTRIBUTES`.

Names are CelebA's where CelebA has one. A bald head has no hair to speak of, closed or hidden eyes no colour.

Attributes are drawn independently but for what cannot be. Correlations that are left (Pearson's r among 8000 samples;
a good direction does not pick them up; every other pair stays within 0.13):

- kinds of one thing, of which a face has one: hair colours -0.15 to -0.29, textures -0.35 to -0.49, eye colours -0.36 to -0.43;
- what includes or excludes: Sunglasses and Eyeglasses 0.41, Chubby and Double_Chin 0.40, and Oval_Face -0.41, No_Beard and
  Mustache -0.58, Sideburns -0.55, Goatee -0.46, Bangs and Receding_Hairline -0.22, Smiling and Sad -0.27, and Angry -0.16; Bald and
  all hair -0.14 to -0.26; closed eyes and sunglasses with eye colours -0.16 to -0.20;
- with Male: No_Beard -0.57, Sideburns 0.47, Wearing_Lipstick -0.47, Heavy_Makeup -0.40, Mustache 0.33, 5_o_Clock_Shadow 0.31,
  Long_Hair -0.30, Bushy_Eyebrows 0.28, Goatee 0.26, Wearing_Earrings -0.25, Bald and Receding_Hairline 0.20, Oval_Face and
  Wearing_Necklace -0.18, Big_Lips -0.14; and through the sex among these, Wearing_Lipstick and No_Beard 0.34 at most.
"""

from portraits.quantities import STEPS, Scene, level, opening

SMILING = 0.25
_LEVELS = {name: level(name) for name in (
    "hair_length", "brow_thickness", "brow_arch", "nose_width", "nose_point", "lip_fullness", "ear_size", "bags", "cheekbones", "chubby")}
CLOSED, NARROW, YOUNG = level("eye_open", 0), level("eye_open", 1), level("age", 0)
OPEN_MOUTH = opening(STEPS["mouth_open"][0][0])


def threshold(quantity: str) -> float:
    """The value above which a quantity makes its attribute true."""
    return _LEVELS.get(quantity, 0.5)


def effective_smile(s: Scene) -> float:
    """The smile that the mouth shows, after sadness and anger."""
    return s["smile"] - 1.3 * s["sad"] - 0.6 * s["angry"]


def _past(quantity: str):
    return lambda s: s[quantity] > threshold(quantity)


def _hairy(s: Scene) -> bool:
    return s["bald"] < 0.5


def _eyes_seen(s: Scene) -> bool:
    return s["eye_open"] >= CLOSED and not (s["glasses"] > 0.5 and s["glasses_tint"] > 0.5)


def _coloured(s: Scene) -> bool:
    return _hairy(s) and s["hair_grey"] < 0.5 and s["hair_red"] < 0.5


_RULES = {
    "Bald": lambda s: not _hairy(s),
    "Bangs": lambda s: _hairy(s) and s["bangs"] > 0.5,
    "Black_Hair": lambda s: _coloured(s) and s["hair_light"] < 0.3,
    "Brown_Hair": lambda s: _coloured(s) and 0.3 <= s["hair_light"] < 0.68,
    "Blond_Hair": lambda s: _coloured(s) and s["hair_light"] >= 0.68,
    "Gray_Hair": lambda s: _hairy(s) and s["hair_grey"] >= 0.5,
    "Red_Hair": lambda s: _hairy(s) and s["hair_grey"] < 0.5 and s["hair_red"] >= 0.5,
    "Straight_Hair": lambda s: _hairy(s) and s["wave"] < 0.35 and s["curl"] < 0.5,
    "Wavy_Hair": lambda s: _hairy(s) and s["wave"] >= 0.35 and s["curl"] < 0.5,
    "Curly_Hair": lambda s: _hairy(s) and s["curl"] >= 0.5,
    "Long_Hair": lambda s: _hairy(s) and _past("hair_length")(s),
    "Receding_Hairline": lambda s: _hairy(s) and s["receding"] > 0.5,
    "Bushy_Eyebrows": _past("brow_thickness"),
    "Arched_Eyebrows": _past("brow_arch"),
    "Eyes_Closed": lambda s: s["eye_open"] < CLOSED,
    "Narrow_Eyes": lambda s: CLOSED <= s["eye_open"] < NARROW,
    "Blue_Eyes": lambda s: _eyes_seen(s) and s["eye_hue"] >= 0.7,
    "Green_Eyes": lambda s: _eyes_seen(s) and 0.32 <= s["eye_hue"] < 0.7,
    "Brown_Eyes": lambda s: _eyes_seen(s) and s["eye_hue"] < 0.32,
    "Bags_Under_Eyes": _past("bags"),
    "Eyeglasses": _past("glasses"),
    "Sunglasses": lambda s: s["glasses"] > 0.5 and s["glasses_tint"] > 0.5,
    "Big_Nose": _past("nose_width"),
    "Pointy_Nose": _past("nose_point"),
    "Big_Lips": _past("lip_fullness"),
    "Mouth_Slightly_Open": lambda s: s["mouth_open"] > OPEN_MOUTH,
    "Smiling": lambda s: effective_smile(s) > SMILING,
    "Wearing_Lipstick": _past("lipstick"),
    "Heavy_Makeup": _past("makeup"),
    "Mustache": _past("mustache"),
    "Goatee": _past("goatee"),
    "No_Beard": lambda s: max(s["beard"], s["goatee"], s["mustache"]) < 0.5,
    "5_o_Clock_Shadow": _past("stubble"),
    "Sideburns": _past("sideburns"),
    "Pale_Skin": lambda s: s["skin_tone"] < 0.2,
    "Rosy_Cheeks": _past("blush"),
    "Freckles": _past("freckles"),
    "High_Cheekbones": _past("cheekbones"),
    "Oval_Face": lambda s: not _past("chubby")(s) and s["jaw"] < 0,
    "Chubby": _past("chubby"),
    "Double_Chin": _past("double_chin"),
    "Male": lambda s: s["feminine"] < 0.5,
    "Young": lambda s: s["age"] < YOUNG,
    "Big_Ears": _past("ear_size"),
    "Wearing_Earrings": _past("earrings"),
    "Wearing_Hat": _past("hat"),
    "Wearing_Necklace": _past("necklace"),
    "Wearing_Necktie": _past("necktie"),
    "Surprised": _past("surprised"),
    "Sad": _past("sad"),
    "Angry": _past("angry"),
    "Attractive": lambda s: False,
    "Blurry": lambda s: False,
}
ATTRIBUTES = tuple(_RULES)


def attributes(s: Scene) -> dict[str, bool]:
    """Which of `ATTRIBUTES` hold for the scene (of the face as it is, also where hair or a hat hides it)."""
    return {name: bool(rule(s)) for name, rule in _RULES.items()}
