"""A picture of one's own in a real browser: uploaded, searched for in a process of its own, edited."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from portraits.render import Renderer
from portraits.scene import sample

pytestmark = pytest.mark.browser
SEARCH_SECONDS = 300  # a busy machine may take its time
STEPS = 3
FACE = (0x70686F746F, 21)  # a drawn face that no training has seen


@pytest.fixture
def drawn_face() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(Renderer(256).draw(sample(*FACE))[0]).save(buffer, "PNG")
    return buffer.getvalue()


def test_from_a_picture_to_a_slider_that_changes_it(page: Page, address: str, drawn_face: bytes, tour) -> None:
    page.goto(f"{address}/photo")
    field = page.locator('input[type="file"]')
    field.set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_text("notes.png is no picture of a kind that is read here")).to_be_visible()
    expect(field).to_have_count(1)  # the field before it may still be there
    field.set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": drawn_face})
    expect(page.get_by_alt_text("Your picture, 256 by 256 pixels")).to_be_visible()

    page.get_by_role("button", name="Settings").click()
    steps = page.get_by_role("spinbutton", name="Steps at most")
    steps.fill(str(STEPS))
    steps.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Find this face").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.reload()
    edit = page.get_by_role("button", name="Edit it").first
    expect(edit).to_be_visible(timeout=1000 * SEARCH_SECONDS)
    expect(page.get_by_alt_text("Found", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Likeness 0\.[5-9]")).first).to_be_visible()
    tour(page, "photo")

    edit.click()
    shown = page.locator(".stage .frame:not(.second) .after")
    expect(shown).to_have_attribute("alt", "The face that was opened, without edits")
    found = shown.get_attribute("src")
    page.locator(".st-key-library").get_by_role("button", name="Curly hair").first.click()
    expect(shown).to_have_attribute("alt", "The face that was opened with curly hair +1.00")
    assert shown.get_attribute("src") != found
    page.reload()
    expect(shown).to_have_attribute("alt", "The face that was opened with curly hair +1.00")
