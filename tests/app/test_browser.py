"""The real server in a real browser: prompt, training, slider, picture. Marked `browser`; needs Debian's chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser
TRAIN_SECONDS = 400  # a busy machine may take its time
STEPS = 4


def shown(page: Page) -> Locator:
    """The picture, as edited."""
    return page.locator(".stage .frame:not(.second) .after")


def strength_shown(page: Page, strength: str) -> None:
    """Wait for the picture of this strength; its description names it."""
    expect(shown(page)).to_have_attribute("alt", re.compile(re.escape(f"curly hair {strength}")))


def test_from_a_prompt_to_a_slider_that_changes_the_picture(page: Page) -> None:
    original = shown(page).get_attribute("src")
    page.get_by_label("What should the person look like?").fill("a person with curly hair")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Because of “curly hair”.")).to_be_visible()
    expect(page.locator(".stage .overlay").first).to_have_attribute("src", re.compile("^data:image/png"))

    page.get_by_text("Settings", exact=True).click()
    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill(str(STEPS))
    steps.press("Enter")
    page.get_by_role("button", name="Learn this edit").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.reload()
    slider = page.get_by_role("slider", name="Strength of curly hair")
    expect(slider.or_(page.get_by_role("progressbar")).first).to_be_visible()

    expect(page.get_by_text("It is on the stack, move its slider.")).to_be_visible(timeout=1000 * TRAIN_SECONDS)
    expect(slider).to_be_visible()
    strength_shown(page, "+1.00")
    learned = shown(page).get_attribute("src")
    assert learned != original
    for _ in range(10):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("0.5")
    strength_shown(page, "+0.50")
    assert shown(page).get_attribute("src") not in (original, learned)

    page.reload()
    strength_shown(page, "+0.50")
    page.get_by_role("button", name="Reset").click()
    expect(shown(page)).to_have_attribute("src", original)
    page.keyboard.press("Control+z")
    strength_shown(page, "+0.50")


def test_who_comes_back_without_the_address_goes_on_where_they_were(page: Page, address: str) -> None:
    page.locator(".st-key-library").get_by_role("button", name="Glasses").first.click()
    expect(shown(page)).to_have_attribute("alt", re.compile("with glasses"))
    visit, edited = page.url, shown(page).get_attribute("src")
    page.wait_for_function("document.cookie.includes('eclipsed_visit')")
    page.goto(address)
    expect(page.get_by_text("Last time: the face of seed 62 with glasses +1.00.")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(shown(page)).to_have_attribute("src", edited)
    expect(page).to_have_url(visit)
    expect(page.get_by_text("Last time")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(shown(page)).to_have_attribute("alt", re.compile("without edits"))


def test_a_page_without_a_sidebar_has_the_whole_width(page: Page) -> None:
    page.get_by_role("link", name="Directions").click()
    expect(page.get_by_role("heading", name="Directions")).to_be_visible()
    expect(page.locator(".stSidebar")).to_be_hidden()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("What should the person look like?")).to_be_visible()


def test_a_recipe_that_is_opened_leaves_the_page_as_it_looks(page: Page) -> None:
    """Its message must not take the place of the page's style."""
    page.locator(".st-key-library").get_by_role("button", name="Glasses").first.click()
    expect(shown(page)).to_have_attribute("alt", re.compile("glasses"))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Recipe", exact=True).click()
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator('[data-testid="stPopoverBody"] input[type="file"]').set_input_files(
        {"name": "recipe.json", "mimeType": "application/json", "buffer": Path(saved.value.path()).read_bytes()})
    expect(page.get_by_text("Opened recipe.json")).to_be_visible()
    expect(page.locator(".st-key-stage")).to_have_css("display", "grid")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".st-key-stage")).to_have_css("display", "grid")


def test_on_a_phone_one_press_leads_to_the_prompt(page: Page) -> None:
    describe = page.get_by_role("button", name="Describe an edit in words")
    expect(describe).to_be_hidden()  # at a desk the prompt is in sight
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    describe.click()
    prompt = page.get_by_role("textbox", name="What should the person look like?")
    expect(prompt).to_be_focused()
    page.keyboard.type("a person with green hair")
    expect(prompt).to_have_value("a person with green hair")


def test_on_a_phone_a_training_is_told_of_in_the_page_and_one_press_leads_to_its_cancel(page: Page) -> None:
    page.get_by_label("What should the person look like?").fill("a person with a funny nose")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Because of “funny nose”.")).to_be_visible()
    page.get_by_role("button", name="Learn this edit").click()
    line, cancel = page.locator(".st-key-job-line button"), page.get_by_role("button", name="Cancel", exact=True).first
    expect(cancel).to_be_visible()
    expect(line).to_be_hidden()  # at a desk the sidebar says it
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(line).to_contain_text("a person with a funny nose")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(cancel).not_to_be_in_viewport()
    line.click()
    expect(cancel).to_be_in_viewport()
    cancel.click()
    expect(page.get_by_role("button", name="Dismiss").first).to_be_visible()
    page.get_by_role("button", name="Dismiss").first.click()


def test_on_a_phone_nothing_sticks_out_and_the_edits_follow_the_picture(page: Page) -> None:
    random, back = (page.get_by_role("button", name=name, exact=True).first.bounding_box() for name in ("Random", "Back"))
    assert random["y"] == back["y"], "at a desk they stand in one row"
    page.set_viewport_size({"width": 390, "height": 844})
    heading = page.get_by_role("heading", name="Edits")
    expect(heading).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".st-key-library").bounding_box()["height"] < 400, "who wants another face has to get past it"
    picture, seed = shown(page).bounding_box(), page.get_by_role("spinbutton", name="Seed").bounding_box()
    assert picture["y"] + picture["height"] < heading.bounding_box()["y"] < seed["y"]
    assert picture["width"] > 330
    padding = page.locator(".stMainBlockContainer").evaluate("block => parseFloat(getComputedStyle(block).paddingTop)")
    assert page.locator(".st-key-stage").bounding_box()["y"] == pytest.approx(padding, abs=1), "nothing, not even an empty line, stands above it"


SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => list.getEntries().forEach((shift) => window.shifted += shift.hadRecentInput ? 0 : shift.value))
  .observe({ type: "layout-shift", buffered: true });
"""


def test_on_a_phone_what_is_there_stays_where_it_is_while_the_rest_comes(page: Page) -> None:
    """It was 1.2 when the layout came with the page's elements and the picture had no place before it came."""
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    shown(page).wait_for()
    expect(page.get_by_role("button", name="Describe an edit in words")).to_be_visible()
    page.wait_for_timeout(1000)
    assert page.evaluate("window.shifted") < 0.2


@pytest.mark.parametrize("where, names", [("directions", ("Search", "Whose")), ("compare", ("First seed", "How many"))])
def test_the_names_of_fields_in_a_row_stand_on_one_line(page: Page, address: str, where: str, names: tuple[str, str]) -> None:
    page.goto(f"{address}/{where}")
    labels = [page.locator("[data-testid=stWidgetLabel]").get_by_text(name, exact=True) for name in names]
    expect(labels[1]).to_be_visible()
    first, second = (label.bounding_box()["y"] for label in labels)
    assert first == pytest.approx(second, abs=1)
