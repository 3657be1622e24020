"""Eyes, lids, lashes and brows."""

import functools
import math

from portraits.canvas import Canvas, circles, dim, hairs, linear, mirrored, oval, radial, skia, smooth, smooth_all, tint
from portraits.colours import iris_colour
from portraits.head import EYE_Y, Head

LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE = 2, 3, 4, 5


class _Eye:
    """One eye's measures: the arcs of its lids from the inner to the outer corner."""

    def __init__(self, head: Head, side: int):
        s, half = head.scene, head.eye_half
        self.side, self.x, self.half = side, side * head.eye_x, half
        self.open = head.eye_open
        tilt, k = 1.5 * s["eye_tilt"], half / 12.6
        self.low = 4.3 * k
        self.lift = self.low - (self.low + 8.4 * k) * min(self.open, 1.25) ** 0.85
        self.inner = (self.x - side * half * 0.98, EYE_Y + 2.4)
        self.outer = (self.x + side * half * 1.02, EYE_Y - 0.6 - tilt)
        self.upper = self.arc(self.lift)
        self.lower = self.arc(self.low)
        self.crease = self.arc(min(-8.6 * k, self.lift - 3.2 * k) - 0.6)

    def arc(self, peak: float) -> list:
        """Points of a lid whose middle lies `peak` below the eye's axis; lids peak a little outwards."""
        x, side, half = self.x, self.side, self.half
        inner, outer = self.inner, self.outer
        points = [inner]
        for t, rise in ((0.2, 0.58), (0.42, 0.95), (0.6, 1.0), (0.82, 0.62)):
            base = inner[1] + (outer[1] - inner[1]) * t
            points.append((x + side * half * (2 * t - 0.98), base + (peak + EYE_Y - 0.5 * (inner[1] + outer[1]) + 0.7) * rise))
        return [*points, outer]


def draw_eyes(canvas: Canvas, head: Head) -> None:
    """Both eyes with lids, lashes and the lines of the lids; closed ones keep their lash line."""
    for side in (-1, 1):
        eye = _Eye(head, side)
        _draw_lid(canvas, head, eye)
        _draw_ball(canvas, head, eye)
        _draw_lashes(canvas, head, eye)


def _draw_lid(canvas: Canvas, head: Head, eye: _Eye) -> None:
    """The upper lid from its crease down to the lashes, and the bag below."""
    s, x = head.scene, eye.x
    paint = tint((112, 58, 150), (52, 96, 160), s["lip_hue"])
    lid = tint(head.skin, head.shade, 0.35)
    top, rim = tint(head.deep, paint, 0.6 * s["makeup"]), tint(tint(lid, head.glow, 0.35), paint, 0.62 * s["makeup"])
    canvas.fill(smooth([*eye.crease, *eye.upper[::-1]]), lid, alpha=0.85,
                shader=linear((x, EYE_Y - 9.5), (x, EYE_Y + eye.lift + 1),
                    [(*tint(top, lid, 0.25), 0.75), (*rim, 0.8), (*tint(rim, head.shade, 0.6), 0.85)], [0, 0.5, 1]))
    canvas.stroke(smooth(eye.crease[1:], False), tint(head.deep, paint, 0.35 * s["makeup"]), 1.25, alpha=0.75)
    if s["bags"] > 0.05:
        y, side, half = EYE_Y, eye.side, eye.half
        bag = [(x - side * half * 0.85, y + 9.0), (x - side * half * 0.4, y + 14.2), (x + side * half * 0.25, y + 15.4),
            (x + side * half * 0.9, y + 11.2)]
        canvas.stroke(smooth(bag, False), head.deep, 1.5, alpha=0.62 * s["bags"])


def _draw_ball(canvas: Canvas, head: Head, eye: _Eye) -> None:
    label = RIGHT_EYE if eye.side < 0 else LEFT_EYE
    white = smooth_all([[*eye.upper, *eye.lower[-2:0:-1]]], True)
    top, bottom = EYE_Y + eye.lift, EYE_Y + eye.low + 1
    canvas.fill(white, (250, 248, 246), label, shader=linear((eye.x, top), (eye.x, bottom),
        [(168, 160, 170), (244, 241, 241), (253, 251, 249), (232, 222, 222)], [0, 0.38, 0.7, 1]))
    if eye.open < 0.06:
        return
    with canvas.clipped(white):
        corner = eye.inner
        canvas.fill(oval(corner[0], corner[1], 3.0, 2.4), (222, 134, 128), alpha=0.55)
        _draw_iris(canvas, head, eye)
        # the lid and its lashes shade the top of the ball
        rim = smooth([(px, py + 0.8) for px, py in eye.upper], False)
        canvas.stroke(rim, (30, 20, 34), 5.4, alpha=0.20)
        canvas.stroke(rim, (30, 20, 34), 2.6, alpha=0.26)


def _draw_iris(canvas: Canvas, head: Head, eye: _Eye) -> None:
    colour = iris_colour(head.scene)
    x, y, r = eye.x - 0.5 * eye.side, EYE_Y - 1.7, 7.25 * eye.half / 12.6
    canvas.fill(oval(x, y, r, r), colour, shader=radial((x, y + 0.12 * r), r,
        [dim(colour, 0.62), tint(colour, (255, 240, 190), 0.30), colour, dim(colour, 0.74), dim(colour, 0.28)],
                                                        [0.30, 0.48, 0.66, 0.84, 1.0]))
    place = skia.Matrix()
    place.setScaleTranslate(r, r, x, y)
    fibres = skia.Path(_fibres())
    fibres.transform(place)
    canvas.fill(fibres, tint(colour, (255, 250, 225), 0.50), alpha=0.55)
    canvas.fill(oval(x, y + 0.52 * r, 0.62 * r, 0.34 * r), tint(colour, (255, 250, 220), 0.55), alpha=0.30)
    canvas.fill(oval(x, y, 0.43 * r, 0.43 * r), (12, 9, 13))
    glint = 0.34 * r * (1 if head.side >= 0 else -1) * min(1.0, 4 * abs(head.side))
    canvas.fill(circles([(x + glint, y - 0.36 * r, 0.285 * r)]), (255, 255, 255), alpha=0.97)
    canvas.fill(circles([(x - glint * 1.05, y + 0.42 * r, 0.15 * r)]), (255, 255, 255), alpha=0.55)


@functools.cache
def _fibres() -> "skia.Path":
    """The fibres of an iris of radius 1."""
    strands = []
    for i in range(18):
        a, reach = 2 * math.pi * (i + 0.3 * math.sin(5 * i)) / 18, 0.84 + 0.05 * (i % 2)
        strands.append((0.46 * math.cos(a), 0.46 * math.sin(a), 0.7 * math.cos(a + 0.08), 0.7 * math.sin(a + 0.08), reach * math.cos(a),
            reach * math.sin(a), 0.11))
    return hairs(strands)


def _draw_lashes(canvas: Canvas, head: Head, eye: _Eye) -> None:
    s, side, half = head.scene, eye.side, eye.half
    made = max(s["makeup"], 0.55 * s["feminine"])
    ink = tint(tint(head.deep, (26, 18, 22), 0.72), (12, 8, 14), made)
    label = RIGHT_EYE if side < 0 else LEFT_EYE
    thick = 1.5 + 0.9 * s["feminine"] + 0.9 * s["makeup"]
    weights = (0.25, 0.6, 0.9, 1.0, 1.0, 0.55)
    upper = eye.upper
    edge = [(px + side * 0.10 * thick * i, py - thick * w) for i, ((px, py), w) in enumerate(zip(upper, weights))]
    canvas.fill(smooth([*upper, *edge[::-1]]), ink, label)
    canvas.stroke(smooth(eye.lower[1:], False), tint(head.deep, ink, 0.35 + 0.4 * s["makeup"]), 0.9 + 0.5 * s["makeup"], alpha=0.75)
    length = 2.2 + 3.2 * made
    strands = []
    for t, reach in _LASHES:
        k = t * 5
        i = min(int(k), 4)
        (ax, ay), (bx, by) = edge[i], edge[i + 1]
        px, py = ax + (bx - ax) * (k - i), ay + (by - ay) * (k - i) + 0.4
        out, up = side * (t - 0.30) * 1.25 * reach * length, (0.30 + 0.70 * min(1.0, eye.open * 1.4)) * reach * length
        down = 1 if eye.open > 0.25 else -1 + eye.open * 8 if eye.open > 0 else -1
        strands.append((px, py, px + 0.35 * out, py - 0.75 * up * down, px + out, py - up * down, 1.15))
    canvas.fill(hairs(strands), ink, alpha=0.30 + 0.70 * made)


_LASHES = ((0.30, 0.55), (0.42, 0.65), (0.54, 0.75), (0.66, 0.85), (0.77, 0.95), (0.87, 1.0), (0.96, 0.95))


def _along_brow(u: float) -> tuple[int, float]:
    """u in [0, 1] along a brow as the point of its spine before it and how far on to the next, in [0, 1]."""
    i = min(int(u * 3), 2)
    return i, u * 3 - i


def _brow_hairs():
    """Where the hairs of a brow begin and end along it (see `_along_brow`), where across it (v), and how far they lean; fixed."""
    out = []
    for i in range(17):
        u = i / 16
        for v in (0.82, 0.42):
            root = u + (0.03 if v < 0.5 else 0)
            out.append((_along_brow(root), _along_brow(min(root + (0.10 + 0.12 * u), 1.0)), v, 0.62 - 0.55 * u))
    return out


_BROW_HAIRS = _brow_hairs()


def draw_brows(canvas: Canvas, head: Head) -> None:
    """Brows of hairs: thickness and arch are the person's, height and slant the mood's."""
    s = head.scene
    thick = 2.6 + 5.6 * s["brow_thickness"]
    arch = 7.5 * s["brow_arch"]
    colour = tint(dim(head.hair, 0.62), (118, 112, 114), 0.4 * s["hair_grey"])
    colour = tint(colour, head.deep, 0.12)
    y = -19.5 - 1.6 * s["brow_height"] - 6.0 * s["surprised"] + 2.2 * s["angry"]
    inner = y + 1.6 + 5.0 * s["angry"] - 6.5 * s["sad"]
    outer = y + 2.6 - 2.6 * s["angry"] + 3.5 * s["sad"] + 0.15 * arch
    spine = [(11.0 - 1.5 * s["angry"], inner), (19, 0.6 * inner + 0.4 * y - 0.42 * arch), (29.5, y - 0.5 - arch), (40.5, outer)]
    halves = (0.40 * thick, 0.50 * thick, 0.42 * thick, 0.06 * thick)
    left = [*((x, sy - h) for (x, sy), h in zip(spine, halves)), *((x, sy + h) for (x, sy), h in zip(spine[::-1], halves[::-1]))]
    right = mirrored(left)
    for points, label in ((left, LEFT_BROW), (right, RIGHT_BROW)):
        canvas.claim(smooth(points), label)
    canvas.fill(smooth_all([left, right], True), colour, alpha=0.74)
    strands = []
    for root, tip, v, up in _BROW_HAIRS:
        x0, y0, h = _on_brow(spine, halves, *root)
        x1, y1, _ = _on_brow(spine, halves, *tip)
        start, end = y0 + (2 * v - 1) * h, y1 + (2 * v - 1) * h * 0.5 - up * 1.5 * h
        x, middle, width = 0.6 * x0 + 0.4 * x1, 0.5 * (start + end) - 0.3, 0.9 + 0.10 * thick
        strands += [(x0, start, x, middle, x1, end, width), (-x0, start, -x, middle, -x1, end, width)]
    canvas.fill(hairs(strands), dim(colour, 0.78), alpha=0.85)


def _on_brow(spine, halves, i: int, t: float) -> tuple[float, float, float]:
    """Place and half thickness t of the way from point i of a brow's spine to the next, by quadratic weights that keep its curve."""
    (ax, ay), (bx, by) = spine[i], spine[i + 1]
    return ax + (bx - ax) * t, ay + (by - ay) * t - 0.6 * t * (1 - t), halves[i] + (halves[i + 1] - halves[i]) * t
