"""The photo page: a picture of one's own, the face in it, and the face that the generator draws for it."""

from __future__ import annotations

import streamlit as st

from app.job_request import KINDS
from app.panels.briefly import jobs_in_page
from app.panels.earlier import remember_here
from app.panels.frame import begin_page, jobs_beside
from app.panels.photo import photo_panel

OTHERS = [kind for kind in KINDS if kind != "invert"]  # its own jobs the page shows itself

begin_page()
jobs_beside(OTHERS)
jobs_in_page(OTHERS)
st.title("Photo", anchor=False)
st.caption("A picture of your own becomes a face that every slider works on.")
photo_panel()
remember_here()  # last: it shows nothing
