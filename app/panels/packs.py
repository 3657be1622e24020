"""The cards of the Packs page: what a pack is, under which licence, having it here, and the room that it takes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import streamlit as st

from app import resources, session
from app.job import Job
from app.job_request import FetchRequest
from app.panels.training import progress_text
from app.widgets import plain, sentence
from packs import files, overview, registry, store
from packs.add import add
from packs.catalogue import offers
from packs.cli import describe
from packs.files import size_words

TROUBLE, NEWS = "packs_trouble", "packs_news"
USABLE = ("here", "built-in", "elsewhere")
STATES = {"built-in": "comes with the studio", "elsewhere": "the studio was started with it", "here": "on this machine", "damaged": "damaged",
          "unfinished": "not finished", "available": "can be downloaded"}
REFRESH_SECONDS = 1.0


def packs_panel() -> None:
    """Draw a card for each pack; a fragment with a clock while something is being downloaded."""
    st.fragment(_cards, run_every=REFRESH_SECONDS if _downloads(active=True) else None)(bool(_downloads(active=True)))


def _cards(was_active: bool) -> None:
    running = _downloads(active=True)
    if was_active != bool(running):
        st.rerun()  # the whole page: its clock starts, or can stop
    _messages()
    jobs = {job.request.pack: job for job in reversed(_downloads())}
    for pack in _packs():
        with st.container(border=True, key=f"pack-{pack['name']}", gap="small"):
            _card(pack, jobs.get(pack["name"]))
    folder = store.packs_folder()
    st.caption(f"Downloads are kept in {plain(str(folder))}, on a disk with {size_words(store.free_bytes(folder))} free.")


def _own_folder() -> Path | None:
    """Of the pack that the studio was started with; None where it has gone meanwhile."""
    with contextlib.suppress(ValueError):
        return registry.find(resources.own_pack())
    return None


def _packs() -> list[dict]:
    """A line for each pack; first the one that the studio was started with, where that is a folder anywhere on this machine."""
    found, own = overview.packs_in_short(), _own_folder()
    if own is None or own in [pack.get("path") for pack in found]:
        return found
    pack = overview.info(own)
    return [{**pack, "title": pack["name"], "name": resources.own_pack(), "state": "elsewhere"}, *found]


def _downloads(active: bool = False) -> list[Job]:
    """The downloads that somebody may want to hear of, newest first."""
    return [job for job in resources.queue().jobs() if job.fetches and not job.dismissed and (job.active or not active)]


def _card(pack: dict, job: Job | None) -> None:
    name, state = pack["name"], pack["state"]
    used = pack.get("path") == resources.pack().path
    tag = "in use" if used else STATES[state]
    st.markdown(f"**{plain(pack.get('title', name))}** :small[:gray[{tag} · {size_words(pack['bytes'])}]]")
    if state == "damaged":
        st.error(sentence(pack["problem"]), icon=":material/broken_image:")
    else:
        st.markdown(sentence(pack.get("description") or pack["domain"]))
        st.caption(f"{pack['resolution']} pixels wide · {plain(pack['licence'])}")
    if job is not None and state not in USABLE:
        _download_state(job)
        if job.active:
            return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if name in offers() and state in ("available", "unfinished", "damaged"):
            _download(pack)
        if state in (*USABLE, "damaged"):
            if state != "damaged" and not used:
                _use(name)
            st.button("Verify", key=f"verify-{name}", icon=":material/verified:", on_click=_verify, args=(name,), help="Read every file and check its SHA-256")
        if state in ("here", "damaged", "unfinished") and not used and pack.get("path") != _own_folder():
            _delete(pack)


def _use(name: str) -> None:
    """The button that edits with another pack from now on, and goes there."""
    if not st.button("Use this pack", key=f"use-{name}", icon=":material/tune:",
                     help="Go on editing with it; what you did with the other one waits until you come back to it"):
        return
    try:
        with st.spinner(f"Opening {plain(name)} …"):
            resources.use_pack(name)
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = sentence(describe(error))
        st.rerun()
    st.switch_page("views/edit.py")


def _download(pack: dict) -> None:
    """The licences, and the button that accepts them."""
    name, rest = pack["name"], pack["bytes"] - pack.get("bytes_here", 0)
    go_on = pack["state"] == "unfinished"
    with st.popover("Continue download" if go_on else "Download", icon=":material/download:", type="primary", key=f"get-{name}"):
        for licence in offers()[name].licences:
            st.markdown(f"**{plain(licence['covers'])}**: [{plain(licence['name'])}]({licence['url']}). {plain(licence['summary'])}")
        accepted = st.checkbox("I accept these licences", key=f"accept-{name}")
        st.button(f"Download {size_words(rest)}", key=f"fetch-{name}", type="primary", disabled=not accepted, on_click=_fetch, args=(name,))


def _download_state(job: Job) -> None:
    """How a download goes, or how it ended."""
    if job.active:
        st.progress(job.fraction, text=progress_text(job))
        if job.state != "stopping":
            st.button("Stop", key=f"stop-{job.request.pack}", icon=":material/stop_circle:", on_click=resources.queue().cancel, args=(job.folder,),
                      help="What has come is kept")
    elif job.state == "failed":
        st.error(f"The download did not work. {sentence(job.message)}", icon=":material/cloud_off:")
    else:
        st.info("The download was stopped; what has come is kept.", icon=":material/pause_circle:")


def _delete(pack: dict) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"delete-{pack['name']}"):
        st.markdown(f"Delete {plain(pack['name'])} from this machine? It can be downloaded again; directions that were learned with it stay.")
        st.button("Delete it", key=f"remove-{pack['name']}", type="primary", on_click=_remove, args=(pack["name"],))


def add_panel() -> None:
    """Take in files that are on this machine already."""
    with st.expander("Add from a folder", icon=":material/create_new_folder:", key="add-pack"):
        st.caption("A pack's folder, or a folder with published files under any names: they are known by their SHA-256. The folder is left as it is.")
        folder = st.text_input("Folder on this machine", key="add-folder", placeholder="~/Downloads")
        name = st.text_input("Name of the pack", key="add-name", placeholder="Only where several would fit", help="Or a new name for a pack's folder")
        if st.button("Add", key="add-now", icon=":material/add:", disabled=not folder.strip()):
            with st.spinner("Looking at the files …"):
                _do(_add, Path(folder.strip()).expanduser(), name.strip() or None)
            st.rerun()


def _messages() -> None:
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble, icon=":material/error:")
    if news := st.session_state.pop(NEWS, None):
        st.success(news, icon=":material/check:")


# --- what the buttons do: each leaves a sentence ----------------------------------------------------------------------


def _do(change, *arguments) -> None:
    try:
        st.session_state[NEWS] = change(*arguments)
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = sentence(describe(error))


def _fetch(name: str) -> None:
    for job in _downloads():
        if job.request.pack == name:
            job.dismiss()
    _do(lambda: resources.queue().submit(FetchRequest(name, session.visit(st.session_state))) and None)


def _verify(name: str) -> None:
    files.forget_hashes()
    _do(lambda: f"{plain(name)}: {overview.verify(name)['files']} files, each as it should be.")


def _remove(name: str) -> None:
    _do(lambda: f"{plain(name)} is deleted, {size_words(store.remove(name)['freed_bytes'])} are free again.")


def _add(folder: Path, name: str | None) -> str:
    lines = []
    for pack in add(folder, name):
        missing = f", still without {', '.join(pack['missing'])}" if pack["missing"] else ""
        lines.append(f"{pack['name']}: added {', '.join(pack['added']) or 'nothing that was not here'}{missing}.")
    return plain(" ".join(lines))
