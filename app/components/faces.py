"""A row of faces to start from; pressing one picks its seed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence

from PIL import Image

from app.components.registry import component


def faces(seeds: Sequence[int], images: Sequence[str], chosen: int | None, *, key: str, on_pick: Callable[[], None]) -> int | None:
    """Draw the row. Returns the seed just pressed, or None; `images` are data URLs (`thumbnail`)."""
    data = {"faces": [{"seed": seed, "image": image} for seed, image in zip(seeds, images)], "chosen": chosen}
    return component("faces")(data=data, key=key, on_picked_change=on_pick).picked


def thumbnail(image: Image.Image, size: int = 96) -> str:
    """An image as a small JPEG data URL."""
    buffer = io.BytesIO()
    image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
