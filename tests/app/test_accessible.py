"""Every page in a real browser, wide and as narrow as a phone: axe-core's rules, nothing that sticks out, the keyboard alone.

axe-core (Deque) comes with the package axe-playwright-python; the `page` fixture sees to it that the console stays empty.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
WIDTHS = ((1280, 900), (390, 844))
TABS = 60  # more than stand before the first card
SETTLE = 500  # milliseconds, for what fades in


def broken_rules(page: Page) -> list[str]:
    """What axe-core finds wrong, a line a rule, with the first element at fault."""
    found = [(rule, nodes) for rule in Axe().run(page).response["violations"] if (nodes := [node for node in rule["nodes"] if not is_streamlits(rule, node)])]
    return [f"{rule['id']}: {rule['help']} ({len(nodes)}): {nodes[0]['html'][:200]}" for rule, nodes in found]


def is_streamlits(rule: dict, node: dict) -> bool:
    """Streamlit's field for files is a section that is presentational and takes the focus; the button in it is what one uses."""
    return rule["id"] == "presentation-role-conflict" and 'data-testid="stFileUploaderDropzone"' in node["html"]


def check_at_all_widths(page: Page) -> None:
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)  # off all that tells of itself: Streamlit puts its tooltips outside of every landmark
        expect(page.locator('[data-stale="true"]')).to_have_count(0)  # what is drawn anew is faint until it comes
        page.wait_for_timeout(SETTLE)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert broken_rules(page) == [], f"at {width} pixels"


def test_the_edit_page_with_an_edit(page: Page) -> None:
    page.locator(".st-key-library").get_by_role("button", name="Curly hair").first.click()
    expect(page.get_by_role("slider", name="Strength of curly hair")).to_be_visible()
    check_at_all_widths(page)


@pytest.mark.parametrize("name, heading, last", [
    ("photo", "Photo", "No picture yet."), ("directions", "Directions", "“a person with bangs”"), ("packs", "Packs", "Downloads are kept in"), ("about", "eCLIPsed Studio", "Directions are kept in")])
def test_the_other_pages_opened_by_their_own_address(page: Page, address: str, name: str, heading: str, last: str) -> None:
    page.goto(f"{address}/{name}")
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_text(last).first).to_be_attached()
    check_at_all_widths(page)


def test_the_photo_page_with_points_on_a_picture_that_keys_move(page: Page, address: str) -> None:
    page.goto(f"{address}/photo")
    page.get_by_role("button", name="Try a drawn face").click()
    page.get_by_text("Four points", exact=True).click()
    eye = page.get_by_role("button", name="left eye,")
    expect(eye).to_be_visible()
    check_at_all_widths(page)
    before, looked_for = eye.get_attribute("aria-label"), page.get_by_alt_text("The square that is cut out, upright")
    cut_out = looked_for.get_attribute("src")
    eye.focus()
    for _ in range(5):
        eye.press("Shift+ArrowRight")
    expect(looked_for).not_to_have_attribute("src", cut_out)
    expect(eye).to_be_focused()
    assert eye.get_attribute("aria-label") != before


def test_a_direction_is_found_and_used_with_the_keyboard_alone(page: Page, address: str) -> None:
    page.goto(f"{address}/directions")
    expect(page.get_by_role("button", name="Use").first).to_be_visible()
    focused = "document.activeElement.tagName === 'BUTTON' ? document.activeElement.innerText : ''"
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if "Use" in page.evaluate(focused).split():
            break
    style = page.evaluate("(({outlineStyle, boxShadow}) => [outlineStyle, boxShadow])(getComputedStyle(document.activeElement))")
    assert "Use" in page.evaluate(focused).split() and style != ["none", "none"], "it cannot be reached, or nobody sees that it was"
    page.keyboard.press("Enter")
    expect(page.get_by_role("slider", name="Strength of").first).to_be_visible()
