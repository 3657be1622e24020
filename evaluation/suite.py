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
SEVERAL = '{"prompt": "an old person with glasses", "asked": {"Young": false, "Eyeglasses": true}}'


def read_suite(path: Path | str) -> list[Request]:
    """The requests of a suite file, in order. Raises ValueError, one sentence that names the line at fault."""
    return [_request(entry, where) for where, entry in entries(path, SHAPE)]


def read_asked(path: Path | str) -> list[tuple[str, dict[str, bool]]]:
    """The prompts of a suite file whose lines ask for several attributes, with the values asked for. Raises ValueError as `read_suite`."""
    return [_asked(entry, where) for where, entry in entries(path, SEVERAL)]


def entries(path: Path | str, shape: str) -> list[tuple[str, object]]:
    """(where it stands, JSON value) of each line that is not blank, or of each entry of a list. Raises ValueError, which says the accepted `shape`."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no suite file {str(path)!r}; accepted: JSON lines such as {shape}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"suite {path} is not a text file; accepted: JSON lines such as {shape}") from None
    if text.lstrip().startswith("["):
        found = [(f"line {number} of suite {path}", entry) for number, entry in enumerate(_json(text, f"suite {path}", shape), 1)]
    else:
        lines = ((f"line {number} of suite {path}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
        found = [(where, _json(line, where, shape)) for where, line in lines]
    if not found:
        raise ValueError(f"suite {path} is empty; accepted: at least one line such as {shape}")
    return found


def _json(text: str, where: str, shape: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON ({error}); accepted: {shape}") from None


def _request(entry: object, where: str) -> Request:
    """A request from a suite line, every field looked at; further fields do not matter."""
    prompt, attribute, value = _fields(entry, ("prompt", "attribute", "value"), where, SHAPE)
    _check_value(attribute, value, where)
    return Request(_prompt(prompt, where), attribute, value)


def _asked(entry: object, where: str) -> tuple[str, dict[str, bool]]:
    """A prompt and what it asks for, every field looked at."""
    prompt, asked = _fields(entry, ("prompt", "asked"), where, SEVERAL)
    if not isinstance(asked, dict) or not asked:
        raise ValueError(f"{where} has asked {str(asked)[:60]!r}; accepted: {SEVERAL}")
    for attribute, value in asked.items():
        _check_value(attribute, value, where)
    return _prompt(prompt, where), asked


def _fields(entry: object, names: tuple[str, ...], where: str, shape: str) -> list[object]:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {str(entry)[:60]!r}; accepted: {shape}")
    missing = [name for name in names if name not in entry]
    if missing:
        raise ValueError(f"{where} has no {missing[0]!r}; accepted: {shape}")
    return [entry[name] for name in names]


def _prompt(prompt: object, where: str) -> str:
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(f"{where} has prompt {str(prompt)[:60]!r}; accepted: a text of 1 to 300 characters")
    return " ".join(prompt.split())


def _check_value(attribute: object, value: object, where: str) -> None:
    if attribute not in MEASURABLE:
        near = get_close_matches(str(attribute), MEASURABLE, 3, 0.5) or ["Curly_Hair", "Eyeglasses", "Smiling"]
        raise ValueError(f"{where} has attribute {str(attribute)[:60]!r}; accepted: the {len(MEASURABLE)} that "
                         f"portraits/scene.py draws, such as {', '.join(near)}")
    if not isinstance(value, bool):
        raise ValueError(f"{where} has value {str(value)[:60]!r}; accepted: true or false")
