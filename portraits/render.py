"""A scene drawn: RGB picture and exact class mask. `python -m portraits.render` writes the data set.

Back to front: background, hair behind, neck, clothes, ears, face, beard, nose, eyes, mouth, brows, hair in front, and
what is worn.
"""

import functools

import numpy as np

from portraits.beard import draw_beard, draw_moustache
from portraits.body import draw_body, draw_necklace
from portraits.canvas import Canvas, image
from portraits.colours import background_colour
from portraits.eyes import draw_brows, draw_eyes
from portraits.hair import Hair, draw_back_hair, draw_front_hair
from portraits.head import Head, draw_ears, draw_face, draw_nose
from portraits.mouth import draw_mouth
from portraits.quantities import Scene
from portraits.worn import draw_earrings, draw_glasses, draw_hat

CENTRE, ZOOM = (128.0, 130.0), 1.16  # of the head's origin, in 256ths of the picture
# Soft discs of light out of focus: x, y, radius, strength.
_BOKEH = ((28, 40, 24, 0.10), (70, 14, 15, 0.08), (214, 30, 28, 0.10), (238, 92, 17, 0.09), (14, 108, 18, 0.08), (184, 10, 12, 0.07),
          (246, 152, 22, 0.07), (8, 176, 14, 0.06), (44, 78, 10, 0.08), (224, 62, 9, 0.08))


class Renderer:
    """Draws scenes at one size; keeps its canvas between calls, so use one a thread."""

    def __init__(self, size: int = 128):
        if not (isinstance(size, int) and 16 <= size <= 2048):
            raise ValueError(f"size {size!r} is not a whole number of pixels from 16 to 2048")
        self.size = size
        # never drawn smaller than 256 pixels: a smaller picture is the average of the large one
        self._canvas = Canvas(size * -(-256 // size))

    def draw(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Picture uint8 [S, S, 3] and classes uint8 [S, S] in the order of `segmentation.parts.CLASSES`."""
        canvas, head = self._canvas, Head(scene)
        hair = Hair(head)
        canvas.clear()
        canvas.cover(background_colour(scene), _backdrop(len(canvas.labels), round(16 * head.side)))
        canvas.place(*CENTRE, ZOOM)
        draw_back_hair(canvas, hair)
        body = draw_body(canvas, head)
        draw_necklace(canvas, head, body)
        draw_ears(canvas, head)
        draw_face(canvas, head)
        draw_beard(canvas, head)
        draw_nose(canvas, head)
        draw_eyes(canvas, head)
        lips = draw_mouth(canvas, head)
        draw_moustache(canvas, head, lips)
        draw_brows(canvas, head)
        draw_front_hair(canvas, hair)
        draw_earrings(canvas, head)
        draw_glasses(canvas, head)
        draw_hat(canvas, head, hair.width if hair.opacity > 0.01 else 0.0)
        return canvas.read(self.size)


@functools.lru_cache(maxsize=40)
def _backdrop(size: int, step: int):
    """Light on a wall, with discs of light out of focus: an image of white and dark, for a light `step` of 16 to the side.

    Kept for every step, which is too fine to be seen: blending it anew takes longer than the rest of a face.
    """
    y, x = (np.mgrid[0:size, 0:size] + 0.5) * (256 / size)
    discs = np.zeros((size, size))
    for cx, cy, radius, strength in _BOKEH:
        away = np.hypot(x - cx, y - cy) - radius
        discs += strength * np.clip(0.5 - away * 0.5, 0, 1) * (1 + 0.5 * np.clip(1 + away / 4, 0, 1))
    t = np.hypot(x - 128 - 56 * step / 16, y - 80) / 200
    pale, dark = 0.45 * np.clip(1 - t / 0.52, 0, 1) ** 1.2, 0.36 * np.clip((t - 0.5) / 0.6, 0, 1)
    white = 1 - (1 - pale) * (1 - discs)
    alpha = 1 - (1 - dark) * (1 - white)
    pixels = np.empty((size, size, 4))
    colour = np.array([255, 251, 242]) * white[..., None] + np.array([44, 40, 72]) * ((1 - white) * dark)[..., None]
    pixels[..., :3] = colour / np.maximum(alpha, 1e-6)[..., None]
    pixels[..., 3] = alpha * 255
    return image(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    from packs.cli import run
    from portraits.export import main

    run(main)
