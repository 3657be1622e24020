"""Freckles, which a generator fitted to pictures leaves out: few pixels, faint, and of one face in five.

They are nearly the same pattern on every picture (it explains 0.89 of what freckles change), so the loss can look where they are,
in freckled and other faces alike, and the batches can hold as many of the one as of the other: a factor depends on no other, so
all other attributes stay as frequent as they are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from portraits.quantities import FACTORS
from portraits.render import Renderer
from portraits.scene import appearance_names, latents, make_scene

FACES = 12  # whose freckles are averaged
NONE, MANY = -1.0, 2.0  # of the factor
FRECKLED = 0.3  # of the quantity: from here on a face counts as freckled
REPEATED = 3  # times more that a freckled face is learned from


@lru_cache(maxsize=2)
def freckle_places(size: int) -> np.ndarray:
    """How much freckles change each pixel of a picture of `size` pixels, in the mean over faces: float32 [size, size], 1 where most."""
    renderer, seed = Renderer(size), 11
    total = np.zeros((size, size))
    for index in range(FACES):
        pictures = []
        for value in (NONE, MANY):
            factors = latents(seed, index)
            factors[FACTORS.index("freckles")] = value
            factors[FACTORS.index("hat")] = factors[FACTORS.index("bangs")] = factors[FACTORS.index("glasses")] = NONE
            pictures.append(renderer.draw(make_scene(factors))[0].astype(float))
        total += np.abs(pictures[1] - pictures[0]).mean(2)
    return (total / total.max()).astype(np.float32)


def balanced(indices: np.ndarray, appearances: np.ndarray) -> np.ndarray:
    """The indices to draw batches from, those of freckled faces several times; appearances [N, P] of all faces."""
    freckled = appearances[indices, appearance_names().index("freckles")] >= FRECKLED
    return np.concatenate([indices, np.repeat(indices[freckled], REPEATED)])
