"""The packs page: the models that are here, those that can be had, and the room that they take."""

from __future__ import annotations

import streamlit as st

from app.panels.briefly import jobs_in_page
from app.panels.frame import begin_page, jobs_beside
from app.panels.packs import add_panel, packs_panel

begin_page()
jobs_beside()
jobs_in_page()
st.title("Packs", anchor=False)
st.caption("A pack is a generator with the models that belong to it. Nothing is downloaded before you accept its licence.")
packs_panel()
add_panel()
