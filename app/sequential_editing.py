"""The studio: `streamlit run app/sequential_editing.py`. The server and nothing else; `navigation.py` draws the pages."""

from pathlib import Path

import streamlit as st

from app.addresses import page_routes
from app.unsent import send_all

send_all()
app = st.App(Path(__file__).with_name("navigation.py"), routes=page_routes())
