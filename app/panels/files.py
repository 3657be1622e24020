"""Taking work out and back in: a PNG or a JSON file that holds the whole recipe, and directions made elsewhere."""

from __future__ import annotations

import base64

import streamlit as st

from app import recipes, session
from app.widgets import plain, sentence

OPENED, OPEN = "opened_file", "open"
TROUBLE, DROP_TROUBLE = "open_trouble", "drop_trouble"  # told where somebody looks: where they chose the file, or beside the picture
MAX_MEGABYTES = 64
KINDS = ("png", "json", "safetensors")


def files_panel() -> None:
    """Draw the download buttons and the place to open a file."""
    snapshot = session.present(st.session_state)
    name = f"eclipsed-{snapshot.seed}"
    if trouble := st.session_state.pop(DROP_TROUBLE, None):
        st.error(trouble)
    with st.container(horizontal=True, gap="small", key="files"):
        st.download_button("Save picture", data=lambda: recipes.png(snapshot), file_name=f"{name}.png", mime="image/png",
                           icon=":material/download:", key="save-png", on_click="ignore",
                           help="A PNG that carries its recipe: open it here later and every slider is back")
        st.download_button("Recipe", data=lambda: recipes.json_text(snapshot), file_name=f"{name}.json", mime="application/json",
                           icon=":material/data_object:", key="save-json", on_click="ignore", help="The recipe alone, as JSON")
        with st.popover("Open", icon=":material/folder_open:", key=OPEN, on_change="rerun", help="Open a saved picture, recipe or direction"):
            _open_panel()


def _open_panel() -> None:
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble)
    turn = st.session_state.setdefault(OPENED, 0)  # a new key empties the field after each file
    st.file_uploader("A picture saved here, a recipe, or a direction", type=list(KINDS), key=f"open-{turn}", on_change=_open,
                     max_upload_size=MAX_MEGABYTES)
    st.caption("You can drop it on the picture, too. Opening a recipe replaces the face and all edits; undo brings them back.")


def _open() -> None:
    upload = st.session_state.get(f"open-{st.session_state[OPENED]}")
    if upload is None:
        return
    st.session_state[OPENED] += 1
    st.session_state[TROUBLE] = open_file(upload.name, upload.getvalue())
    st.session_state[OPEN] = st.session_state[TROUBLE] is not None  # whoever has what they came for looks at the face


def open_dropped(dropped: dict) -> None:
    """Open a file that was dropped on the picture, as `dropped_file` has it."""
    try:
        st.session_state[DROP_TROUBLE] = open_file(*dropped_file(dropped))
    except ValueError as error:
        st.session_state[DROP_TROUBLE] = sentence(error)


def dropped_file(dropped: dict) -> tuple[str, bytes]:
    """Name and contents of a file that was dropped on a picture: {"name", "size", "data" as base64}. Raises ValueError for one that is too large or not whole."""
    name, size = str(dropped["name"]), int(dropped["size"])
    if size > MAX_MEGABYTES * 2**20:
        raise ValueError(f"{name} has {size} bytes; accepted: files up to {MAX_MEGABYTES} MB")
    try:
        return name, base64.b64decode(dropped["data"])
    except ValueError as error:
        raise ValueError(f"{name} did not arrive whole; drop it again") from error


def open_file(name: str, data: bytes) -> str | None:
    """Restore what the file holds; a sentence on one that is no use, which changes nothing."""
    try:
        if name.lower().endswith(".safetensors"):
            path = recipes.open_direction(data, name)
            snapshot = session.added(session.present(st.session_state), session.StackEdit(str(path)))
        else:
            snapshot = recipes.snapshot_from(data, name)
    except ValueError as error:
        return sentence(error)
    session.commit(st.session_state, snapshot)
    st.toast(f"Opened {plain(name)}", icon=":material/folder_open:")
    return None
