"""Which packs there are and where they lie: for now, the one that comes with the studio."""

from __future__ import annotations

import os
from pathlib import Path

from packs.files import MANIFEST

BUILT_IN_FOLDER = Path(__file__).resolve().parent
DEFAULT = "portraits"


def known() -> dict[str, Path]:
    """Folder of each pack that can be named, by name."""
    return {path.parent.name: path.parent for path in sorted(BUILT_IN_FOLDER.glob(f"*/{MANIFEST}"))}


def find(name_or_path: str | os.PathLike) -> Path:
    """The folder of a pack: a known name, or a path to any pack folder.

    Raises: ValueError: neither; lists the known packs.
    """
    text = os.fspath(name_or_path)
    packs = known()
    if text in packs:
        return packs[text]
    # os.path, not Path: text that no file system takes (too long, a null byte) is just not a folder
    if text and os.path.isdir(text) and os.path.isfile(os.path.join(text, MANIFEST)):
        return Path(text).resolve()  # what is written into run folders must hold from anywhere
    names = ", ".join(packs) or "none"
    raise ValueError(f"unknown pack {text!r}, known packs: {names} (or the path of a folder with a {MANIFEST})")
