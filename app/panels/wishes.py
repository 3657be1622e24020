"""Under the prompt: what it asks for is there already, or is several things, each of them an edit of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import streamlit as st

from app import resources, session
from app.at_hand import Wanted, all_wanted, near_at_hand, unheard_in
from app.directions import origin
from app.session import StackEdit
from app.widgets import plain
from lelsd.prompt import Prompt
from lelsd.wishes import changes_kept

BEGUN = "wishes_begun"  # the prompt, and the stack when it was typed
LEARN_ICON, READY_ICON = ":material/model_training:", ":material/check:"


def offered(prompt: Prompt) -> list[Wanted]:
    """What a prompt asks for, thing by thing."""
    stack = session.present(st.session_state).edits
    typed, begun = st.session_state.get(BEGUN, ("", ()))
    if typed != prompt.text:
        st.session_state[BEGUN] = _, begun = prompt.text, stack
    return all_wanted(prompt, resources.library()[0], resources.jobs(), stack, begun)


def is_told(wanted: Sequence[Wanted]) -> bool:
    """Whether there is more to say of what is wanted than the button does that learns one thing."""
    return len(wanted) > 1 or any(one.entry is not None for one in wanted)


def unknown_words(prompt: Prompt, wanted: Sequence[Wanted]) -> list[str]:
    """The words of a prompt, and of the things that it asks for, that the pack's CLIP has never seen, each once."""
    texts = [prompt.text, *(one.prompt.text for one in wanted if len(wanted) > 1)]
    return list(dict.fromkeys(word for text in texts for word in unheard_in(text, resources.pack_name())))


def wishes_panel(prompt: Prompt, wanted: Sequence[Wanted], take: Callable[[Sequence[Wanted]], None]) -> None:
    """Offer what is at hand of a prompt, and several things one by one. take: called when they are wanted."""
    with st.container(border=True, key="wishes", gap="small"):
        if len(wanted) > 1:
            st.markdown(f"**{len(wanted)} things, a slider each**")
        st.markdown("\n\n".join(_line(one, len(wanted) == 1) for one in wanted))
        for line in _changes_kept(prompt, wanted):
            st.caption(line)
        if label := _label(wanted):
            st.button(label, type="primary", key="take-wishes", icon=":material/playlist_add:", on_click=take, args=(wanted,), width="stretch")


def near_panel(wanted: Sequence[Wanted], take: Callable[[Sequence[Wanted]], None]) -> None:
    """Offer what does a part of that which is to be learned, and is there. take: called with one of it."""
    stack = session.present(st.session_state).edits
    near = near_at_hand(wanted, resources.library()[0], stack)
    if not near:
        return
    st.caption("Close to this, and ready at once:")
    with st.container(horizontal=True, gap="small", key="near"):
        for one in near:
            st.button(plain(one.title), key=f"near-{one.entry.path}", icon=READY_ICON, on_click=take, args=((one,),))


def _changes_kept(prompt: Prompt, wanted: Sequence[Wanted]) -> list[str]:
    """What of that which shall stay is changed all the same, a line for each direction that does so."""
    lines = []
    for one in wanted:
        with contextlib.suppress(ValueError):  # a damaged card is told of in the library
            if one.entry is not None and (parts := changes_kept(prompt, one.entry.direction, one.alpha)):
                lines.append(f"{plain(one.entry.title)} changes the {' and the '.join(parts)} as well.")
    return lines


def _line(one: Wanted, alone: bool) -> str:
    """A thing, and where it is."""
    if one.on_stack:
        where = "on the stack"
    elif one.entry is not None:
        where = origin(one.entry)
    else:
        where = "being learned" if one.on_its_way else "to be learned"
    if alone:
        return f"{READY_ICON} There already: {plain(one.title)}{' :small[:gray[on the stack]]' if one.on_stack else ''}"
    return f"{READY_ICON if one.entry is not None else LEARN_ICON} {plain(one.title)} :small[:gray[{where}]]"


def _label(wanted: Sequence[Wanted]) -> str:
    """What the button does; "" where there is nothing left to do."""
    ready, missing = sum(one.can_be_added for one in wanted), sum(one.is_missing for one in wanted)
    if len(wanted) == 1:
        return ("Move its slider" if wanted[0].is_moved else "Add it") if ready else ""
    words = [f"Add {ready}"] * bool(ready) + [f"learn {missing}"] * bool(missing)
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


# --- what the button does ---------------------------------------------------------------------------------------------


def add(wanted: Sequence[Wanted]) -> None:
    """Put what is there on the stack, one step of undo; an edit that is there already, at another strength, is set to what is wanted."""
    snapshot = session.present(st.session_state)
    for one in wanted:
        if one.can_be_added:
            present = next((edit for edit in snapshot.edits if edit.direction == one.entry.path), None)
            snapshot = (session.added(snapshot, StackEdit(one.entry.path, one.alpha)) if present is None
                        else session.changed(snapshot, present.uid, alpha=one.alpha, muted=False))
    session.commit(st.session_state, snapshot)
