"""The pages and how one gets from one to the next. Streamlit runs this file for each visitor; the pages are in `views`."""

from pathlib import Path

import streamlit as st

from app.opening import opening

ICON = Path(__file__).with_name("icon.png")  # a file of ours: Streamlit fetches its own icons from the network
SIDEBAR_WIDTH = 340

st.set_page_config("eCLIPsed Studio", str(ICON), layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
page = st.navigation(
    [
        st.Page("views/edit.py", title="Edit", icon=":material/tune:", default=True),
        st.Page("views/photo.py", title="Photo", icon=":material/add_a_photo:"),
        st.Page("views/directions.py", title="Directions", icon=":material/arrow_split:"),
        st.Page("views/shape.py", title="Shape", icon=":material/interests:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("views/packs.py", title="Packs", icon=":material/inventory_2:"),
        st.Page("views/about.py", title="About", icon=":material/info:"),
    ],
    position="top",
)
if page.url_path == "":  # the page with a sidebar of its own, which would else push the rest aside when it came
    st.sidebar.empty()
with opening():
    from app.panels.frame import prepare  # brings torch, which takes seconds the first time

    prepare()
page.run()
