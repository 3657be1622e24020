"""What a prompt asks for, thing by thing, and what of it need not be learned: it is in the library, on the stack, or on its way."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app import resources, session
from app.job import Job
from app.resources import Entry
from lelsd.direction import Direction
from lelsd.near import near
from lelsd.prompt import Prompt
from lelsd.wishes import Service, meaning, served, unheard, wishes

MOST_NEAR = 4


@dataclass(frozen=True)
class Wanted:
    """One thing that a prompt asks for. entry: a direction of the library that does it, at strength `alpha`; None if it is to be learned.

    on_stack: it is done there already. is_moved: it is there, at another strength. on_its_way: a job learns it."""

    prompt: Prompt
    entry: Entry | None = None
    alpha: float = 1.0
    on_stack: bool = False
    is_moved: bool = False
    on_its_way: bool = False

    @property
    def title(self) -> str:
        """What it is called, with a capital: as the direction is, or its words in short."""
        if self.entry is not None:
            return self.entry.title if self.alpha == 1 else f"{self.entry.title} at {self.alpha:+.4g}".replace("-", "−")
        title = resources.short_title(self.prompt.text)
        return title[:1].upper() + title[1:]

    @property
    def is_missing(self) -> bool:
        """Whether nobody has learned it, or is about to."""
        return self.entry is None and not self.on_its_way

    @property
    def can_be_added(self) -> bool:
        """Whether it lies in the library, and is not on the stack."""
        return self.entry is not None and not self.on_stack


def all_wanted(prompt: Prompt, entries: Sequence[Entry], jobs: Sequence[Job], stack: Sequence[session.StackEdit],
               begun: Sequence[session.StackEdit]) -> list[Wanted]:
    """The things that a prompt asks for. entries: the library, those to be preferred first. begun: the stack as it was when the prompt was
    typed, from which "more" and "less" are counted."""
    name, known = resources.pack_name(), _known(entries)
    learning = {_meant(job.request.prompt, name) for job in jobs if job.active and job.kind == "train" and job.request.pack == name}
    strengths, before = ({edit.direction: edit.alpha for edit in edits if not edit.muted} for edits in (stack, begun))
    directions = {meant: entry.direction for meant, entry in known.items()}

    def find(wish: Prompt) -> Wanted:
        does = served(wish, resources.pack(), directions)
        if does is None:
            return Wanted(wish, on_its_way=meaning(wish, resources.pack()) in learning)
        entry = known[does.meant]
        present, first = strengths.get(entry.path), before.get(entry.path, 0.0)
        is_so = present is not None and does.is_done(present, first)
        return Wanted(wish, entry, does.strength(first), is_so, present is not None and not is_so)

    return [find(wish) for wish in wishes(prompt, resources.pack())]


def near_at_hand(wanted: Sequence[Wanted], entries: Sequence[Entry], stack: Sequence[session.StackEdit]) -> list[Wanted]:
    """What the library has that does a part of what is wanted and to be learned, but for what is wanted besides or on the stack already."""
    missing, found = [one for one in wanted if one.is_missing], dict[str, Wanted]()
    known = _known(entries) if missing else {}
    directions = {meant: entry.direction for meant, entry in known.items()}
    paths, there = tuple(entry.path for entry in entries), {edit.direction for edit in stack} | {one.entry.path for one in wanted if one.entry is not None}
    for one in missing:
        for does in _near(one.prompt.text, resources.pack_name(), paths, directions):
            entry = known[does.meant]
            if entry.path not in there:
                found.setdefault(entry.path, Wanted(one.prompt, entry, does.strength()))
    return list(found.values())[:MOST_NEAR]


def _known(entries: Sequence[Entry]) -> dict[Hashable, Entry]:
    """Directions of the library by meaning; of several that mean the same, the first."""
    known: dict[Hashable, Entry] = {}
    for entry in entries:
        known.setdefault(_meant(entry.direction.prompt, resources.pack_name()), entry)
    return known


@st.cache_data(show_spinner=False, max_entries=500)
def _near(text: str, name: str, paths: tuple[str, ...], _directions: Mapping[Hashable, Direction]) -> list[Service]:
    """What `_directions`, those of `paths`, have that is near to a prompt for the pack `name`."""
    return near(resources.understand(text, name), resources.pack(), _directions)


@st.cache_data(show_spinner=False, max_entries=500)
def unheard_in(text: str, name: str) -> tuple[str, ...]:
    """The words of a prompt that mean nothing to the CLIP of the pack `name`. Raises ValueError for one that cannot be read."""
    return unheard(resources.understand(text, name), resources.pack())


@st.cache_data(show_spinner=False, max_entries=1000)
def _meant(text: str, name: str) -> Hashable:
    """The meaning of a prompt for the pack `name`, or its text where it cannot be read."""
    try:
        return meaning(resources.understand(text, name), resources.pack())
    except ValueError:
        return text
