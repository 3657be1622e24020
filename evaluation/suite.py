"""A suite: what is asked of an editor, and by which attribute one sees whether it was done.

JSON lines, or one JSON list, of {"prompt": "a person with curly hair", "attribute": "Curly_Hair", "value": true}.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path

from evaluation.editor import Request
from portraits.classifier import NEVER
from portraits.scene import ATTRIBUTES

MEASURABLE = tuple(name for name in ATTRIBUTES if name not in NEVER)
SHAPE = '{"prompt": "a person with curly hair", "attribute": "Curly_Hair", "value": true}'


def read_suite(path: Path | str) -> list[Request]:
    """The requests of a suite file, in order. Raises ValueError, one sentence that names the line at fault."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no suite file {str(path)!r}; accepted: JSON lines such as {SHAPE}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"suite {path} is not a text file; accepted: JSON lines such as {SHAPE}") from None
    entries = _entries(text, path)
    if not entries:
        raise ValueError(f"suite {path} is empty; accepted: at least one line such as {SHAPE}")
    return [_request(entry, f"line {number} of suite {path}") for number, entry in entries]


def _entries(text: str, path: Path) -> list[tuple[int, object]]:
    """(number, JSON value) of each line that is not blank, or of each entry of a list."""
    if text.lstrip().startswith("["):
        return list(enumerate(_json(text, f"suite {path}"), 1))
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return [(number, _json(line, f"line {number} of suite {path}")) for number, line in lines]


def _json(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON ({error}); accepted: {SHAPE}") from None


def _request(entry: object, where: str) -> Request:
    """A request from a suite line, every field looked at; further fields do not matter."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {str(entry)[:60]!r}; accepted: {SHAPE}")
    missing = [name for name in ("prompt", "attribute", "value") if name not in entry]
    if missing:
        raise ValueError(f"{where} has no {missing[0]!r}; accepted: {SHAPE}")
    prompt, attribute, value = (entry[name] for name in ("prompt", "attribute", "value"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(f"{where} has prompt {str(prompt)[:60]!r}; accepted: a text of 1 to 300 characters")
    if attribute not in MEASURABLE:
        near = get_close_matches(str(attribute), MEASURABLE, 3, 0.5) or ["Curly_Hair", "Eyeglasses", "Smiling"]
        raise ValueError(f"{where} has attribute {str(attribute)[:60]!r}; accepted: the {len(MEASURABLE)} that "
                         f"portraits/scene.py draws, such as {', '.join(near)}")
    if not isinstance(value, bool):
        raise ValueError(f"{where} has value {str(value)[:60]!r}; accepted: true or false")
    return Request(" ".join(prompt.split()), attribute, value)
