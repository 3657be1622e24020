"""Many pictures in one file: faces and strengths side by side, or a sweep that moves."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app import frames, rendering, session, sheets
from app.session import StackEdit
from app.widgets import sentence
from stylegan2.seeds import MAX_SEED, parse_seeds

MADE, TROUBLE = "sheet_made", "sheet_trouble"
KINDS = {"grid": "Grid", "sweep": "Sweep"}
COLUMNS = 5
STEP = 0.25


@dataclass(frozen=True)
class Made:
    """A file that was made here, of which kind, and what for."""

    kind: str
    data: bytes
    name: str
    mime: str
    alt: str


def sheets_panel() -> None:
    """Draw the expander; nothing in it is made before somebody asks for it."""
    snapshot = rendering.drawable(session.present(st.session_state))
    edits = [edit for edit in snapshot.edits if not edit.muted]
    with st.expander("Grid and sweep", icon=":material/grid_view:", key="sheets"):
        if not edits:
            st.caption("Add an edit first: a grid shows it on several faces, a sweep moves through its strengths.")
            return
        kind = st.segmented_control("Kind", list(KINDS), format_func=KINDS.get, default="grid", required=True, key="sheet-kind",
                                    label_visibility="collapsed")
        edit = _choose(edits)
        size = frames.limit(edit)
        usual = min(size, session.ALPHA_LIMIT)
        low, high = st.slider("Strengths", -size, size, (-usual, usual), step=STEP, key=f"sheet-range-{size}")
        (_grid if kind == "grid" else _sweep)(snapshot, edit, low, high)
        _result(kind)


def _choose(edits: list[StackEdit]) -> StackEdit:
    """The edit that varies; the last one by default. No question where there is only one."""
    found = {edit.uid: edit for edit in edits}
    if len(found) == 1:
        return edits[0]
    if st.session_state.get("sheet-edit") not in found:
        st.session_state["sheet-edit"] = edits[-1].uid
    titles = {uid: rendering.title(edit) for uid, edit in found.items()}
    return found[st.selectbox("Edit", list(found), format_func=lambda uid: titles.get(uid, ""), key="sheet-edit")]


def _grid(snapshot: session.Snapshot, edit: StackEdit, low: float, high: float) -> None:
    text = st.text_input("Seeds", value=f"{snapshot.seed}-{min(snapshot.seed + 4, MAX_SEED)}", key="sheet-seeds", help="A row each, such as 0-4 or 3,7,12")
    count = st.number_input("Columns", 2, 9, COLUMNS, key="sheet-columns")
    if st.button("Draw the grid", icon=":material/grid_view:", key="draw-grid"):
        _make(lambda: Made("grid", sheets.png(sheets.grid(snapshot, edit.uid, parse_seeds(text, sheets.MAX_FACES), sheets.strengths(low, high, int(count)))),
                           "eclipsed-grid.png", "image/png", f"Faces of the seeds {text} at strengths from {low:g} to {high:g}"))


def _sweep(snapshot: session.Snapshot, edit: StackEdit, low: float, high: float) -> None:
    kind = st.segmented_control("Format", list(sheets.FORMATS), default="GIF", required=True, key="sheet-format",
                                help="GIF opens everywhere; WebP is smaller and has all colours.")
    if st.button("Make the sweep", icon=":material/animation:", key="make-sweep"):
        _make(lambda: Made("sweep", sheets.animation(sheets.sweep(snapshot, edit.uid, sheets.strengths(low, high, sheets.SWEEP_FRAMES)), kind),
                           f"eclipsed-sweep.{kind.lower()}", sheets.FORMATS[kind], f"The face as the strength goes from {low:g} to {high:g} and back"))


def _make(how) -> None:
    """Make a file while somebody waits; a sentence in its place where that cannot be."""
    st.session_state[MADE] = st.session_state[TROUBLE] = None
    try:
        with st.spinner("Drawing …"):
            st.session_state[MADE] = how()
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)


def _result(kind: str) -> None:
    if trouble := st.session_state.get(TROUBLE):
        st.error(trouble)
    made = st.session_state.get(MADE)
    if made is None or made.kind != kind:
        return
    st.image(made.data, width="stretch", alt=made.alt)
    st.download_button(f"Save {made.name}", data=made.data, file_name=made.name, mime=made.mime, icon=":material/download:",
                       key="save-sheet", on_click="ignore")
