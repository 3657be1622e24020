"""What is worn on the head: earrings, glasses, hats."""

from portraits.canvas import Canvas, circles, dim, linear, oval, polygon, radial, rounded_box, smooth, smooth_all, symmetric, tint
from portraits.body import GOLD, PEARL
from portraits.colours import frame_colour, hat_colour
from portraits.head import CROWN, EYE_Y, Head

GLASSES, EARRINGS, HAT = 6, 9, 18


def draw_earrings(canvas: Canvas, head: Head) -> None:
    """Pearls on a short drop, or hoops; one grows into the other."""
    s, worn, kind = head.scene, head.scene["earrings"], head.scene["earring_kind"]
    if worn < 0.01:
        return
    tall, wide = 0.80 + 0.52 * s["ear_size"], 0.72 + 0.72 * s["ear_size"]
    for side in (-1, 1):
        x, y = side * (head.width - 2 + 3.4 * wide + 1.5), 4 + 16.5 * tall
        canvas.fill(circles([(x, y, 1.9)]), GOLD[1], EARRINGS, worn)
        ring = 7.0 * kind + 0.5
        canvas.stroke(oval(x, y + 1 + ring, ring * 0.86, ring), GOLD[1], 2.3 * min(1.0, 2 * kind), EARRINGS, worn,
                      shader=linear((x - 6, y), (x + 6, y + 14), [(*c, worn) for c in (GOLD[1], GOLD[0], GOLD[2], GOLD[1])]))
        bead = 5.0 * (1 - kind)
        if bead > 0.6:
            canvas.fill(oval(x, y + 2.5 + bead, bead * 0.92, bead), PEARL[1], EARRINGS, worn,
                radial((x - 1.6, y + 1 + bead), bead * 1.9, [(*c, worn) for c in PEARL]))
        canvas.fill(circles([(x - 0.5, y - 0.5, 0.7)]), (255, 255, 240), alpha=0.9 * worn)


def draw_glasses(canvas: Canvas, head: Head) -> None:
    """Rims from round to square and from wire to horn; tinted ones shade from dark to lighter."""
    s, worn = head.scene, head.scene["glasses"]
    if worn < 0.01:
        return
    tint_of, colour, weight = s["glasses_tint"], frame_colour(s), 1.9 + 2.0 * s["frame_weight"]
    half_x, half_y = 16.2, 14.2 - 1.0 * s["frame_shape"]
    corner = 5.0 + 9.0 * (1 - s["frame_shape"])
    y = EYE_Y + 1.0
    lenses = [rounded_box(side * 23.6, y, half_x, half_y, corner) for side in (-1, 1)]
    bridge = smooth([(-23.6 + half_x, y - 3.5), (-4, y - 7.0), (4, y - 7.0), (23.6 - half_x, y - 3.5)], False)
    arms = [[(side * (23.6 + half_x), y - 6), (side * (head.width + 0.5), y - 8)] for side in (-1, 1)]
    for side, lens in zip((-1, 1), lenses):
        # Claimed as a whole even when clear: the class is what is worn, not what is opaque.
        if worn >= 0.5:
            canvas.claim(lens, GLASSES)
        glass = [(*tint((224, 238, 250), (26, 24, 34), tint_of), worn * (0.05 + 0.92 * tint_of)),
                 (*tint((214, 228, 244), (74, 62, 66), tint_of), worn * (0.03 + 0.87 * tint_of))]
        canvas.fill(lens, shader=linear((0, y - half_y), (0, y + half_y), glass))
        with canvas.clipped(lens):
            x = side * 23.6
            streak = [[(x - 13, y + 9), (x + 1, y - 15), (x + 7, y - 15), (x - 7, y + 11)],
                [(x - 3, y + 13), (x + 11, y - 12), (x + 13, y - 12), (x - 1, y + 13)]]
            for points, alpha in zip(streak, (0.13, 0.09)):
                canvas.fill(polygon(points), (255, 255, 255), alpha=alpha * worn)
    for lens in lenses:
        lens.offset(0, 1.6)
        canvas.stroke(lens, head.deep, weight * 1.3, alpha=0.22 * worn)
        lens.offset(0, -1.6)
        canvas.stroke(lens, colour, weight, GLASSES, worn)
        canvas.stroke(lens, tint(colour, (255, 255, 255), 0.55), weight * 0.28, alpha=0.55 * worn)
    canvas.stroke(smooth_all(arms), dim(colour, 0.85), weight * 0.9, GLASSES, worn)
    canvas.stroke(bridge, colour, weight, GLASSES, worn)


def draw_hat(canvas: Canvas, head: Head, hair_width: float) -> None:
    """A knitted cap that grows into a felt hat with a ribbon and a brim; it comes down from above as it is put on."""
    s, worn = head.scene, head.scene["hat"]
    if worn < 0.01:
        return
    colour, felt = hat_colour(s), s["hat_kind"]
    half = max(head.width + 8, hair_width * 0.94)
    lift, line, top = -(1 - worn) * 60, -43 - 1 * felt, CROWN - 17 + 4 * felt
    pale, dark = tint(colour, (255, 250, 240), 0.28), dim(colour, (0.56, 0.52, 0.60))

    def at(points):
        return [(x, y + lift) for x, y in points]

    x = head.side * half
    crown = smooth(at(symmetric([(0, top - 9 + 3.5 * felt), (half * (0.42 + 0.06 * felt), top - 5 - 4 * felt),
        (half * 0.82, top + 9 - 6 * felt), (half * 0.97, line - 18), (half, line), (0, line + 4)])))
    canvas.fill(crown, colour, HAT, worn, linear((x, top), (-x, line), [(*pale, worn), (*colour, worn), (*dark, worn)]))
    with canvas.clipped(crown):
        ribs = [at([(k * half * 0.05, top - 8), (k * half * 0.125, top + 14), (k * half * 0.148, line + 2)]) for k in range(-6, 7)]
        canvas.stroke(smooth_all(ribs), dark, 2.2, alpha=0.60 * worn * (1 - felt), blur=0.5)
        canvas.stroke(smooth_all([[(px + 2.4, py) for px, py in rib] for rib in ribs]), pale, 1.4, alpha=0.45 * worn * (1 - felt), blur=0.4)
        dent = at([(-half * 0.16, top - 6), (0, top + 9), (half * 0.16, top - 6)])
        canvas.stroke(smooth(dent, False), dark, 6, alpha=0.40 * worn * felt, blur=3)
        band = tint(dark, (30, 26, 34), 0.45)
        canvas.fill(polygon(at([(-half * 1.1, line - 17), (0, line - 13.5), (half * 1.1, line - 17), (half * 1.1, line + 6),
            (-half * 1.1, line + 6)])), band, alpha=worn * felt)
        canvas.stroke(smooth(at([(-half * 1.1, line - 15.5), (0, line - 12), (half * 1.1, line - 15.5)]), False),
            tint(band, (255, 255, 255), 0.3), 0.9, alpha=0.7 * worn * felt)
    _draw_brim(canvas, head, s, colour, half, line, at)


def _draw_brim(canvas: Canvas, head: Head, s, colour, half: float, line: float, at) -> None:
    """The cap's rolled cuff, which flattens and widens into the hat's brim."""
    worn, felt = s["hat"], s["hat_kind"]
    wide = half * (1.05 + 0.42 * felt)
    pale, dark = tint(colour, (255, 250, 240), 0.24), dim(colour, (0.56, 0.52, 0.60))
    upper, lower = line - 15 + 12 * felt, line + 4
    path = smooth(at(symmetric([(0, upper - 1.5), (half * 0.6, upper - 1.5 - 1 * felt), (wide * 0.99, upper + 1 - 9 * felt),
        (wide * (1.0 + 0.02 * felt), line - 6 - 3 * felt),
                                (wide * 0.97, lower - 1 - 4 * felt), (half * 0.55, lower + 2 * felt), (0, lower + 3 * felt)])))
    x = head.side * wide
    canvas.fill(path, colour, HAT, worn, linear((x, upper), (-x, lower),
        [(*tint(pale, colour, 0.3), worn), (*dim(colour, 0.94), worn), (*tint(dark, colour, 0.3), worn)]))
    with canvas.clipped(path):
        ribs = [at([(k * half * 0.105, upper - 4), (k * half * 0.107, lower + 4)]) for k in range(-10, 11)]
        canvas.stroke(smooth_all(ribs), dark, 1.7, alpha=0.55 * worn * (1 - felt), blur=0.4)
        canvas.stroke(smooth(at([(-wide, lower - 1), (0, lower + 3 * felt), (wide, lower - 1)]), False), dark, 3.5, alpha=0.50 * worn,
            blur=1.6)
        canvas.stroke(smooth(at([(-wide, upper - 6 * felt), (0, upper - 1), (wide, upper - 6 * felt)]), False), pale, 2.0,
            alpha=0.55 * worn, blur=0.9)
