"""The photo page: a picture of one's own, the face in it, and the face that the generator draws for it."""

from __future__ import annotations

import streamlit as st

from app.panels.frame import begin_page, jobs_beside
from app.panels.photo import photo_panel

begin_page()
jobs_beside(("train", "fetch"))
st.title("Photo", anchor=False)
st.caption("A picture of your own becomes a face that every slider works on.")
photo_panel()
