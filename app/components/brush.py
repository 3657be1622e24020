"""A brush on a mask: the picture with its mask over it, painted with mouse, finger or keys, a class at a time."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from app.components.registry import component


def brush(image: str, mask: np.ndarray, original: np.ndarray, *, classes: Sequence[tuple[str, Sequence[int]]], chosen: int, picture: str,
          serial: int, alt: str, key: str, on_paint: Callable[[], None]) -> None:
    """Draw `image` (a data URL) with the mask uint8 [R, R] over it; `original` is what the eraser brings back.

    classes: name and RGB of each class number. chosen: the one to begin with. picture: names the picture; strokes of another one are
    forgotten. serial: that of the last stroke which is in `mask`. At `on_paint`, `st.session_state[key]["strokes"]` is {"picture": str,
    "strokes": [...]}: all those that were painted since, oldest first, each {"serial", "label", "size", "points"} as
    `baselines.shape.edits.Stroke` has them.
    """
    data = {
        "image": image, "mask": _grey(mask), "original": _grey(original), "alt": alt, "chosen": chosen, "picture": picture, "serial": serial,
        "classes": [{"name": name, "colour": [int(value) for value in colour]} for name, colour in classes],
    }
    component("brush")(data=data, key=key, on_strokes_change=on_paint)


def _grey(mask: np.ndarray) -> str:
    """A mask as a data URL: a PNG whose greys are class numbers."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
