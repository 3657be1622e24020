"""The shape page: a part of a face gets another shape, or its mask another outline, and the picture follows."""

from __future__ import annotations

import streamlit as st

from app.panels.briefly import jobs_in_page
from app.panels.frame import begin_page, jobs_beside
from app.panels.shape import shape_panel

begin_page()
jobs_beside()
jobs_in_page()
st.title("Shape", anchor=False)
st.caption("Change the shape of a part, or paint its mask by hand: Semantic-VAE draws shapes, MaskGAN paints them.")
shape_panel()
