"""A pack on disk: `pack.json` and the files that it lists with their sizes and SHA-256.

    pack.json  generator.safetensors  parser.safetensors  clip.safetensors  classifier.safetensors  encoder.safetensors
    directions/*.safetensors  README.md

A downloaded pack holds published files under their own names instead; the entries of those in `pack.json` say what they
are for (`role`: generator, parser or clip) and how they are stored (`kind`, see `packs.models`).

Every file is checked before it is read, and written so that a crash leaves either the old file or the new one. What is
inside the files is the business of `packs.weights` and `packs.models`; this module needs no torch.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

MANIFEST = "pack.json"
FORMAT = 1
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # what a full disk, or a used-up quota, answers
REQUIRED = ("format", "name", "version", "domain", "resolution", "neutral_text", "licence", "generator", "parser", "clip", "files")
WORDS = {str: "a text", int: "a whole number", dict: "values by name", list: "a list"}
KINDS = {"name": str, "resolution": int, "neutral_text": str, "generator": dict, "parser": dict, "clip": dict, "files": dict,
         "defaults": dict, "framing": dict, "classifier": dict, "encoder": dict, "editors": list}


def read_manifest(folder: Path) -> dict:
    """The contents of `pack.json`, after checking that it has what every pack has and that its files are there in full.

    Raises: ValueError: not a pack, another format, a listed file missing or of another size; each names the file.
    """
    path = folder / MANIFEST
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{folder} is not a pack: it has no {MANIFEST}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: it is not JSON ({error})") from None
    missing = [key for key in REQUIRED if key not in info] if isinstance(info, dict) else list(REQUIRED)
    if missing:
        raise ValueError(f"{path} is not the description of a pack: it lacks {', '.join(missing)}")
    if info["format"] != FORMAT:
        raise ValueError(f"{path} has format {info['format']!r}, this version of the studio reads format {FORMAT}")
    other = next((key for key, kind in KINDS.items() if key in info and type(info[key]) is not kind), None)
    if other is not None:
        raise ValueError(f"{path} is damaged: {other} is {str(info[other])[:80]!r}; accepted: {WORDS[KINDS[other]]}")
    for name, entry in info["files"].items():
        if not isinstance(entry, dict) or not {"size", "sha256"} <= set(entry):
            raise ValueError(f"{path} is not the description of a pack: {name} has no size and sha256")
        check_size(folder, info, name)
    return info


def check_size(folder: Path, info: dict, name: str) -> Path:
    """The path of a listed file that exists and has its size. Raises ValueError that names the file."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise ValueError(f"{folder / MANIFEST} lists {name!r}, only files inside the pack's folder are accepted")
    path = folder / name
    if not path.is_file():
        raise ValueError(f"pack {info['name']!r} is incomplete: {path} is missing")
    size, expected = path.stat().st_size, info["files"][name]["size"]
    if size != expected:
        raise ValueError(f"{path} is damaged: it has {size} bytes and should have {expected}")
    return path


def checked(folder: Path, info: dict, name: str) -> Path:
    """The path of a listed file whose size and SHA-256 are right. Raises ValueError that names the file."""
    expected = listed_sha256(info, name)
    path = check_size(folder, info, name)
    if sha256(path) != expected:
        raise ValueError(f"{path} is damaged: its SHA-256 is not the one in {MANIFEST}")
    return path


def listed_sha256(info: dict, name: str) -> str:
    """What `pack.json` says of a file. Raises ValueError for one that it does not list."""
    if name not in info["files"]:
        raise ValueError(f"pack {info['name']!r} has no {name}, it holds {', '.join(sorted(info['files'])) or 'no files'}")
    return info["files"][name]["sha256"]


def file_of(info: dict, role: str) -> str:
    """The name of the file that holds a model: the one whose entry has that role, else `ROLE.safetensors`."""
    return next((name for name, entry in info["files"].items() if entry.get("role") == role), f"{role}.safetensors")


def size_words(size: float) -> str:
    """Bytes as people read them: 132719017 -> "132.7 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"


def part_of(path: Path) -> Path:
    """Where an unfinished download of `path` lies."""
    return path.with_name(f"{path.name}.part")


def bytes_in(path: Path) -> int:
    """Size of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def sha256(path: Path) -> str:
    """SHA-256 of a file in hex; computed once a process for as long as the file's size and time stay the same."""
    status = path.stat()
    return _sha256(path.resolve(), status.st_size, status.st_mtime_ns)


def forget_hashes() -> None:
    """Read files anew when their hash is asked for next: a disk may give other bytes than it took."""
    _sha256.cache_clear()


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_files(folder: Path | str, files: Mapping[str, bytes]) -> None:
    """Add files, ready-made directions say, to a pack that exists, or replace them."""
    folder = Path(folder)
    info = read_manifest(folder)
    for name, data in files.items():
        write_atomically(folder / name, data)
        info["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    info["files"] = dict(sorted(info["files"].items()))
    write_manifest(folder, info)


def write_manifest(folder: Path, info: Mapping) -> None:
    write_atomically(folder / MANIFEST, (json.dumps(info, indent=2, ensure_ascii=False) + "\n").encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that is never seen half done, making its folder. Raises OSError."""
    with unfinished(path) as waiting:
        waiting.write_bytes(data)


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A name of its own beside `path`, whose folder is made, to write a file under. It becomes `path` when the block ends; after an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")  # of no other process or thread
    try:
        yield waiting
        os.replace(waiting, path)
    finally:
        waiting.unlink(missing_ok=True)
