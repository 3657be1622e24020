"""Things that a generator fitted to pictures leaves out, being few pixels, faint or thin, and of one face in ten: freckles, goatees,
moustaches, stubble and hoops.

Those of the skin are nearly the same pattern on every picture (one explains 0.89 of what freckles change), so the loss can look where
they are, on faces with and without, and batches can hold more faces that have one. What is drawn stays a function of the
appearance, so it is of no account that other attributes become more or less frequent with them. Hoops hang where the ears
end, and `portraits.generator_loss` knows them by their class.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from portraits.quantities import FACTORS, Scene
from portraits.render import Renderer
from portraits.scene import appearance_names, latents, make_scene

FACES, WORLD = 12, 11  # whose changes are averaged
NONE, MANY = -1.5, 2.0  # of a factor
BARE = ("hat", "bangs", "glasses", "beard", "goatee", "mustache", "stubble", "freckles", "makeup", "lipstick")  # beards rule make-up out
PRESENT = 0.3  # of a quantity: from here on a face counts as having it


@dataclass(frozen=True)
class Faint:
    """weight: how much more a pixel counts where it changes pictures most. men: whether only they have it. repeated: times more
    that a face with it is learned from."""

    weight: float
    repeated: int
    men: bool = True


ON_SKIN = {"freckles": Faint(40.0, 3, men=False), "goatee": Faint(40.0, 3), "mustache": Faint(20.0, 2), "stubble": Faint(5.0, 2)}
HOOPS = 2  # times more that a face with hoops is learned from


@lru_cache(maxsize=2)
def faint_weights(size: int) -> np.ndarray:
    """How much more than 1 each pixel of a picture of `size` pixels counts for what is faint on a face there: float32 [size, size]."""
    return sum(faint.weight * places(name, size) for name, faint in ON_SKIN.items())


def places(name: str, size: int) -> np.ndarray:
    """How much a quantity of `ON_SKIN` changes each pixel, in the mean over faces: float32 [size, size], 1 where most."""
    renderer, total = Renderer(size), np.zeros((size, size))
    for index in range(FACES):
        without, given = (renderer.draw(scene)[0].astype(float) for scene in without_and_with(name, index))
        total += np.abs(given - without).mean(2)
    return (total / total.max()).astype(np.float32)


def without_and_with(name: str, index: int) -> tuple[Scene, Scene]:
    """Two scenes of one face that differ in a quantity of `ON_SKIN`, or in "hoops", and have nothing that would hide it."""
    factors = latents(WORLD, index)
    factors[[FACTORS.index(other) for other in BARE]] = NONE
    factor = name
    if name == "hoops":
        factor, factors[FACTORS.index("earring_kind")], factors[FACTORS.index("hair_length")] = "earrings", MANY, NONE
    elif ON_SKIN[name].men:
        factors[FACTORS.index("feminine")] = NONE
    without, given = factors.copy(), factors.copy()
    without[FACTORS.index(factor)], given[FACTORS.index(factor)] = NONE, MANY
    return make_scene(without), make_scene(given)


def balanced(indices: np.ndarray, appearances: np.ndarray) -> np.ndarray:
    """The indices to draw batches from, those of faces with something faint several times; appearances [N, P] of all faces."""
    shown = {name: appearances[indices, appearance_names().index(name)] for name in (*ON_SKIN, "earrings", "earring_kind")}
    times = 1 + sum(faint.repeated * (shown[name] >= PRESENT) for name, faint in ON_SKIN.items())
    hoops = (shown["earrings"] >= PRESENT) & (shown["earring_kind"] >= PRESENT)
    return np.repeat(indices, times + HOOPS * hoops)
