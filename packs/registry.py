"""Which packs there are and where they lie: those that come with the studio, and those that were downloaded or added."""

from __future__ import annotations

import os
from pathlib import Path

from packs import store
from packs.catalogue import offers
from packs.files import MANIFEST, size_words

BUILT_IN_FOLDER = Path(__file__).resolve().parent
DEFAULT = "portraits"


def built_in() -> dict[str, Path]:
    """Folder of each pack that comes with the studio, by name."""
    return {path.parent.name: path.parent for path in sorted(BUILT_IN_FOLDER.glob(f"*/{MANIFEST}"))}


def known() -> dict[str, Path]:
    """Folder of each pack that can be opened by name: built in, downloaded or added."""
    here = {name: folder for name, folder in store.folders().items() if (folder / MANIFEST).is_file()}
    return built_in() | {name: folder for name, folder in here.items() if name not in built_in()}


def find(name_or_path: str | os.PathLike) -> Path:
    """The folder of a pack: a known name, or a path to any pack folder.

    Raises: ValueError: neither; lists the known packs, and says how to get one that is not here yet.
    """
    text = os.fspath(name_or_path)
    folder = built_in().get(text) or known().get(text)
    if folder:
        return folder
    # os.path, not Path: text that no file system takes (too long, a null byte) is just not a folder
    if text and os.path.isdir(text) and os.path.isfile(os.path.join(text, MANIFEST)):
        return Path(text).resolve()  # what is written into run folders must hold from anywhere
    offer = offers().get(text)
    if offer:
        rest = size_words(offer.size - store.bytes_here(offer))
        raise ValueError(f"pack {text!r} is not complete on this machine; python -m packs fetch {text} downloads it ({rest})")
    names = ", ".join(known()) or "none"
    raise ValueError(f"unknown pack {text!r}, known packs: {names} (or the path of a folder with a {MANIFEST}); "
                     f"to be downloaded: {', '.join(offers())}")
