"""What can be seen of a scene, and said of it: three-valued truth of every topic.

A topic is an attribute of `portraits.scene`, or one of the finer `GRADES` below, which are there for words such as
"very long" or "slightly open". A topic is True, False, or None where the picture does not show it (hair under a hat,
eyes behind sunglasses) or where it is so near its threshold that two people would disagree. Captions state no topic
that is None, and training on captions counts no such pair as right or as wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from portraits.facts import CLOSED, NARROW, OPEN_MOUTH, SMILING, YOUNG, effective_smile, threshold
from portraits.quantities import level
from portraits.scene import ATTRIBUTES, Scene, attributes

NEVER_SAID = ("Attractive", "Blurry")

# Attribute -> (quantity, threshold, half width of the band in which people would disagree).
_BANDS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "Bald": (("bald", 0.5, 0.3),),
    "Bangs": (("bangs", 0.5, 0.2),),
    "Receding_Hairline": (("receding", 0.5, 0.2), ("bald", 0.5, 0.3)),
    "Eyes_Closed": (("eye_open", CLOSED, 0.06),),
    "Narrow_Eyes": (("eye_open", NARROW, 0.08), ("eye_open", CLOSED, 0.06)),
    "Eyeglasses": (("glasses", 0.5, 0.25),),
    "Mouth_Slightly_Open": (("mouth_open", OPEN_MOUTH, 0.1),),
    "Wearing_Lipstick": (("lipstick", 0.5, 0.2),),
    "Heavy_Makeup": (("makeup", 0.5, 0.2),),
    "Mustache": (("mustache", 0.5, 0.25),),
    "Goatee": (("goatee", 0.5, 0.25),),
    "No_Beard": (("beard", 0.5, 0.25), ("goatee", 0.5, 0.25)),
    "5_o_Clock_Shadow": (("stubble", 0.5, 0.2),),
    "Sideburns": (("sideburns", 0.5, 0.25),),
    "Pale_Skin": (("skin_tone", 0.2, 0.03),),
    "Rosy_Cheeks": (("blush", 0.5, 0.2),),
    "Freckles": (("freckles", 0.5, 0.2),),
    "Oval_Face": (("jaw", 0.0, 0.25), ("chubby", threshold("chubby"), 0.2)),
    "Double_Chin": (("double_chin", 0.5, 0.2),),
    "Male": (("feminine", 0.5, 0.2),),
    "Young": (("age", YOUNG, 0.08),),
    "Wearing_Earrings": (("earrings", 0.5, 0.25),),
    "Wearing_Hat": (("hat", 0.5, 0.3),),
    "Wearing_Necklace": (("necklace", 0.5, 0.25),),
    "Wearing_Necktie": (("necktie", 0.5, 0.25),),
    "Surprised": (("surprised", 0.5, 0.2),),
    "Sad": (("sad", 0.5, 0.2),),
    "Angry": (("angry", 0.5, 0.2),),
}
# Quantities with plateaus on either side of their threshold: half their last step is in dispute at most.
for _topic, _quantity in (("Long_Hair", "hair_length"), ("Bushy_Eyebrows", "brow_thickness"), ("Arched_Eyebrows", "brow_arch"),
                          ("Bags_Under_Eyes", "bags"), ("Big_Nose", "nose_width"), ("Pointy_Nose", "nose_point"), ("Big_Lips", "lip_fullness"),
                          ("High_Cheekbones", "cheekbones"), ("Chubby", "chubby"), ("Big_Ears", "ear_size")):
    _BANDS[_topic] = ((_quantity, threshold(_quantity), 0.12),)
_COLOUR_BANDS = (("hair_grey", 0.5, 0.2), ("hair_red", 0.5, 0.2), ("hair_light", 0.3, 0.04), ("hair_light", 0.68, 0.04), ("bald", 0.5, 0.4))
_BANDS.update({name: _COLOUR_BANDS for name in ("Black_Hair", "Brown_Hair", "Blond_Hair")})
_BANDS["Gray_Hair"] = (("hair_grey", 0.5, 0.2), ("bald", 0.5, 0.4))
_BANDS["Red_Hair"] = (("hair_red", 0.5, 0.2), ("hair_grey", 0.5, 0.2), ("bald", 0.5, 0.4))
_CURL_BANDS = (("curl", 0.5, 0.12), ("bald", 0.5, 0.4))
_WAVE_BANDS = (*_CURL_BANDS, ("wave", 0.35, 0.12))
_BANDS.update({"Straight_Hair": _WAVE_BANDS, "Wavy_Hair": _WAVE_BANDS, "Curly_Hair": _CURL_BANDS})
_EYE_BANDS = (("eye_hue", 0.32, 0.04), ("eye_hue", 0.7, 0.05))
_BANDS.update({name: _EYE_BANDS for name in ("Blue_Eyes", "Green_Eyes", "Brown_Eyes")})

HAIR_COLOURS = ("Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair", "Red_Hair")
HAIR_TEXTURES = ("Straight_Hair", "Wavy_Hair", "Curly_Hair", "very_curly_hair")
HAIR_LENGTHS = ("short_hair", "medium_hair", "Long_Hair", "very_long_hair")


def _bearded(s: Scene) -> float:
    return max(s["beard"], s["goatee"])


def _hair_seen(s: Scene) -> bool:
    # a hat leaves hair to be seen only where the hair comes down beside the face
    return s["hat"] < 0.2 or s["hair_length"] > 0.45


def _eyes_seen(s: Scene) -> bool:
    return not (s["glasses"] > 0.3 and s["glasses_tint"] > 0.3)


def _ears_seen(s: Scene) -> bool:
    return s["hair_length"] < 0.24 or s["bald"] > 0.8


def _sunglasses(s: Scene) -> bool:
    return s["glasses"] > 0.5 and s["glasses_tint"] > 0.3


# Topic -> whether the picture shows it, one way or the other; topics that are not here can always be seen.
_SEEN: dict[str, Callable[[Scene], bool]] = {
    **{name: _hair_seen for name in (*HAIR_COLOURS, *HAIR_TEXTURES, *HAIR_LENGTHS)},
    **{name: lambda s: s["hat"] < 0.2 for name in ("Bald", "Bangs", "Receding_Hairline")},
    **{name: lambda s: _eyes_seen(s) and s["eye_open"] > CLOSED + 0.12 for name in ("Blue_Eyes", "Green_Eyes", "Brown_Eyes")},
    **{name: _eyes_seen for name in ("Eyes_Closed", "Narrow_Eyes", "Bags_Under_Eyes", "wide_open_eyes", "Heavy_Makeup")},
    # "glasses" and "no glasses" would both mislead about sunglasses
    "Eyeglasses": lambda s: not _sunglasses(s),
    "Sunglasses": lambda s: not (0.25 < s["glasses"] < 0.75 or (s["glasses"] > 0.5 and 0.2 < s["glasses_tint"] < 0.8)),
    # a moustache alone is no beard to most people, but the attribute says that it is facial hair
    "No_Beard": lambda s: s["mustache"] < 0.25 or _bearded(s) > 0.5,
    "Smiling": lambda s: abs(effective_smile(s) - SMILING) > 0.15,
    **{name: _ears_seen for name in ("Big_Ears", "small_ears")},
    "Sideburns": lambda s: _ears_seen(s) and s["beard"] < 0.25,
    **{name: lambda s: s["beard"] < 0.3 for name in ("Oval_Face", "Double_Chin", "slim_face")},
    "Wearing_Necklace": lambda s: s["beard"] < 0.3,
}

# Topic -> (lower bound for True, upper bound for False) on a quantity or an expression: between them, None.
_Grade = tuple[Callable[[Scene], float], float, float]
GRADES: dict[str, _Grade] = {
    "short_hair": (lambda s: (1 - s["hair_length"]) * (s["bald"] < 0.1), 0.76, 0.6),
    "medium_hair": (lambda s: (0.5 - abs(s["hair_length"] - 0.44)) * (s["bald"] < 0.1), 0.38, 0.27),
    "very_long_hair": (lambda s: s["hair_length"] * (s["bald"] < 0.1), 0.90, 0.80),
    "very_curly_hair": (lambda s: s["curl"] * (s["bald"] < 0.1), 0.92, 0.75),
    "thin_eyebrows": (lambda s: level("brow_thickness", 0) - s["brow_thickness"], 0.06, -0.10),
    "wide_open_eyes": (lambda s: max(s["eye_open"], s["surprised"]), 0.93, 0.8),
    "small_nose": (lambda s: level("nose_width", 0) - s["nose_width"], 0.06, -0.10),
    "thin_lips": (lambda s: level("lip_fullness", 0) - s["lip_fullness"], 0.06, -0.10),
    "slightly_open_mouth": (lambda s: 0.5 - abs(s["mouth_open"] - 0.45) - s["surprised"], 0.38, 0.22),
    "wide_open_mouth": (lambda s: s["mouth_open"] + 0.55 * s["surprised"], 0.72, 0.58),
    "broad_smile": (effective_smile, 0.72, 0.5),
    "slim_face": (lambda s: -s["face_width"] - 2 * s["chubby"], 0.35, 0.0),
    "small_ears": (lambda s: level("ear_size", 0) - s["ear_size"], 0.05, -0.08),
    "full_beard": (lambda s: s["beard"], 0.85, 0.15),
    "grey_beard": (lambda s: min(_bearded(s), s["hair_grey"]), 0.8, 0.2),
    "clean_shaven": (lambda s: -max(_bearded(s), s["mustache"], s["stubble"]), -0.1, -0.5),
    "dark_skin": (lambda s: s["skin_tone"], 0.72, 0.58),
    "tan_skin": (lambda s: 0.5 - abs(s["skin_tone"] - 0.5), 0.42, 0.28),
    "wrinkles": (lambda s: s["age"], level("age", 1) - 0.04, level("age", 0) + 0.05),
    "elderly": (lambda s: s["age"], level("age", 1) + 0.06, level("age", 1) - 0.10),
}

TOPICS: tuple[str, ...] = (*(name for name in ATTRIBUTES if name not in NEVER_SAID), *GRADES)


def _grade(scene: Scene, rule: _Grade) -> bool | None:
    value = rule[0](scene)
    return True if value >= rule[1] else False if value <= rule[2] else None


def topics(scene: Scene) -> dict[str, bool | None]:
    """The truth of every one of `TOPICS` in the picture of `scene`: True, False, or None (not shown, or undecided)."""
    exact = attributes(scene)
    truth: dict[str, bool | None] = {}
    for name in TOPICS:
        seen = _SEEN.get(name, lambda s: True)(scene)
        undecided = any(abs(scene[quantity] - middle) < band for quantity, middle, band in _BANDS.get(name, ()))
        if not seen or undecided:
            truth[name] = None
        else:
            truth[name] = _grade(scene, GRADES[name]) if name in GRADES else exact[name]
    return truth
