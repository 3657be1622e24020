"""Small files that several processes read and write: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from packs.files import write_atomically


def write_json(path: Path, value: object) -> None:
    """Write `value`; a reader sees the old file or the new one, never a part."""
    write_atomically(path, json.dumps(value).encode())


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
