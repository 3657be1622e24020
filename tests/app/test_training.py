"""Real trainings: the page asks, `train_eclipsed.py` runs in its own process on the tiny pack, the page takes the result."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from app import jobs, resources
from app.files import write_json
from app.job import Job
from app.jobs import JobQueue, JobRequest
from app.panels.briefly import briefly
from app.panels.training import SHOWN_JOBS, shown_jobs
from lelsd.direction import load_direction

START_SECONDS = 900  # a training imports torch first, which a busy machine lets wait


@pytest.fixture
def queue(runs, tidied):
    """The queue that the page uses; what still runs at the end is cancelled."""
    return tidied(resources.queue())


@pytest.fixture
def request_for(tiny_pack):
    def make(prompt="a person with curly hair", **options) -> JobRequest:
        return JobRequest(prompt, str(tiny_pack), **{"device": "cpu", "layers": "3,4", "steps": 3, **options})

    return make


def state(job) -> str:
    return jobs.read_job(job.folder).state


def texts(page) -> str:
    found = [*page.caption, *page.error, *page.markdown, *page.toast]
    return " ".join(str(element.value) for element in found)


def test_the_page_trains_and_takes_the_direction(studio, queue, wait_for, picture):
    page = studio()
    first = picture(page)["after"]
    page.text_input("prompt").set_value("a person with curly hair").run()
    page.number_input("steps").set_value(3)
    page.button_group("layers_mode").set_value("choose").run()
    page.multiselect("layers_chosen").set_value([3, 4]).run()
    page.button("learn").click().run()
    assert not page.exception and not page.error
    job = wait_for(lambda: queue.jobs() and queue.jobs()[0])
    assert "curly hair" in texts(page)
    wait_for(lambda: state(job) in ("done", "failed"), START_SECONDS)
    assert state(job) == "done", jobs.read_job(job.folder).message
    page.run()
    assert not page.exception, page.exception[0].message
    [edit] = page.session_state["history"].present.edits
    assert edit.direction == str(job.direction.absolute())
    assert load_direction(job.direction).layers == (3, 4)
    assert picture(page)["after"] != first and "Learned" in texts(page)
    assert jobs.read_job(job.folder).dismissed and len(jobs.read_job(job.folder).metrics()) == 3


def test_a_job_that_is_not_over_is_shown_however_many_came_after_it(studio, queue, request_for, monkeypatch):
    monkeypatch.setattr(queue, "_start", lambda job: False)
    waiting = queue.submit(request_for())
    for _ in range(SHOWN_JOBS + 1):
        queue.cancel(queue.submit(request_for()).folder)
    assert shown_jobs()[0].folder == waiting.folder and len(shown_jobs()) == SHOWN_JOBS + 1


@pytest.mark.parametrize("address", ["edit", "photo", "directions", "shape", "compare", "packs", "about"])
def test_every_page_tells_of_the_jobs_beside_it_and_in_one_line(studio, queue, request_for, monkeypatch, sent, visit_page, address):
    """The line is for those whose sidebar is shut; the page's style hides it from all others."""
    monkeypatch.setattr(queue, "_start", lambda job: False)
    page = visit_page(studio(), address)
    assert not [found for found in page.get("bidi_component") if found.key == "job_line"]
    job = queue.submit(request_for())
    queue.cancel(queue.submit(request_for()).folder)
    page.run()
    assert page.sidebar.button(f"cancel-{job.folder.name}")
    assert sent(page, "job_line") == {"what": "a person with curly hair", "how": "Waiting for the one before it", "fraction": 0.0, "more": "+ 1", "failed": False}


@pytest.mark.parametrize("state, phase, expected", [
    ("running", "running", "5 %, about 1 min 35 s to go"), ("running", "reporting", "Learned; trying it on other faces …"), ("stopping", "running", "Stopping …"),
    ("failed", "failed", "It did not work")])
def test_a_job_in_a_few_words(tmp_path, request_for, state, phase, expected):
    assert briefly(Job(tmp_path, request_for(), state, 1.0, step=5, steps=100, eta=95.0, phase=phase)) == expected


def test_progress_is_shown_to_a_second_page_and_cancel_stops_it(studio, queue, request_for, wait_for):
    job = queue.submit(request_for(steps=5000))
    wait_for(lambda: jobs.read_job(job.folder).step >= 4, START_SECONDS)
    page = studio()
    assert any("of 5000" in bar.proto.text for bar in page.get("progress"))
    page.button(f"cancel-{job.folder.name}").click().run()
    wait_for(lambda: state(job) == "cancelled")
    page.run()
    assert "Cancelled at step" in texts(page)
    page.button(f"dismiss-{job.folder.name}").click().run()
    assert job.folder.name not in [button.key for button in page.button]
    assert jobs.read_job(job.folder).dismissed


def test_a_restarted_server_finds_a_running_training_and_a_killed_one_goes_on(queue, request_for, wait_for, runs):
    job = queue.submit(request_for(steps=5000))
    wait_for(lambda: jobs.read_job(job.folder).step >= 4, START_SECONDS)
    restarted = JobQueue(runs)
    [found] = restarted.jobs()
    assert (found.state, found.pid) == ("running", jobs.read_job(job.folder).pid)
    os.killpg(found.pid, signal.SIGKILL)
    wait_for(lambda: state(job) == "interrupted")
    step = jobs.read_job(job.folder).step
    restarted.resume(job.folder)
    wait_for(lambda: state(job) == "running" and jobs.read_job(job.folder).step > step, START_SECONDS)
    restarted.cancel(job.folder)
    wait_for(lambda: state(job) == "cancelled")
    restarted.close()


def test_a_training_that_fails_shows_its_sentence(studio, queue, request_for, wait_for):
    job = queue.submit(request_for(layers="99"))
    wait_for(lambda: state(job) == "failed", START_SECONDS)
    page = studio()
    assert "layer 99 is out of range" in texts(page).lower()
    assert page.button(f"again-{job.folder.name}").label == "Try again"


def test_another_visit_is_offered_what_was_learned(studio, queue, make_direction, runs, tiny_pack):
    path = make_direction("a person with curly hair")
    request = {"prompt": "a person with curly hair", "pack": str(tiny_pack), "visit": "somebody else"}
    write_json(path.parent / "job.json", {"request": request, "created": 1.0, "pid": 1, "born": "never"})
    write_json(path.parent / "status.json", {"state": "done", "step": 3, "steps": 3})
    page = studio()
    assert page.session_state["history"].present.edits == ()
    page.button(f"take-{path.parent.name}").click().run()
    assert [edit.direction for edit in page.session_state["history"].present.edits] == [str(path)]
    assert not [button for button in page.button if button.key == f"take-{path.parent.name}"]


@pytest.mark.parametrize("days, visit, is_shown", [(0, "somebody else", True), (2, "somebody else", False), (2, "mine", True)])
def test_what_ended_days_ago_is_told_to_those_who_asked_for_it(studio, queue, runs, tiny_pack, days, visit, is_shown):
    folder = runs / "old"
    folder.mkdir(parents=True)
    write_json(folder / "job.json", {"request": {"prompt": "a person with curly hair", "pack": str(tiny_pack), "visit": visit}, "created": 1.0, "pid": 1, "born": "never"})
    write_json(folder / "status.json", {"state": "failed", "error": "no luck"})
    os.utime(folder / "status.json", (time.time() - days * 86400,) * 2)
    page = studio(visit="mine")
    assert (f"dismiss-{folder.name}" in [button.key for button in page.button]) == is_shown


def test_a_run_of_the_page_reads_the_jobs_once(studio, queue, request_for, monkeypatch):
    monkeypatch.setattr(queue, "_start", lambda job: False)
    queue.submit(request_for())
    page, read, seen = studio(), queue.jobs, []

    def counted():
        if threading.current_thread().name != "eclipsed-jobs":
            seen.append(1)
        return read()

    monkeypatch.setattr(queue, "jobs", counted)
    page.text_input("prompt").set_value("a person with grey hair and glasses").run()
    assert not page.exception and len(seen) == 1
    page.run()
    assert len(seen) == 2


def test_the_losses_are_called_by_plain_words(studio, queue, request_for, monkeypatch):
    drawn = []
    monkeypatch.setattr("streamlit.altair_chart", lambda chart, **_: drawn.append(set(chart.data["loss"])))
    monkeypatch.setattr(queue, "_start", lambda job: False)
    job = queue.submit(request_for())
    names = ("total", "clip", "localization", "shortfall", "sideways")
    (job.folder / "metrics.jsonl").write_text("".join(json.dumps({"step": step, **dict.fromkeys(names, 0.5)}) + "\n" for step in range(1, 5)))
    studio()
    assert drawn == [{"All together", "Unlike the prompt", "Change outside the part", "Short of a full edit", "Other things change"}]


def test_what_was_learned_for_another_pack_waits_until_that_one_is_used(studio, queue, make_direction, runs):
    path = make_direction("a person with curly hair")
    write_json(path.parent / "job.json", {"request": {"prompt": "a person with curly hair", "pack": "another", "visit": "mine"}, "created": 1.0,
                                          "pid": 1, "born": "never"})
    write_json(path.parent / "status.json", {"state": "done", "step": 3, "steps": 3})
    page = studio(visit="mine")
    assert page.session_state["history"].present.edits == () and not jobs.read_job(path.parent).dismissed
    assert "for the pack another" in texts(page) and f"take-{path.parent.name}" not in [button.key for button in page.button]
