"""Neck, clothes, necktie and necklace."""

from portraits.canvas import Canvas, circles, dim, linear, mirrored, oval, polygon, radial, smooth, smooth_all, symmetric, tint
from portraits.colours import clothes_colour
from portraits.head import Head

NECK, NECKLACE, CLOTHES = 14, 15, 16
GOLD = ((255, 244, 196), (226, 178, 74), (146, 100, 34))
PEARL = ((255, 255, 252), (236, 228, 222), (170, 156, 160))


class Body:
    """Measures of neck and shoulders."""

    def __init__(self, head: Head):
        s = head.scene
        self.half = head.width * (0.60 - 0.11 * s["feminine"]) + 2.5 * s["chubby"]
        self.shoulder = 98 - 15 * s["feminine"]
        self.base = 92.0
        self.depth = self.base + 5 + 13 * s["neckline"] * (1 - s["necktie"]) * (1 - 0.6 * s["collar"])


def draw_body(canvas: Canvas, head: Head) -> Body:
    """Everything below the chin, back to front; returns the measures."""
    body = Body(head)
    _draw_neck(canvas, head, body)
    _draw_clothes(canvas, head, body)
    return body


def _draw_neck(canvas: Canvas, head: Head, body: Body) -> None:
    half, side = body.half, head.side
    path = smooth(symmetric([(0, 28), (half, 28), (half * 0.97, 66), (half * 1.06, 80), (half * 1.7, 92), (half * 2.4, 104), (0, 140)]))
    lit = tint(head.shade, head.skin, 0.75)
    canvas.fill(path, head.skin, NECK, shader=linear((side * half * 1.3, 0), (-side * half * 1.3 - 0.01, 6),
        [tint(lit, head.glow, 0.25), lit, head.shade, tint(head.shade, head.deep, 0.6)]))
    with canvas.clipped(path):
        chin = head.chin
        shadow = smooth([(-half * 1.3, 40), (half * 1.3, 40), (half * 1.2, chin + 4), (half * 0.5 - side * 4, chin + 17),
            (-side * 5, chin + 20), (-half * 0.5 - side * 4, chin + 17), (-half * 1.2, chin + 4)])
        deep = head.deep
        canvas.fill(shadow, deep, shader=linear((0, chin - 3), (0, chin + 20), [(*deep, 0.85), (*deep, 0.62), (*deep, 0.22), (*deep, 0.0)],
            [0, 0.3, 0.7, 1]))
        cords = [[(k * half * 0.78, 74), (k * half * 0.45, 90), (k * 5, 101)] for k in (-1, 1)]
        cords += [[(k * half * 1.9, 98), (k * half * 1.0, 102), (k * 7, 105)] for k in (-1, 1)]
        path = smooth_all(cords)
        canvas.stroke(path, head.deep, 2.4, alpha=0.17 + 0.15 * max(0.0, head.age - 0.3))
    fold = head.scene["double_chin"]
    if fold > 0.01:
        width, chin = head.width, head.chin
        bulge = smooth(symmetric([(0, chin - 9), (width * 0.56, chin - 16), (width * 0.60, chin - 5), (width * 0.34, chin + 6.5),
            (0, chin + 9.5)]))
        canvas.fill(bulge, head.shade, alpha=fold, shader=linear((0, chin - 4), (0, chin + 10),
            [(*head.deep, fold), (*tint(head.skin, head.shade, 0.4), fold), (*head.shade, fold),
            (*tint(head.deep, head.shade, 0.3), fold)], [0, 0.45, 0.75, 1]))


def _draw_clothes(canvas: Canvas, head: Head, body: Body) -> None:
    s, half, base, depth, shoulder = head.scene, body.half, body.base, body.depth, body.shoulder
    colour = clothes_colour(s)
    pale, dark = tint(colour, (255, 255, 255), 0.22), dim(colour, (0.58, 0.54, 0.62))
    right = [(half * 1.10, base - 11), (half * 1.75, base - 4), (shoulder, base + 11), (shoulder + 15, base + 40)]
    opening = [(0, depth), (half * 0.58, depth - 4.5), (half * 1.10, base - 11)]
    edge = [*mirrored(opening)[:-1], *opening]
    cloth = smooth_all([[*mirrored(right), *edge[1:-1], *right]], True)
    x = head.side * 70
    canvas.fill(cloth, colour, CLOTHES, shader=linear((x, base - 14), (-x, base + 34), [pale, colour, dim(colour, 0.74)]))
    with canvas.clipped(cloth):
        folds = [[(k * half * 1.5, base + 2), (k * half * 1.75, base + 14), (k * half * 1.6, base + 30)] for k in (-1, 1)]
        folds += [[(k * half * 2.1, base + 6), (k * half * 2.5, base + 16), (k * half * 2.45, base + 30)] for k in (-1, 1)]
        path = smooth_all(folds)
        for width, alpha in ((4.6, 0.10), (2.0, 0.13)):
            canvas.stroke(path, dark, width, alpha=alpha)
    canvas.stroke(smooth([(px, py + 1.2) for px, py in edge], False), dim(colour, 0.80), 4.4, CLOTHES)
    canvas.stroke(smooth([(px, py - 0.6) for px, py in edge], False), pale, 0.8, alpha=0.55)
    collar = max(s["collar"], s["necktie"])
    _draw_collar(canvas, s, body, colour, collar)
    _draw_necktie(canvas, s, body, colour)


def _draw_collar(canvas: Canvas, s, body: Body, colour, worn: float) -> None:
    """A shirt's collar: white under a tie, else of the cloth's own colour."""
    if worn < 0.01:
        return
    half, base, depth = body.half, body.base, body.depth
    shirt = tint(tint(colour, (255, 255, 255), 0.30), (244, 244, 248), s["necktie"])
    front = smooth_all([[(-half * 0.72, base - 2), (0, depth - 3), (half * 0.72, base - 2), (half * 0.5, base + 24), (0, base + 40),
        (-half * 0.5, base + 24)]], True)
    if s["necktie"] > 0.01:
        canvas.fill(front, shirt, CLOTHES, s["necktie"])
        lapel = [(half * 1.02, base - 8), (half * 0.50, base + 12), (half * 0.30, base + 30), (half * 0.9, base + 34), (half * 1.3, base + 8)]
        for k in (-1, 1):
            points = [(k * px, py) for px, py in lapel]
            canvas.fill(polygon(points), dim(colour, 0.80), CLOTHES, s["necktie"])
            canvas.stroke(polygon(points[:3], False), dim(colour, 0.50), 1.0, alpha=0.8 * s["necktie"])
    flap = [(half * 1.08, base - 15), (half * 0.80, base - 5), (3.0, depth + 0.5), (half * 0.46, depth + 11), (half * 1.12, base + 1)]
    for k in (-1, 1):
        path = polygon([(k * px, py) for px, py in flap])
        canvas.fill(path, shirt, CLOTHES, worn, linear((k * half, base - 14), (0, depth + 10),
            [(*tint(shirt, (255, 255, 255), 0.35), worn), (*dim(shirt, 0.86), worn)]))
        canvas.stroke(path, dim(shirt, 0.62), 0.8, alpha=0.7 * worn)


def _draw_necktie(canvas: Canvas, s, body: Body, colour) -> None:
    worn, depth = s["necktie"], body.depth
    if worn < 0.01:
        return
    silk = tint(dim(colour, 0.45), (150, 28, 46), 0.55)
    blade = polygon([(-4.2, depth + 6), (4.2, depth + 6), (12, depth + 50), (-12, depth + 50)])
    canvas.fill(blade, silk, CLOTHES, worn, linear((-10, 0), (10, 0),
        [(*dim(silk, 0.8), worn), (*tint(silk, (255, 255, 255), 0.2), worn), (*dim(silk, 0.72), worn)]))
    with canvas.clipped(blade):
        canvas.stroke(smooth_all([[(-14, depth + 16 + k), (14, depth + 6 + k)] for k in (0, 9, 18, 27)]),
            tint(silk, (255, 236, 214), 0.55), 1.6, alpha=0.7 * worn)
    knot = polygon([(-7.5, depth - 3.5), (7.5, depth - 3.5), (4.6, depth + 7), (-4.6, depth + 7)])
    canvas.fill(knot, silk, CLOTHES, worn, linear((-6, 0), (7, 0), [(*tint(silk, (255, 255, 255), 0.16), worn), (*dim(silk, 0.7), worn)]))


def draw_necklace(canvas: Canvas, head: Head, body: Body) -> None:
    """A chain with a pendant, or a row of pearls; beads grow from the one to the other."""
    s, half, base = head.scene, body.half, body.base
    worn, pearls = s["necklace"], s["necklace_kind"]
    if worn < 0.01:
        return
    low = base + 3.0
    points = [(half * t, low - 17.5 * abs(t) ** 2.2) for t in (-1.04, -0.8, -0.5, -0.2, 0, 0.2, 0.5, 0.8, 1.04)]
    canvas.stroke(smooth([(x, y + 2.2) for x, y in points], False), head.deep, 3.0, alpha=0.26 * worn)
    canvas.stroke(smooth(points, False), tint(GOLD[1], PEARL[2], pearls), 2.3, NECKLACE, worn)
    beads = [(half * t, low - 17.5 * abs(t) ** 2.2, 1.2 + 1.7 * pearls) for t in (k / 8.5 for k in range(-8, 9))]
    path = circles(beads)
    canvas.fill(path, tint(GOLD[0], PEARL[1], pearls), NECKLACE, worn)
    canvas.fill(circles([(x - 0.5, y - 0.6, 0.4 * r) for x, y, r in beads]), (255, 255, 255), alpha=0.85 * worn)
    drop = 4.6 - 3.4 * pearls
    canvas.fill(oval(0, low + 2.5 + drop, drop, drop * 1.15), GOLD[1], NECKLACE, worn * min(1.0, 2.2 * (1 - pearls) + 0.2),
        radial((-1.4, low + 1 + drop), 1.9 * drop, [(*c, worn) for c in GOLD]))
