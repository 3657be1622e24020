"""The visit that this browser made before: it remembers its name, and a page on which nothing was begun yet offers to go on with it."""

from __future__ import annotations

import contextlib

import streamlit as st

from app import beside, rendering, resources, session
from app.components.remember import NAME, remember
from app.widgets import plain
from packs import registry

PICTURE = 48  # pixels


def remember_here() -> None:
    """Let the browser remember this visit, once something was changed."""
    if session.work(st.session_state).begun:
        remember(session.visit(st.session_state))


def earlier_panel() -> None:
    """Offer to go on with the last visit of this browser, where nothing was begun here."""
    name = st.context.cookies.get(NAME)
    if name == session.visit(st.session_state) or session.work(st.session_state).begun:
        return
    with contextlib.suppress(ValueError, OSError):  # what cannot be read, or was made in a pack that has gone, is not offered
        if kept := resources.visits().get(name):
            _offer(name, kept)


def _offer(name: str, kept: session.Work) -> None:
    """Its picture and what was done to it, or the pack that it is in."""
    pack = kept.pack or resources.own_pack()
    if registry.find(pack) == registry.find(resources.pack_name()):
        shown = rendering.drawable(kept.history.present)
        image, words = rendering.small(shown), rendering.words(shown)
        what = f"Last time: {words[:1].lower()}{words[1:]}"
    else:
        image, what = None, f"Last time: a face of the pack {pack}"
    what = "; ".join([what, *sorted({beside.words(name) for name in kept.beside})])
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="earlier"):
        if image:
            st.image(image, width=PICTURE)
        st.markdown(f"{plain(what)}.", width="stretch")
        if st.button("Go on", key="go-on"):  # no callback: the stage, a fragment, would be drawn alone after it
            session.return_to(st.session_state, name, kept)
            st.rerun()
