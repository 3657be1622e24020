"""What every page begins with: its style, the models, and the work of the visitor who came back."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

import streamlit as st

from app import resources, session
from app.files import is_name
from app.job_request import KINDS
from app.panels.training import shown_jobs, training_panel
from app.widgets import page_style, plain, sentence
from packs.cli import describe


def prepare() -> None:
    """Know the visitor, and open the models of their pack. Where that cannot be, the page that is drawn next says so."""
    resources.read_jobs_anew()
    keep_visit()
    with contextlib.suppress(ValueError, OSError):
        _ = resources.pack().generator


def begin_page() -> None:
    """Call first. A page that cannot have the models says so, and ends here."""
    page_style()
    open_pack()
    session.begin(st.session_state, resources.pack().truncation)


def jobs_beside(kinds: Collection[str] = tuple(KINDS)) -> None:
    """The jobs, in a sidebar that is there only while there are any. `kinds`: those that the page itself does not show."""
    if shown_jobs(kinds, resources.jobs()):
        with st.sidebar:
            training_panel(kinds)


def open_pack() -> None:
    """Load the models; a page that cannot have them says so and how to get on, and ends here."""
    try:
        resources.pack()
    except (ValueError, OSError) as error:
        st.error(f"The studio cannot open its models. {sentence(error)}", icon=":material/error:")
        if resources.pack_name() != resources.own_pack():
            st.button(f"Go on with {plain(resources.own_pack())}", key="own-pack", icon=":material/undo:", on_click=_own_pack)
        else:
            st.caption("The environment variable ECLIPSED_PACK chooses a pack; `python -m packs list` shows those there are.")
        st.stop()


def _own_pack() -> None:
    session.change_pack(st.session_state, resources.pack_name(), resources.own_pack())


def keep_visit() -> None:
    """Give the visit a name in the address, and take up its work again after a reload."""
    visit = st.session_state.get(session.VISIT_KEY) or st.query_params.get("visit")
    try:
        if kept := resources.visits().get(visit):
            session.take_up(st.session_state, kept)
        if is_name(visit):
            st.session_state[session.VISIT_KEY] = visit
    except (ValueError, OSError) as error:  # what is there stays as it is; this is a visit of another name
        st.toast(f"The work of this visit cannot be read. {sentence(describe(error))}", icon=":material/error:")
    st.query_params["visit"] = session.visit(st.session_state)
