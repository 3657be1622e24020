"""What every page begins with: its style, the models, and the work of the visitor who came back."""

from __future__ import annotations

import streamlit as st

from app import resources, session
from app.panels.training import shown_jobs, training_panel
from app.widgets import page_style, sentence


def begin_page() -> None:
    """Call first. A page that cannot have the models says so, and ends here."""
    page_style()
    open_pack()
    keep_visit()


def jobs_beside() -> None:
    """The jobs, in a sidebar that is there only while there are any."""
    if shown_jobs():
        with st.sidebar:
            training_panel()


def open_pack() -> None:
    """Load the models; a page that cannot have them says so and how to get on, and ends here."""
    try:
        resources.pack()
    except (ValueError, OSError) as error:
        st.error(f"The studio cannot open its models. {sentence(error)}", icon=":material/error:")
        st.caption("The environment variable ECLIPSED_PACK chooses a pack; `python -m packs list` shows those there are.")
        st.stop()


def keep_visit() -> None:
    """Give the visit a name in the address, and take up its history again after a reload."""
    visit = st.session_state.get(session.VISIT_KEY) or st.query_params.get("visit")
    if visit in resources.visits() and session.HISTORY_KEY not in st.session_state:
        st.session_state[session.HISTORY_KEY] = resources.visits()[visit]
    session.begin(st.session_state, resources.pack().truncation)
    if visit:
        st.session_state[session.VISIT_KEY] = visit
    st.query_params["visit"] = session.visit(st.session_state)
