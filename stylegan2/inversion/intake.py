"""A picture that somebody hands in, read without trusting it: its name says nothing, its header is checked before a pixel is decoded."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from stylegan2.images import opaque

FORMATS = ("PNG", "JPEG", "WEBP")
ACCEPTED = "a PNG, JPEG or WebP picture"
MAX_BYTES = 32 * 2**20
MAX_PIXELS = 64_000_000  # what any camera makes; in memory 192 MB
MIN_SIDE = 32  # pixels: below, a face has no features
# What Pillow raises on damaged files, from its own checks and from below them.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error, zlib.error)


def read_picture(source: str | os.PathLike | bytes | IO[bytes], name: str | None = None) -> Image.Image:
    """An upright RGB picture with 8 bits a channel, transparent parts on white.

    source: a path, the bytes, or an open file, such as an upload. name: what to call it in a message.

    Raises: ValueError, one sentence, for what is no still PNG, JPEG or WebP picture of 32 pixels a side at least and 64 million
        in all, in up to 32 MB, or damaged. OSError: the file cannot be opened.
    """
    data, name = _read(source, name)
    picture = _opened(data, name)
    _check_size(picture, name)
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:  # a camera's MPO holds the picture and a preview
        raise ValueError(f"{name} is an animation of {picture.n_frames} pictures; accepted: a still one")
    try:
        picture.load()
        return opaque(ImageOps.exif_transpose(picture))
    except DAMAGE as error:
        raise ValueError(f"{name} is damaged ({_reason(error)}); accepted: {ACCEPTED}") from error


def _read(source, name: str | None) -> tuple[bytes, str]:
    """The bytes, no more than are accepted, and what to call them."""
    if isinstance(source, (str, os.PathLike)):
        name = name or repr(os.fspath(source))
        if Path(source).is_dir():
            raise ValueError(f"{name} is a folder; accepted: {ACCEPTED}")
        with open(source, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        name = name or getattr(source, "name", "the picture")
        data = bytes(source) if isinstance(source, (bytes, bytearray, memoryview)) else source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} has more than {MAX_BYTES // 2**20} MB; accepted: a picture of up to {MAX_BYTES // 2**20} MB")
    if not data:
        raise ValueError(f"{name} is empty; accepted: {ACCEPTED}")
    return data, name


def _opened(data: bytes, name: str) -> Image.Image:
    """The header alone is read."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"{name} is no picture of a kind that is read here; accepted: {ACCEPTED}") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{name} would fill the memory; accepted: up to {MAX_PIXELS // 1_000_000} million pixels") from None
    except DAMAGE as error:
        raise ValueError(f"{name} is damaged ({_reason(error)}); accepted: {ACCEPTED}") from error


def _check_size(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"{name} has {width} x {height} pixels; accepted: up to {MAX_PIXELS // 1_000_000} million")
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"{name} has {width} x {height} pixels; accepted: at least {MIN_SIDE} x {MIN_SIDE}")


def _reason(error: BaseException) -> str:
    return str(error)[:100] or type(error).__name__
