"""The studio on the tiny pack: its pages driven by AppTest, with directions in a runs folder of the test's own."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX
from streamlit.testing.v1 import AppTest

from app import resources
from app.components import remember
from app.job import Job
from app.job_request import JobRequest
from app.jobs import JobQueue
from lelsd.direction import Direction
from packs.pack import Pack

ENTRY = Path(__file__).resolve().parents[2] / "app" / "navigation.py"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
START_SECONDS, PATIENCE_SECONDS = 180, 90  # a busy machine may take its time
TOUR, TOUR_SIZE = "ECLIPSED_TOUR", {"width": 1280, "height": 800}  # a folder for the README's pictures of the studio; none by default
TOUR_SECONDS = 600  # for a preview of a training
UNFINISHED = '[data-testid="stSkeleton"]'  # stands where something has not come yet
TOUR_SETTLE, TOUR_BYTES = 1500, 300_000  # milliseconds, for what fades in; of one picture
TIMEOUT = 120  # the first run of a page imports torch and opens the models


@pytest.fixture(autouse=True)
def no_foreign_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit searches every installed package for components each time AppTest starts, for seconds; ours are not found so."""
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", lambda *args, **kwargs: [], raising=False)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_pack: Path) -> Path:
    """An empty runs folder; the studio is pointed at it and at the tiny pack."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("ECLIPSED_PACK", str(tiny_pack))
    monkeypatch.setenv("ECLIPSED_RUNS", str(folder))
    return folder


@pytest.fixture
def make_direction(runs: Path, tiny_models: Pack) -> Callable[..., Path]:
    """`make_direction("a person with curly hair")`: a direction that fits the tiny pack, as a training leaves it."""

    def make(prompt: str, part: str = "hair", layers: tuple[int, ...] = (2, 3, 4), pack_hash: str | None = None) -> Path:
        generator = tiny_models.generator
        deltas = torch.zeros(1, generator.num_ws, generator.w_dim)
        deltas[:, list(layers)] = torch.randn(len(layers), generator.w_dim, generator=torch.Generator().manual_seed(len(prompt)))
        path = runs / prompt.replace(" ", "-") / "direction.safetensors"
        path.parent.mkdir(parents=True)
        Direction(deltas, layers, prompt, part, tiny_models.name, pack_hash or tiny_models.hash, (1.0,)).save(path)
        return path

    return make


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, seconds)`: call until it returns something true, and return that; fails the test in the end."""

    def wait(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        pytest.fail(f"waited {seconds} s in vain")

    return wait


@pytest.fixture(autouse=True)
def no_child_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes that queues started have ended when a test is over: one that nobody waited for is complained of in some later test."""
    children, start = [], JobQueue._start

    def remembered(queue: JobQueue, job: Job) -> bool:
        begun = start(queue, job)
        children.extend(queue._children.values())
        return begun

    monkeypatch.setattr(JobQueue, "_start", remembered)
    yield
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=20)
        child.kill()
        child.wait()


@pytest.fixture
def tidied(wait_for: Callable[..., Any]) -> Iterator[Callable[[JobQueue], JobQueue]]:
    """`tidied(queue)`: the same queue; when the test is over its jobs are cancelled, and it is closed when they have ended."""
    queues: list[JobQueue] = []

    def keep(queue: JobQueue) -> JobQueue:
        queues.append(queue)
        return queue

    yield keep
    for queue in queues:
        for job in queue.jobs():
            if job.active:
                queue.cancel(job.folder)
        wait_for(lambda: not any(job.active for job in queue.jobs()))
        queue.close()


@pytest.fixture
def pretend_jobs(runs: Path, monkeypatch: pytest.MonkeyPatch, tidied: Callable[[JobQueue], JobQueue]) -> Callable[..., None]:
    """`pretend_jobs(code, "stays")`: the studio's jobs run this Python code; its arguments are their folder and the words after it."""

    def pretend(code: str, *words: str) -> None:
        queue = tidied(JobQueue(runs.absolute(), lambda request, folder, resume: [sys.executable, "-c", code, str(folder), *words]))
        monkeypatch.setattr(resources, "queue", lambda: queue)

    return pretend


@pytest.fixture
def studio(runs: Path) -> Callable[..., AppTest]:
    """`studio()`: the edit page as a new visitor sees it; `studio(visit=name)`: as one who loads it again."""

    def start(**address: str) -> AppTest:
        page = AppTest.from_file(str(ENTRY), default_timeout=TIMEOUT)
        for name, value in address.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception, page.exception[0].message
        return page

    return start


@pytest.fixture
def cookie(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`cookie(visit)`: the browser remembers that visit."""
    cookies: dict[str, str] = {}
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda self: cookies))
    return lambda visit: cookies.update({remember.NAME: visit})


@pytest.fixture
def picture() -> Callable[[AppTest], dict]:
    """`picture(page)`: what the page sends to its picture: after, before, overlay, comparable, alt, caption."""

    def find(page: AppTest) -> dict:
        found = [element.proto for element in page.get("bidi_component") if element.proto.component_name == "eclipsed_picture"]
        assert len(found) == 1, "the page shows no picture"
        return json.loads(found[0].json)

    return find


@pytest.fixture
def release() -> Callable[..., AppTest]:
    """`release(page, "alpha-UID", -0.5)`: drag that slider (two strengths: the palette) and let go, as the browser reports it."""
    turns = itertools.count(1)

    def let_go(page: AppTest, key: str, *point: float) -> AppTest:
        state = WidgetState(id=element(page, key).id, json_value=json.dumps({"released": {"point": point, "revision": next(turns)}}))
        return run_with(page, state)

    return let_go


@pytest.fixture
def trigger() -> Callable[..., AppTest]:
    """`trigger(page, "faces", "picked", 5)`: what a component of the page reports once."""

    def report(page: AppTest, key: str, event: str, value: Any) -> AppTest:
        events = f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{element(page, key).id}__events"
        return run_with(page, WidgetState(id=events, json_trigger_value=json.dumps([{"event": event, "value": value}])))

    return report


@pytest.fixture
def sent() -> Callable[[AppTest, str], dict]:
    """`sent(page, "alpha-UID")`: the data that the page hands to that component, tables left out."""

    def find(page: AppTest, key: str) -> dict:
        proto = element(page, key)
        return json.loads(proto.mixed.json or proto.json)

    return find


def element(page: AppTest, key: str) -> Any:
    """The component with this key."""
    found = [element.proto for element in page.get("bidi_component") if element.key == key]
    assert len(found) == 1, f"the page has {len(found)} components {key}"
    return found[0]


def run_with(page: AppTest, state: WidgetState) -> AppTest:
    """Run the page as when the browser reports `state`."""
    states = page._tree.get_widget_states()
    states.widgets.append(state)
    page._run(states)
    assert not page.exception, page.exception[0].message
    return page


# --- the real server in a real browser -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The studio with the built-in pack, started as `make studio` does, on a free port, with a runs folder of its own.

    One server for all browser tests: starting it takes longer than most of them.
    """
    folder = tmp_path_factory.mktemp("studio")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/sequential_editing.py", "--server.headless", "true"]
    environment = {**os.environ, "ECLIPSED_RUNS": str(folder / "runs")}
    environment.pop("ECLIPSED_PACK", None)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen([*command, "--server.port", str(port)], cwd=ENTRY.parents[1], env=environment, stdout=log, stderr=log)
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, one for the tests of a module. Not for the session: beside it no other test could use asyncio."""
    from playwright.sync_api import expect, sync_playwright  # only where a browser is wanted

    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def replaced(request: Any) -> bool:
    """Whether it is a picture from the page's own memory whose element went, or got another one, before it was read: nothing is missing."""
    return request.url.startswith("blob:") and request.failure == "net::ERR_ABORTED"


@pytest.fixture
def page(address: str, browser: Any) -> Iterator[Any]:
    """The edit page as a new visitor sees it. Fails the test in the end if the browser's console holds an error."""
    problems: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})  # with cookies and storage of its own
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: replaced(request) or problems.append(f"{request.url}: {request.failure}"))
    page.goto(address)
    page.locator(".stage .frame:not(.second) .after").wait_for(timeout=1000 * START_SECONDS)
    yield page
    found = list(problems)  # not what closing it breaks off
    page.close()
    assert found == []


@pytest.fixture
def tour() -> Callable[..., None]:
    """`tour(page, "edit")`: at a place that the README shows. Where ECLIPSED_TOUR names a folder, tour_edit.png is written there; the test
    goes the same way without it. `ready`: what should be on the picture, though the test need not wait for it."""

    def take(page: Any, name: str, ready: Any = None) -> None:
        if folder := os.environ.get(TOUR):
            page.set_viewport_size(TOUR_SIZE)
            if ready is not None:
                ready.wait_for(timeout=1000 * TOUR_SECONDS)
                ready.evaluate("element => element.scrollIntoView({ block: 'center' })")
            page.mouse.move(0, 0)
            page.wait_for_function(f"!document.querySelector('{UNFINISHED}')")
            page.wait_for_timeout(TOUR_SETTLE)
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"tour_{name}.png").write_bytes(small_png(page.screenshot()))

    return take


def small_png(data: bytes) -> bytes:
    """The same picture in as many colours as `TOUR_BYTES` allow."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in (256, 128, 64):
        buffer = io.BytesIO()
        picture.quantize(colours, kmeans=1).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= TOUR_BYTES:
            break
    return buffer.getvalue()


@pytest.fixture
def visit_page() -> Callable[[AppTest, str], AppTest]:
    """`visit_page(page, "directions")`: go to another page by its address, as a press on the navigation does."""

    def go(page: AppTest, address: str) -> AppTest:
        page.switch_page(f"views/{address}.py")
        page.run()
        assert not page.exception, page.exception[0].message
        return page

    return go


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[JobRequest]:
    """The trainings that a page asks for; none is started."""
    requests: list[JobRequest] = []
    monkeypatch.setattr(JobQueue, "submit", lambda queue, request: requests.append(request))
    return requests


@pytest.fixture
def type_prompt() -> Callable[[AppTest, str], AppTest]:
    """`type_prompt(page, text)`: the page after a prompt was typed."""

    def typed(page: AppTest, text: str) -> AppTest:
        page.text_input("prompt").set_value(text).run()
        assert not page.exception, page.exception[0].message
        return page

    return typed
