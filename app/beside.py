"""What this visit keeps beside its history: put into its drawers, found again after a reload or on another server, or said to be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import streamlit as st

from app import resources, session
from app.drawers import Drawer
from app.widgets import sentence
from packs.cli import describe

LOST = "beside_lost"
PHOTO, SHAPES = "photo", "shapes"
WORDS = {PHOTO: "a picture of your own", SHAPES: "changed shapes"}
T = TypeVar("T")


def put(visit: str, name: str, values: Mapping[str, Any], pictures: Mapping[str, Callable[[], bytes]]) -> None:
    """Keep this in a drawer of the visit, as `Drawers.put` does; where it cannot be written, that is said once."""
    _note(name, True)  # first: drawers of a visit without a file are nobody's
    with resources.said_where_unwritten():
        resources.visits().drawers.put(visit, name, values, pictures)


def empty(visit: str, name: str) -> None:
    """Take a drawer's contents from the disk; where that cannot be, it is said once."""
    _note(name, False)
    with resources.said_where_unwritten():
        resources.visits().drawers.empty(visit, name)


def found(visit: str, name: str, read: Callable[[Drawer], T]) -> T | None:
    """What `read` makes of a drawer; None where nothing was kept, and where it is no use, which `tell_lost` says."""
    try:
        drawer = resources.visits().drawers.open(visit, name)
        if drawer is None and name in _noted():
            raise ValueError("the files have gone")
        thing = None if drawer is None else read(drawer)
    except (ValueError, OSError, KeyError, TypeError, IndexError, AttributeError) as error:  # as damaged JSON has it
        st.session_state[LOST] = sentence(f"{words(name)} cannot be opened again: {describe(error)}")
        thing = None
    if (thing is not None) != (name in _noted()):
        _note(name, thing is not None)
    return thing


def tell_some_lost(name: str, error: Exception) -> None:
    """Have `tell_lost` say that a part of what was kept is no use."""
    st.session_state[LOST] = sentence(f"some of the {words(name)} cannot be opened again: {describe(error)}")


def words(name: str) -> str:
    """What is in a drawer of this name, which may end in a dash and whose it is."""
    return WORDS.get(name.partition("-")[0], "something else")


def tell_lost() -> None:
    """Say once what was kept and is no use."""
    if lost := st.session_state.pop(LOST, None):
        st.error(lost, icon=":material/broken_image:")


def _noted() -> frozenset[str]:
    return st.session_state.get(session.BESIDE_KEY, frozenset())


def _note(name: str, there: bool) -> None:
    """Remember with the work of the visit that there is something in a drawer, or nothing any more."""
    st.session_state[session.BESIDE_KEY] = _noted() | {name} if there else _noted() - {name}
    resources.remember_visit()
