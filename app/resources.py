"""What all sessions share: the pack, the job queue, the directions on disk. Loaded once, frozen, never written to.

Two environment variables point the studio elsewhere (for tests, or a second set of models):

    ECLIPSED_PACK   name or folder of the pack to begin with  (default: portraits)
    ECLIPSED_RUNS   folder of trained directions and their runs (default: runs, in the current directory)
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import session
from app.job import Job
from app.jobs import JobQueue
from app.visits import Visits
from app.widgets import sentence
from lelsd.colour_words import WORN, named_colour
from lelsd.direction import Direction, load_direction
from lelsd.prompt import Prompt, parse_prompt
from lelsd.wishes import wishes
from packs import registry
from packs.cli import describe
from packs.files import MANIFEST
from packs.pack import Pack, load_pack

MAX_PACKS = 4  # opened at a time for all visitors together; models take gigabytes
DEVICE = "auto"
UNWRITTEN, JOBS = "visit_unwritten", "jobs_read"


def own_pack() -> str:
    """Name or folder of the pack that the studio begins with."""
    return os.environ.get("ECLIPSED_PACK", "portraits")


def pack_name() -> str:
    """Name or folder of the pack that this visitor uses: the one they chose, or else the studio's own."""
    return st.session_state.get(session.PACK_KEY) or own_pack()


def runs_folder() -> Path:
    """Where trained directions and their runs are kept."""
    return Path(os.environ.get("ECLIPSED_RUNS", "runs"))


def pack() -> Pack:
    """The visitor's pack. Raises ValueError if there is none of that name, or a file is damaged."""
    return _opened(pack_name())


def use_pack(name: str) -> None:
    """Work with another pack from now on. Raises ValueError or OSError if it cannot be opened; then nothing has changed."""
    _ = _opened(name).generator  # opened while somebody waits for it, not under the first picture
    old = pack_name()
    if name != old:
        session.change_pack(st.session_state, old, name)
        session.begin(st.session_state, pack().truncation)
        remember_visit()


def queue() -> JobQueue:
    """The one job queue of this server for the runs folder."""
    return _queue(str(runs_folder().absolute()))


def _opened(name: str) -> Pack:
    """A pack, opened anew where another has come under its name."""
    folder = registry.find(name)
    return _pack(str(folder), (folder / MANIFEST).stat().st_mtime_ns)


@st.cache_resource(show_spinner=False, max_entries=MAX_PACKS)
def _pack(folder: str, changed: int) -> Pack:
    return load_pack(folder, DEVICE)


def read_jobs_anew() -> None:
    """Call as a run of the page begins: what `jobs` has read is of the one before."""
    st.session_state.pop(JOBS, None)


def jobs() -> Sequence[Job]:
    """All jobs, newest first, as they were when this run of the page first asked: many of its panels do, and each reading opens files of every job."""
    if JOBS not in st.session_state:
        st.session_state[JOBS] = queue().jobs()
    return st.session_state[JOBS]


def jobs_by_and_by() -> Callable[[], Sequence[Job]]:
    """For a fragment, which the page draws first and a clock draws again: answers `jobs` of this run once, and reads them anew from then on."""
    first = [jobs()]
    return lambda: first.pop() if first else queue().jobs()


@st.cache_resource(show_spinner=False)
def _queue(folder: str) -> JobQueue:
    return JobQueue(Path(folder))


def visits() -> Visits:
    """Work by visit, so that a reload of the page (a new session for Streamlit), or a new server, loses nothing."""
    return _visits(str(runs_folder().absolute()))


@st.cache_resource(show_spinner=False)
def _visits(folder: str) -> Visits:
    return Visits(Path(folder, ".visits"))


def remember_visit() -> None:
    """Keep the work of this visit; where it cannot be written, that is said once."""
    with said_where_unwritten():
        visits().keep(session.visit(st.session_state), session.work(st.session_state))


@contextmanager
def said_where_unwritten() -> Iterator[None]:
    """Say it once to this visitor where their work cannot be written in the block; it goes on in memory."""
    try:
        yield
    except OSError as error:
        if not st.session_state.get(UNWRITTEN):
            st.toast(sentence(f"your work is kept only until the studio is closed: {describe(error)}"), icon=":material/error:")
        st.session_state[UNWRITTEN] = True


@st.cache_resource(show_spinner=False)
def warm_up(name: str, _models: Pack) -> threading.Thread:
    """Read a prompt in the background, once a pack: the first one takes seconds for what it has to import, the next ones none."""
    thread = threading.Thread(target=_read_a_prompt, args=(_models,), name="eclipsed-warm-up", daemon=True)
    thread.start()
    return thread


def _read_a_prompt(models: Pack) -> None:
    try:
        wishes(parse_prompt("a person with curly hair and glasses", models), models)
    except (ValueError, OSError):
        pass  # whoever types a prompt will be told


@st.cache_data(show_spinner=False, max_entries=500)
def understand(text: str, name: str) -> Prompt:
    """What a prompt means. Raises ValueError for one that is empty or too long. `name` of the pack: part of the key."""
    return parse_prompt(text, _opened(name))


# --- directions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A direction of the library. `own`: trained or brought here, not part of the pack."""

    path: str
    direction: Direction
    own: bool

    @property
    def title(self) -> str:
        """Its name or its prompt, short enough for a button, with a capital."""
        title = title_of(self.direction)
        return title[:1].upper() + title[1:]


def direction(path: str | Path) -> Direction:
    """The direction in a file, read again only when the file changes. Raises ValueError if it cannot be used."""
    path = Path(path)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise ValueError(f"the direction {path} has gone: {error.strerror}") from error
    return _direction(str(path), changed)


@st.cache_resource(show_spinner=False, max_entries=500)
def _direction(path: str, changed: int) -> Direction:
    return load_direction(path)


def library() -> tuple[list[Entry], list[str]]:
    """The directions that fit the pack, own ones first and newest first; and a sentence for each file that is no use."""
    own = sorted(runs_folder().absolute().glob("*/direction.safetensors"), key=lambda path: -path.stat().st_mtime)
    entries, problems, fitting = [], [], pack().hash
    for path, is_own in [*((path, True) for path in own), *((path, False) for path in pack().directions())]:
        try:
            found = direction(path)
        except ValueError as error:
            problems.append(describe(error))
            continue
        if found.pack_hash == fitting:
            entries.append(Entry(str(path), found, is_own))
    return entries, problems


def title_of(direction: Direction) -> str:
    """What a direction is called: the name that somebody gave it, or its prompt in short."""
    return direction.name or short_title(direction.prompt)


def needs(direction: Direction) -> str:
    """" · needs a hat" for a direction that only changes the colour of what is worn, which shows on nobody else, " · needs open eyes" for their colour;
    "" for any other."""
    try:
        prompt = understand(direction.prompt, pack_name())
    except ValueError:
        return ""
    named = named_colour(prompt)
    if named and named.is_worn:
        return f" · needs {WORN[named.part][0]}"
    return " · needs open eyes" if direction.colour is not None and direction.part == "eyes" else ""


def short_title(prompt: str, length: int = 34) -> str:
    """ "a person with curly hair" -> "curly hair": what one calls a direction."""
    words = prompt.strip()
    for start in ("a person with ", "a person wearing ", "a person who is ", "a person who has ", "a person whose ", "a person "):
        if words.lower().startswith(start) and len(words) > len(start):
            words = words[len(start):]
            break
    words = re.sub("^(the|an?) ", "", words, flags=re.IGNORECASE)
    return words if len(words) <= length else f"{words[: length - 1].rstrip()}…"
