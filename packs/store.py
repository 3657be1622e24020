"""The folder of the packs that were downloaded or added: `packs/NAME/` in the cache folder, one process at a time in each.

A folder without `pack.json` is a download that is not finished. Files are told by their hash, not by their name, so what
one pack has is linked into the next that needs it, and takes its room on the disk once.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from packs.cache import cache_folder
from packs.catalogue import Offer, RemoteFile
from packs.files import MANIFEST, NO_ROOM, bytes_in, part_of, sha256, size_words, unfinished, write_manifest

BUSY = "another process is working on this pack"


def packs_folder() -> Path:
    """Where packs are kept that did not come with the studio. It need not exist yet."""
    return cache_folder() / "packs"


def folders() -> dict[str, Path]:
    """The folder of each pack that is here, finished or not, by name."""
    return {path.name: path for path in sorted(packs_folder().glob("[!.]*")) if path.is_dir()}


def lock_of(name: str) -> FileLock:
    """What a process holds while it changes a pack; beside the folder, so that it survives the folder's removal."""
    packs_folder().mkdir(parents=True, exist_ok=True)
    return FileLock(packs_folder() / f".{name}.lock", thread_local=False)


def lock_now(name: str) -> FileLock:
    """The lock, held. Raises ValueError where another process holds it."""
    lock = lock_of(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(f"pack {name!r}: {BUSY}; accepted: the same again when it has ended") from None
    return lock


def has(path: Path, file: RemoteFile) -> bool:
    """Whether `path` is this file, by size and SHA-256."""
    return path.is_file() and path.stat().st_size == file.size and sha256(path) == file.sha256


def missing(offer: Offer) -> list[RemoteFile]:
    """Its files that are not here, or damaged."""
    folder = packs_folder() / offer.name
    return [file for file in offer.files if not has(folder / file.name, file)]


def in_other_pack(file: RemoteFile, name: str) -> Path | None:
    """The same file in another pack than `name`."""
    candidates = (path for pack, folder in folders().items() if pack != name for path in sorted(folder.iterdir()))
    return next((path for path in candidates if has(path, file)), None)


def bytes_here(offer: Offer) -> int:
    """Bytes of a pack that need not be downloaded any more, by the sizes of its files alone; quick."""
    folder = packs_folder() / offer.name
    sizes = [(file.size, bytes_in(folder / file.name), bytes_in(part_of(folder / file.name))) for file in offer.files]
    return sum(size if whole == size else min(part, size) for size, whole, part in sizes)


def place(source: Path, target: Path) -> None:
    """Make `target` the file that `source` is: a hard link where the file system allows it, else a copy.

    Raises: ValueError: the disk is full.
    """
    try:
        with unfinished(target) as waiting:
            try:
                os.link(source.resolve(), waiting)
            except OSError:  # another file system, or one without links
                shutil.copyfile(source, waiting)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise ValueError(f"the disk is full: {target.parent} has no room for {target.name} ({size_words(source.stat().st_size)}); "
                         "free some, or name another folder with ECLIPSED_CACHE") from error


def finish(offer: Offer) -> Path:
    """Write `pack.json`, which makes a pack of the files that are all there; returns the folder."""
    folder = packs_folder() / offer.name
    write_manifest(folder, offer.manifest())
    return folder


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder that may not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def remove(name: str) -> dict:
    """Delete a pack that was downloaded or added, finished or not; returns `freed_bytes` and, linked from elsewhere,
    `kept_bytes`.

    Raises: ValueError: no such pack in the packs folder, or another process is working on it.
    """
    found = folders()
    if name not in found:
        raise ValueError(f"pack {name!r} cannot be removed; accepted: {', '.join(found) or 'none, as none was downloaded or added'}")
    lock, folder = lock_now(name), found[name]
    try:
        sizes = [(path.stat().st_size, path.stat().st_nlink) for path in folder.rglob("*") if path.is_file()]
        (folder / MANIFEST).unlink(missing_ok=True)  # first, so that a half-removed folder is no pack
        shutil.rmtree(folder)
    finally:
        lock.release()
    freed = sum(size for size, links in sizes if links == 1)
    return {"name": name, "freed_bytes": freed, "kept_bytes": sum(size for size, _ in sizes) - freed}
