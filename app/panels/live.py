"""The strengths of edits, live: a slider each, a palette for two, and the frames that are rendered ahead for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app import frames, rendering, session
from app.components import live as components
from app.components.registry import available
from app.session import StackEdit
from app.widgets import bind

ALPHA_STEP = 0.05
REVISION = "live_revision"  # of the last drag whose release has come
WANTED = "live_wanted"
FEED = "live-feed"
PALETTE_ACROSS, PALETTE_UPWARDS = "palette-across", "palette-upwards"


def strength_slider(edit: StackEdit, title: str) -> None:
    """The slider of one edit; where this Streamlit has no components, its own slider, which answers on release."""
    label, size, key = f"Strength of {title}", frames.limit(edit), f"alpha-{edit.uid}"
    if not available():
        st.slider(label, -size, size, step=ALPHA_STEP, format="%.2f", key=bind(key, edit.alpha), on_change=_set_alpha,
                  args=(edit.uid,), disabled=edit.muted, label_visibility="collapsed")
        return
    components.slider(edit.uid, edit.alpha, size, ALPHA_STEP, label=label, disabled=edit.muted, basis=_basis([edit.uid]),
                      revision=revision(), key=key, on_release=lambda: _released(key, [edit.uid]))


def palette() -> None:
    """Two edits of the stack on one plane; there where there are two. The last ones by default."""
    edits = [edit for edit in rendering.drawable(session.present(st.session_state)).edits if not edit.muted]
    if len(edits) < 2 or not available():
        return
    titles = {edit.uid: rendering.title(edit) for edit in edits}
    with st.expander("Two at once", icon=":material/drag_pan:", key="palette-of-two"):
        with st.container(horizontal=True, gap="small"):
            across = _choice("Across", list(titles), titles, PALETTE_ACROSS, -2)
            upwards = _choice("Upwards", [uid for uid in titles if uid != across], titles, PALETTE_UPWARDS, -1)
        pair = frames.edits_of(session.present(st.session_state), [across, upwards])
        key = f"alpha-{across}+{upwards}"
        components.palette(
            [across, upwards], [edit.alpha for edit in pair], [frames.limit(edit) for edit in pair], ALPHA_STEP,
            labels=[titles[across], titles[upwards]], basis=_basis([across, upwards]), revision=revision(), key=key,
            on_release=lambda: _released(key, [across, upwards]),
        )
        st.caption("Drag the point, or move it with the arrow keys.")


def _choice(label: str, uids: Sequence[str], titles: Mapping[str, str], key: str, place: int) -> str:
    """A field that chooses an edit; the one at `place` until somebody does, or if the chosen one has gone."""
    if st.session_state.get(key) not in uids:
        st.session_state[key] = uids[max(place, -len(uids))]
    return st.selectbox(label, uids, format_func=lambda uid: titles.get(uid, ""), key=key)


def revision() -> int:
    """The number of the last drag that the server has been told of; what it draws now carries it."""
    return st.session_state.get(REVISION, 0)


@st.fragment
def feed() -> None:
    """Send the frames that the browser has asked for. A fragment of its own: the page is not drawn again for them."""
    answer(WANTED, FEED, _batch)


def answer(wanted_key: str, feed_key: str, batch_for: Callable[[dict], tuple[dict | None, list[frames.Frame]]]) -> None:
    """What a feed does: what the browser wants is kept in the session as `wanted_key` and answered once, by `batch_for`."""
    if not available():
        return

    def want() -> None:
        st.session_state[wanted_key] = st.session_state[feed_key].get("want")

    wanted = st.session_state.pop(wanted_key, None)
    batch, found = batch_for(wanted) if wanted is not None else (None, [])
    components.feed(batch, found, key=feed_key, on_want=want)


def _batch(wanted: dict) -> tuple[dict, list[frames.Frame]]:
    """Whose the next frames are, and the frames; none where the browser asks for a state that is no more."""
    snapshot = rendering.drawable(session.present(st.session_state))
    target, have = [str(uid) for uid in wanted["target"]], max(0, int(wanted["have"]))
    nothing = {"target": target, "basis": "", "start": 0, "total": 0}
    if len(frames.edits_of(snapshot, target)) < len(target) or frames.basis(snapshot, target) != wanted["basis"]:
        return nothing, []
    start = time.monotonic()
    try:
        found = frames.frames(snapshot, target, have)
    except (ValueError, OSError):
        return nothing, []  # in the place of the picture it says why this cannot be drawn
    total = frames.affordable(len(target), (time.monotonic() - start) / max(1, len(found)))
    return {**nothing, "basis": wanted["basis"], "start": have, "total": total}, found


def _basis(target: Sequence[str]) -> str:
    return frames.basis(session.present(st.session_state), target)


# --- what the components report ---------------------------------------------------------------------------------------


def _released(key: str, target: Sequence[str]) -> None:
    """A point was let go of: its strengths are the new state, and what is drawn from now on is of its revision."""
    released = st.session_state[key].get("released")
    if released is None:
        return
    st.session_state[REVISION] = int(released["revision"])
    snapshot = session.present(st.session_state)
    alphas = [max(-frames.limit(edit), min(frames.limit(edit), round(float(alpha), 2)))
              for edit, alpha in zip(frames.edits_of(snapshot, target), released["point"])]
    if len(alphas) == len(target):
        session.commit(st.session_state, frames.with_strengths(snapshot, target, alphas), f"alpha-{'+'.join(target)}")


def _set_alpha(uid: str) -> None:
    alpha = round(float(st.session_state[f"alpha-{uid}"]), 2)
    session.commit(st.session_state, session.changed(session.present(st.session_state), uid, alpha=alpha), f"alpha-{uid}")
