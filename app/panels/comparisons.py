"""The comparisons that are made as jobs: how far, what is shown of them, and those of before."""

from __future__ import annotations

import streamlit as st

from app import comparison, resources, session
from app.job import Job
from app.panels.training import REFRESH_SECONDS, progress_text, stopped_text, without_memory
from app.widgets import plain, sentence
from baselines.side_by_side.outcomes import Compared

RESULT, TROUBLE = "compared", "compare_trouble"
TAKEN = "compare_taken"  # when the newest job was made that this session has shown
KEPT_SHOWN = 8


def take_newest() -> None:
    """Show what this visit's newest job came to, unless it was shown before: when it ends, and after a reload."""
    newest = _untaken()
    if newest is not None:
        st.session_state[TAKEN] = newest.created
        newest.dismiss()  # it is looked at here
        _show(newest)


def result() -> Compared | None:
    """What is shown, if it was made with the models that are in use."""
    found = st.session_state.get(RESULT)
    return found if found is not None and found.pack_hash == resources.pack().hash else None


def comparisons_panel() -> None:
    """Draw the jobs; a fragment with a clock while one is at work."""
    active = at_work()
    st.fragment(_jobs, run_every=REFRESH_SECONDS if active else None)(active)


def at_work() -> bool:
    """Whether something is being compared, or waits for it."""
    return any(job.active for job in comparison.jobs())


def _untaken() -> Job | None:
    visit, pack = session.visit(st.session_state), resources.pack_name()
    mine = (job for job in comparison.jobs() if job.state == "done" and job.request.visit == visit and job.request.pack == pack)
    newest = next(mine, None)
    return None if newest is None or newest.created <= st.session_state.get(TAKEN, 0.0) else newest


def _show(job: Job) -> None:
    try:
        st.session_state[RESULT], st.session_state[TROUBLE] = comparison.load(job), None
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = f"What was compared cannot be shown. {sentence(error)}"


def _jobs(was_active: bool) -> None:
    jobs = comparison.jobs()
    active = [job for job in jobs if job.active]
    if was_active != bool(active) or _untaken() is not None:
        st.rerun()  # the whole page: its clock starts or can stop, and there may be something to show
    for job in active:
        with st.container(border=True, key=f"comparing-{job.folder.name}", gap="small"):
            st.markdown(f"**{plain(job.request.title)}**")
            st.progress(job.fraction, text=progress_text(job))
            if job.state != "stopping":
                st.button("Cancel", key=f"comparing-cancel-{job.folder.name}", icon=":material/stop_circle:",
                          on_click=resources.queue().cancel, args=(job.folder,))
    if over := [job for job in jobs if not job.active]:
        _kept(over)


def _kept(jobs: list[Job]) -> None:
    """Those that are over; what did not work is told at once, the rest on request."""
    for job in jobs:
        if job.state != "done" and not job.dismissed:
            with st.container(border=True, key=f"comparing-{job.folder.name}", gap="small"):
                st.markdown(f"**{plain(job.request.title)}**")
                _ended_early(job)
    if kept := [job for job in jobs if job.state == "done" or job.dismissed][:KEPT_SHOWN]:
        with st.expander("Comparisons on this machine", icon=":material/history:", key="comparisons-kept"):
            for job in kept:
                _row(job)
            st.caption("Of several pictures each, with the pictures themselves, in the folder of runs until somebody deletes them here; "
                       "everybody who opens this studio sees them.")


def _ended_early(job: Job) -> None:
    if job.out_of_memory:
        without_memory(job)
        return
    if job.state == "failed":
        st.error(f"The comparison did not work. {sentence(job.message)}", icon=":material/error:")
    else:
        st.caption(stopped_text(job))
    with st.container(horizontal=True, gap="small"):
        st.button("Begin again", key=f"comparing-again-{job.folder.name}", icon=":material/refresh:", on_click=_again, args=(job,))
        _delete_button(job)


def _row(job: Job) -> None:
    other = job.request.pack != resources.pack_name()
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"compared-{job.folder.name}"):
        st.markdown(f"{plain(job.request.title)}{f', with {plain(job.request.pack)}' if other else ''}", width="stretch")
        if job.state != "done":
            st.button("Begin again", key=f"comparing-again-{job.folder.name}", icon=":material/refresh:", on_click=_again, args=(job,))
        elif not other and st.button("Show", key=f"compared-show-{job.folder.name}", icon=":material/visibility:"):
            _show(job)
            st.rerun()  # the whole page
        _delete_button(job)


def _delete_button(job: Job) -> None:
    st.button("Delete", key=f"compared-delete-{job.folder.name}", icon=":material/delete:", on_click=_delete, args=(job,),
              help="Takes it and its pictures from this machine, for good")


# --- what the buttons do ----------------------------------------------------------------------------------------------


def _again(job: Job) -> None:
    resources.queue().resume(job.folder)


def _delete(job: Job) -> None:
    try:
        job.delete()
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
