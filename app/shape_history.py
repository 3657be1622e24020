"""The history of shapes as values for a drawer, and back. Pictures and edits, of which many shapes have the same, are in it once each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.drawers import Drawer
from app.session import History
from baselines.shape.edits import MaskEdit, from_json, to_json
from baselines.shape.recipe import Shape

MAX_PICTURES = 16  # that shapes of one history begin with; of 1024 pixels, 2 MB each


def name_of(png: bytes) -> str:
    """A short name of a picture that shapes begin with: the same for the same file."""
    return hashlib.sha256(png).hexdigest()[:12]


def put_away(history: History) -> tuple[dict[str, Any], Mapping[str, Callable[[], bytes]]]:
    """Values and pictures of a history, of which the steps that are furthest from the present go where there are too many pictures."""
    history, edits = _bounded(history), {}
    names = {png: name_of(png) for png in {shape.png for shape in history.states}}
    states = [_state(shape, names, edits) for shape in history.states]
    values = {"here": len(history.past), "states": states, "edits": [to_json([edit])[0] for edit, _ in edits.values()]}
    return values, {name: lambda png=png: png for png, name in names.items()}


def taken_out(drawer: Drawer, tell: Callable[[Exception], None]) -> History:
    """The history that `put_away` made this of, without the steps whose picture is damaged or has gone; where that is the present one, it goes on
    from the step before. tell: called with what is the matter with the first such picture. Raises ValueError and OSError where no picture is left,
    and what wrong types raise."""
    edits = [from_json([value])[0] for value in drawer.values["edits"]]
    states, here = drawer.values["states"], int(drawer.values["here"])
    pictures = _whole_pictures(drawer, dict.fromkeys(state["picture"] for state in states), tell)
    shapes = [_shape(state, pictures, edits) if state["picture"] in pictures else None for state in states]
    return History(shapes[here], tuple(shapes[:here]), tuple(shapes[here + 1:])).only(lambda shape: shape is not None)


def _bounded(history: History) -> History:
    """Without the first steps, or else the last of those undone, for as long as there are too many pictures."""
    while len({shape.png for shape in history.states}) > MAX_PICTURES:
        history = replace(history, past=history.past[1:]) if history.past else replace(history, future=history.future[:-1])
    return history


def _state(shape: Shape, names: Mapping[bytes, str], edits: dict[int, tuple[MaskEdit, int]]) -> dict[str, Any]:
    """A shape; its edits are added to `edits`, by identity: to compare thousands of strokes takes long, and each step has those of the one before."""
    numbers = [edits.setdefault(id(edit), (edit, len(edits)))[1] for edit in shape.edits]
    return {"title": shape.title, "picture": names[shape.png], "edits": numbers, "whole": shape.whole}


def _shape(state: Mapping[str, Any], pictures: Mapping[str, bytes], edits: list[MaskEdit]) -> Shape:
    return Shape(str(state["title"]), pictures[state["picture"]], tuple(edits[number] for number in state["edits"]), bool(state["whole"]))


def _whole_pictures(drawer: Drawer, names: Iterable[str], tell: Callable[[Exception], None]) -> dict[str, bytes]:
    """Those that can be read. Raises as `_picture` where none can."""
    found, trouble = {}, None
    for name in names:
        try:
            found[name] = _picture(drawer, name)
        except (ValueError, OSError) as error:
            trouble = trouble or error
    if trouble and not found:
        raise trouble
    if trouble:
        tell(trouble)
    return found


def _picture(drawer: Drawer, name: str) -> bytes:
    png = drawer.picture(name)
    if name_of(png) != name:
        raise ValueError(f"{drawer.folder / name}.png is damaged: it is not the picture of that name")
    return png
