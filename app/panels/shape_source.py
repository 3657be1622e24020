"""The picture that a shape begins with: the Edit page's, a face of the gallery, a drawn portrait, somebody's own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import rendering, resources, session, shaping
from app.components.tiles import Tile, tiles
from app.widgets import plain
from baselines.shape.recipe import Shape
from packs.cli import MAX_SEED

SOURCE, FIRST, FACES, TURN = "shape-source", "shape_first_face", "shape-faces", "shape_upload_turn"
SOURCES = {"sampled": "Sampled", "drawn": "Drawn", "uploaded": "Uploaded"}
ROW = 8
KINDS, MEGABYTES = ("png", "jpg", "jpeg", "webp"), 32
Begin = Callable[[Callable[[], Shape]], None]


def source_panel(begin: Begin) -> None:
    """Draw the choice; `begin` is called with what makes the shape to begin with."""
    st.header("Begin with", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kind = st.segmented_control("Where from", list(SOURCES), format_func=SOURCES.get, required=True, label_visibility="collapsed",
                                    default="sampled", key=SOURCE)
        st.button("Face of the Edit page", icon=":material/tune:", key="shape-of-edit", on_click=begin, args=(shaping.of_edit_page,),
                  help="The picture of the Edit page, with its edits")
    {"sampled": _sampled, "drawn": _drawn, "uploaded": _uploaded}[kind](begin)
    st.caption("Another picture begins anew; undo brings the one before it back with all that was done to it.")


def _sampled(begin: Begin) -> None:
    first, truncation = st.session_state.setdefault(FIRST, 0), session.present(st.session_state).truncation
    seeds = range(first, first + ROW)
    images = rendering.thumbnails(tuple(seeds), truncation, resources.pack().hash)
    tiles([Tile(seed, image, f"Face of seed {seed}") for seed, image in zip(seeds, images)], label="Faces to begin with", columns=ROW, key=FACES,
          on_pick=lambda: _pick(begin, truncation))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        seed = st.number_input("Seed", 0, MAX_SEED, 0, step=1, key="shape-seed", width=150)
        st.button("Take it", icon=":material/check:", key="shape-take-seed", on_click=begin, args=(lambda: shaping.of_seed(int(seed or 0), truncation),))
        st.button("More faces", icon=":material/more_horiz:", key="shape-more-faces", on_click=_turn, args=(ROW,))
        st.button("Faces before", icon=":material/arrow_back:", key="shape-fewer-faces", on_click=_turn, args=(-ROW,), disabled=first == 0)


def _drawn(begin: Begin) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number = st.number_input("Drawn face", 0, 999_999, 0, step=1, key="shape-number", width=150,
                                 help="The renderer that the built-in models learned from draws it; no model has seen it.")
        st.button("Take it", icon=":material/check:", key="shape-take-drawn", on_click=begin, args=(lambda: shaping.of_drawn(int(number or 0)),))


def _uploaded(begin: Begin) -> None:
    turn = st.session_state.setdefault(TURN, 0)  # a new key empties the field after each file
    st.file_uploader("A picture of a face", list(KINDS), key=f"shape-upload-{turn}", max_upload_size=MEGABYTES, on_change=_take_file, args=(begin,))
    st.caption("Of it the middle square. It stays on this machine, in the folder of runs, until you remove it.")
    present = shaping.history().present
    if shaping.is_own(present):
        st.button(f"Remove {plain(present.title)}", icon=":material/delete:", key="shape-remove", on_click=shaping.forget, args=(present.png,),
                  help="Takes this picture, and all that was done to it, from this machine and from undo")


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _pick(begin: Begin, truncation: float) -> None:
    picked = st.session_state[FACES].get("picked")
    if picked is not None:
        begin(lambda: shaping.of_seed(int(picked), truncation))


def _take_file(begin: Begin) -> None:
    upload = st.session_state.get(f"shape-upload-{st.session_state[TURN]}")
    if upload is not None:
        st.session_state[TURN] += 1
        begin(lambda: shaping.of_upload(upload.getvalue(), upload.name))


def _turn(by: int) -> None:
    st.session_state[FIRST] = max(0, st.session_state[FIRST] + by)
