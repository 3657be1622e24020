"""Small pictures to press: faces to start from, states to go back to, layers to leave out."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from PIL import Image

from app.components.registry import component


@dataclass(frozen=True)
class Tile:
    """A picture (a data URL, `thumbnail`), what it is called, whether it is pressed, and the words under it."""

    id: int
    image: str
    name: str
    pressed: bool = False
    caption: str = ""


def tiles(shown: Sequence[Tile], *, label: str, columns: int, key: str, on_pick: Callable[[], None], many: bool = False) -> None:
    """Draw the tiles. `st.session_state[key]["picked"]` is the id of the one pressed at `on_pick`.

    `many`: any number of them may be pressed; the others are dimmed.
    """
    data = {"tiles": [asdict(tile) for tile in shown], "label": label, "columns": columns, "many": many}
    component("tiles")(data=data, key=key, on_picked_change=on_pick)


def thumbnail(image: Image.Image, size: int = 96) -> str:
    """An image as a small JPEG data URL."""
    buffer = io.BytesIO()
    image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
