"""Masks to learn from: those of `baselines.data` at one size, as quick to read as a training needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from baselines.data.faces import open_faces
from baselines.data.files import FileArray
from segmentation.parts import MIRRORED

ROWS = 256  # samples that are decoded at a time
BATCH = 32  # samples that are looked at together


class Masks:
    """The masks of a folder that `open_faces` knows. train_indices and held_out_indices [.] say which are for what:
    of CelebAMask-HQ 28,000 and 2,000, as in the paper (section 4)."""

    def __init__(self, folder: Path | str, size: int):
        """size: of the masks that are read. Raises ValueError for a folder without masks, or a size that it cannot give."""
        faces = open_faces(folder, size, ())
        if faces.masks is None:
            raise ValueError(f"{folder} has pictures without masks; accepted: the layout of CelebAMask-HQ, or a cache of portraits")
        self.folder, self.size, self._array = Path(folder).resolve(), size, faces.masks
        self.train_indices = faces.train_indices
        self.held_out_indices = np.concatenate([faces.validation_indices, faces.test_indices])

    def pack(self, path: Path, progress: Callable[[int], None] = lambda done: None) -> None:
        """Decode single files once and for all into one array at `path`; nothing where the masks are one already.

        Its folder is of the same data, see `runs.begin`. Raises ValueError where `path` holds masks of another number or size.
        """
        if not isinstance(self._array, FileArray):
            return
        shape = (len(self._array), self.size, self.size)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{path.name}.tmp")
            packed = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
            for start in range(0, len(packed), ROWS):
                packed[start : start + ROWS] = self._array[start : start + ROWS]
                progress(min(start + ROWS, len(packed)))
            packed.flush()
            unfinished.replace(path)
        packed = np.load(path, mmap_mode="r")
        if packed.shape != shape:
            raise ValueError(f"{path} holds masks {list(packed.shape)}, not {list(shape)}; remove it, and it is made anew")
        self._array = packed

    def read(self, indices: np.ndarray) -> Tensor:
        """Class numbers, uint8 [B, S, S]: of a cache with larger masks, one pixel of each box."""
        array = self._array[np.asarray(indices)]
        factor = array.shape[1] // self.size
        return torch.from_numpy(np.ascontiguousarray(array[:, factor // 2 :: factor, factor // 2 :: factor]))

    def batches(self, indices: np.ndarray, size: int = BATCH) -> Iterator[Tensor]:
        """The masks of `indices` in batches of at most `size`, as `read` gives them."""
        for start in range(0, len(indices), size):
            yield self.read(indices[start : start + size])


def mirrored(masks: Tensor) -> Tensor:
    """Masks [N, S, S] seen in a mirror, in which left and right change places."""
    return torch.tensor(MIRRORED, device=masks.device, dtype=masks.dtype)[masks.long()].flip(-1)
