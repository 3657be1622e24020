"""The pictures that were searched for: how far, what was found, and on to the Edit page."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st
from PIL import Image

from app import photos, resources, session
from app.components.tiles import thumbnail
from app.job import Job
from app.job_request import InvertRequest
from app.panels.training import REFRESH_SECONDS, progress_text, stopped_text, without_memory
from app.session import Snapshot
from app.widgets import plain, sentence, style

SHOWN, PICTURE_SIZE = 12, 320
NEWS = "found_trouble"
STYLE = """
<style>
  .stHtml .pair { display: flex; gap: .7rem; margin: 0; }
  .stHtml .pair figure { margin: 0; flex: 1; max-width: 15rem; }
  .stHtml .pair img, .stHtml .pair .waiting { display: block; width: 100%; aspect-ratio: 1; border-radius: 10px; object-fit: cover; }
  .stHtml .pair .waiting { display: grid; place-items: center; background: var(--st-secondary-background-color, #1e2029); font-size: .85rem; }
  .stHtml .pair figcaption { padding-top: .25rem; font-size: .8rem; opacity: .8; }
</style>
"""


def found_panel() -> None:
    """Draw a card for each picture; a fragment with a clock while one is being searched for."""
    active = _is_active(photos.jobs())
    st.fragment(_cards, run_every=REFRESH_SECONDS if active else None)(active)


def _is_active(jobs: list[Job]) -> bool:
    return any(job.active for job in jobs)


def _cards(was_active: bool) -> None:
    jobs = photos.jobs()
    if was_active != _is_active(jobs):
        st.rerun()  # the whole page: its clock starts, or can stop
    if not jobs:
        return
    style(STYLE)
    if trouble := st.session_state.pop(NEWS, None):
        st.error(trouble, icon=":material/error:")
    for job in jobs[:SHOWN]:
        with st.container(border=True, key=f"found-{job.folder.name}", gap="small"):
            _card(job)
    st.caption("Kept on this machine, in the folder of runs, until somebody deletes them here; everybody who opens this studio sees them.")


def _card(job: Job) -> None:
    st.markdown(f"**{plain(job.request.title)}**")
    _pair(job)
    if job.active:
        st.progress(job.fraction, text=progress_text(job))
        if job.state != "stopping":
            st.button("Cancel", key=f"found-cancel-{job.folder.name}", icon=":material/stop_circle:", on_click=resources.queue().cancel, args=(job.folder,))
    elif job.state == "done":
        _done(job)
    elif job.out_of_memory:
        without_memory(job)
    else:
        _ended_early(job)


def _pair(job: Job) -> None:
    """The picture, and the face as found, or as found so far."""
    previews = job.previews()
    found = job.folder / InvertRequest.result if job.state == "done" else previews[-1] if previews else None
    words = "Found" if job.state == "done" else "As found so far"
    waiting = "" if not job.active else "Waiting" if job.state == "queued" else "Looking …"
    right = _figure(found, words) or (f'<figure><div class="waiting">{waiting}</div></figure>' if waiting else "")
    st.html(f'<div class="pair">{_figure(job.folder / InvertRequest.picture, "Picture")}{right}</div>')


def _figure(path: Path | None, words: str) -> str:
    """A picture of a job's folder; nothing where it cannot be read."""
    try:
        url = _small(str(path), path.stat().st_mtime_ns) if path else None
    except OSError:
        url = None
    return f'<figure><img src="{url}" alt="{html.escape(words)}"><figcaption>{words}</figcaption></figure>' if url else ""


@st.cache_data(show_spinner=False, max_entries=100)
def _small(path: str, changed: int) -> str:
    with Image.open(path) as picture:
        return thumbnail(picture, PICTURE_SIZE)


def _done(job: Job) -> None:
    measured = photos.likeness(job)
    if "identity" in measured:
        st.caption(f"Likeness {measured['identity']:.2f}: 1 is the same face to the pack's classifier, about 0 another one.")
    other = job.request.pack != resources.pack_name()
    if other:
        st.caption(f"It was found with {plain(job.request.pack)}; change to that pack on the Packs page to edit it.")
    with st.container(horizontal=True, gap="small"):
        if not other and st.button("Edit it", key=f"found-edit-{job.folder.name}", type="primary", icon=":material/tune:",
                                   help="Opens it on the Edit page in place of the present face; undo brings that back"):
            _edit(job)
        _delete_button(job)


def _ended_early(job: Job) -> None:
    if job.state == "failed":
        st.error(f"The search did not work. {sentence(job.message)}", icon=":material/error:")
    else:
        st.caption(stopped_text(job))
    with st.container(horizontal=True, gap="small"):
        st.button("Begin again", key=f"found-again-{job.folder.name}", icon=":material/refresh:", on_click=resources.queue().resume, args=(job.folder,))
        _delete_button(job)


def _delete_button(job: Job) -> None:
    st.button("Delete", key=f"found-delete-{job.folder.name}", icon=":material/delete:", on_click=_delete, args=(job,),
              help="Takes the picture and what was found from this machine, for good")


# --- what the buttons do ----------------------------------------------------------------------------------------------


def _edit(job: Job) -> None:
    try:
        snapshot = photos.found(job)
    except ValueError as error:
        st.session_state[NEWS] = sentence(error)
        st.rerun()
    job.dismiss()
    edit(snapshot)


def _delete(job: Job) -> None:
    try:
        job.delete()
    except ValueError as error:
        st.session_state[NEWS] = sentence(error)


def edit(snapshot: Snapshot) -> None:
    """Go on with `snapshot` on the Edit page; undo brings back what was there."""
    session.commit(st.session_state, snapshot)
    resources.remember_visit()
    st.switch_page("views/edit.py")
