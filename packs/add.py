"""Take in models that are on this machine already: files of the catalogue, told by their hash, or the folder of a pack."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from packs import files, registry, store
from packs.catalogue import Offer, RemoteFile, offers
from packs.fetch import offered

PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789-_."


def add(source: Path, name: str | None = None) -> list[dict]:
    """Take in what `source` holds: a pack folder (with its `pack.json`), or a folder or file with published models.

    name: of the pack: which one published files are meant for where several use them; another name for a pack folder.
    Files are linked where the file system allows it, else copied; `source` is left as it is.

    Returns: for each pack `name`, `path`, `added` and `missing` (names of files) and `complete`.
    Raises: ValueError: there is nothing there that can be taken in, or a name is taken.
    """
    if not source.exists():
        raise ValueError(f"there is no folder {str(source)!r}; accepted: one with a {files.MANIFEST}, or with files of a pack")
    if not (source / files.MANIFEST).is_file():
        return add_published(source, name)
    own = files.read_manifest(source)["name"]
    if name is None and own in offers():  # the folder of a download, from another machine say
        return add_published(source, own)
    return [add_pack_folder(source, name)]


def add_pack_folder(source: Path, name: str | None = None) -> dict:
    """Take in a folder that is a pack already, after checking every file of it."""
    info = files.read_manifest(source)
    name = check_name(name or info["name"])
    folder, info = store.packs_folder() / name, {**info, "name": name}
    paths = {file: files.checked(source, info, file) for file in info["files"]}
    lock = store.lock_now(name)
    try:
        if folder.is_dir() and not _same_pack(folder, info):
            raise ValueError(f"there is another pack {name!r} already; accepted: another --name, or first python -m packs remove {name}")
        for file, path in paths.items():
            store.place(path, folder / file)
        files.write_manifest(folder, info)
    finally:
        lock.release()
    return {"name": name, "path": folder, "added": list(paths), "missing": [], "complete": True}


def check_name(name: str) -> str:
    """A name that a pack from outside may have. Raises ValueError for one that is taken, or that is no plain name."""
    if not name or name.startswith(".") or set(name) - set(PLAIN) or len(name) > 64:
        raise ValueError(f"{name!r} is no name for a pack; accepted: up to 64 of a-z, 0-9, - and _")
    if name in registry.built_in() or name in offers():
        raise ValueError(f"{name!r} is the name of a pack of the studio's own; accepted: another one, with --name")
    return name


def add_published(source: Path, name: str | None = None) -> list[dict]:
    """Take in published files, whatever they are called. What a pack still lacks then, `fetch` downloads."""
    packs = [offered(name)] if name else list(offers().values())
    found = recognise(source, {file.sha256: file for pack in packs for file in pack.files}.values())
    if not found:
        wanted = ", ".join(f"{file.name} ({file.size} bytes)" for file in _distinct(packs))
        raise ValueError(f"{str(source)!r} holds no file of a pack; accepted, by size and SHA-256 and under any name: {wanted}")
    if name is None:
        packs = [pack for pack in packs if any(file.role == "generator" and file.sha256 in found for file in pack.files)]
    if not packs:
        users = [pack.name for pack in offers().values() if any(file.sha256 in found for file in pack.files)]
        raise ValueError(f"{str(source)!r} holds no generator, only what several packs use; say for which with --name: {', '.join(users)}")
    return [_add_to(pack, found) for pack in packs]


def recognise(source: Path, wanted: Iterable[RemoteFile]) -> dict[str, Path]:
    """The files in a folder and those below it (or the one file) that are wanted, by SHA-256. Only those of a wanted
    size are read."""
    sizes = {file.size for file in wanted}
    digests = {file.sha256 for file in wanted}
    candidates = (path for path in _files_in(source) if path.stat().st_size in sizes)
    return {digest: path for path in candidates if (digest := files.sha256(path)) in digests}


def _files_in(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and os.access(path, os.R_OK):  # a dangling link is none
                yield path


def _add_to(pack: Offer, found: dict[str, Path]) -> dict:
    """Take the files of one pack, from `found` and from other packs."""
    lock, added = store.lock_now(pack.name), []
    try:
        folder = store.packs_folder() / pack.name
        for file in store.missing(pack):
            path = found.get(file.sha256) or store.in_other_pack(file, pack.name)
            if path:
                store.place(path, folder / file.name)
                added.append(file.name)
        missing = [file.name for file in store.missing(pack)]
        if not missing:
            store.finish(pack)
    finally:
        lock.release()
    return {"name": pack.name, "path": folder, "added": added, "missing": missing, "complete": not missing}


def _same_pack(folder: Path, info: dict) -> bool:
    """Whether a folder holds just this pack."""
    try:
        return files.read_manifest(folder) == info
    except ValueError:  # unfinished or damaged: this one mends it
        return True


def _distinct(packs: list[Offer]) -> list[RemoteFile]:
    return list({file.sha256: file for pack in packs for file in pack.files}.values())
