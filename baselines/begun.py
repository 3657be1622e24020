"""What a training was begun with, kept in its folder: whoever goes on with it must say the same again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packs.files import write_atomically
from portraits import processes

NAME = "run.json"


def begin_with(out: Path, description: Mapping[str, Any]) -> None:
    """Write OUT/run.json, once, by the first process; description: JSON-able.

    Raises ValueError for a folder that was begun with something else, or whose run.json is damaged; OSError.
    """
    path, text = out / NAME, json.dumps(dict(description), indent=1)
    if not path.exists():
        if processes.first():
            write_atomically(path, (text + "\n").encode())
        return
    try:
        before, now = dict(json.loads(path.read_text(encoding="utf-8"))), json.loads(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); accepted: another --out") from None
    other = next((key for key in now if before.get(key) != now[key]), None)
    if other is not None:
        raise ValueError(f"{out} was begun with {other} {before.get(other)!r}, not {now[other]!r}; accepted: the same, or another --out")
