"""What a visit works on besides its history, on disk: a drawer for its photo, and one for its shapes with each pack.

    drawers = Drawers(Path("runs/.visits"))
    drawers.put("0a1b2c3d4e5f", "photo", {"name": "me.png"}, {"8f3a": lambda: png})
    drawers.open("0a1b2c3d4e5f", "photo").picture("8f3a")

A drawer is a folder in the visit's: values as JSON, and the pictures that belong to them, which are written once each.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.files import changed, is_name
from packs.files import bytes_in, write_atomically

FORMAT, VALUES = 1, "values.json"
MAX_BYTES = 256 * 2**20  # of all drawers of all visits together


@dataclass(frozen=True)
class Drawer:
    """What was put in. values: as JSON has them."""

    folder: Path
    values: Mapping[str, Any]

    def picture(self, name: object) -> bytes:
        """A PNG that was put in by this name. Raises ValueError for what is no name, OSError for one that has gone."""
        if not is_name(name):
            raise ValueError(f"{self.folder / VALUES} is damaged: it names the picture {str(name)[:80]!r}")
        return (self.folder / f"{name}.png").read_bytes()


class Drawers:
    """Drawers by visit and name, neither of which is trusted to be a file's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._written: set[Path] = set()  # by this server: a picture that another left may be damaged, and is written anew
        self._putting = threading.Lock()  # or what two tabs of a visit put in at once would take each other's pictures out

    def put(self, visit: str, name: str, values: Mapping[str, Any], pictures: Mapping[str, Callable[[], bytes]]) -> None:
        """Keep values in place of those before, with the pictures by name: each is asked for once, and others go. Raises OSError."""
        with self._putting:
            if self._put(self._folder(visit, name), {"format": FORMAT, **values}, pictures):
                self._tidy()  # not after every stroke: there may be thousands of files to look at

    def open(self, visit: str, name: str) -> Drawer | None:
        """What was put in; None where nothing is. Raises OSError, and ValueError for a file that is damaged or of another version."""
        path = self._folder(visit, name) / VALUES
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"it has format {values['format']!r}, this version of the studio reads format {FORMAT}")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged ({type(error).__name__}: {error})") from None
        return Drawer(path.parent, values)

    def empty(self, visit: str, name: str) -> None:
        """Take out what is in. Raises OSError where it cannot be deleted."""
        if (folder := self._folder(visit, name)).exists():
            shutil.rmtree(folder)

    def forget(self, visit: str) -> None:
        """Without the drawers of a visit."""
        shutil.rmtree(self.folder / visit, ignore_errors=True)

    def _folder(self, visit: str, name: str) -> Path:
        if not (is_name(visit) and is_name(name)):
            raise ValueError(f"{visit!r} and {name!r} are no names of drawers; accepted: up to 64 letters, digits, - and _")
        return self.folder / visit / name

    def _put(self, folder: Path, values: Mapping[str, Any], pictures: Mapping[str, Callable[[], bytes]]) -> bool:
        """Whether a picture was written."""
        paths = {folder / f"{picture}.png": png for picture, png in pictures.items()}
        new = [path for path in paths if path not in self._written or not path.exists()]
        for path in new:
            write_atomically(path, paths[path]())
        self._written.update(new)
        write_atomically(folder / VALUES, json.dumps(values, separators=(",", ":")).encode())
        for path in folder.glob("*.png"):  # last: until now the values named them
            if path not in paths:
                path.unlink(missing_ok=True)
        return bool(new)

    def _tidy(self) -> None:
        """Without those that were longest not put into, so that the rest is no more than `MAX_BYTES`."""
        found = sorted((path for path in self.folder.glob("*/*") if path.is_dir()), key=changed, reverse=True)
        room = MAX_BYTES
        for folder in found:
            room -= sum(bytes_in(path) for path in folder.glob("*"))
            if room < 0:
                shutil.rmtree(folder, ignore_errors=True)
