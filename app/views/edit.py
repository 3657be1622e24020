"""The edit page: the picture, the face it starts from, the stack of edits; learning on the left."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app import rendering, resources, session
from app.components.picture import picture
from app.opening import first_picture
from app.panels import live
from app.panels.briefly import jobs_in_page
from app.panels.earlier import remember_here
from app.panels.face import face_panel
from app.panels.files import files_panel, open_dropped
from app.panels.frame import begin_page
from app.panels.history import history_panel
from app.panels.prompt import prompt_panel, shown_areas, shown_parts
from app.panels.sheets import sheets_panel
from app.panels.stack import stack_panel
from app.panels.training import training_panel
from app.widgets import confirm_shown, sentence


@st.fragment(key="stage")
def stage() -> None:
    """Picture and sliders. A fragment: moving a slider draws this again and nothing else."""
    resources.remember_visit()  # before anything is drawn: whoever reloads on seeing the picture finds it again
    with st.container(key="stage"):
        with first_picture(rendering.RENDERER not in st.session_state), st.container(key="stage-picture"):
            show_picture()
        with st.container(key="stage-stack"):
            stack_panel()
        with st.container(key="stage-start"):
            face_panel()
            files_panel()
            sheets_panel()
            history_panel()
            remember_here()  # last: it shows nothing
    confirm_shown()
    resources.remember_visit()


def show_picture() -> None:
    """The picture, its original where something is changed, and the part that the prompt means."""
    snapshot = rendering.drawable(session.present(st.session_state))
    try:
        after = rendering.picture(snapshot)
        before = rendering.original(snapshot) if rendering.is_edited(snapshot) else None
        parts = shown_parts()
        overlay = rendering.part_overlay(after, parts, shown_areas()) if parts else None
    except (ValueError, OSError) as error:
        st.error(f"This picture cannot be drawn. {sentence(error)}")
        return
    picture(after, before, overlay, alt=rendering.words(snapshot), caption=caption(parts),
            revision=live.revision(), key="picture", on_drop=_open_dropped)
    rendering.small(snapshot, after)


def _open_dropped() -> None:
    if dropped := st.session_state["picture"].get("dropped"):
        open_dropped(dropped)


def caption(parts: Mapping[str, float]) -> str:
    """One line under the picture; "" where nothing is shaded."""
    return f"Shaded: {', '.join(parts)}" if parts else ""


# --- the page ---------------------------------------------------------------------------------------------------------

begin_page()
with st.sidebar:
    prompt_panel()
    training_panel()
jobs_in_page()
stage()
live.feed()  # last: it shows nothing, and would push what comes after it down
resources.warm_up(resources.pack_name(), resources.pack())
