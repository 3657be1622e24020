"""The face to start from: a row of faces to pick from, a seed, a random one, and how far from the average."""

from __future__ import annotations

import random

import streamlit as st

from app import rendering, resources, session
from app.components.tiles import Tile, tiles
from app.widgets import bind
from packs.cli import MAX_SEED

ROW = 8
EASY_SEED = 9999  # random seeds stay below, short enough to be told to somebody


def face_panel() -> None:
    """Draw the row, the seed and the truncation of the present snapshot."""
    snapshot = session.present(st.session_state)
    first = st.session_state.setdefault("first_face", _row_of(snapshot.seed))
    seeds = tuple(range(first, first + ROW))
    images = rendering.thumbnails(seeds, snapshot.truncation, resources.pack().hash)
    chosen = _chosen(snapshot)
    tiles([Tile(seed, image, f"Face of seed {seed}", seed == chosen) for seed, image in zip(seeds, images)],
          label="Faces to start from", columns=ROW, key="faces", on_pick=_pick)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input("Seed", 0, MAX_SEED, step=1, key=bind("seed", snapshot.seed), on_change=_set_seed, width=150,
                        help="Each number is a face of its own; the same number always gives the same face.")
        st.button("Random", icon=":material/casino:", key="random", on_click=_random_seed, help="A face nobody has chosen")
        with st.container(horizontal=True, gap="small", key="quiet-faces", width="content"):
            st.button("Back", icon=":material/arrow_back:", key="fewer", on_click=_turn, args=(-ROW,), disabled=first == 0,
                      help="The faces before these in the row")
            st.button("More faces", icon=":material/arrow_forward:", key="more", on_click=_turn, args=(ROW,), help="Other faces in the row")
    st.slider("Truncation", 0.0, max(1.0, snapshot.truncation), step=0.05, key=bind("truncation", snapshot.truncation), on_change=_set_truncation,
              help="0 is the average face; 1 is as varied as the model can be, with more odd ones.")
    if snapshot.w_plus is not None:
        st.caption("This face came with an opened recipe, or was found in a picture; choosing a seed replaces it.")


def _chosen(snapshot: session.Snapshot) -> int | None:
    return snapshot.seed if snapshot.w_plus is None else None


def _commit_seed(seed: int) -> None:
    session.commit(st.session_state, session.with_face(session.present(st.session_state), seed))


def _row_of(seed: int) -> int:
    """The first seed of the row that this one is in."""
    return seed - seed % ROW


def _pick() -> None:
    picked = st.session_state["faces"].get("picked")
    if picked is not None:
        _commit_seed(int(picked))


def _set_seed() -> None:
    if st.session_state["seed"] is not None:  # the field was emptied: the face stays
        _commit_seed(int(st.session_state["seed"]))
        st.session_state["first_face"] = _row_of(int(st.session_state["seed"]))


def _random_seed() -> None:
    _commit_seed(random.randint(0, EASY_SEED))


def _turn(by: int) -> None:
    st.session_state["first_face"] = max(0, st.session_state["first_face"] + by)


def _set_truncation() -> None:
    snapshot = session.present(st.session_state)
    session.commit(st.session_state, session.with_truncation(snapshot, st.session_state["truncation"]), "truncation")
