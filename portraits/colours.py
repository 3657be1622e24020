"""The colours of a scene, and its appearance vector: what the picture is a smooth function of. RGB is in [0, 255].

Colours are tuples of floats: arrays of three are slower to make and to calculate with.
"""

import colorsys

import numpy as np

from portraits.quantities import Scene, sample

Colour = tuple[float, float, float]
SKIN_COLOURS = ((0.0, (255, 228, 212)), (0.16, (252, 218, 194)), (0.25, (238, 190, 154)), (0.45, (222, 166, 122)),
                (0.62, (190, 130, 90)), (0.80, (146, 96, 68)), (1.0, (104, 68, 54)))
HAIR_COLOURS = ((0.0, (30, 24, 30)), (0.25, (46, 36, 38)), (0.35, (92, 58, 42)), (0.5, (118, 76, 50)), (0.63, (148, 100, 62)),
                (0.73, (208, 162, 96)), (0.85, (222, 182, 120)), (1.0, (236, 208, 156)))
RED_HAIR, GREY_HAIR = (190, 82, 34), (202, 202, 210)
EYE_COLOURS = ((0.0, (70, 40, 26)), (0.27, (120, 74, 38)), (0.37, (106, 128, 62)), (0.64, (70, 146, 96)), (0.76, (72, 138, 200)),
               (1.0, (126, 174, 220)))
FRAME_COLOURS = ((34, 32, 38), (112, 64, 40), (168, 46, 56), (52, 82, 146), (204, 164, 92))
HAT_COLOURS = ((198, 66, 62), (228, 168, 74), (78, 142, 104), (62, 106, 172), (124, 82, 150), (74, 72, 84))
BACKGROUND_COLOURS = (
    (228, 200, 158), (236, 178, 144), (214, 144, 142), (168, 148, 196),
    (118, 152, 202), (116, 180, 194), (136, 182, 152), (202, 202, 148),
)


def ramp(stops, t: float) -> Colour:
    """Piecewise linear interpolation of colour stops: evenly spaced colours, or pairs (position, colour)."""
    if isinstance(stops[0][1], tuple):
        i = 0
        while i < len(stops) - 2 and t > stops[i + 1][0]:
            i += 1
        (a, first), (b, second) = stops[i], stops[i + 1]
        return mix(first, second, min(max((t - a) / (b - a), 0.0), 1.0))
    t = min(max(t, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(t), len(stops) - 2)
    return mix(stops[i], stops[i + 1], t - i)


def mix(a, b, t: float) -> Colour:
    """The colour t of the way from a to b."""
    u = 1 - t
    return a[0] * u + b[0] * t, a[1] * u + b[1] * t, a[2] * u + b[2] * t


def _scaled(colour, k: float) -> Colour:
    r, g, b = colour
    return r * k, g * k, b * k


def skin_colour(s: Scene) -> Colour:
    r, g, b = ramp(SKIN_COLOURS, s["skin_tone"])
    return min(max(r + 5.0 * s["skin_warmth"], 0.0), 255.0), g, min(max(b - 7.0 * s["skin_warmth"], 0.0), 255.0)


def hair_colour(s: Scene) -> Colour:
    """Lightness first, then red over it, then grey over both."""
    colour = mix(ramp(HAIR_COLOURS, s["hair_light"]), RED_HAIR, 0.92 * s["hair_red"])
    return mix(colour, GREY_HAIR, 0.94 * s["hair_grey"])


def iris_colour(s: Scene) -> Colour:
    return ramp(EYE_COLOURS, s["eye_hue"])


def lip_colour(s: Scene) -> Colour:
    """The skin's own red, or a lipstick between red and plum."""
    hue = s["lip_hue"]
    paint = _scaled(colorsys.hsv_to_rgb((0.92 + 0.085 * hue) % 1, 0.80, 0.58 + 0.22 * hue), 255)
    bare = _scaled(mix(skin_colour(s), (186, 82, 84), 0.42), 0.95)
    return mix(bare, paint, 0.92 * s["lipstick"])


def clothes_colour(s: Scene) -> Colour:
    light = s["clothes_light"]
    saturation = 0.22 + 0.38 * (1 - abs(2 * light - 1))
    return _scaled(colorsys.hsv_to_rgb(s["clothes_hue"], saturation, 0.30 + 0.58 * light), 255)


def background_colour(s: Scene) -> Colour:
    return _scaled(ramp(BACKGROUND_COLOURS, s["background_hue"]), 0.70 + 0.34 * s["background_light"])


def frame_colour(s: Scene) -> Colour:
    return ramp(FRAME_COLOURS, s["frame_hue"])


def hat_colour(s: Scene) -> Colour:
    return ramp(HAT_COLOURS, s["hat_hue"])


COLOURS = {
    "skin": skin_colour, "hair": hair_colour, "iris": iris_colour, "lips": lip_colour, "clothes": clothes_colour,
    "background": background_colour, "frame": frame_colour, "hat": hat_colour,
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
    return np.concatenate([quantities, *(_OPPONENT @ (np.array(colour(s)) / 255) for colour in COLOURS.values())])
