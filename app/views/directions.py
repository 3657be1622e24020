"""The directions page: everything that can be dragged, what it does, and how well."""

from __future__ import annotations

import streamlit as st

from app.panels.briefly import jobs_in_page
from app.panels.bring import bring_panel
from app.panels.frame import begin_page, jobs_beside
from app.panels.library import library_panel

begin_page()
jobs_beside()
jobs_in_page()
st.title("Directions", anchor=False)
st.caption("Each is a slider. The pictures show the present face at strength -1, 0 and 1.")
bring_panel()
library_panel()
