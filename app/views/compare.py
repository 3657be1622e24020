"""The comparison page: one wish, the same pictures, and every editor there is side by side."""

from __future__ import annotations

import streamlit as st

from app.job_request import KINDS
from app.panels.briefly import jobs_in_page
from app.panels.compare import absences, choices_panel
from app.panels.compared import EMPTY, STYLE, compared_panel
from app.panels.comparisons import at_work, comparisons_panel, result, take_newest
from app.panels.frame import begin_page, jobs_beside
from app.widgets import sentence, style

OTHERS = [kind for kind in KINDS if kind != "compare"]  # its own jobs the page shows itself

begin_page()
jobs_beside(OTHERS)
jobs_in_page(OTHERS)
style(STYLE)
st.title("Compare", anchor=False)
st.caption("The text-driven direction beside editors that were taught labels or shapes: the same pictures, the same wish, the same measures.")
take_newest()
choices_panel()
comparisons_panel()
compared = result()
if compared is not None:
    compared_panel(compared)
elif not at_work():
    st.info(EMPTY, icon=":material/compare:")
    try:
        if lacking := absences():
            with st.expander("Editors that this pack does not have", icon=":material/block:"):
                for line in lacking:
                    st.caption(line)
    except ValueError as error:
        st.error(sentence(error), icon=":material/error:")
