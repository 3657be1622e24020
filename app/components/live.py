"""Dragging with an answer at once: a slider, a palette for two edits, and the feed that brings them their frames.

The three share a store in the browser's window (`live.js`), and the picture on the stage listens to it. A drag draws the
nearest frame that has come; a release asks the server for the exact picture, with a number that its answer carries back,
so that an answer to an earlier release never replaces a later frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from app.components.registry import component
from app.frames import Frame


def slider(uid: str, alpha: float, limit: float, step: float, *, lowest: float | None = None, label: str, disabled: bool, basis: str,
           revision: int, key: str, on_release: Callable[[], None]) -> None:
    """A slider from `lowest` (None: -limit) to limit. `st.session_state[key]["released"]` is {"point": [alpha], "revision": N} at `on_release`."""
    data = {"target": [uid], "point": [alpha], "limits": [limit], "step": step, "labels": [label], "disabled": disabled,
            "basis": basis, "revision": revision, "lowest": -limit if lowest is None else lowest}
    component("slider", "live", "slider")(data=data, key=key, on_released_change=on_release)


def palette(target: Sequence[str], point: Sequence[float], limits: Sequence[float], step: float, *, labels: Sequence[str],
            basis: str, revision: int, key: str, on_release: Callable[[], None]) -> None:
    """A plane with one edit across and one upwards; `released` is as a slider's, with two strengths."""
    data = {"target": list(target), "point": list(point), "limits": list(limits), "step": step, "labels": list(labels),
            "disabled": False, "basis": basis, "revision": revision}
    component("palette", "live", "palette")(data=data, key=key, on_released_change=on_release)


def feed(batch: dict[str, Any] | None, frames: Sequence[Frame], *, key: str, on_want: Callable[[], None]) -> None:
    """Hand `frames` to the browser. `batch` says whose they are: {"target", "basis", "start", "total"}; None: there is no news.

    At `on_want`, `st.session_state[key]["want"]` is {"target": [uid, ...], "basis": str, "have": N}.
    """
    data: dict[str, Any] = {"batch": batch}
    if frames:  # bytes have to be in a column of a table at the top level: anywhere else they would arrive as text
        data["frames"] = pd.DataFrame({"point": [list(frame.point) for frame in frames], "jpeg": [frame.jpeg for frame in frames]})
    component("feed", "live", "feed")(data=data, key=key, on_want_change=on_want)
