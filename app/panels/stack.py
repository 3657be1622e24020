"""The stack of edits: a card a direction with its strength, its layers, its place, and the library to add more from."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import directions, layers, rendering, resources, session
from app.components.describe import describe_button
from app.components.tiles import Tile, tiles
from app.panels.earlier import earlier_panel
from app.panels.live import palette, strength_slider
from app.session import History, StackEdit
from app.widgets import bind, plain, sentence
from lelsd.direction import Direction

LAYER_COLUMNS = 5
LAYERS_SHOWN = "layers_shown"  # uids of the cards that show theirs
SHOWN_DIRECTIONS = 60  # more are found by searching


def stack_panel() -> None:
    """Draw the edits of the present snapshot, then what can be added."""
    history = session.history(st.session_state)
    _toolbar(history)
    describe_button()
    edits = history.present.edits
    entries, problems = resources.library()
    if not edits:
        where = "Add one from the list below, or describe one of your own in the sidebar." if entries else "Describe one in the sidebar to learn it."
        st.info(f"No edits yet. {where}", icon=":material/tune:")
        earlier_panel()
    for place, edit in enumerate(edits):
        _card(edit, place, len(edits))
    palette()
    _library(entries, problems)


def add_direction(path: str, alpha: float = 1.0) -> None:
    """Put a direction on top of the stack."""
    session.commit(st.session_state, session.added(session.present(st.session_state), StackEdit(path, alpha)))


def _toolbar(history: History) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="toolbar"):
        st.subheader("Edits", anchor=False, width="stretch")
        st.button("Undo", icon=":material/undo:", key="undo", shortcut="Ctrl+Z", disabled=not history.past, on_click=_step,
                  args=(session.undo,), help="Undo (Ctrl+Z)")
        st.button("Redo", icon=":material/redo:", key="redo", shortcut="Ctrl+Shift+Z", disabled=not history.future,
                  on_click=_step, args=(session.redo,), help="Redo (Ctrl+Shift+Z)")
        st.button("Reset", icon=":material/restart_alt:", key="reset", disabled=not history.present.edits, on_click=_reset,
                  help="Remove all edits (undo brings them back)")


def _card(edit: StackEdit, place: int, count: int) -> None:
    """One edit. A direction whose file has gone keeps its card, so that it can be deleted or waited for.

    The key of the card never changes: with another one the browser would make its buttons anew, and lose a press on one of them.
    """
    with st.container(border=True, key=f"edit-card-{edit.uid}", gap="small"):
        try:
            direction = resources.direction(edit.direction)
            direction.check_pack(resources.pack())
        except ValueError as error:
            gone = directions.deleted_from(edit.direction)
            st.error(sentence(f"{resources.title_of(gone.direction)} was deleted from the library" if gone else error))
            with st.container(horizontal=True, gap="small"):
                if gone:
                    st.button("Restore", icon=":material/undo:", key=f"restore-{edit.uid}", on_click=_restore, args=(gone.folder,))
                st.button("Take off the stack", icon=":material/delete:", key=f"delete-{edit.uid}", on_click=_remove, args=(edit.uid,))
            return
        title = resources.title_of(direction)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"quiet-{edit.uid}"):
            with st.container(key=f"{'muted-title' if edit.muted else 'title'}-{edit.uid}", width="stretch"):
                st.markdown(f"**{plain(title[:1].upper() + title[1:])}** :small[:gray[{direction.part}{resources.needs(direction)}{_end(edit)}]]")
            _buttons(edit, place, count)
        strength_slider(edit, title)
        if _shows_layers(edit):
            _which(edit, direction)
            if direction.has_ends:
                st.toggle("Past where faces end", key=bind(f"free-{edit.uid}", edit.free), on_change=_set_free, args=(edit.uid,),
                          help="At strength 1 a face is as much like that as faces of this pack are. Past it, colours glow and shapes break.")
            _layers(edit, direction)


def _end(edit: StackEdit) -> str:
    """Why an edit does nothing, if it is because the face is so already."""
    return " · nothing left to change" if rendering.is_at_its_end(session.present(st.session_state), edit.uid) else ""


def _buttons(edit: StackEdit, place: int, count: int) -> None:
    opened = _shows_layers(edit)
    _icon("Hide its layers" if opened else "Layers it touches", ":material/layers_clear:" if opened else ":material/layers:",
          "layers-of", edit, on_click=_show_layers, shown=not opened)
    _icon("Unmute" if edit.muted else "Mute", ":material/visibility_off:" if edit.muted else ":material/visibility:", "mute", edit,
          on_click=_mute, muted=not edit.muted)
    _icon("Move up", ":material/arrow_upward:", "up", edit, on_click=_move, by=-1, disabled=place == 0)
    _icon("Move down", ":material/arrow_downward:", "down", edit, on_click=_move, by=1, disabled=place == count - 1)
    _icon("Delete", ":material/delete:", "delete", edit, on_click=_remove)


def _icon(label: str, icon: str, name: str, edit: StackEdit, *, on_click, disabled: bool = False, **kwargs: int) -> None:
    st.button(label, icon=icon, key=f"{name}-{edit.uid}", help=label, on_click=on_click, args=(edit.uid,), kwargs=kwargs,
              disabled=disabled, type="tertiary")


def _which(edit: StackEdit, direction: Direction) -> None:
    """A choice among directions that were learned together for one prompt."""
    if direction.num_directions > 1:
        st.segmented_control("Variant", list(range(direction.num_directions)), format_func=lambda n: str(n + 1), required=True,
                             key=bind(f"variant-{edit.uid}", edit.index), on_change=_set_index, args=(edit.uid,))


def _layers(edit: StackEdit, direction: Direction) -> None:
    """The layers it was learned on, each with a picture of what it changes; pressing one takes it out or back in."""
    learned = tuple(direction.layers)
    chosen = learned if edit.layers is None else edit.layers
    try:
        with st.spinner("Trying each layer …"):
            pictures = layers.effects(session.present(st.session_state), edit.uid, learned)
    except (ValueError, OSError) as error:
        st.caption(f":material/warning: {sentence(error)}")
        return
    tiles(
        [Tile(layer, picture, f"Layer {layer_name(layer)}", layer in chosen, layer_name(layer)) for layer, picture in zip(learned, pictures)],
        label="Layers it touches", columns=min(LAYER_COLUMNS, len(learned)), many=True, key=f"layers-{edit.uid}",
        on_pick=lambda: _toggle_layer(edit.uid, learned),
    )
    st.caption("It glows where a layer changes the picture. Press a layer to leave it out, if the edit changes more than it should."
               if chosen else "No layer is left, so the edit does nothing. Press one to take it back in.")


def layer_name(layer: int) -> str:
    """A layer of w+ and the size of what it acts on: 4 pixels wide for layer 0, 8 for 1 and 2, and so on; the last one colours."""
    return f"{layer} · {min(4 * 2 ** ((layer + 1) // 2), resources.pack().resolution)} px"


def _library(entries: list[resources.Entry], problems: list[str]) -> None:
    st.markdown("**Add a direction**")
    wanted = st.text_input("Search directions", key="search", placeholder="Search directions", label_visibility="collapsed",
                           icon=":material/search:") if len(entries) > 6 else ""
    found = directions.search(entries, wanted)
    with st.container(horizontal=True, gap="small", key="library"):
        for entry in found[:SHOWN_DIRECTIONS]:
            icon = ":material/person_edit:" if entry.own else ":material/add:"
            st.button(plain(entry.title), key=f"add-{entry.path}", icon=icon, on_click=add_direction, args=(entry.path,),
                      help=plain(f"{entry.direction.prompt} ({'learned here' if entry.own else 'ready-made'})"))
    if not entries:
        st.caption("None here yet. What you learn or import is kept here.")
    elif not found:
        st.caption(f"No direction is called “{plain(wanted)}”. Describe it in the sidebar to learn it.")
    elif len(found) > SHOWN_DIRECTIONS:
        st.caption(f"And {len(found) - SHOWN_DIRECTIONS} more: search to find them.")
    for problem in problems:
        st.caption(f":material/warning: {sentence(problem)}")


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _commit(snapshot: session.Snapshot, tag: str | None = None) -> None:
    session.commit(st.session_state, snapshot, tag)


def _step(walk) -> None:
    walk(st.session_state)


def _restore(folder: Path) -> None:
    try:
        directions.restore(folder)
    except ValueError as error:
        st.toast(sentence(error), icon=":material/error:")


def _reset() -> None:
    _commit(session.without_edits(session.present(st.session_state)))


def _shows_layers(edit: StackEdit) -> bool:
    return edit.uid in st.session_state.get(LAYERS_SHOWN, ())


def _show_layers(uid: str, shown: bool) -> None:
    others = st.session_state.get(LAYERS_SHOWN, frozenset()) - {uid}
    st.session_state[LAYERS_SHOWN] = others | {uid} if shown else others


def _toggle_layer(uid: str, learned: tuple[int, ...]) -> None:
    picked = st.session_state[f"layers-{uid}"].get("picked")
    snapshot = session.present(st.session_state)
    edit = next((edit for edit in snapshot.edits if edit.uid == uid), None)
    if picked not in learned or edit is None:
        return
    kept = tuple(sorted({*(learned if edit.layers is None else edit.layers)} ^ {int(picked)}))
    _commit(session.changed(snapshot, uid, layers=None if kept == learned else kept))


def _set_index(uid: str) -> None:
    _commit(session.changed(session.present(st.session_state), uid, index=int(st.session_state[f"variant-{uid}"])))


def _set_free(uid: str) -> None:
    _commit(session.changed(session.present(st.session_state), uid, free=bool(st.session_state[f"free-{uid}"])))


def _mute(uid: str, muted: bool) -> None:
    _commit(session.changed(session.present(st.session_state), uid, muted=muted))


def _move(uid: str, by: int) -> None:
    _commit(session.moved(session.present(st.session_state), uid, by))


def _remove(uid: str) -> None:
    _commit(session.removed(session.present(st.session_state), uid))
