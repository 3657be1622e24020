"""What can be done with the directions on disk: find, rename, delete and bring back, take in, hand out.

Each of one's own is a folder below the runs folder with a `direction.safetensors`. Deleting moves the folder to `deleted/`,
where neither the library nor the job queue looks, until somebody restores it or throws it away for good. The pack's
ready-made directions belong to the pack and are not touched.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app import recipes, resources
from app.resources import Entry
from lelsd.direction import FORMAT, Direction, load_direction
from lelsd.import_direction import import_direction
from packs.cli import describe

DELETED = "deleted"
MAX_NAME = 80
KINDS = ("safetensors", "npy", "pt")


@dataclass(frozen=True)
class Deleted:
    """A direction that can be restored."""

    folder: Path
    direction: Direction


def search(entries: Iterable[Entry], words: str, whose: str = "all") -> list[Entry]:
    """The entries that have all words in their name, prompt or part. `whose`: "all", "own" or "pack"."""
    wanted = words.lower().split()
    return [entry for entry in entries if whose in ("all", "own" if entry.own else "pack")
            and all(word in f"{entry.title} {entry.direction.prompt} {entry.direction.part} {' '.join(entry.direction.parts)}".lower() for word in wanted)]


def origin(entry: Entry) -> str:
    """Where a direction came from, in two words."""
    if not entry.own:
        return "ready-made"
    return "brought here" if "imported_from" in entry.direction.config or Path(entry.path).parent.name.startswith("opened-") else "learned here"


def rename(path: str | Path, name: str) -> None:
    """Give a direction another name, which it keeps in recipes and in files handed out. Raises ValueError."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise ValueError(f"a name of {len(name)} characters does not do; accepted: 1 to {MAX_NAME}")
    _own_folder(path)
    if any(entry.title.lower() == name.lower() and Path(entry.path) != Path(path) for entry in resources.library()[0]):
        raise ValueError(f"there is a direction called {name} already; accepted: another name")
    _writing(lambda: replace(resources.direction(path), name=name).save(path))


def delete(path: str | Path) -> Path:
    """Take a direction out of the library; returns the folder that `restore` brings back. Raises ValueError."""
    folder = _own_folder(path)
    if not folder.is_dir():
        raise ValueError(f"the direction {path} has gone already")
    target = resources.runs_folder().absolute() / DELETED / folder.name
    while target.exists():
        target = target.with_name(f"{folder.name}-{secrets.token_hex(2)}")
    _writing(lambda: (target.parent.mkdir(exist_ok=True), os.replace(folder, target)))
    return target


def restore(folder: Path) -> None:
    """Put a deleted direction back where it was, so that the stacks that use it find it again. Raises ValueError."""
    target = resources.runs_folder().absolute() / folder.name
    if target.exists() or not folder.is_dir():
        raise ValueError(f"{folder.name} cannot be restored: {'there is a direction in its place' if target.exists() else 'it has gone'}")
    _writing(lambda: os.replace(folder, target))


def deleted() -> list[Deleted]:
    """What can be restored, last deleted first."""
    folders = [path.parent for path in (resources.runs_folder().absolute() / DELETED).glob("*/direction.safetensors")]
    found = []
    for folder in sorted(folders, key=lambda folder: -folder.stat().st_ctime):
        try:
            found.append(Deleted(folder, load_direction(folder / "direction.safetensors")))
        except ValueError:
            continue  # it was no direction before it was deleted, either
    return found


def deleted_from(path: str | Path) -> Deleted | None:
    """What was deleted from there, if it can be restored."""
    folder = resources.runs_folder().absolute() / DELETED / Path(path).parent.name
    return next((item for item in deleted() if item.folder == folder), None)


def forget() -> None:
    """Throw away for good what was deleted. Raises ValueError."""
    _writing(lambda: shutil.rmtree(resources.runs_folder().absolute() / DELETED))


def bring(data: bytes, filename: str, prompt: str = "", part: str | None = None) -> Path:
    """Take in a file: one of ours as it is, one made elsewhere calibrated for this pack, under the words of `prompt`.

    Returns: where the library has it. Raises: ValueError, one sentence.
    """
    if filename.lower().endswith(".safetensors") and FORMAT.encode() in data[:100_000]:
        return recipes.open_direction(data, filename)
    if not prompt.strip():
        raise ValueError("a direction that was made elsewhere needs a description of what it does, such as \"an old person\"")
    return recipes.path_of(import_direction(data, resources.pack(), prompt, part, filename))


def as_numpy(direction: Direction) -> bytes:
    """The step at strength 1 as a .npy file for other programs: [L, D], or [K, L, D] where several were learned together."""
    steps = np.stack([direction.step(1.0, index).numpy() for index in range(direction.num_directions)])
    buffer = io.BytesIO()
    np.save(buffer, steps[0] if len(steps) == 1 else steps, allow_pickle=False)
    return buffer.getvalue()


def file_name(title: str) -> str:
    """A title as the beginning of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "direction"


def _own_folder(path: str | Path) -> Path:
    """The folder of a direction of one's own. Raises ValueError for any other, such as one of the pack."""
    folder = Path(path).absolute().parent
    if folder.parent != resources.runs_folder().absolute():
        raise ValueError(f"{path} belongs to a pack; accepted: directions that were learned or brought here")
    return folder


def _writing(change) -> None:
    """Raises ValueError where the disk refuses."""
    try:
        change()
    except OSError as error:
        raise ValueError(f"the folder of directions cannot be changed: {describe(error)}") from error
