"""How much of what is faint or thin does a generator draw? It and the renderer add freckles, a beard or hoops to the same faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from portraits.faint import FACES, ON_SKIN, without_and_with
from portraits.quantities import Scene
from portraits.redrawn import render
from portraits.render import Renderer

THINGS = (*ON_SKIN, "hoops")


def evaluate_faint(draw: Callable[[Sequence[Scene]], Tensor], size: int, faces: int = FACES) -> dict:
    """{"share": the mean of "by_thing": {name: the share of the renderer's change that the generator makes}}.

    draw: scenes -> the generator's pictures of them [N, 3, size, size] in [-1, 1]. The share is the slope of its change on the
    renderer's over all pixels of the faces: 1 is all of it, 0 nothing.
    """
    renderer, by_thing = Renderer(size), {}
    for name in THINGS:
        sides = list(zip(*(without_and_with(name, index) for index in range(faces))))
        true, drawn = ([pictures(side) for side in sides] for pictures in (lambda side: render(renderer, side), draw))
        change = true[1] - true[0]
        by_thing[name] = float(((drawn[1] - drawn[0]) * change).sum() / change.square().sum())
    return {"share": float(np.mean(list(by_thing.values()))), "by_thing": by_thing}
