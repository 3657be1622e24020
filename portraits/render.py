"""A scene drawn: RGB picture and exact class mask. `python -m portraits.render` writes the data set.

Back to front: background, hair behind, neck, clothes, ears, face, beard, nose, eyes, mouth, brows, hair in front, and
what is worn.
"""

import numpy as np

from portraits.canvas import Canvas, blob, circles, curve, line, linear, oval, polygon, radial, rounded_box
from portraits.face import Head, draw_beard, draw_brows, draw_ears, draw_eyes, draw_face, draw_mouth, draw_nose
from portraits.hair import HairShape, draw_back_hair, draw_front_hair
from portraits.scene import FRAME_COLOURS, HAT_COLOURS, Scene, background_colour, clothes_colour, mix, ramp

GLASSES, EARRINGS, NECK, NECKLACE, CLOTHES, HAT = 6, 9, 14, 15, 16, 18
CENTRE, ZOOM = (128.0, 137.0), 1.24
GOLD = ((255, 246, 192), (230, 178, 62), (152, 106, 32))


class Renderer:
    """Draws scenes at one size; keeps its canvases between calls, so use one a thread."""

    def __init__(self, size: int = 128):
        if not (isinstance(size, int) and 16 <= size <= 2048):
            raise ValueError(f"size {size!r} is not a whole number of pixels from 16 to 2048")
        self.size = size
        self._canvas = Canvas(size * max(1, -(-256 // size)) if size < 256 else size * 2)

    def draw(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Picture uint8 [S, S, 3] and classes uint8 [S, S] in the order of `segmentation.parts.CLASSES`."""
        canvas, head = self._canvas, Head(scene)
        hair = HairShape(scene, head.width, head.height)
        canvas.clear()
        _draw_background(canvas, scene)
        canvas.place(*CENTRE, ZOOM)
        draw_back_hair(canvas, hair)
        _draw_body(canvas, head)
        draw_ears(canvas, head)
        draw_face(canvas, head)
        draw_beard(canvas, head)
        draw_nose(canvas, head)
        draw_eyes(canvas, head)
        draw_mouth(canvas, head)
        draw_brows(canvas, head)
        draw_front_hair(canvas, hair)
        _draw_earrings(canvas, head)
        _draw_glasses(canvas, head)
        _draw_hat(canvas, head, hair)
        return canvas.read(self.size)


def _draw_background(canvas: Canvas, s: Scene) -> None:
    colour = background_colour(s)
    canvas.paint(radial((118, 92), 196, [mix(colour, (255, 255, 255), 0.42), colour, mix(colour, (40, 40, 70), 0.30)], [0, 0.55, 1]))


def _draw_body(canvas: Canvas, head: Head) -> None:
    s, half = head.scene, head.width * (0.60 - 0.10 * head.scene["feminine"])
    neck = curve([(-half, 26), (half, 26), (half, 74), (half * 1.4, 92), (0, 124), (-half * 1.4, 92), (-half, 74)], True, 6)
    canvas.fill(polygon(neck), head.shade, NECK, shader=linear((0, 52), (0, 106), [mix(head.deep, head.shade, 0.15), head.shade, head.skin]))
    colour, shoulder, depth = clothes_colour(s), 92 - 14 * s["feminine"], 90 + 20 * s["neckline"]
    opening = [(-half * 1.12, 79), (-half * 0.62, depth - 5), (0, depth), (half * 0.62, depth - 5), (half * 1.12, 79)]
    left = curve([(-shoulder - 14, 262), (-shoulder, 112), (-half * 1.9, 88), (-half * 1.12, 79)], False, 6)
    cloth = polygon(np.concatenate([left, curve(opening, False, 6), (left * [-1, 1])[::-1]]))
    canvas.fill(cloth, colour, CLOTHES, shader=linear((-62, 78), (72, 130), [mix(colour, (255, 255, 255), 0.2), colour, colour * 0.66]))
    canvas.stroke(line(opening, 6), colour * 0.6, 3.2, CLOTHES)
    _draw_necktie(canvas, s, depth)
    _draw_necklace(canvas, s, half)


def _draw_necktie(canvas: Canvas, s: Scene, depth: float) -> None:
    worn, colour = s["necktie"], mix(clothes_colour(s) * 0.35, (120, 24, 40), 0.45)
    collar = [(-21, 77), (-4, depth + 3), (-17, depth + 10), (-30, 84)]
    for side in (-1, 1):
        canvas.fill(polygon([(side * x, y) for x, y in collar]), (242, 242, 246), CLOTHES, worn, linear((0, 78), (0, depth + 8), [(255, 255, 255), (208, 208, 220)]))
    canvas.fill(polygon([(-7, depth - 4), (7, depth - 4), (5, depth + 7), (-5, depth + 7)]), colour * 0.85, CLOTHES, worn)
    canvas.fill(polygon([(-5, depth + 7), (5, depth + 7), (13, 160), (-13, 160)]), colour, CLOTHES, worn)


def _draw_necklace(canvas: Canvas, s: Scene, half: float) -> None:
    worn = s["necklace"]
    canvas.stroke(line([(-half * 1.02, 74), (-half * 0.62, 86), (0, 91), (half * 0.62, 86), (half * 1.02, 74)], 6), GOLD[1], 3.2, NECKLACE, worn)
    canvas.fill(oval(0, 94, 4.2, 4.8), GOLD[1], NECKLACE, worn, radial((-1, 92), 8, GOLD))


def _draw_earrings(canvas: Canvas, head: Head) -> None:
    worn, size = head.scene["earrings"], 0.84 + 0.42 * head.scene["ear_size"]
    for side in (-1, 1):
        x, y = side * (head.width + 3), 5 + 14 * size
        canvas.fill(circles([(x, y + 2)], [2.2]), GOLD[1], EARRINGS, worn)
        canvas.fill(oval(x, y + 10, 5.0, 6.0), GOLD[1], EARRINGS, worn, radial((x - 1, y + 7), 10, GOLD))


def _draw_glasses(canvas: Canvas, head: Head) -> None:
    s = head.scene
    worn, tint, colour = s["glasses"], s["glasses_tint"], ramp(FRAME_COLOURS, s["frame_hue"])
    radius = 16.8
    corner = radius * (0.32 + 0.68 * (1 - s["frame_shape"]))
    for side in (-1, 1):
        x, y = side * 23.8, -2.6
        lens = rounded_box(x, y, radius * 1.04, radius * 0.88, corner)
        glass = [mix((236, 245, 255), (72, 76, 96), tint), mix((172, 202, 226), (20, 20, 28), tint)]
        # Claimed as a whole even when clear: the class is what is worn, not what is opaque.
        canvas.fill(lens, (0, 0, 0), None, worn * (0.15 + 0.77 * tint), linear((x - radius, -16), (x + radius, 14), glass))
        if worn >= 0.5:
            canvas.claim(lens, GLASSES)
        canvas.stroke(lens, colour, 3.1, GLASSES, worn)
        canvas.stroke(polygon([(x + side * radius * 1.04, -5), (side * (head.width + 1), -8)], False), colour, 3.0, GLASSES, worn)
        canvas.stroke(polygon([(x - 8, y + 1), (x - 3, y - 8)], False), (255, 255, 255), 2.2, alpha=0.45 * worn, blur=0.6)
    canvas.stroke(line([(-23.8 + radius * 1.04, -5), (0, -8.5), (23.8 - radius * 1.04, -5)], 5), colour, 3.0, GLASSES, worn)


def _draw_hat(canvas: Canvas, head: Head, hair: HairShape) -> None:
    """A knitted cap that comes down from above as it is put on."""
    worn = head.scene["hat"]
    if worn < 0.01:
        return
    colour, half = ramp(HAT_COLOURS, head.scene["hat_hue"]), (head.width + 9) * 1.06
    lift, brim, top = -(1 - worn) * 70, -head.height * 0.47, -head.height - 17
    crown = np.array([(-half, brim), (-half * 0.97, brim - 26), (-half * 0.64, top - 4), (0, top - 13), (half * 0.64, top - 4), (half * 0.97, brim - 26), (half, brim), (0, brim - 8)])
    path = blob(crown + [0, lift], 7)
    canvas.fill(path, colour, HAT, worn, linear((-half, top), (half, brim), [mix(colour, (255, 255, 255), 0.28), colour, colour * 0.6]))
    with canvas.clipped(path):
        for spread in (-0.8, -0.5, -0.18, 0.18, 0.5, 0.8):
            canvas.stroke(line([(spread * 8, top - 12 + lift), (spread * half * 0.8, top + 16 + lift), (spread * half, brim + lift)], 6), colour * 0.72, 2.0, alpha=0.6 * worn)
    band = np.concatenate([curve([(-half * 1.04, brim - 11), (-half * 0.5, brim - 20), (0, brim - 23), (half * 0.5, brim - 20), (half * 1.04, brim - 11)], False, 6),
                           curve([(half * 1.05, brim + 5), (half * 0.5, brim - 3), (0, brim - 6), (-half * 0.5, brim - 3), (-half * 1.05, brim + 5)], False, 6)])
    canvas.fill(polygon(band + [0, lift]), colour * 0.82, HAT, worn, linear((-half, 0), (half, 0), [colour * 0.94, mix(colour, (255, 255, 255), 0.14), colour * 0.62]))


if __name__ == "__main__":
    from packs.cli import run
    from portraits.export import main

    run(main)
