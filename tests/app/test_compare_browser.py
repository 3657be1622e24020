"""The comparison page in a real browser: compared with the keyboard, read on a phone, saved as a table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
WIDTHS = ((1280, 900), (390, 844))
SETTLE = 500  # milliseconds, for what fades in
COMPARE_SECONDS = 180  # a busy machine may take its time


def test_a_wish_is_compared_with_the_keyboard_and_saved_as_a_table(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    expect(page.get_by_text("Choose pictures and a wish")).to_be_visible()
    check_at_all_widths(page)
    attribute = page.get_by_role("combobox", name="Attribute")
    attribute.focus()
    page.keyboard.type("Bangs")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Compare", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="What was measured")
    expect(table).to_be_visible(timeout=1000 * COMPARE_SECONDS)
    expect(page.get_by_role("heading", name="“a person with bangs” on the face of seed")).to_be_visible()
    for alt in ("The picture before any edit", "After Text-driven direction", "Where Text-driven direction changed the picture"):
        assert page.get_by_alt_text(alt, exact=True).evaluate("image => image.naturalWidth") > 0
    check_at_all_widths(page)
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.measures').scrollLeft > 0")  # too wide for a phone: it moves, the page does not
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(Path(saved.value.path()).read_text(encoding="utf-8").splitlines()))
    assert rows[0]["editor"] == "Text-driven direction" and 0 <= float(rows[0]["localization"]) <= 1 and rows[0]["attribute"] == "Bangs"


def check_at_all_widths(page: Page) -> None:
    """axe-core finds nothing, and nothing sticks out."""
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)  # off all that tells of itself: Streamlit puts its tooltips outside of every landmark
        page.wait_for_timeout(SETTLE)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in Axe().run(page).response["violations"]] == [], f"at {width} pixels"
