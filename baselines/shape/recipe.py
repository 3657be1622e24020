"""A shaped picture as a PNG that can be opened again: the picture that it began with and every edit of its mask travel inside.

The mask that the edits led to is there as well: where the networks have changed since, it is what can still be opened.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from baselines.shape.edits import GivenMask, MaskEdit, PartShape, from_json, to_json
from baselines.shape.masks import mask_png
from segmentation.parser import read_labels
from stylegan2.inversion.intake import read_picture

KEY, VERSION = "eclipsed-shape", 1
MAX_SIDE = 2048


@dataclass(frozen=True)
class Shape:
    """title, png: the picture that it began with, square. edits: of its mask, the first one first. whole: whether all of it is painted."""

    title: str
    png: bytes = field(repr=False)
    edits: tuple[MaskEdit, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class ShapeRecipe:
    """A shape, what it needs to be made again (names and hashes of pack and networks), and the mask [R, R] that it led to, as a PNG."""

    shape: Shape
    needs: Mapping[str, str]
    mask: bytes

    def for_networks(self, needs: Mapping[str, str]) -> tuple[Shape, bool]:
        """The shape, and whether it is what it was: with other networks than it was made with, the mask that came of parts' shapes is taken."""
        shapes_parts = any(isinstance(edit, PartShape) for edit in self.shape.edits)  # by the pack's networks, or from its faces
        if not shapes_parts or dict(needs) == dict(self.needs):
            return self.shape, True
        return Shape(self.shape.title, self.shape.png, (GivenMask(self.mask),), self.shape.whole), False


def shape_png(picture: Image.Image, shape: Shape, needs: Mapping[str, str], mask: np.ndarray) -> bytes:
    """A PNG of the picture that holds the recipe."""
    values = {"format": KEY, "version": VERSION, "title": shape.title, "picture": _text(shape.png), "edits": to_json(shape.edits),
              "whole": shape.whole, "needs": dict(needs), "mask": _text(mask_png(mask))}
    info, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text(KEY, json.dumps(values))
    picture.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def shape_from_png(data: bytes, name: str) -> ShapeRecipe | None:
    """What a PNG of `shape_png` holds; None for a file that holds nothing of the kind.

    Raises ValueError, one sentence that calls it `name`, if what it holds is damaged.
    """
    text = _text_of(data)
    if text is None:
        return None
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{name} holds a damaged recipe: {reason}") from error


def _text_of(data: bytes) -> str | None:
    if not data.startswith(b"\x89PNG"):
        return None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if max(picture.size) > MAX_SIDE:
                return None
            picture.load()  # text may follow the pixels
            return getattr(picture, "text", {}).get(KEY)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # whoever reads it as a picture will be told


def _read(values: dict[str, Any]) -> ShapeRecipe:
    if values["format"] != KEY or values["version"] != VERSION:
        raise ValueError(f"its version is {values['version']!r}, this studio reads version {VERSION}")
    png, mask = (base64.b64decode(values[key], validate=True) for key in ("picture", "mask"))
    picture = read_picture(png, "its picture")
    if picture.width != picture.height or picture.width > MAX_SIDE:
        raise ValueError(f"its picture has {picture.width} x {picture.height} pixels; accepted: square ones up to {MAX_SIDE}")
    read_labels(mask, picture.width, "its mask")
    edits = from_json(values["edits"])
    for edit in edits:
        if isinstance(edit, GivenMask):
            read_labels(edit.png, picture.width, "a mask in it")
    needs = {str(name): str(value) for name, value in values["needs"].items()}
    return ShapeRecipe(Shape(str(values["title"])[:200], png, edits, bool(values["whole"])), needs, mask)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
