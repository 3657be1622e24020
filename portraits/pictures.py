"""The cache's pictures where a trainer needs them: on its device, as floats, at its size, a batch ahead of it.

On a GPU with room the whole cache is put into its memory as bytes (24,000 pictures of 256 pixels and their masks: 6.3 GB), and
a batch is gathered there. Elsewhere a thread reads the next batch from the memory map while this one is trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from packs.files import unfinished
from stylegan2.images import to_uint8

RESIDENT_SHARE = 0.5  # of the GPU's free memory
_Key, _Batch = TypeVar("_Key"), TypeVar("_Batch")


def box(images: Tensor, size: int) -> Tensor:
    """Means of boxes: [N, 3, S, S] -> [N, 3, size, size], where size divides S, as the renderer draws smaller pictures."""
    return F.avg_pool2d(images, images.shape[-1] // size)


def smooth(images: Tensor, size: int) -> Tensor:
    """Resized as the models that look at pictures resize what they are given, to any size."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=images.shape[-1] > size)


class Pictures:
    """images uint8 [N, S, S, 3] and, where they are wanted, masks uint8 [N, S, S], which may be memory maps, served on `device`.

    `shrink` makes pictures smaller: `box` or `smooth`.
    """

    def __init__(self, images: np.ndarray, masks: np.ndarray | None = None, device: torch.device | str = "cpu",
                 shrink: Callable[[Tensor, int], Tensor] = box):
        self.device, self.size, self.shrink = torch.device(device), images.shape[1], shrink
        self.images, self.masks = images, masks
        wanted = images.nbytes + (0 if masks is None else masks.nbytes)
        self.resident = self.device.type == "cuda" and wanted < RESIDENT_SHARE * torch.cuda.mem_get_info(self.device)[0]
        if self.resident:
            self.images = _upload(images, self.device)
            self.masks = None if masks is None else _upload(masks, self.device)

    def batch(self, indices: np.ndarray, size: int | None = None) -> tuple[Tensor, Tensor]:
        """Pictures float32 [B, 3, size, size] in [-1, 1] and masks uint8 [B, size, size] (one pixel of each box).

        Raises ValueError for a size that does not divide the cache's.
        """
        size = size or self.size
        if size > self.size or self.size % size:
            raise ValueError(f"masks of {size} pixels cannot be picked from {self.size}; accepted are its divisors")
        masks, factor = self._rows(self.masks, indices), self.size // size
        return self.only(indices, size), masks[:, factor // 2 :: factor, factor // 2 :: factor].contiguous()

    def only(self, indices: np.ndarray, size: int | None = None) -> Tensor:
        """As `batch`, without the masks; with `smooth`, of any size."""
        images = self._rows(self.images, indices).permute(0, 3, 1, 2)
        images = images.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)
        return images if size in (None, self.size) else self.shrink(images, size)

    def _rows(self, array, indices: np.ndarray) -> Tensor:
        if self.resident:
            return array[torch.from_numpy(np.asarray(indices)).to(self.device)]
        rows = torch.from_numpy(array[np.asarray(indices)])
        return rows.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else rows


def _upload(array: np.ndarray, device: torch.device, rows: int = 500) -> Tensor:
    """The array on the device, in pieces, so that a memory map is never whole in RAM."""
    there = torch.empty(array.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(array), rows):
        there[start : start + rows] = torch.from_numpy(np.ascontiguousarray(array[start : start + rows]))
    return there


def shrunk(images: np.ndarray, size: int, path: Path, rows: int = 250) -> np.ndarray:
    """Pictures uint8 [N, S, S, 3] made smaller by `smooth`, once: a memory map of [N, size, size, 3] that is kept at `path`.

    A trainer that sees each picture many times then reads a quarter of the bytes, and resizes nothing.
    """
    if not path.exists():
        pictures = Pictures(images, shrink=smooth)
        with unfinished(path) as waiting:
            small = np.lib.format.open_memmap(waiting, "w+", np.uint8, (len(images), size, size, 3))
            for start in range(0, len(images), rows):
                small[start : start + rows] = to_uint8(pictures.only(np.arange(start, min(start + rows, len(images))), size))
            small.flush()
    return np.load(path, mmap_mode="r")


def ahead(read: Callable[[_Key], _Batch], keys: Iterable[_Key]) -> Iterator[_Batch]:
    """`map(read, keys)`, reading in a thread one batch ahead of the one that is in use; keys are drawn in the caller's thread."""
    keys = iter(keys)
    with ThreadPoolExecutor(1) as reader:
        try:
            coming = reader.submit(read, next(keys))
        except StopIteration:
            return
        for key in keys:
            ready = coming.result()
            coming = reader.submit(read, key)
            yield ready
        yield coming.result()
