"""A row of faces to start from; pressing one picks its seed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

FOLDER = Path(__file__).parent


def faces(seeds: Sequence[int], images: Sequence[str], chosen: int | None, *, key: str, on_pick: Callable[[], None]) -> int | None:
    """Draw the row. Returns the seed just pressed, or None; `images` are data URLs (`thumbnail`)."""
    data = {"faces": [{"seed": seed, "image": image} for seed, image in zip(seeds, images)], "chosen": chosen}
    return _component()(data=data, key=key, on_picked_change=on_pick).picked


def thumbnail(image: Image.Image, size: int = 96) -> str:
    """An image as a small JPEG data URL."""
    buffer = io.BytesIO()
    image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@cache
def _component() -> Any:
    """The component, registered once a process."""
    text = {kind: (FOLDER / f"faces.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")}
    return st.components.v2.component("eclipsed_faces", **text)
