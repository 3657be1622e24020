"""Presses that come right after something else, in a real browser: each is drawn, and none finds its button gone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
TIMES = 8
TOGETHER = """(button) => {
    const { target, basis } = eclipsedLive.sets.get(eclipsedLive.armed);
    eclipsedLive.ask({ target, basis, have: 0 });
    button.click();
}"""
AND_FRAMES = """(button) => {
    button.click();
    const { target, basis } = eclipsedLive.sets.get(eclipsedLive.armed);
    setTimeout(() => eclipsedLive.ask?.({ target, basis, have: 0 }), 20);  // while the press is being drawn, if there is somebody to ask then
}"""


@pytest.fixture
def card(page: Page) -> Locator:
    """The card of an edit that is on the stack."""
    page.locator(".st-key-library").get_by_role("button", name="Glasses").first.click()
    expect(page.get_by_role("slider", name="Strength of glasses").first).to_have_value("1")
    return page.locator('[class*="st-key-edit-card"]')


def test_a_press_in_the_turn_in_which_frames_are_asked_for_is_drawn(page: Page, card: Locator) -> None:
    for _ in range(TIMES // 4):
        for name, then in (("Layers it touches", "Hide its layers"), ("Hide its layers", "Layers it touches")):
            card.get_by_role("button", name=name).evaluate(TOGETHER)
            expect(card.get_by_role("button", name=then)).to_be_visible()


def test_presses_right_after_a_change_are_drawn(page: Page, card: Locator) -> None:
    """A key on the slider, and the next moment a press: while frames are fetched and the change is being drawn."""
    slider = card.get_by_role("slider")
    names = ["Layers it touches", "Hide its layers"]
    for n in range(TIMES):
        slider.press("ArrowLeft")
        page.wait_for_timeout(50 * (n % 6))  # before, while and after the strength counts as let go of
        card.get_by_role("button", name=names[n % 2]).click()
        expect(card.get_by_role("button", name=names[(n + 1) % 2])).to_be_visible()
    expect(slider).to_have_value(f"{1 - 0.05 * TIMES:g}")


def test_buttons_stay_the_same_ones_when_an_edit_is_muted(page: Page, card: Locator) -> None:
    """A mouse that is pressed on one and let go of on another has pressed neither, and the keyboard's place would be lost."""
    mute = card.get_by_role("button", name="Mute", exact=True)
    mute.focus()
    before = [button.element_handle() for button in card.get_by_role("button").all()]
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Unmute")).to_be_focused()
    expect(card).to_have_css("opacity", "0.55")
    assert len(before) == 5 and all(button.evaluate("button => button.isConnected") for button in before)
    page.keyboard.press("Enter")
    expect(mute).to_be_focused()
    expect(card).to_have_css("opacity", "1")


def test_a_press_on_a_page_that_has_only_just_come_is_drawn(browser: Browser, address: str) -> None:
    """What the first run had not sent yet of the stage was forgotten by the run that the press asked for, and the page broke."""
    for number in range(4):
        new = browser.new_page()
        new.goto(f"{address}/shape")
        new.get_by_role("button", name=f"Shape {number + 1}").first.click(timeout=180_000)  # the server may only just have started
        expect(new.locator(".stage .frame:not(.second) .after")).to_have_attribute("alt", re.compile("hair drawn anew 1.00"))
        new.close()


def test_what_a_press_takes_away_has_gone_though_frames_are_asked_for_meanwhile(page: Page, address: str) -> None:
    """The end of the run that the press asked for was taken for an early one, and the picture on the left stayed beside its successor."""
    page.goto(f"{address}/shape")
    picture = page.locator(".stage .frame:not(.second) .after")
    page.wait_for_function("window.eclipsedLive?.sets.has(eclipsedLive.armed)")
    for _ in range(TIMES // 2):
        for name, brushes in (("By brush", 1), ("By part", 0)):
            page.get_by_role("radio", name=name).evaluate(AND_FRAMES)
            expect(page.locator(".brush canvas")).to_have_count(brushes)
            expect(picture).to_have_count(1)
