"""The real server in a real browser: prompt, training, slider, picture. Marked `browser`; needs Debian's chromium."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
START_SECONDS, TRAIN_SECONDS, PATIENCE_SECONDS = 180, 400, 90  # a busy machine may take its time
STEPS = 4


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The studio with the built-in pack, started as `make studio` does, on a free port, with a runs folder of its own."""
    folder = tmp_path_factory.mktemp("studio")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/sequential_editing.py", "--server.headless", "true"]
    environment = {**os.environ, "ECLIPSED_RUNS": str(folder / "runs")}
    environment.pop("ECLIPSED_PACK", None)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen([*command, "--server.port", str(port)], cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
    try:
        wait_until_open(port, server, folder / "server.log")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_until_open(port: int, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("localhost", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """The edit page in headless Chromium. Fails the test in the end if the browser's console holds an error."""
    problems: list[str] = []
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(f"{request.url}: {request.failure}"))
        page.goto(address)
        expect(shown(page)).to_be_visible(timeout=1000 * START_SECONDS)
        yield page
        browser.close()
    assert problems == []


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

    expect(slider).to_be_visible(timeout=1000 * TRAIN_SECONDS)
    strength_shown(page, "+1.00")
    learned = shown(page).get_attribute("src")
    assert learned != original
    for _ in range(10):
        slider.press("ArrowRight")
    expect(slider).to_have_value("1.5")
    strength_shown(page, "+1.50")
    assert shown(page).get_attribute("src") not in (original, learned)

    page.reload()
    strength_shown(page, "+1.50")
    page.get_by_role("button", name="Reset").click()
    expect(shown(page)).to_have_attribute("src", original)
    page.keyboard.press("Control+z")
    strength_shown(page, "+1.50")


def test_on_a_phone_nothing_sticks_out_and_the_edits_follow_the_picture(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    heading = page.get_by_role("heading", name="Edits")
    expect(heading).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture, seed = shown(page).bounding_box(), page.get_by_role("spinbutton", name="Seed").bounding_box()
    assert picture["y"] + picture["height"] < heading.bounding_box()["y"] < seed["y"]
    assert picture["width"] > 330
