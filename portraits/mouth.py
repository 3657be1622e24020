"""Mouth: inside, teeth, tongue and lips."""

from portraits.canvas import Canvas, dim, linear, oval, smooth, smooth_all, tint
from portraits.head import MOUTH_Y, Head

MOUTH, UPPER_LIP, LOWER_LIP = 11, 12, 13


class Lips:
    """The outlines of one mouth; corners first, from the viewer's left to right."""

    def __init__(self, head: Head):
        s, half, y = head.scene, head.mouth_half, MOUTH_Y
        full, opening, drop, smile = s["lip_fullness"], head.mouth_open, head.mouth_drop, head.smile
        self.half, self.bend, self.drop, self.opening = half, 5.0 * smile, drop, opening
        self.rise = 0.2 + 2.2 * opening
        corner = y - self.bend
        self.corner = corner
        upper, lower = 2.6 + 4.6 * full, 3.8 + 6.2 * full
        middle = y + 0.16 * self.bend
        right = [(half * 0.24, middle - self.rise * 0.9), (half * 0.58, y - self.rise * 0.75 - 0.22 * self.bend)]
        self.top = [(-half, corner), *[(-px, py) for px, py in right[::-1]], (0, middle - self.rise + 0.6), *right, (half, corner)]
        low = [(half * 0.34, middle + drop * 0.94 + 0.18 * self.bend), (half * 0.70, y + drop * 0.62 - 0.12 * self.bend)]
        self.bottom = [(-half, corner), *[(-px, py) for px, py in low[::-1]], (0, middle + drop + 0.22 * self.bend), *low, (half, corner)]
        bow = [(half * 0.20, middle - self.rise - upper), (half * 0.56, y - self.rise - upper * 0.66 - 0.20 * self.bend)]
        self.bow = [(-half * 1.03, corner), *[(-px, py) for px, py in bow[::-1]], (0, middle - self.rise - upper * 0.78), *bow,
            (half * 1.03, corner)]
        full_low = [(half * 0.34, middle + drop + lower * 0.95 + 0.2 * self.bend),
            (half * 0.72, y + drop * 0.72 + lower * 0.55 - 0.05 * self.bend)]
        self.rim = [(-half * 1.03, corner), *[(-px, py) for px, py in full_low[::-1]], (0, middle + drop + lower + 0.24 * self.bend),
            *full_low, (half * 1.03, corner)]
        self.upper_height, self.lower_height, self.middle = upper, lower, middle


def draw_mouth(canvas: Canvas, head: Head) -> Lips:
    """Draws the mouth and returns its outlines, which the moustache follows."""
    lips = Lips(head)
    _draw_inside(canvas, head, lips)
    _draw_lips(canvas, head, lips)
    return lips


def _draw_inside(canvas: Canvas, head: Head, lips: Lips) -> None:
    if lips.opening < 0.03:
        return
    y, half, drop = MOUTH_Y, lips.half, lips.drop
    inside = smooth_all([[*lips.top, *lips.bottom[-2:0:-1]]], True)
    canvas.fill(inside, (70, 16, 26), MOUTH, shader=linear((0, y - 4), (0, y + drop + 4), [(46, 10, 18), (122, 36, 46)]))
    seen = min(1.0, lips.opening * 2.4)
    with canvas.clipped(inside):
        canvas.fill(oval(0, y + drop + lips.bend * 0.24 + 1.5, half * 0.52, 2.5 + drop * 0.36), (214, 98, 104), alpha=0.9 * seen)
        edge = 1.2 + 4.4 * seen
        low = [(-half * 0.86, lips.corner + 1.5), (-half * 0.5, y - 0.28 * lips.bend + edge * 0.66),
            (0, lips.middle - lips.rise * 0.5 + edge),
               (half * 0.5, y - 0.28 * lips.bend + edge * 0.66), (half * 0.86, lips.corner + 1.5)]
        teeth = smooth([*low, (half, y - 16), (-half, y - 16)])
        canvas.fill(teeth, (252, 249, 243), alpha=seen, shader=linear((-half * 0.9, 0), (half * 0.9, 0),
            [(176, 160, 156), (248, 245, 240), (254, 252, 248), (248, 245, 240), (176, 160, 156)]))
        gaps = [[(k * half * 0.155, y - 9), (k * half * 0.15, y + edge + 3)] for k in (-4.2, -2.9, -1.75, -0.55, 0.55, 1.75, 2.9, 4.2)]
        with canvas.clipped(teeth):
            canvas.stroke(smooth_all(gaps), (196, 182, 176), 0.55, alpha=0.55 * seen)
        canvas.stroke(smooth(lips.top, False), (40, 6, 14), 2.4, alpha=0.42)


def _draw_lips(canvas: Canvas, head: Head, lips: Lips) -> None:
    s, y, half = head.scene, MOUTH_Y, lips.half
    colour, gloss = head.lips, s["lipstick"]
    top, bottom = y - lips.rise - lips.upper_height, lips.middle + lips.drop + 0.24 * lips.bend
    upper = smooth_all([[*lips.bow, *lips.top[-2:0:-1]]], True)
    lower = smooth_all([[*lips.bottom, *lips.rim[-2:0:-1]]], True)
    canvas.fill(upper, colour, UPPER_LIP, shader=linear((0, top), (0, y + 1),
        [tint(colour, head.glow, 0.20 - 0.12 * gloss), dim(colour, 0.92), dim(colour, 0.70)]))
    canvas.fill(lower, colour, LOWER_LIP, shader=linear((0, bottom - 0.5), (0, bottom + lips.lower_height + 0.5),
                                                        [dim(colour, 0.84), tint(colour, (255, 226, 220), 0.16), colour,
                                                        dim(colour, 0.78)], [0, 0.4, 0.68, 1]))
    with canvas.clipped(lower):
        lines = [[(k * half * 0.13, bottom), (k * half * 0.16, bottom + lips.lower_height)] for k in range(-5, 6)]
        canvas.stroke(smooth_all(lines), dim(colour, 0.72), 0.6, alpha=0.35)
        shine = bottom + lips.lower_height * 0.42
        x = head.side * half * 0.20
        canvas.fill(oval(x, shine, half * 0.36, lips.lower_height * 0.17), (255, 246, 242), alpha=0.34 + 0.34 * gloss, blur=0.9)
    canvas.stroke(smooth([(px, py - 0.4) for px, py in lips.bow[1:-1]], False), head.glow, 0.9, alpha=0.34 - 0.2 * gloss)
    seam = tint(dim(colour, 0.42), head.deep, 0.25)
    if lips.opening < 0.25:
        canvas.stroke(smooth(lips.top, False), seam, 1.15, alpha=0.85 * (1 - 4 * lips.opening) + 0.15)
    ends = [[(side * half * 0.90, lips.corner + 0.06 * lips.bend + 0.4),
        (side * half * 1.05, lips.corner - 0.10 * lips.bend)] for side in (-1, 1)]
    canvas.stroke(smooth_all(ends), seam, 1.6, alpha=0.60)
