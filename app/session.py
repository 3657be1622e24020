"""What one visitor is working on, as values that never change, and the history that undo and redo walk through.

A `Snapshot` is everything that decides the picture. Every change makes a new one and pushes it on the `History`; the
widgets of a page are drawn from the present snapshot, so undo needs no more than a step in the history.
This module knows nothing of Streamlit but the one place where the history is kept (`history`, `commit`, …).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from packs.cli import MAX_SEED

MAX_UNDO = 200
MERGE_SECONDS = 1.5  # steps of one slider that follow each other faster than this are one step of undo
ALPHA_LIMIT = 2.0
DEFAULT_SEED = 62  # in the built-in pack a friendly face that wears and hides nothing: whatever is asked for can be seen
DEFAULT_TRUNCATION = 0.7
HISTORY_KEY, VISIT_KEY = "history", "visit"
PACK_KEY, LEFT_KEY, BESIDE_KEY = "pack", "histories_left", "beside"
Latents = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class StackEdit:
    """One direction in the stack: which file, how strong, on which layers.

    `layers` None means the layers that the direction was learned on; `index` chooses one of K directions in the file; `free`
    edits go on where faces of the pack end.
    """

    direction: str
    alpha: float = 1.0
    layers: tuple[int, ...] | None = None
    muted: bool = False
    index: int = 0
    free: bool = False
    uid: str = field(default_factory=lambda: uuid.uuid4().hex[:8])


@dataclass(frozen=True)
class Snapshot:
    """A state of the page: the face to start from, and what is done to it, first edit first.

    `w_plus` [L][D] replaces the seed where a recipe brought a latent that no seed gives.
    """

    seed: int = DEFAULT_SEED
    truncation: float = DEFAULT_TRUNCATION
    edits: tuple[StackEdit, ...] = ()
    w_plus: Latents | None = None


@dataclass(frozen=True)
class History:
    """The present snapshot with those before it and those undone. `tag` names the last change, for merging."""

    present: Snapshot = Snapshot()
    past: tuple[Snapshot, ...] = ()
    future: tuple[Snapshot, ...] = ()
    tag: str | None = None
    changed_at: float = 0.0

    def push(self, snapshot: Snapshot, tag: str | None = None, now: float | None = None) -> History:
        """The history after a change to `snapshot`. Quick changes with one and the same `tag` merge into one step."""
        if snapshot == self.present:
            return self
        now = time.monotonic() if now is None else now
        merges = tag is not None and tag == self.tag and now - self.changed_at < MERGE_SECONDS and bool(self.past)
        past = self.past if merges else (*self.past, self.present)[-MAX_UNDO:]
        return History(snapshot, past, (), tag, now)

    def undo(self) -> History:
        """One step back; the same history where there is none."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redo(self) -> History:
        """One step forward again; the same history where nothing was undone."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])

    @property
    def states(self) -> tuple[Snapshot, ...]:
        """All there are, oldest first, those undone last; the present one has place `len(past)`."""
        return (*self.past, self.present, *self.future)

    def only(self, wanted: Callable[[Snapshot], bool]) -> History | None:
        """Without the states that are not wanted; the one before the present one, or else the one after, takes its place. None where none is left."""
        left = [number for number, state in enumerate(self.states) if wanted(state)]
        if not left:
            return None
        at = max(sum(number <= len(self.past) for number in left) - 1, 0)
        states = tuple(self.states[number] for number in left)
        return History(states[at], states[:at], states[at + 1:])

    def go(self, place: int) -> History:
        """To any state, as so many steps of undo or redo would; the same history for a place that there is not."""
        if not 0 <= place < len(self.states) or place == len(self.past):
            return self
        return History(self.states[place], self.states[:place], self.states[place + 1:])


@dataclass(frozen=True)
class Work:
    """What a visitor comes back to. `pack`: the one they chose, None for the studio's own; `left`: histories of other packs, by pack;
    `beside`: what there is besides histories, such as a photo, by the names of its drawers."""

    history: History
    pack: str | None = None
    left: Mapping[str, History] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()

    @property
    def begun(self) -> bool:
        """Whether anything was changed."""
        return bool(self.beside) or any(len(history.states) > 1 for history in (self.history, *self.left.values()))


# --- changes: each takes a snapshot and gives the next ---------------------------------------------------------------


def with_face(snapshot: Snapshot, seed: int) -> Snapshot:
    """Another face under the same edits. Raises ValueError for a number that is not a seed."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"{seed} is not a seed, 0 to {MAX_SEED} is accepted")
    return replace(snapshot, seed=int(seed), w_plus=None)


def with_truncation(snapshot: Snapshot, truncation: float) -> Snapshot:
    """Closer to the average face (towards 0) or further from it (towards 1)."""
    return replace(snapshot, truncation=round(float(truncation), 4))


def added(snapshot: Snapshot, edit: StackEdit) -> Snapshot:
    """`edit` on top of the stack."""
    return replace(snapshot, edits=(*snapshot.edits, edit))


def changed(snapshot: Snapshot, uid: str, **fields: object) -> Snapshot:
    """The edit `uid` with other fields; the same snapshot if it has gone meanwhile."""
    edits = tuple(replace(edit, **fields) if edit.uid == uid else edit for edit in snapshot.edits)
    return replace(snapshot, edits=edits)


def removed(snapshot: Snapshot, uid: str) -> Snapshot:
    """Without the edit `uid`."""
    return replace(snapshot, edits=tuple(edit for edit in snapshot.edits if edit.uid != uid))


def moved(snapshot: Snapshot, uid: str, by: int) -> Snapshot:
    """The edit `uid` `by` places further down; it stops at the ends."""
    edits = list(snapshot.edits)
    place = next((n for n, edit in enumerate(edits) if edit.uid == uid), None)
    if place is None:
        return snapshot
    edit = edits.pop(place)
    edits.insert(min(max(place + by, 0), len(edits)), edit)
    return replace(snapshot, edits=tuple(edits))


def without_edits(snapshot: Snapshot) -> Snapshot:
    """The face alone."""
    return replace(snapshot, edits=())


# --- the place where a visitor's history is kept ---------------------------------------------------------------------


def history(state: MutableMapping) -> History:
    """The history in a session's state (`st.session_state`); a new one at the first call."""
    if HISTORY_KEY not in state:
        state[HISTORY_KEY] = History()
    return state[HISTORY_KEY]


def begin(state: MutableMapping, truncation: float) -> None:
    """Start a history, unless there is one, with the truncation that suits the pack."""
    if HISTORY_KEY not in state:
        state[HISTORY_KEY] = History(Snapshot(truncation=truncation))


def present(state: MutableMapping) -> Snapshot:
    """What the page shows now."""
    return history(state).present


def commit(state: MutableMapping, snapshot: Snapshot, tag: str | None = None) -> None:
    """Make `snapshot` the present, as one step of undo."""
    state[HISTORY_KEY] = history(state).push(snapshot, tag)


def undo(state: MutableMapping) -> None:
    """Step back."""
    state[HISTORY_KEY] = history(state).undo()


def redo(state: MutableMapping) -> None:
    """Step forward."""
    state[HISTORY_KEY] = history(state).redo()


def go(state: MutableMapping, place: int) -> None:
    """Back or forward to the state at `place`."""
    state[HISTORY_KEY] = history(state).go(place)


def visit(state: MutableMapping) -> str:
    """The name of this visit, which its address carries, so that a reload finds its history and its jobs again."""
    if VISIT_KEY not in state:
        state[VISIT_KEY] = uuid.uuid4().hex[:12]
    return state[VISIT_KEY]


def work(state: MutableMapping) -> Work:
    """All that a visitor comes back to, after a reload or from another pack."""
    return Work(history(state), state.get(PACK_KEY), state.get(LEFT_KEY, {}), state.get(BESIDE_KEY, frozenset()))


def take_up(state: MutableMapping, kept: Work) -> None:
    """Go on with what was kept; a visitor who has begun something already keeps that."""
    if HISTORY_KEY not in state and PACK_KEY not in state:
        state[HISTORY_KEY], state[LEFT_KEY], state[BESIDE_KEY] = kept.history, kept.left, kept.beside
        if kept.pack is not None:
            state[PACK_KEY] = kept.pack


def return_to(state: MutableMapping, name: str, kept: Work) -> None:
    """Leave what was begun here, and go on with another visit."""
    _forget(state)
    state[VISIT_KEY] = name
    take_up(state, kept)


def change_pack(state: MutableMapping, old: str, new: str) -> None:
    """From pack `old` to `new`: its history waits for the way back, and nothing else of the old one stays in the session.

    Layers, directions and made pictures mean something else in another pack, so what is kept is named here and all else goes.
    """
    left = {**state.get(LEFT_KEY, {}), **({old: state[HISTORY_KEY]} if HISTORY_KEY in state else {})}
    before, name, beside = left.pop(new, None), visit(state), state.get(BESIDE_KEY, frozenset())
    _forget(state)
    state[PACK_KEY], state[LEFT_KEY], state[VISIT_KEY], state[BESIDE_KEY] = new, left, name, beside
    if before is not None:
        state[HISTORY_KEY] = before


def _forget(state: MutableMapping) -> None:
    for key in list(state):
        del state[key]
