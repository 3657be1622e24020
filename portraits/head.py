"""Head: its measures, its skin under soft light, ears and nose. Head units: the origin lies between the eyes."""

import numpy as np

from portraits import light, patterns
from portraits.canvas import Canvas, dim, linear, oval, smooth, smooth_all, symmetric, tint
from portraits.colours import hair_colour, lip_colour, skin_colour
from portraits.facts import effective_smile
from portraits.quantities import Scene

SKIN, LEFT_EAR, RIGHT_EAR, NOSE = 1, 7, 8, 10
CROWN = -82.0
EYE_X, EYE_Y, MOUTH_Y = 24.0, -3.0, 44.0


class Head:
    """Measures and colours of one head; `outline` is the face as a closed path."""

    def __init__(self, s: Scene):
        self.scene = s.values  # as a dict, which is read several hundred times a picture
        self.width = 49.5 + 2.2 * s["face_width"] + 5.0 * s["chubby"]
        self.chin = 74 + 2.2 * s["face_length"] - 1.0 * s["chubby"] - 2.5 * s["jaw"]
        self.skin = skin_colour(s)
        darkness = s["skin_tone"]
        self.shade = dim(self.skin, (0.89 - 0.05 * darkness, 0.78 - 0.02 * darkness, 0.74))
        self.deep = dim(self.skin, (0.68 - 0.10 * darkness, 0.49 - 0.06 * darkness, 0.46 - 0.05 * darkness))
        self.glow = tint(self.skin, (255, 244, 228), 0.50 - 0.12 * darkness)
        self.hair = hair_colour(s)
        self.lips = lip_colour(s)
        self.smile = min(max(effective_smile(s), -1.2), 1.0)
        self.mouth_open = min(1.0, s["mouth_open"] + 0.55 * s["surprised"])
        self.eye_open = s["eye_open"] * (1 - 0.15 * s["angry"]) + 0.30 * s["surprised"] * min(1.0, 2.5 * s["eye_open"])
        self.eye_x = EYE_X + 1.2 * s["eye_spacing"]
        self.eye_half = 12.6 * (1 + 0.07 * s["eye_size"])
        self.mouth_half = 17.0 + 1.6 * s["mouth_width"] + 4.0 * max(0.0, self.smile) - 4.5 * s["surprised"]
        self.mouth_drop = (11.0 + 3 * s["surprised"]) * self.mouth_open
        self.nose_half = 6.3 + 6.2 * s["nose_width"] - 1.0 * s["nose_point"]
        self.nose_tip = 20.5 + 4.5 * s["nose_point"] + 2.5 * s["nose_width"]
        self.age = s["age"]
        # the light comes from above, and from one side more than the other
        self.side = s["light"]
        self.half_outline = self._half_outline()
        self.outline = smooth(symmetric(self.half_outline))

    def _half_outline(self) -> list:
        s, width, chin = self.scene, self.width, self.chin
        jaw, chubby = s["jaw"], s["chubby"]
        cheek = 0.985 - 0.035 * s["cheekbones"] * (1 - chubby) + 0.02 * chubby
        lower = 0.80 + 0.075 * jaw + 0.13 * chubby + 0.03 * self.age
        return [(0, CROWN), (width * 0.54, CROWN + 7), (width * 0.87, CROWN + 26), (width * 0.985, -30),
            (width * (1.0 + 0.02 * s["cheekbones"]), -4),
                (width * cheek, 20), (width * lower, 44), (width * (lower * 0.66 + 0.03 * jaw), chin - 10.5),
                (width * (0.24 + 0.05 * jaw + 0.05 * chubby), chin - 1.2), (0, chin)]


def _bumps(head: Head) -> list[tuple]:
    """The relief of the face; see `light.diffuse`."""
    s, smile, tip, half = head.scene, max(0.0, head.smile), head.nose_tip, head.nose_half
    bone, chubby, man, point = s["cheekbones"], s["chubby"], 1 - s["feminine"], s["nose_point"]
    both = light.both
    return [
        *both(27, 21 - 2 * smile, 13, 11, 2.6 + 2.4 * smile + 2.2 * chubby),
        *both(36, 11, 12, 6, 3.6 * bone), *both(36, 34, 11, 13, -4.4 * bone * (1 - 0.6 * chubby) - 1.2 * head.age),
        *both(22, -6, 14, 9, -3.4), *both(20, -18, 16, 6, 1.6 + 1.6 * man), (0, -44, 34, 24, 4.0),
        (0, -2, 5.6 - 1.0 * point, 19, 3.8 + 0.7 * point), (0, tip - 4, half * (0.95 - 0.35 * point), 8.5, 5.6 + 2.2 * point),
        *both(half * 0.80, tip - 1.5, 4.2, 4.6, 2.6 + 1.6 * s["nose_width"]), *both(half + 3.0, tip, 3.2, 5, -1.6),
        (0, 42, 23, 15, 3.2), (0, 33.5, 2.4, 5, -0.9), (0, 57 + head.mouth_drop * 0.6, 13, 4.5, -2.4),
        (0, head.chin - 7, 12, 8, 3.8), (0, head.chin - 7, 2.2, 5, -0.7 * man),
        *both(23.5, 8.5, 10.5, 4.2, 2.6 * s["bags"]), *both(24, 14.5, 11, 2.6, -1.9 * s["bags"]),
        *both(33, 47, 8, 10, 1.8 * chubby + 1.6 * head.age), *both(21, 41, 3, 12, -1.0 * smile - 1.2 * head.age),
    ]


def skin_pixels(head: Head) -> np.ndarray:
    """The face's skin with light, blush, freckles, wrinkles, stubble and eye shadow: RGBA uint8, see `portraits.light`."""
    s, side = head.scene, head.side
    direction = np.array([0.36 * side, -0.38, 0.86]) / np.linalg.norm([0.36 * side, -0.38, 0.86])
    lit, towards = light.diffuse(_bumps(head), head.width * 1.06, CROWN - 3, head.chin + 3, direction.astype(np.float32))
    x, tip = -side, head.nose_tip
    lit -= light.spots([
        (3.5 * x, tip + 6, head.nose_half * 0.95, 3.4, 0.15), ((head.nose_half + 1) * x * 0.9, tip - 5, 5, 10, 0.06 * abs(side)),
        *light.both(13.5, -5, 5, 6, 0.06), *light.both(21, 13.5, 10, 3.0, 0.16 * s["bags"]), *light.both(16, 10, 7, 4, 0.05),
        (0, MOUTH_Y + head.mouth_drop + 12, 12, 3.5, 0.10), (0, CROWN, 60, 16, 0.05),
    ])
    if head.age > 0.25:
        lit -= 0.16 * ((head.age - 0.25) / 0.75) ** 1.2 * patterns.wrinkles()
    lit -= (0.03 + 0.09 * max(0.0, head.smile) + 0.13 * max(0.0, head.age - 0.25)) * patterns.folds()
    lit += 0.006 * patterns.grain()
    # light from the wall behind, along the side that lies in shade
    lit += np.maximum(0.46 - towards, 0) * np.clip(-side * light.X * 0.03, 0, 1.1)
    index = np.clip(lit * 255, 0, 255).astype(np.uint8)
    # one plane a channel: blending the three values of a pixel at a time takes ten times as long
    planes = [channel.take(index) for channel in _ramp(head)]
    _add_colours(head, planes)
    pixels = np.full((*lit.shape, 4), 255, np.uint8)
    for i, plane in enumerate(planes):
        pixels[..., i] = plane
    return pixels


def _ramp(head: Head) -> np.ndarray:
    """Skin colours from no light to full light: float32 [3, 256]."""
    stops = [0.0, 0.24, 0.50, 0.76, 0.92, 1.0]
    colours = [dim(head.deep, 0.86), head.deep, head.shade, head.skin, tint(head.skin, head.glow, 0.45), head.glow]
    at = np.linspace(0, 1, 256)
    return np.stack([np.interp(at, stops, channel) for channel in zip(*colours)]).astype(np.float32)


def _add_colours(head: Head, planes: list[np.ndarray]) -> None:
    """Lay on the lit skin, float32 [H, W] a channel, the colours that lie on it, in place."""
    s = head.scene
    rosy = tint((230, 84, 88), head.deep, 0.25 * s["skin_tone"])
    blush = [*light.both(29, 20, 12, 8.5, 0.09 + 0.40 * s["blush"] + 0.08 * s["makeup"]),
        (0, head.nose_tip - 2, 8, 5, 0.10 + 0.10 * s["blush"])]
    _lay(planes, rosy, light.spots(blush, -4, 44), -4)
    if s["makeup"] > 0.01:
        shadow = tint((112, 58, 150), (52, 96, 160), s["lip_hue"])
        _lay(planes, shadow, light.spots(light.both(25, -10.5, 12.5, 5.0, 0.74 * s["makeup"]), -24, 4), -24)
    if s["bags"] > 0.05:
        _lay(planes, dim(head.deep, (0.85, 0.85, 1.15)), light.spots(light.both(23, 12, 11, 4.5, 0.50 * s["bags"]), 0, 24), 0)
    if s["freckles"] > 0.01:
        _lay(planes, tint(head.deep, (150, 72, 30), 0.4), 0.85 * s["freckles"] * patterns.freckles(), light.TOP)
    if s["stubble"] > 0.01:
        grown = light.spots([*light.both(30, 56, 16, 22, 0.8), (0, 62, 26, 17, 0.9), (0, 33, 17, 6, 0.7), *light.both(44, 30, 8, 18, 0.5),
                             *light.both(21, 24, 9, 9, -0.5)], 10, 90)
        rough = np.clip(0.42 + 0.20 * patterns.grain()[10 - light.TOP :], 0, 0.9)
        _lay(planes, tint(dim(head.hair, 0.55), (58, 60, 74), 0.5), s["stubble"] * np.clip(grown, 0, 1) * rough[: len(grown)], 10)


def _lay(planes: list[np.ndarray], colour, alpha: np.ndarray, top: int) -> None:
    """Blend a colour over the rows from height `top` on, in place."""
    for plane, value in zip(planes, colour):
        rows = plane[top - light.TOP : top - light.TOP + len(alpha)]
        rows += (np.float32(value) - rows) * alpha


def draw_ears(canvas: Canvas, head: Head) -> None:
    """Both ears, under the hair; big ones are larger and stand out."""
    size = head.scene["ear_size"]
    tall, wide = 0.80 + 0.52 * size, 0.72 + 0.72 * size
    for side in (-1, 1):
        x, y = side * (head.width - 2), 4.0

        def at(points):
            return [(x + side * dx * wide, y + dy * tall) for dx, dy in points]

        lit = 0.5 + 0.5 * side * head.side
        outer = at([(-4, -13), (4, -18.5), (11, -17), (13.5, -9), (11.5, 1), (8, 8), (6.2, 15), (1.5, 18), (-3, 12)])
        canvas.fill(smooth(outer), head.skin, RIGHT_EAR if side < 0 else LEFT_EAR,
                    shader=linear((x, y), (x + side * 14 * wide, y - 6),
                        [head.deep, tint(head.shade, head.skin, lit), tint(head.skin, head.glow, 0.6 * lit)]))
        shell = at([(1, -11), (6, -13.5), (9, -9), (7, -1), (4.5, 5), (1, 7)])
        canvas.fill(smooth(shell), head.deep, alpha=0.50)
        canvas.stroke(smooth(at([(0, -12), (5.5, -15.2), (10.3, -13.2), (10.8, -6), (8.6, 1), (6, 7)]), False), head.glow, 1.7, alpha=0.45)
        canvas.stroke(smooth(at([(2, -7.5), (6, -8), (5.5, -2), (3, 3)]), False), tint(head.skin, head.glow, 0.3), 1.6, alpha=0.6)
        canvas.fill(oval(*at([(3.5, 13)])[0], 3 * wide, 3.2 * tall), (236, 120, 110), alpha=0.12)


def draw_face(canvas: Canvas, head: Head) -> None:
    """The skin of the whole skull."""
    canvas.claim(head.outline, SKIN)
    with canvas.clipped(head.outline):
        canvas.picture(skin_pixels(head), light.LEFT - 0.5, light.TOP - 0.5)


def draw_nose(canvas: Canvas, head: Head) -> None:
    """Nostrils, wings and the glint on the tip; the rest of the nose is light on the skin."""
    s, half, tip, point = head.scene, head.nose_half, head.nose_tip, head.scene["nose_point"]
    wing = tip - 0.5 - 2.5 * point
    outline = [(0, -9), (4.0, -6), (4.4 - point, tip - 13), (half * 0.92, wing - 4.5), (half * 1.12, wing + 0.5),
        (half * 0.82, wing + 4.2), (0, tip + 5.2)]
    canvas.claim(smooth(symmetric(outline)), NOSE)
    line = tint(head.deep, dim(head.deep, 0.6), 0.5)
    nostrils, wings = [], []
    for side in (-1, 1):
        nostrils.append([(side * half * 0.20, tip + 3.2), (side * half * 0.42, wing + 1.7), (side * half * 0.70, wing + 2.0),
                         (side * half * 0.74, wing + 3.6), (side * half * 0.42, tip + 4.0)])
        wings.append([(side * half * 0.92, wing - 5.0), (side * half * 1.13, wing - 1.0), (side * half * 1.05, wing + 2.6),
            (side * half * 0.80, wing + 3.9)])
    base = [(-half * 0.44, tip + 4.0), (-half * 0.18, tip + 5.2), (0, tip + 5.6), (half * 0.18, tip + 5.2), (half * 0.44, tip + 4.0)]
    canvas.fill(smooth_all(nostrils, True), dim(line, 0.66), alpha=0.66)
    canvas.stroke(smooth_all(wings), line, 1.25, alpha=0.70)
    canvas.stroke(smooth(base, False), line, 1.2, alpha=0.55)
    if point > 0.02:  # a sharp tip casts a small wedge of shadow
        canvas.stroke(smooth([(-half * 0.75, tip - 2), (-half * 0.22, tip + 3.4), (0, tip + 4.6), (half * 0.22, tip + 3.4),
            (half * 0.75, tip - 2)], False),
                      line, 1.4, alpha=0.60 * point)
    x = 1.6 * head.side
    canvas.fill(oval(x, tip - 2.5, 2.3 + 1.0 * s["nose_width"] - 0.8 * point, 2.0), (255, 250, 244), alpha=0.42, blur=1.1)
