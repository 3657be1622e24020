"""The cache's pictures where a trainer needs them: on its device, as floats, at its size, a batch ahead of it.

On a GPU with room the whole cache is put into its memory as bytes (24,000 pictures of 256 pixels and their masks: 6.3 GB), and
a batch is gathered there. Elsewhere a thread reads the next batch from the memory map while this one is trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

RESIDENT_SHARE = 0.5  # of the GPU's free memory
_Key, _Batch = TypeVar("_Key"), TypeVar("_Batch")


class Pictures:
    """images uint8 [N, S, S, 3] and masks uint8 [N, S, S], which may be memory maps, served on `device`."""

    def __init__(self, images: np.ndarray, masks: np.ndarray, device: torch.device | str = "cpu"):
        self.device, self.size = torch.device(device), images.shape[1]
        self.images, self.masks = images, masks
        self.resident = self.device.type == "cuda" and images.nbytes + masks.nbytes < RESIDENT_SHARE * torch.cuda.mem_get_info(self.device)[0]
        if self.resident:
            self.images, self.masks = _upload(images, self.device), _upload(masks, self.device)

    def batch(self, indices: np.ndarray, size: int | None = None) -> tuple[Tensor, Tensor]:
        """Pictures float32 [B, 3, size, size] in [-1, 1] (box-averaged) and masks uint8 [B, size, size] (one pixel of each box).

        Raises ValueError for a size that does not divide the cache's.
        """
        size = size or self.size
        if size > self.size or self.size % size:
            raise ValueError(f"pictures of {size} pixels cannot be averaged from {self.size}; accepted are its divisors")
        images, masks = self._rows(self.images, indices), self._rows(self.masks, indices)
        factor = self.size // size
        images = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        if factor > 1:
            images, masks = F.avg_pool2d(images, factor), masks[:, factor // 2 :: factor, factor // 2 :: factor]
        return images.div_(127.5).sub_(1), masks.contiguous()

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
