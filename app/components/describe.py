"""A button that opens the sidebar at the prompt. For phones, where the sidebar is shut and only two small arrows say that it is there."""

from __future__ import annotations

import streamlit as st

from app.components.registry import available, component


def describe_button() -> None:
    """Draw it; the page's style shows it on narrow screens only."""
    if available():
        with st.container(key="on-phones"):
            component("describe", "sidebar", "describe")(key="describe")
