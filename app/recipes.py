"""Between a snapshot and the recipes of `lelsd`: PNG and JSON out, the whole stack back in.

A recipe carries its directions inside. Those that the library does not have are kept in the runs folder, so that the stack,
like any other, names files.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

from app import rendering, resources
from app.session import Snapshot, StackEdit
from lelsd.direction import Direction, direction_from_bytes
from lelsd.recipe import Recipe, recipe_from_file, save_png
from packs.cli import describe


def recipe(snapshot: Snapshot) -> Recipe:
    """The recipe of a snapshot. Raises ValueError if a direction's file has gone."""
    pack, stack = resources.pack(), rendering.stack(snapshot)
    if snapshot.w_plus is not None:
        return Recipe(pack.name, pack.hash, stack, w_plus=rendering.latents(snapshot))
    return Recipe(pack.name, pack.hash, stack, snapshot.seed, truncation=snapshot.truncation)


def png(snapshot: Snapshot) -> bytes:
    """The picture of a snapshot as a PNG with its recipe inside."""
    made, buffer = recipe(snapshot), io.BytesIO()
    save_png(buffer, rendering.to_pil(made.render(resources.pack())), made)
    return buffer.getvalue()


def json_text(snapshot: Snapshot) -> str:
    """The recipe alone."""
    return recipe(snapshot).to_json()


def snapshot_from(data: bytes, name: str) -> Snapshot:
    """The snapshot that a PNG or JSON file holds.

    Raises: ValueError: no recipe in it, damaged, of another pack, or its directions cannot be kept; one sentence.
    """
    file = io.BytesIO(data)
    file.name = name
    found = recipe_from_file(file)
    found.check_pack(resources.pack())
    for edit in found.stack.edits:
        edit.direction.check_pack(resources.pack())
    edits = tuple(
        StackEdit(str(path_of(edit.direction)), edit.alpha, edit.layers, edit.muted, edit.index, edit.free) for edit in found.stack.edits
    )
    if found.w_plus is None:
        return Snapshot(found.seed, found.truncation, edits)
    snapshot = Snapshot(edits=edits, w_plus=tuple(tuple(row) for row in found.w_plus[0].tolist()))
    rendering.latents(snapshot)  # its shape must fit, or nothing is opened
    return snapshot


def open_direction(data: bytes, name: str) -> Path:
    """Keep a direction file that somebody brought, and return where. Raises ValueError if it is none, or does not fit."""
    direction = direction_from_bytes(data, name)
    direction.check_pack(resources.pack())
    return path_of(direction)


def path_of(direction: Direction) -> Path:
    """The file of the library that holds this direction, under whatever name; a new one where there is none.

    Raises: ValueError: the runs folder cannot be written.
    """
    data, nameless = direction.to_bytes(), replace(direction, name="").to_bytes()
    for entry in resources.library()[0]:
        if replace(entry.direction, name="").to_bytes() == nameless:
            return Path(entry.path)
    path = resources.runs_folder().absolute() / f"opened-{hashlib.sha256(data).hexdigest()[:16]}" / "direction.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        direction.save(path)
    except OSError as error:
        raise ValueError(f"its directions cannot be kept in {resources.runs_folder()}: {describe(error)}") from error
    return path
