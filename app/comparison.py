"""Comparisons of the studio: at once on one picture, as a job on several, which survives a reload; both are `baselines.side_by_side.outcomes`'."""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import replace

import streamlit as st
from torch import Tensor

from app import rendering, resources
from app.job import Job
from app.job_request import CompareRequest
from app.session import Snapshot
from baselines.shipped import Shipped
from baselines.side_by_side import files, outcomes, sources
from baselines.side_by_side.outcomes import Compared, Contender, Progress, Wish
from baselines.side_by_side.sources import Chosen
from evaluation.editor import Editor
from lelsd.edit import apply, style_offset
from lelsd.likeness import Likeness
from packs.pack import Pack
from stylegan2.images import to_pil


def contenders(pack: Pack, wish: Wish, strength: float) -> list[Contender]:
    """Everybody there could be: the library's direction at a strength, and the editors of the pack, each opened once."""
    directions = [entry.direction for entry in resources.library()[0]]
    return outcomes.contenders(pack, wish, strength, directions, lambda editor: _opened(str(pack.path), _hashes(pack, editor), editor, pack))


def compare_now(chosen: Chosen, wish: Wish, strength: float, progress: Progress = lambda share, words: None) -> Compared:
    """The comparison, while somebody waits for it. Raises ValueError or OSError, one sentence."""
    pack, found = resources.pack(), None
    samples, asked = chosen.make(pack), contenders(pack, wish, strength)
    if asked[0].editor is not None:
        samples, found = sources.with_latents(pack, samples, progress, _found())
    prompt = resources.understand(wish.prompt, resources.pack_name())
    return outcomes.compare(pack, samples, wish, asked, chosen.words, prompt, _centre(pack.hash, pack), found, progress)


def of_edit_page(snapshot: Snapshot) -> Chosen:
    """The picture of the Edit page, with its edits as far as they can be read. Raises ValueError for edits in StyleSpace, which no latent holds."""
    readable = rendering.drawable(snapshot)
    edits = rendering.stack(replace(readable, edits=tuple(rendering.active(readable))))
    if style_offset(edits) is not None:
        raise ValueError("an edit of the Edit page moves styles, which cannot be compared; mute it, or save the picture and bring it here as a file")
    words = rendering.words(readable)
    return Chosen("latent", w_plus=apply(rendering.latents(readable), edits), title=words[0].lower() + words[1:])


def submit(chosen: Chosen, wish: Wish, strength: float, visit: str) -> Job:
    """Put a comparison in the queue. Raises ValueError for pictures that are none, or a folder that cannot be written."""
    uploaded = chosen.kind == "uploaded"
    squares = list(chosen.make(resources.pack()).images) if uploaded else []  # drawn anew: nothing that a file said of place or camera is in them
    request = CompareRequest(wish.prompt, wish.attribute, wish.value, resources.pack_name(), chosen.words, strength, chosen.kind, chosen.number,
                             chosen.count, chosen.truncation, len(squares), visit)
    return resources.queue().submit(request, {name: _png(square) for name, square in zip(request.pictures, squares)})


def jobs() -> list[Job]:
    """The comparisons that were asked for as jobs and not deleted, newest first."""
    return [job for job in resources.queue().jobs() if job.kind == "compare"]


def load(job: Job) -> Compared:
    """What a job came to. Raises ValueError if it is damaged, and OSError if it has gone."""
    return replace(files.read(job.folder), source=job.request.words)


def _png(image: Tensor) -> bytes:
    buffer = io.BytesIO()
    to_pil(image).save(buffer, "PNG")
    return buffer.getvalue()


def _hashes(pack: Pack, editor: Shipped) -> tuple[str, ...]:
    return tuple(pack.info["files"][name]["sha256"] for name in editor.needed)


@st.cache_resource(show_spinner=False, max_entries=8)
def _opened(folder: str, hashes: tuple[str, ...], editor: Shipped, _pack: Pack) -> Editor:
    return editor.open(_pack)


@st.cache_resource(show_spinner=False, max_entries=4)
def _centre(pack_hash: str, _pack: Pack) -> Tensor | None:
    """The mean face that identity is measured from: a few pictures have none of their own."""
    return Likeness(_pack).centre


@st.cache_resource(show_spinner=False)
def _found() -> sources.Found:
    """What was found for pictures, kept for the next wish about the same ones."""
    return OrderedDict()
