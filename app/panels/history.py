"""The states of this visit as small pictures; pressing one goes back to it, or forward again."""

from __future__ import annotations

import streamlit as st

from app import rendering, session
from app.components.tiles import Tile, tiles

COLUMNS, SHOWN = 8, 24
STRIP = "history-strip"


def history_panel() -> None:
    """Draw the expander; the pictures are sent only while it is open."""
    history = session.history(st.session_state)
    strip = st.expander("History", icon=":material/history:", key="history-open", on_change="rerun")
    if not strip.open:
        return
    with strip:
        here = len(history.past)
        first = max(0, min(here - SHOWN // 2, len(history.states) - SHOWN))
        tiles([_tile(state, place, place == here) for place, state in list(enumerate(history.states))[first:first + SHOWN]],
              label="States of this visit, oldest first", columns=COLUMNS, key=STRIP, on_pick=_go)
        st.caption("Press a state to go back to it. The next change goes on from there.")


def _tile(snapshot: session.Snapshot, place: int, here: bool) -> Tile:
    """A state as it looks with the directions that can be read."""
    shown = rendering.drawable(snapshot)
    return Tile(place, rendering.small(shown), rendering.words(shown), here)


def _go() -> None:
    picked = st.session_state[STRIP].get("picked")
    if picked is not None:
        session.go(st.session_state, int(picked))
