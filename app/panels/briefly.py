"""The jobs in one line of the page itself, for those whose sidebar is shut."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from app import resources
from app.components.job_line import job_line
from app.components.registry import available
from app.job import Job
from app.job_request import KINDS
from app.panels.training import REFRESH_SECONDS, shown_jobs, tell_learned, to_go
from lelsd.config import PHASES

ENDED = {"done": "Done", "failed": "It did not work", "cancelled": "Cancelled", "interrupted": "It was interrupted"}


def jobs_in_page(kinds: Collection[str] = tuple(KINDS)) -> None:
    """Draw the line, which the page's style shows while the sidebar is shut, and say what was learned. kinds: those that the sidebar tells of."""
    tell_learned()
    active = any(job.active for job in shown_jobs(kinds, resources.jobs()))
    st.fragment(_line, run_every=2 * REFRESH_SECONDS if active else None)(kinds, resources.jobs_by_and_by())


def _line(kinds: Collection[str], read: Callable[[], Sequence[Job]]) -> None:
    jobs = shown_jobs(kinds, read())
    if jobs and available():
        with st.container(key="job-line"):
            job_line(jobs[0].request.title, briefly(jobs[0]), jobs[0].fraction, len(jobs) - 1, jobs[0].state == "failed")


def briefly(job: Job) -> str:
    """Where a job is, in a few words."""
    if not job.active:
        return ENDED[job.state]
    if job.state != "running":
        return "Waiting for the one before it" if job.state == "queued" else "Stopping …"
    if job.kind == "train" and job.phase in PHASES:
        return PHASES[job.phase]
    return f"{100 * job.fraction:.0f} %{to_go(job)}" if job.fraction else "Getting ready …"
