"""Small files that several processes read and write: whole or not at all, under names that are no paths."""

from __future__ import annotations

import json
import re
from pathlib import Path

from packs.files import write_atomically

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def write_json(path: Path, value: object) -> None:
    """Write `value`; a reader sees the old file or the new one, never a part."""
    write_atomically(path, json.dumps(value).encode())


def is_name(text: object) -> bool:
    """Whether this may be the name of a visit, and so of a file."""
    return isinstance(text, str) and NAME.fullmatch(text) is not None


def changed(path: Path) -> float:
    """When a file or a folder was changed; 0 for one that somebody has removed meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def read_json(path: Path) -> dict:
    """The object in `path`; an empty one where there is no file or nothing readable in it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_json_lines(path: Path) -> list[dict]:
    """The objects in a JSONL file, without a last line that is still being written."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [item for item in found if isinstance(item, dict)]
