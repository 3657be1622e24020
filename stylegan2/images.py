"""The one place where [-1, 1] becomes pixels and pixels become [-1, 1].

Everywhere else images are float tensors [N, 3, H, W] in [-1, 1]; here they turn into uint8 arrays
[N, H, W, 3] and PIL images, and back. 8-bit values survive the round trip exactly.
"""

from __future__ import annotations

import os
from itertools import chain, count
from pathlib import Path
from typing import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError
from torch import Tensor

from packs.files import unfinished

CAPTION_HEIGHT = 16


def to_uint8(images: Tensor) -> np.ndarray:
    """float [N, 3, H, W] in [-1, 1] -> uint8 [N, H, W, 3]; values outside are clamped.

    Raises: ValueError: another shape.
    """
    _check(images)
    scaled = images.detach().float().mul(127.5).add_(128).clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def from_uint8(pixels: np.ndarray) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [-1, 1].

    Raises: ValueError: another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3:
        raise ValueError(f"pixels are {pixels.dtype} {list(pixels.shape)}; accepted: uint8 [N, H, W, 3]")
    images = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2)
    return images.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)


def to_pil(image: Tensor) -> Image.Image:
    """float [3, H, W] or [1, 3, H, W] in [-1, 1] -> RGB picture. Raises ValueError: another shape."""
    image = image[None] if image.ndim == 3 else image
    _check(image)
    if len(image) != 1:
        raise ValueError(f"image has shape {list(image.shape)}; accepted: [3, H, W] or [1, 3, H, W]")
    return Image.fromarray(to_uint8(image)[0])


def from_pil(picture: Image.Image, size: int | None = None) -> Tensor:
    """A picture as float32 [1, 3, H, W] in [-1, 1].

    Turned as its camera says; transparency is laid over white. With a `size`, the central
    square is resampled to [1, 3, size, size].

    Raises: ValueError: a size below 1.
    """
    if size is not None and size < 1:
        raise ValueError(f"size is {size}; accepted: a whole number from 1, or None")
    picture = opaque(ImageOps.exif_transpose(picture))
    if size is not None:
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return from_uint8(np.asarray(picture)[None])


def open_image(path: str | os.PathLike) -> Image.Image:
    """Read a picture completely. Raises OSError if it cannot be opened, ValueError if it is no picture."""
    with open(path, "rb") as file:
        try:
            picture = Image.open(file)
            picture.load()
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            reason = "it is damaged or no picture" if isinstance(error, UnidentifiedImageError) else error
            raise ValueError(f"cannot read {os.fspath(path)!r}: {reason}; accepted: PNG, JPEG, WebP and the like") from error
    return picture


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """A contact sheet: float [N, 3, H, W] in [-1, 1], row by row; None makes it about square.

    Raises: ValueError: no images, another shape, or columns below 1.
    """
    pixels = to_uint8(images)
    if len(pixels) == 0:
        raise ValueError("there are 0 images; accepted: 1 or more")
    columns = int(np.ceil(np.sqrt(len(pixels)))) if columns is None else columns
    if columns < 1:
        raise ValueError(f"columns is {columns}; accepted: a whole number from 1")
    columns = min(columns, len(pixels))
    height, width = pixels.shape[1:3]
    sheet = Image.new("RGB", (columns * width, -(-len(pixels) // columns) * height), "white")
    for i, tile in enumerate(pixels):
        sheet.paste(Image.fromarray(tile), (i % columns * width, i // columns * height))
    return sheet


def strip(images: Tensor, captions: Sequence[str]) -> Image.Image:
    """Images [N, 3, H, W] in [-1, 1] side by side, a caption above each.

    Raises: ValueError: as many captions as images are needed.
    """
    if len(captions) != len(images):
        raise ValueError(f"there are {len(captions)} captions for {len(images)} images; accepted: one each")
    row = grid(images, columns=len(images))
    sheet = Image.new("RGB", (row.width, row.height + CAPTION_HEIGHT), "white")
    sheet.paste(row, (0, CAPTION_HEIGHT))
    draw = ImageDraw.Draw(sheet)
    for i, caption in enumerate(captions):
        middle = (2 * i + 1) * row.width // (2 * len(captions))
        draw.text((middle, CAPTION_HEIGHT // 2), caption, fill="black", anchor="mm")
    return sheet


def save_png(path: Path, picture: Image.Image) -> Path:
    """Write a PNG; the file appears under its name only when it is complete. Raises OSError."""
    with unfinished(path) as waiting:
        picture.save(waiting, format="PNG")
    return path


def output_stems(pictures: Sequence[Path], out: Path, ends: Sequence[str], others: Sequence[Path] = ()) -> list[str]:
    """For each picture the STEM of what is written of it as OUT/STEM+END for each of `ends`: its own name without suffix, or
    with -2, -3 ... where that would overwrite one of the pictures, of `others`, or what is written of a picture before it."""
    taken, stems = {path.resolve() for path in (*pictures, *others)}, []
    for path in pictures:
        for stem in chain([path.stem], (f"{path.stem}-{number}" for number in count(2))):
            files = {(out / f"{stem}{end}").resolve() for end in ends}
            if not files & taken:
                break
        taken |= files
        stems.append(stem)
    return stems


def opaque(picture: Image.Image) -> Image.Image:
    """RGB with 8 bits a channel, transparent parts laid over white."""
    picture = _eight_bits(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey pictures of 16 bits as 8; Pillow's own conversion makes nearly all of them white."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.int64).clip(0, 65535) // 257).astype(np.uint8))


def _check(images: Tensor) -> None:
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images have shape {list(images.shape)}; accepted: [N, 3, H, W]")
