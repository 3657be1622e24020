"""The picture on the stage, with its original under it: hold to compare, split view, both side by side, part overlay."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from PIL import Image

from app.components.registry import component

SHOWN_SIZE = 512  # small pictures are enlarged here: Lanczos looks better than what browsers do


def picture(after: Image.Image, before: str | None, overlay: Image.Image | None, *, alt: str, caption: str,
            revision: int, key: str, on_drop: Callable[[], None]) -> None:
    """Draw `after`. `before` (a data URL; None if nothing was changed) is what it is compared with; `overlay` (RGBA) lies over both.

    caption: one line under it; where it is empty, the browser says how to compare. `revision` is that of the last drag that the server knows of; the browser leaves out what is older than its own.
    At `on_drop`, `st.session_state[key]["dropped"]` is {"name": str, "data": base64} of a file that was dropped on the picture.
    """
    data = {
        "after": data_url(after),
        "before": before or "",
        "overlay": data_url(overlay) if overlay is not None else "",
        "comparable": before is not None,
        "alt": alt,
        "alt_before": "The face without edits",
        "caption": caption,
        "revision": revision,
    }
    component("picture", "live", "picture")(data=data, key=key, on_dropped_change=on_drop)


def data_url(image: Image.Image) -> str:
    """An image as the browser takes it: JPEG, or PNG where it is partly transparent; small ones enlarged."""
    if max(image.size) < SHOWN_SIZE:
        factor = SHOWN_SIZE / max(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if image.mode == "RGBA":
        image.save(buffer, "PNG", compress_level=1)
        return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    image.convert("RGB").save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
