"""One line that tells of a job, and leads to it in the sidebar. For those whose sidebar is shut: on a phone it is."""

from __future__ import annotations

from app.components.registry import component


def job_line(what: str, how: str, fraction: float, more: int, failed: bool) -> None:
    """Draw it. `how` it goes, and how many `more` jobs there are."""
    data = {"what": what, "how": how, "fraction": fraction, "more": f"+ {more}" if more else "", "failed": failed}
    component("job_line", "sidebar", "job_line")(data=data, key="job_line")
