"""Many pictures in one: a grid of faces and strengths, and a sweep through the strengths as an animation."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from app import frames, rendering, resources, session
from app.session import Snapshot
from lelsd.edit import StackRenderer
from lelsd.strip import caption, sheet
from stylegan2.images import to_uint8

MAX_FACES = 12
SWEEP_FRAMES = 25  # from one end to the other; the way back shows them again
FRAME_MILLISECONDS = 60
FORMATS = {"GIF": "image/gif", "WebP": "image/webp"}


def strengths(low: float, high: float, count: int) -> list[float]:
    """`count` strengths from low to high, evenly."""
    return [round(float(alpha), 3) for alpha in np.linspace(low, high, count)]


def grid(snapshot: Snapshot, uid: str, seeds: Sequence[int], alphas: Sequence[float]) -> Image.Image:
    """A row a seed, which stands before it, a column a strength of the edit `uid`; the other edits of the snapshot stay as they are.

    Raises ValueError for no seed, for more than `MAX_FACES`, and if a direction has gone.
    """
    if not 1 <= len(seeds) <= MAX_FACES:
        raise ValueError(f"there are {len(seeds)} seeds; accepted: 1 to {MAX_FACES}")
    faces = [session.with_face(rendering.drawable(snapshot), seed) for seed in seeds]
    return sheet([_row(face, uid, alphas) for face in faces], [caption(alpha) for alpha in alphas], list(map(str, seeds)))


def sweep(snapshot: Snapshot, uid: str, alphas: Sequence[float]) -> list[Image.Image]:
    """The picture at each strength of the edit `uid`, there and back again, to be shown in a loop."""
    pictures = [Image.fromarray(pixels) for pixels in _row(rendering.drawable(snapshot), uid, alphas)]
    return pictures + pictures[-2:0:-1]


def _row(snapshot: Snapshot, uid: str, alphas: Sequence[float]) -> np.ndarray:
    """uint8 [N, H, W, 3]: the picture at each of N strengths; the layers below the edit are computed once."""
    renderer = StackRenderer(resources.pack(), rendering.latents(snapshot))
    states = [frames.with_strengths(snapshot, [uid], [alpha]) for alpha in alphas]
    return np.concatenate([to_uint8(renderer.render(rendering.stack(state))) for state in states])


def animation(pictures: Sequence[Image.Image], kind: str) -> bytes:
    """The pictures as an endless GIF or WebP. Raises ValueError for another kind."""
    if kind not in FORMATS:
        raise ValueError(f"the format is {kind!r}; accepted: {', '.join(FORMATS)}")
    buffer = io.BytesIO()
    quality = {"quality": 90, "method": 4} if kind == "WebP" else {"optimize": False}
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=FRAME_MILLISECONDS, loop=0, **quality)
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
