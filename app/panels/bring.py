"""Taking in directions that were made elsewhere."""

from __future__ import annotations

import streamlit as st

from app import directions, resources
from app.widgets import sentence
from segmentation.parts import PARTS

TURN, TROUBLE, DONE = "bring_turn", "bring_trouble", "bring_done"
MEGABYTES = 64


def bring_panel() -> None:
    """Draw the place to drop a file, and what has to be said about it."""
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble, icon=":material/error:")
    if done := st.session_state.pop(DONE, None):
        st.success(done, icon=":material/check:")
    turn = st.session_state.setdefault(TURN, 0)  # a new key empties the fields after each file
    with st.expander("Import a direction", icon=":material/upload:", key="bring", expanded=bool(trouble)):
        generator = resources.pack().generator
        st.caption(f"A direction of this studio, or one that was made elsewhere for the same generator: [1, {generator.w_dim}] in W, or"
                   f" [{generator.num_ws}, {generator.w_dim}] in W+, as .npy, .pt or .safetensors. Nothing in a file is run.")
        file = st.file_uploader("File", type=list(directions.KINDS), key=f"bring-{turn}", max_upload_size=MEGABYTES)
        prompt = st.text_input("What does it do?", key=f"bring-prompt-{turn}", placeholder="an old person",
                               help="Needed for directions that were made elsewhere; those of this studio know it.")
        parts = st.multiselect("Part of the face", list(PARTS), key=f"bring-parts-{turn}", placeholder="From the description")
        if st.button("Import", key="bring-now", icon=":material/upload:", type="primary", disabled=file is None):
            with st.spinner("Finding out how strong it is …"):
                _bring(file.name, file.getvalue(), prompt, parts)
            st.rerun()


def _bring(name: str, data: bytes, prompt: str, parts: list[str]) -> None:
    try:
        path = directions.bring(data, name, prompt, ",".join(parts) or None)
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
        return
    st.session_state[TURN] += 1
    st.session_state[DONE] = sentence(f"{resources.title_of(resources.direction(path))} is in the library")
