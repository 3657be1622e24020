"""Head, features and beard, drawn around the origin between the eyes in head units."""

import numpy as np

from portraits.canvas import Canvas, blob, circles, curve, line, linear, oval, polygon, radial
from portraits.scene import Scene, hair_colour, iris_colour, lip_colour, mix, skin_colour

SKIN, LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE = 1, 2, 3, 4, 5
LEFT_EAR, RIGHT_EAR, NOSE, MOUTH, UPPER_LIP, LOWER_LIP = 7, 8, 10, 11, 12, 13
_FRECKLES = np.random.Generator(np.random.Philox(7)).uniform([7, 9], [37, 33], (17, 2))


class Head:
    """Measures and colours of one head; `outline` is the face's closed polyline [n, 2]."""

    def __init__(self, s: Scene):
        self.scene = s
        self.width = 51 + 3.2 * s["face_width"] + 4.5 * s["chubby"]
        self.height = 67 + 3.0 * s["face_length"] - 1.5 * s["chubby"]
        self.skin = skin_colour(s)
        self.deep = mix(self.skin, self.skin * np.array([0.66, 0.48, 0.46]), 0.8)
        self.shade = mix(self.skin, self.skin * np.array([0.84, 0.70, 0.66]), 0.85)
        self.glow = mix(self.skin, (255, 246, 232), 0.42)
        self.beard = mix(hair_colour(s) * 0.78, self.skin * 0.5, 0.12)
        jaw = 0.77 + 0.06 * s["jaw"] + 0.10 * s["chubby"]
        width, height = self.width, self.height
        half = [(width * 0.56, -height * 0.93), (width * 0.91, -height * 0.60), (width, -height * 0.12),
                (width * (0.955 + 0.03 * s["chubby"]), height * 0.28), (width * jaw, height * 0.66),
                (width * 0.42 * jaw / 0.77, height * 0.94)]
        self.outline = curve([(0, -height), *half, (0, height * 1.03), *[(-x, y) for x, y in half[::-1]]], True, 8)
        self.smile = float(np.clip(s["smile"] - 1.3 * s["sad"] - 0.6 * s["angry"], -1.2, 1.0))
        self.mouth_open = min(1.0, s["mouth_open"] + 0.55 * s["surprised"])
        self.eye_open = s["eye_open"] * (1 - 0.15 * s["angry"]) + 0.32 * s["surprised"] * min(1.0, 4 * s["eye_open"])


def draw_ears(canvas: Canvas, head: Head) -> None:
    """Both ears, under the hair."""
    size = 0.84 + 0.42 * head.scene["ear_size"]
    for side in (-1, 1):
        x, y = side * (head.width - 1), 5
        points = [(x - side * 5, y - 15 * size), (x + side * 7 * size, y - 18 * size), (x + side * 13 * size, y - 8 * size),
                  (x + side * 10 * size, y + 6 * size), (x + side * 3 * size, y + 16 * size), (x - side * 5, y + 12)]
        canvas.fill(blob(points, 5), head.shade, RIGHT_EAR if side < 0 else LEFT_EAR,
                    shader=linear((x - side * 4, 0), (x + side * 13, 0), [head.deep, head.skin]))
        fold = [(x + side * 2, y - 9 * size), (x + side * 7 * size, y - 10 * size), (x + side * 6 * size, y), (x + side * 2, y + 7 * size)]
        canvas.stroke(line(fold, 5), head.deep, 1.7, alpha=0.7)


def draw_face(canvas: Canvas, head: Head) -> None:
    """Skin with soft light from the upper left, cheeks, freckles and the lines of age."""
    s, width, height = head.scene, head.width, head.height
    path = polygon(head.outline)
    light = radial((-14, -24), 112, [head.glow, head.skin, head.skin, head.shade], [0, 0.35, 0.62, 1])
    canvas.fill(path, head.skin, SKIN, shader=light)
    with canvas.clipped(path):
        for side in (-1, 1):
            canvas.fill(oval(side * width * 1.02, 26, 15, 48), head.deep, alpha=0.20, blur=9)
            canvas.fill(oval(side * 34, 20, 11, 8), (228, 84, 84), alpha=0.14 + 0.40 * s["blush"], blur=6)
            canvas.stroke(line([(side * 47, 10), (side * 36, 23), (side * 27, 35)]), head.deep, 5, alpha=0.42 * s["cheekbones"], blur=3)
            canvas.fill(oval(side * 37, 10, 10, 5), head.glow, alpha=0.5 * s["cheekbones"], blur=3.5)
            if s["freckles"] > 0.01:
                canvas.fill(circles(_FRECKLES * [side, 1], np.full(len(_FRECKLES), 1.25)), mix(head.deep, (150, 70, 30), 0.4), alpha=0.75 * s["freckles"])
        canvas.fill(oval(0, height * 0.80, 12, 9), head.glow, alpha=0.28, blur=5)
        canvas.stroke(line([(-24, height * 1.0), (0, height * 0.86), (24, height * 1.0)]), head.deep, 2.4, alpha=0.5 * max(0.0, s["chubby"] * 2 - 1), blur=0.8)
    _draw_age(canvas, head)


def _draw_age(canvas: Canvas, head: Head) -> None:
    old = max(0.0, (head.scene["age"] - 0.45) / 0.55)
    alpha = 0.8 * old
    for side in (-1, 1):
        canvas.stroke(line([(side * 14, 29), (side * 21, 38), (side * 24, 49)]), head.deep, 1.8, alpha=alpha)
        for y, rise in ((-7, -4), (-2, 1)):
            canvas.stroke(line([(side * 40, y), (side * 46, y + rise)]), head.deep, 1.3, alpha=alpha)
    for y, reach in ((-36, 22), (-43, 18)):
        canvas.stroke(line([(-reach, y + 1), (-reach / 3, y - 1), (reach / 3, y - 1), (reach, y + 1)]), head.deep, 1.4, alpha=alpha)


def draw_nose(canvas: Canvas, head: Head) -> None:
    """Nose; width and length are the person's."""
    half = 7.6 + 5.0 * head.scene["nose_width"]
    tip = 21 + 9 * head.scene["nose_length"]
    body = [(-3.4, -8), (3.4, -8), (4.6, tip - 12), (half, tip - 3), (half * 0.7, tip + 3), (0, tip + 4.5), (-half * 0.7, tip + 3), (-half, tip - 3), (-4.6, tip - 12)]
    canvas.fill(blob(body, 5), head.skin, NOSE, 0.75, linear((-half, 0), (half, 0), [mix(head.skin, head.shade, 0.2), head.glow, mix(head.skin, head.shade, 0.9)]))
    canvas.fill(oval(0, tip + 5, half * 0.9, 3), head.deep, alpha=0.5, blur=2)
    wings = [(-half * 0.95, tip - 3.5), (-half * 0.8, tip + 2.5), (-half * 0.35, tip + 2), (0, tip + 4.6), (half * 0.35, tip + 2), (half * 0.8, tip + 2.5), (half * 0.95, tip - 3.5)]
    canvas.stroke(line(wings, 5), head.deep * 0.92, 1.8, alpha=0.9)
    canvas.fill(oval(-1.5, tip - 3, 2.2, 2.6), (255, 255, 255), alpha=0.35, blur=1.4)


def draw_eyes(canvas: Canvas, head: Head) -> None:
    """Eyes with lids, lashes, bags and eyeshadow; closed ones keep their lash line."""
    s = head.scene
    scale, spacing = 1.16 + 0.10 * s["eye_size"], 23.5 + 1.4 * s["eye_spacing"]
    for side in (-1, 1):
        x, y, label = side * spacing, -3.0, RIGHT_EYE if side < 0 else LEFT_EYE
        canvas.fill(oval(x, y - 1, 13.5 * scale, 9), head.deep, alpha=0.28, blur=3.5)
        shadow = mix((120, 70, 150), (60, 90, 150), s["lip_hue"])
        canvas.fill(oval(x + side, y - 6, 12.5 * scale, 6), shadow, alpha=0.62 * s["makeup"], blur=2.4)
        canvas.stroke(line([(x - side * 9, y + 10), (x, y + 13), (x + side * 10, y + 10)]), head.deep, 2.2, alpha=0.75 * s["bags"], blur=0.8)
        _draw_eye(canvas, head, side, x, y, 11.5 * scale, label)


def _draw_eye(canvas: Canvas, head: Head, side: int, x: float, y: float, half: float, label: int) -> None:
    s, tilt, low = head.scene, 1.3 * head.scene["eye_tilt"], 4.4 * half / 11.5
    lift = low - 0.3 - 13.2 * head.eye_open * half / 12.5
    upper = curve([(x - side * half, y + 2.4), (x - side * half * 0.45, y + lift * 0.80 + 0.5), (x + side * half * 0.25, y + lift),
                   (x + side * half * 0.8, y + lift * 0.45 - tilt * 0.6), (x + side * half * 1.05, y - tilt)], False, 6)
    lower = curve([(x + side * half * 1.05, y - tilt), (x + side * half * 0.5, y + low * 0.88), (x - side * half * 0.2, y + low), (x - side * half, y + 2.4)], False, 6)
    white = polygon(np.concatenate([upper, lower]))
    canvas.fill(white, (250, 248, 246), label, shader=linear((0, y + lift), (0, y + low), [(200, 198, 208), (253, 252, 251), (246, 240, 240)]))
    with canvas.clipped(white):
        _draw_iris(canvas, iris_colour(s), x, y - 0.6, 6.9 * half / 13.0)
    lash = mix(mix(head.deep * 0.5, (30, 20, 22), 0.6), (14, 10, 16), max(s["feminine"], s["makeup"]))
    canvas.stroke(polygon(upper, False), lash, 2.1 + 0.9 * s["feminine"] + 0.6 * s["makeup"], label)
    wing = np.array([(x + side * half * 1.02, y - tilt), (x + side * half * 1.32, y - tilt - 3.6)])
    canvas.stroke(polygon(wing, False), lash, 1.6, alpha=0.9 * max(s["feminine"], s["makeup"]) * min(1.0, head.eye_open * 2))
    canvas.stroke(polygon(lower, False), mix(head.deep, lash, 0.35), 1.1, alpha=0.8)
    canvas.stroke(polygon(upper + [0, -3.4 - 1.2 * head.eye_open], False), head.deep, 1.2, alpha=0.7)


def _draw_iris(canvas: Canvas, colour, x: float, y: float, radius: float) -> None:
    canvas.fill(oval(x, y, radius, radius), colour, shader=radial((x, y + 2.5), radius * 1.05, [mix(colour, (255, 255, 235), 0.38), colour, colour * 0.42], [0, 0.6, 1]))
    canvas.fill(oval(x, y, radius * 0.44, radius * 0.44), (14, 12, 16))
    canvas.fill(oval(x - 2.1, y - 2.3, 1.8, 1.8), (255, 255, 255), alpha=0.96)
    canvas.fill(oval(x + 2.4, y + 2.6, 1.0, 1.0), (255, 255, 255), alpha=0.5)


def draw_brows(canvas: Canvas, head: Head) -> None:
    """Brows: thickness and arch are the person's, height and slant the mood's."""
    s = head.scene
    thick = 1.9 + 3.9 * s["brow_thickness"]
    arch = 1.0 + 4.2 * s["brow_arch"]
    colour = mix(hair_colour(s) * 0.62, (110, 104, 104), 0.35 * s["hair_grey"])
    for side in (-1, 1):
        x, y = side * 23.5, -19.5 - 1.8 * s["brow_height"] - 6.5 * s["surprised"] + 1.5 * s["angry"]
        inner = y + 2.5 + 5.5 * s["angry"] - 6.0 * s["sad"]
        outer = y + 3.0 - 2.0 * s["angry"] + 3.0 * s["sad"]
        top = np.array([(x - side * 13, inner), (x - side * 3, y + 0.4 - arch * 0.45), (x + side * 7, y - arch), (x + side * 17, outer)])
        under = top[::-1] + np.array([(0, 0.6), (0, thick * 0.9), (0, thick * 1.1), (0, thick)])
        path = polygon(np.concatenate([curve(top, False, 5), curve(under, False, 5)]))
        canvas.fill(path, colour, RIGHT_BROW if side < 0 else LEFT_BROW)


def draw_beard(canvas: Canvas, head: Head) -> None:
    """Stubble, sideburns, full beard and goatee, under the mouth; a beard is skin in the mask, as in CelebAMask-HQ."""
    s, width, height = head.scene, head.width, head.height
    drop = 14 + 11 * head.mouth_open
    cheek = [(width * 1.0, 6), (width * 0.86, 22), (width * 0.62, 34), (27, 36), (17, 37), (0, 38)]
    jaw = head.outline[(head.outline[:, 1] > 4)]
    right = jaw[jaw[:, 0] >= 0]
    right = right[np.argsort(right[:, 1])] * [1.0, 1.035]
    half_inner = curve(cheek[::-1], False, 4)
    region = np.concatenate([half_inner, right, (right * [-1, 1])[::-1], (half_inner * [-1, 1])[::-1]])
    path = polygon(region)
    canvas.fill(path, mix(head.beard, (60, 60, 76), 0.35), alpha=0.34 * s["stubble"], blur=1.5)
    shade = linear((0, 10), (0, height), [mix(head.beard, head.skin, 0.15), head.beard, head.beard * 0.72])
    canvas.fill(path, head.beard, alpha=s["beard"], shader=shade)
    with canvas.clipped(path):
        for x in (-40, -28, -15, 0, 15, 28, 40):
            canvas.stroke(line([(x * 1.05, 26), (x * 0.98, 48), (x * 0.75, height + 2)]), mix(head.beard, (255, 240, 220), 0.25), 1.7, alpha=0.35 * s["beard"])
    for side in (-1, 1):
        burn = [(side * width * 1.0, -18), (side * width * 0.90, -16), (side * width * 0.84, 8), (side * width * 0.86, 21), (side * width * 0.99, 16)]
        canvas.fill(blob(burn, 5), head.beard, alpha=s["sideburns"])
    chin = 46 + drop
    goatee = [(-15, chin - 6), (0, chin - 4), (15, chin - 6), (16, height - 4), (8, height + 3), (0, height + 5), (-8, height + 3), (-16, height - 4)]
    canvas.fill(blob(goatee, 5), head.beard, alpha=s["goatee"], shader=shade)


def draw_mouth(canvas: Canvas, head: Head) -> None:
    """Lips, teeth and tongue, and the moustache over them."""
    s, y = head.scene, 46.0
    half = 17.5 + 1.9 * s["mouth_width"] + 3.5 * max(0.0, head.smile) - 4.5 * s["surprised"]
    bend, opening, full = 5.4 * head.smile, head.mouth_open, 0.72 + 0.62 * s["lip_fullness"]
    rise, drop = 0.5 + 2.6 * opening, 0.5 + (11.5 + 3 * s["surprised"]) * opening
    left, right = (-half, y - bend), (half, y - bend)
    inner_top = curve([left, (-half * 0.5, y - rise), (0, y - rise + 0.8 + bend * 0.12), (half * 0.5, y - rise), right], False, 6)
    inner_low = curve([right, (half * 0.55, y + drop * 0.72 + bend * 0.25), (0, y + drop + bend * 0.35), (-half * 0.55, y + drop * 0.72 + bend * 0.25), left], False, 6)
    outer_top = curve([left, (-half * 0.55, y - rise - 3.6 * full), (-half * 0.2, y - rise - 5.4 * full), (0, y - rise - 3.8 * full),
                       (half * 0.2, y - rise - 5.4 * full), (half * 0.55, y - rise - 3.6 * full), right], False, 6)
    outer_low = curve([right, (half * 0.55, y + drop * 0.8 + 5 * full + bend * 0.2), (0, y + drop + 7.2 * full + bend * 0.3),
                       (-half * 0.55, y + drop * 0.8 + 5 * full + bend * 0.2), left], False, 6)
    canvas.fill(oval(0, y + drop + 8.5 * full + bend * 0.3, half * 0.6, 3), head.deep, alpha=0.45, blur=2.5)
    _draw_teeth(canvas, inner_top, inner_low, half, y, rise, drop, bend, opening)
    lips = lip_colour(s)
    canvas.fill(polygon(np.concatenate([outer_top, inner_top[::-1]])), lips * 0.88, UPPER_LIP, shader=linear((0, y - 8), (0, y + 1), [lips * 0.94, lips * 0.78]))
    low = linear((0, y + drop), (0, y + drop + 8 * full), [lips * 0.9, mix(lips, (255, 224, 218), 0.26), lips * 0.88])
    canvas.fill(polygon(np.concatenate([outer_low, inner_low[::-1]])), lips, LOWER_LIP, shader=low)
    canvas.fill(oval(-half * 0.25, y + drop + 3.6 * full + bend * 0.3, half * 0.2, 1.0), (255, 255, 255), alpha=0.25 + 0.3 * s["lipstick"], blur=1)
    _draw_moustache(canvas, head, half, y, rise, bend)


def _draw_teeth(canvas, inner_top, inner_low, half, y, rise, drop, bend, opening) -> None:
    inside = polygon(np.concatenate([inner_top, inner_low]))
    canvas.fill(inside, (92, 24, 32), MOUTH if opening > 0.05 else None, shader=linear((0, y - rise), (0, y + drop + bend * 0.3), [(62, 14, 22), (124, 38, 46)]))
    seen = min(1.0, opening * 2.2)
    with canvas.clipped(inside):
        edge = curve([(half * 0.85, y - bend * 0.6 + 1), (half * 0.45, y - rise + 1 + 3.8 * seen), (0, y - rise + 2 + 4.6 * seen),
                      (-half * 0.45, y - rise + 1 + 3.8 * seen), (-half * 0.85, y - bend * 0.6 + 1)], False, 5)
        canvas.fill(polygon(np.concatenate([[(-half, y - bend - 9), (half, y - bend - 9)], edge])), (251, 249, 245), alpha=seen)
        canvas.fill(oval(0, y + drop * 0.52 + bend * 0.3 + 5, half * 0.5, 5), (208, 94, 98), alpha=0.9 * seen)


def _draw_moustache(canvas, head, half, y, rise, bend) -> None:
    grown = head.scene["mustache"]
    reach = min(half, 20)
    points = np.array([(-reach * 1.12, y - bend * 0.6 + 4), (-reach * 0.78, y - 7.5 - bend * 0.2), (-reach * 0.28, y - 13), (0, y - 10.5), (reach * 0.28, y - 13),
                       (reach * 0.78, y - 7.5 - bend * 0.2), (reach * 1.12, y - bend * 0.6 + 4), (reach * 0.6, y - 2 - rise), (0, y - 4.5 - rise), (-reach * 0.6, y - 2 - rise)])
    centre = np.array([0, y - 7])
    path = blob(centre + (points - centre) * [0.55 + 0.45 * grown, 0.35 + 0.65 * grown], 5)
    canvas.fill(path, head.beard, alpha=grown, shader=linear((0, y - 13), (0, y + 4), [mix(head.beard, (255, 240, 220), 0.18), head.beard * 0.85]))
