"""What stands on the page while somebody waits for the models or the first picture, and that it goes again."""

from __future__ import annotations

import subprocess
import sys

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from app.opening import first_picture, opening

with {block}:
    {inside}
"""


def drawn(block: str, inside: str) -> str:
    """The HTML that a page shows whose run ends inside the block, or after it."""
    page = AppTest.from_string(SCRIPT.format(block=block, inside=inside)).run()
    assert not page.exception, page.exception[0].message
    return " ".join(element.proto.body for element in page.get("html"))


@pytest.mark.parametrize("block, words", [("opening()", "Opening the models"), ("first_picture(True)", "Drawing the first picture")])
def test_it_stands_there_while_one_waits_and_goes(block, words):
    assert words in drawn(block, "st.stop()")
    assert drawn(block, "pass") == ""


def test_a_picture_that_is_there_already_keeps_its_place():
    assert drawn("first_picture(False)", "st.stop()") == ""


def test_it_is_seen_before_torch_is_imported():
    heavy = "import sys, app.opening; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", heavy]).returncode == 0, "a visitor looks at an empty page while torch is imported"


@pytest.mark.parametrize("address, there", [("edit", True), ("about", False)])
def test_a_page_with_a_sidebar_has_it_while_the_models_are_opened(studio, visit_page, monkeypatch, address, there):
    """Where it comes with what is in it, it pushes the navigation aside."""
    page = studio()
    monkeypatch.setattr("app.panels.frame.prepare", lambda: streamlit.stop())
    page = visit_page(page, address)
    assert bool(page.sidebar.children) == there
