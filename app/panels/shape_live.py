"""The slider of a part's shape, live: pictures of its amounts are rendered ahead, as for the strengths of the Edit page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import streamlit as st

from app import frames, resources, shaping
from app.components import live as components
from app.components.registry import available
from app.frames import AHEAD_SECONDS, BATCH_SECONDS, Frame
from app.panels import live
from app.widgets import bind
from baselines.shape.edits import MOST, PartShape
from baselines.shape.recipe import Shape
from stylegan2.images import to_pil

WANTED, SLIDER, FEED = "shape_wanted", "shape_slider", "shape-feed"
STEP = 0.05
COUNTS = (5, 9, 17)  # frames, coarse to fine; each set holds the one before


@dataclass(frozen=True)
class Slider:
    """What a slider moves: the amount of `edit`, which has another one or is not yet there in the shape. key: its widget's."""

    edit: PartShape
    key: str

    @property
    def uid(self) -> str:
        return f"{self.key}-{self.edit.number}"

    @property
    def most(self) -> float:
        return MOST[self.edit.how]


def amount_slider(slider: Slider, label: str, on_amount) -> None:
    """Draw it. `on_amount(amount)` is called when it is let go of; where this Streamlit has no components, by its own slider."""
    st.session_state[SLIDER] = slider
    if not available():
        st.slider(label, 0.0, slider.most, step=STEP, key=bind(slider.key, slider.edit.amount), on_change=lambda: on_amount(st.session_state[slider.key]))
        return
    st.caption(f"{label}; 0 is the shape as it was")
    components.slider(slider.uid, slider.edit.amount, slider.most, STEP, lowest=0.0, label=f"{label}: {slider.edit.part}", disabled=False,
                      basis=basis(shaping.history().present, slider), revision=live.revision(), key=slider.key, on_release=lambda: _released(slider, on_amount))


@st.fragment
def feed() -> None:
    """As `live.feed`, for the slider that was drawn last."""
    slider = st.session_state.get(SLIDER)
    live.answer(WANTED, FEED, lambda wanted: (None, []) if slider is None else _batch(wanted, slider))


def basis(shape: Shape, slider: Slider) -> str:
    """A name for all that the slider's frames depend on."""
    return frames.name_of(shape.png, _at(shape, slider, 0.0), slider.edit.number, slider.edit.truncation, resources.pack().hash)


def amounts(most: float) -> list[float]:
    """Those to render, in the order in which they are rendered."""
    finest = COUNTS[-1] - 1
    places = dict.fromkeys(place for count in COUNTS for place in range(0, finest + 1, finest // (count - 1)))
    return [round(most * place / finest, 4) for place in places]


def _at(shape: Shape, slider: Slider, amount: float) -> Shape:
    return shaping.with_part(shape, replace(slider.edit, amount=amount))


def _batch(wanted: dict, slider: Slider) -> tuple[dict, list[Frame]]:
    """Whose the next frames are, and the frames; none where nothing paints, or the browser asks for a state that is no more."""
    shape, have = shaping.history().present, max(0, int(wanted["have"]))
    nothing = {"target": [slider.uid], "basis": "", "start": 0, "total": 0}
    if wanted["target"] != [slider.uid] or wanted["basis"] != basis(shape, slider):
        return {**nothing, "target": [str(uid) for uid in wanted["target"]]}, []
    start = time.monotonic()
    try:
        if shaping.bench(shape).painter is None:
            return nothing, []
        found = list(frames.until(_rendered(shape, slider, have), start + BATCH_SECONDS))
    except (ValueError, OSError):
        return nothing, []  # in the place of the picture it says why this cannot be drawn
    each = (time.monotonic() - start) / max(1, len(found))
    total = max([count for count in COUNTS if count * each <= AHEAD_SECONDS], default=COUNTS[0])
    return {**nothing, "basis": wanted["basis"], "start": have, "total": total}, found


def _rendered(shape: Shape, slider: Slider, have: int) -> Iterator[Frame]:
    work = shaping.bench(shape)
    for amount in amounts(slider.most)[have:]:
        moved = _at(shape, slider, amount)
        yield Frame((amount,), frames.jpeg(to_pil(work.picture(moved.edits, moved.whole))))


# --- what the components report ---------------------------------------------------------------------------------------


def _released(slider: Slider, on_amount) -> None:
    """It was let go of: what is drawn from now on is of its revision."""
    released = st.session_state[slider.key].get("released")
    if released is not None:
        st.session_state[live.REVISION] = int(released["revision"])
        on_amount(min(slider.most, max(0.0, float(released["point"][0]))))
