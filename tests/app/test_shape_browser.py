"""The shape page in a real browser: a mask painted with mouse and keys, saved and opened again; read on a phone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from segmentation.parts import CLASS_INDEX
from tests.app.test_accessible import check_at_all_widths

pytestmark = pytest.mark.browser


def shown(page: Page) -> Locator:
    return page.locator(".stage .frame:not(.second) .after")


def stroke(page: Page, canvas: Locator, *places: tuple[float, float]) -> None:
    """Drag the mouse from place to place, in shares of the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for turn, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if turn == 0:
            page.mouse.down()
    page.mouse.up()


def brush(page: Page) -> Locator:
    """The canvas of the brush, once the page is the brush's."""
    page.get_by_text("By brush", exact=True).click()
    canvas = page.locator(".brush canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("with a brush on its mask"))
    expect(shown(page)).to_have_count(1)  # the one on the left has gone
    return canvas


def pixel(canvas: Locator, x: float, y: float) -> list[int]:
    """What the mask shows there, before the server has answered or after."""
    return canvas.evaluate("(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data]", [x, y])


def test_a_mask_is_painted_with_mouse_and_keys_and_opened_again(page: Page, address: str) -> None:
    page.goto(f"{address}/shape")
    expect(shown(page)).to_have_attribute("alt", re.compile("the shape as it was"))
    check_at_all_widths(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    canvas = brush(page)

    page.get_by_label("What the brush paints").select_option("hat")
    stroke(page, canvas, (0.1, 0.1), (0.4, 0.1))
    assert pixel(canvas, 0.25, 0.1) == [216, 72, 200, 255], "at once"
    expect(shown(page)).to_have_attribute("alt", re.compile("1 stroke of the brush"))
    canvas.focus()
    for _ in range(6):
        canvas.press("ArrowDown")
    expect(page.locator(".brush .told")).to_have_text(re.compile("Under the brush"))
    canvas.press(" ")
    expect(shown(page)).to_have_attribute("alt", re.compile("2 strokes of the brush"))
    page.get_by_role("button", name="Erase").click()
    stroke(page, canvas, (0.1, 0.1), (0.2, 0.1))
    expect(shown(page)).to_have_attribute("alt", re.compile("3 strokes of the brush"))
    check_at_all_widths(page)

    labels = saved(page, "Mask")
    size = labels.width
    assert labels.mode == "P" and np.asarray(labels)[size // 10, round(0.35 * size)] == CLASS_INDEX["hat"]
    picture = saved(page, "Save picture").filename
    alt = shown(page).get_attribute("alt")
    page.get_by_role("button", name="Reset").click()
    expect(shown(page)).to_have_attribute("alt", re.compile("the shape as it was"))
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator('[data-testid="stPopoverBody"] input[type="file"]').set_input_files(picture)
    expect(shown(page)).to_have_attribute("alt", alt)
    page.keyboard.press("Escape")
    page.reload()
    expect(shown(page)).to_have_attribute("alt", alt)


def saved(page: Page, button: str) -> Image.Image:
    """The picture that a button hands out."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    path = Path(download.value.path()).rename(Path(download.value.path()).with_suffix(".png"))
    return Image.open(path)


def test_a_finger_paints_on_a_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/shape")
    expect(shown(page)).to_be_visible()
    canvas = brush(page)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box["width"] > 330
    finger = page.context.new_cdp_session(page)
    for kind, x in (("touchStart", 0.2), ("touchMove", 0.3), ("touchMove", 0.4), ("touchEnd", None)):
        points = [] if x is None else [{"x": box["x"] + x * box["width"], "y": box["y"] + 0.1 * box["height"]}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(shown(page)).to_have_attribute("alt", re.compile("1 stroke of the brush"))
    assert pixel(canvas, 0.3, 0.1) == [124, 76, 200, 255]
