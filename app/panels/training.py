"""The jobs as they are now: progress, losses, previews, cancel. Redrawn every second while one is active."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from app import resources, session
from app.job import Job
from app.job_request import KINDS
from app.panels.stack import add_direction
from app.widgets import duration, plain, sentence
from lelsd.config import PHASES
from packs.files import size_words

REFRESH_SECONDS = 1.0
SHOWN_JOBS = 6
NEWS_SECONDS = 24 * 3600.0
CHANGED, LEARNED = "jobs_changed", "jobs_learned"
SMOOTHED_STEPS = 5
CHART_HEIGHT = 290
CURVES = {"total": "All together", "clip": "Unlike the prompt", "localization": "Change outside the part", "shortfall": "Short of a full edit",
          "sideways": "Other things change"}
"""What the metrics of a training are called on the page; less is better in each."""
BEGIN_ANEW = ("invert", "compare")  # seconds of work, of which nothing is kept
NO_LESS = {"train": "It was one picture a step already: close other programs, or use a pack of smaller pictures.",
           "compare": "Close other programs, or compare fewer pictures."}
HEADINGS = {"train": "Learning", "invert": "Your pictures", "compare": "Comparisons", "fetch": "Downloads"}  # of several kinds: the first of them


def training_panel(kinds: Collection[str] = tuple(KINDS)) -> None:
    """Draw the jobs of these kinds; a fragment, so that its clock leaves the rest of the page alone."""
    active = any(job.active and job.kind in kinds for job in resources.jobs())
    st.fragment(_jobs, run_every=REFRESH_SECONDS if active else None)(active, kinds, resources.jobs_by_and_by())


def shown_jobs(kinds: Collection[str] = tuple(KINDS), jobs: Sequence[Job] | None = None) -> list[Job]:
    """The jobs that somebody may want to hear of: all that are not over, the next to be done first, then the last of the others. jobs: all there are,
    read now where they are not given."""
    found = [job for job in (resources.queue().jobs() if jobs is None else jobs) if job.kind in kinds and not job.dismissed]
    return [*(job for job in reversed(found) if job.active), *[job for job in found if not job.active and _is_news(job)][:SHOWN_JOBS]]


def _is_news(job: Job) -> bool:
    """Whether how it ended may still be looked for: whoever asked for it can have been away for days; what others asked for is told for one."""
    return job.request.visit == session.visit(st.session_state) or time.time() - job.changed < NEWS_SECONDS


def _jobs(was_active: bool, kinds: Collection[str], read: Callable[[], Sequence[Job]]) -> None:
    if st.session_state.pop(CHANGED, False):
        st.rerun()
    found = read()
    taken, jobs = _take_finished([job for job in found if job.kind in kinds and not job.dismissed]), shown_jobs(kinds, found)
    if taken or (was_active and not any(job.active for job in jobs)):
        st.rerun()  # the whole page: the library has grown, and the clock can stop
    if jobs:
        st.subheader(next(HEADINGS[kind] for kind in HEADINGS if any(job.kind == kind for job in jobs)), anchor=False)
    for job in jobs:
        with st.container(border=True, key=f"job-{job.folder.name}", gap="small"):
            st.markdown(f"**{plain(job.request.title)}**")
            {"done": _done, "failed": _failed, "interrupted": _stopped, "cancelled": _stopped}.get(job.state, _working)(job)


def _take_finished(jobs: list[Job]) -> bool:
    """Put what this visit asked for, and is ready, on the stack, unless it uses another pack now. True if there was something."""
    mine = [job for job in jobs if job.state == "done" and job.kind == "train" and _fits(job) and job.request.visit == session.visit(st.session_state)]
    for job in reversed(mine):
        job.dismiss()
        add_direction(str(job.direction.absolute()))
        st.session_state[LEARNED] = [*st.session_state.get(LEARNED, []), job.request.prompt]
    return bool(mine)


def tell_learned() -> None:
    """Say what was put on the stack. In a run of its own: one that is begun again at once, as then, takes its messages back."""
    for prompt in st.session_state.pop(LEARNED, []):
        st.toast(f"Learned: {plain(prompt)}. It is on the stack, move its slider.", icon=":material/check:")


def _fits(job: Job) -> bool:
    """Whether it is for the pack in use."""
    return job.request.pack == resources.pack_name()


def _working(job: Job) -> None:
    """A job that waits, runs, or is being stopped."""
    st.progress(job.fraction, text=progress_text(job))
    previews = job.previews()
    if previews:
        seen = "The edit as learned so far" if job.kind == "train" else "The face as found so far"
        st.image(str(previews[-1]), width="stretch", alt=seen, caption=f"After {_step_of(previews[-1])}")
    _curves(job)
    if job.state != "stopping":
        st.button("Cancel", key=f"cancel-{job.folder.name}", icon=":material/stop_circle:", on_click=_cancel, args=(job,))


def progress_text(job: Job) -> str:
    """Where a job is, in words."""
    if job.state == "queued":
        return "Waiting for the one before it"
    if job.state == "stopping":
        return "Stopping …"
    if job.fetches:
        return _download_text(job)
    if job.kind == "compare":
        return plain(job.message) or "Getting ready …"
    if job.kind == "train" and job.phase in PHASES:
        return PHASES[job.phase]
    if not job.step:
        return "Getting ready: models, layers …" if job.kind == "train" else "Getting ready …"
    return f"Step {job.step} of {job.steps}{to_go(job)}"


def _download_text(job: Job) -> str:
    if not job.steps:
        return plain(job.message) or "Asking for it …"
    rate = f", {size_words(job.rate)}/s" if job.rate else ""
    note = f". {plain(job.message)}" if job.message else ""
    return f"{size_words(job.step)} of {size_words(job.steps)}{rate}{to_go(job)}{note}"


def to_go(job: Job) -> str:
    """What follows a word on how far a job is: ", about 40 s to go"; "" where nobody knows."""
    return f", about {duration(job.eta)} to go" if job.eta is not None else ""


def _curves(job: Job) -> None:
    """The losses, smoothed a little, as small as a sidebar needs them."""
    table = pd.DataFrame(job.metrics())
    if len(table) < 3 or "step" not in table:
        return
    losses = table.rename(columns=CURVES).set_index("step").select_dtypes("number").rolling(SMOOTHED_STEPS, min_periods=1).mean()
    long = losses.reset_index().melt("step", var_name="loss", value_name="value")
    chart = alt.Chart(long, height=CHART_HEIGHT).mark_line(strokeWidth=1.6).encode(
        x=alt.X("step:Q", title=None, axis=alt.Axis(tickCount=4, grid=False)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3)),
        color=alt.Color("loss:N", title=None, legend=alt.Legend(orient="bottom", columns=1, symbolType="stroke")),
    )
    st.altair_chart(chart, width="stretch")


def _done(job: Job) -> None:
    news = {"fetch": f"{plain(job.request.pack)} is on this machine.", "train": "Learned. It is in the library.", "invert": "The face is found.",
            "compare": "Compared."}
    st.caption(news[job.kind] if job.fetches or _fits(job) else f"{news[job.kind]} It is for the pack {plain(job.request.pack)}: use that one to see it.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.kind == "train" and _fits(job):
            st.button("Add to stack", key=f"take-{job.folder.name}", type="primary", on_click=_take, args=(job,))
        if job.kind == "invert" and _fits(job):
            st.page_link("views/photo.py", label="Look at it", icon=":material/add_a_photo:")
        if job.kind == "compare" and _fits(job):
            st.page_link("views/compare.py", label="Look at it", icon=":material/compare:")
        _dismiss_button(job)


def _failed(job: Job) -> None:
    if job.out_of_memory:
        without_memory(job)
        return
    st.error(sentence(job.message))
    with st.container(horizontal=True):
        st.button("Try again", key=f"again-{job.folder.name}", on_click=_again, args=(job,))
        _dismiss_button(job)


def _stopped(job: Job) -> None:
    if job.out_of_memory and not job.fetches:
        without_memory(job)
        return
    st.caption(stopped_text(job))
    with st.container(horizontal=True):
        st.button("Begin again" if job.kind in BEGIN_ANEW else "Continue", key=f"continue-{job.folder.name}", on_click=_again, args=(job,))
        _dismiss_button(job)


def stopped_text(job: Job) -> str:
    """How far a job was that was cancelled or interrupted."""
    what = "Cancelled" if job.state == "cancelled" else "It was interrupted"
    if job.kind == "compare":
        return f"{what}."
    where = f"after {size_words(job.step)}" if job.fetches else f"at step {job.step} of {job.steps}"
    return f"{what} {where}." if job.step else f"{what} before {'anything came' if job.fetches else 'its first step'}."


def without_memory(job: Job) -> None:
    """The machine had too little memory for it: what to lower, as a button where there is something."""
    less = None if job.fetches else job.request.with_less_memory()
    lower = "Fewer pictures a step need less memory." if less else NO_LESS.get(job.kind, NO_LESS["train"])
    told = "The machine ran out of memory" if job.state == "failed" else "The system ended it, most likely for want of memory"
    st.error(f"{told}. {lower} The rest of the studio is not affected.", icon=":material/memory:")
    with st.container(horizontal=True):
        if less:
            st.button(f"Try with {less.batch_size} a step", key=f"less-{job.folder.name}", type="primary", on_click=_with_less, args=(job,))
        st.button("Try again", key=f"again-{job.folder.name}", on_click=_again, args=(job,), help="With the same settings, from where it was")
        _dismiss_button(job)


def _dismiss_button(job: Job) -> None:
    st.button("Dismiss", key=f"dismiss-{job.folder.name}", type="tertiary", on_click=job.dismiss)


def _step_of(preview) -> str:
    number = "".join(character for character in preview.stem if character.isdigit()).lstrip("0")
    return f"step {number or 0}"


# --- what the buttons do; each needs the whole page, whose clock may have to start ------------------------------------


def _cancel(job: Job) -> None:
    resources.queue().cancel(job.folder)


def _again(job: Job) -> None:
    resources.queue().resume(job.folder)
    st.session_state[CHANGED] = True


def _with_less(job: Job) -> None:
    try:
        resources.queue().submit(job.request.with_less_memory())
    except ValueError as error:
        st.toast(sentence(error), icon=":material/error:")
        return
    job.dismiss()
    st.session_state[CHANGED] = True


def _take(job: Job) -> None:
    job.dismiss()
    add_direction(str(job.direction.absolute()))
    st.session_state[CHANGED] = True
