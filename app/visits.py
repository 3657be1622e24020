"""The work of visits, in memory and in a folder: a reload of the page finds it again, and so does whoever comes back after the server was started anew.

    visits = Visits(Path("runs/.visits"))
    visits.keep("0a1b2c3d4e5f", session.work(st.session_state))
    visits.get("0a1b2c3d4e5f")

A visit is a JSON file of states. Latents, of which many states have the same, are written once each. What is kept beside it (`drawers`) goes with it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from app.drawers import Drawers
from app.files import changed, is_name
from app.session import History, Latents, Snapshot, StackEdit, Work
from packs.files import write_atomically

MAX_VISITS = 200
FORMAT = 1


class Visits:
    """Work by the name of its visit, and the drawers beside it. The oldest visits are forgotten."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.drawers = Path(folder), Drawers(folder)
        self._kept: OrderedDict[str, Work] = OrderedDict()

    def get(self, name: str | None) -> Work | None:
        """What was kept of a visit, None if nothing was. Raises ValueError and OSError for a file that cannot be read."""
        if name not in self._kept and is_name(name) and self._path(name).is_file():
            self._kept[name] = read_work(self._path(name))
        return self._kept.get(name)

    def keep(self, name: str, work: Work) -> None:
        """Keep the work of a visit. A file is written once something was changed, and when anything changed since. Raises OSError; in memory it is kept nevertheless."""
        same = self._kept.get(name) == work
        self._kept[name] = work
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_VISITS:
            self._kept.popitem(last=False)
        new = not self._path(name).exists()
        if not same and (work.begun or not new):
            write_atomically(self._path(name), json.dumps(to_json(work), separators=(",", ":")).encode())
            if new:
                self._tidy()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _tidy(self) -> None:
        """Without the files of the oldest visits, and without drawers of visits that have gone."""
        files = sorted(self.folder.glob("*.json"), key=changed, reverse=True)
        for path in files[MAX_VISITS:]:
            path.unlink(missing_ok=True)
        for path in self.folder.glob("*/"):
            if not self._path(path.name).exists():
                self.drawers.forget(path.name)


def read_work(path: Path) -> Work:
    """What `Visits` wrote. Raises OSError, and ValueError for a file that is damaged or of another version."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: it holds no work of a visit ({type(error).__name__}: {error})") from None


def to_json(work: Work) -> dict:
    """Work as JSON has it."""
    latents: dict[Latents, int] = {}
    histories = {pack: _states(history, latents) for pack, history in work.left.items()}
    return {"format": FORMAT, "pack": work.pack, "history": _states(work.history, latents), "left": histories, "beside": sorted(work.beside), "latents": list(latents)}


def from_json(kept: Mapping) -> Work:
    """The work that `to_json` made this of. Raises ValueError and what wrong types raise."""
    if kept["format"] != FORMAT:
        raise ValueError(f"it has format {kept['format']!r}, this version of the studio reads format {FORMAT}")
    if kept["pack"] is not None and not isinstance(kept["pack"], str):
        raise ValueError(f"its pack is {kept['pack']!r}")
    latents = [tuple(tuple(float(value) for value in row) for row in rows) for rows in kept["latents"]]
    left = {str(pack): _history(states, latents) for pack, states in kept["left"].items()}
    beside = frozenset(str(name) for name in kept.get("beside", ()))  # there was none at first
    return Work(_history(kept["history"], latents), kept["pack"], left, beside)


def _states(history: History, latents: dict[Latents, int]) -> dict:
    """A history; the latents of its states are added to `latents`, where their number is."""
    return {"here": len(history.past), "states": [_state(snapshot, latents) for snapshot in history.states]}


def _state(snapshot: Snapshot, latents: dict[Latents, int]) -> dict:
    w_plus = None if snapshot.w_plus is None else latents.setdefault(snapshot.w_plus, len(latents))
    return {"seed": snapshot.seed, "truncation": snapshot.truncation, "edits": [asdict(edit) for edit in snapshot.edits], "w_plus": w_plus}


def _history(kept: Mapping, latents: list[Latents]) -> History:
    states, here = [_snapshot(state, latents) for state in kept["states"]], int(kept["here"])
    return History(states[here], tuple(states[:here]), tuple(states[here + 1:]))


def _snapshot(state: Mapping, latents: list[Latents]) -> Snapshot:
    edits = tuple(_edit(**edit) for edit in state["edits"])
    return Snapshot(int(state["seed"]), float(state["truncation"]), edits, None if state["w_plus"] is None else latents[state["w_plus"]])


def _edit(direction: str, alpha: float, layers: list[int] | None, muted: bool, index: int, free: bool, uid: str) -> StackEdit:
    return StackEdit(str(direction), float(alpha), None if layers is None else tuple(int(n) for n in layers), bool(muted), int(index), bool(free), str(uid))
