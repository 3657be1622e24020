"""The server is ended and started anew while trainings run and wait: they go on, and whoever comes then sees and can stop them."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from app import processes
from app.job import Job, read_job
from benchmarks.studio_client import visit
from benchmarks.studio_load import learn, studio

STOP_SECONDS = 60


@pytest.fixture
def jobs(runs: Path):
    """`jobs()`: the jobs of the runs folder, oldest first, read from there alone. What still runs in the end is killed."""

    def found() -> list[Job]:
        return sorted(filter(None, map(read_job, runs.glob("*"))), key=lambda job: job.created)

    yield found
    for job in found():
        if job.active and job.pid:
            processes.send(job.pid, signal.SIGKILL)


async def ask_for_two_trainings(port: int) -> None:
    visitor = await visit(port)
    await learn(visitor)
    await visitor.set("train_seed", int_value=1)  # or it would be the same again
    await visitor.press("learn")


async def cancel(port: int, job: Job, beside: Job | None = None) -> None:
    """Press Cancel as somebody who has just come; raises LookupError where `job`, or the one `beside`, is not on the page."""
    visitor = await visit(port)
    if beside is not None:
        visitor.widget(f"cancel-{beside.folder.name}")
    await visitor.press(f"cancel-{job.folder.name}")


@pytest.mark.slow
def test_trainings_outlive_the_server_and_are_stopped_from_the_next_one(runs, jobs, tiny_pack, wait_for):
    with studio(runs, ECLIPSED_PACK=str(tiny_pack)) as (port, _):
        asyncio.run(ask_for_two_trainings(port))
        wait_for(lambda: [job.state for job in jobs()] == ["running", "queued"])
        pid = jobs()[0].pid
    assert processes.is_alive(pid), "the training ended with the server"
    assert [job.state for job in jobs()] == ["running", "queued"]
    with studio(runs, ECLIPSED_PACK=str(tiny_pack)) as (port, _):
        running, waiting = jobs()
        asyncio.run(cancel(port, running, beside=waiting))
        wait_for(lambda: [job.state for job in jobs()] == ["cancelled", "running"], STOP_SECONDS)
        assert not processes.is_alive(pid)
        asyncio.run(cancel(port, waiting))
        wait_for(lambda: [job.state for job in jobs()] == ["cancelled", "cancelled"], STOP_SECONDS)
