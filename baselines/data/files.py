"""Picture and mask files that behave like arrays of bytes: decoded when they are asked for, several at once.

They serve where `portraits.pictures.Pictures` takes a memory map, which puts the whole of them on a GPU that has room.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.parts import CLASSES
from stylegan2.images import open_image, opaque

THREADS = 8  # Pillow decodes outside Python's lock
NEAREST, BILINEAR = Image.Resampling.NEAREST, Image.Resampling.BILINEAR


class FileArray(ABC):
    """`len(files)` pictures as uint8 [N, *item]; an index array or a slice reads those, in order."""

    def __init__(self, count: int, item: tuple[int, ...]) -> None:
        self.shape, self.dtype = (count, *item), np.dtype(np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole, were it decoded."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        indices: Iterable[int] = range(len(self))[key] if isinstance(key, slice) else [int(index) for index in key]
        with ThreadPoolExecutor(THREADS) as pool:
            return np.stack(list(pool.map(self.read, indices)))

    @abstractmethod
    def read(self, index: int) -> np.ndarray:
        """One picture, [*item]."""


class PictureFiles(FileArray):
    """Colour pictures, their central square of `crop` pixels (the largest, if None) resampled to `size`: uint8 [N, size, size, 3]."""

    def __init__(self, paths: Sequence[Path], size: int, crop: int | None = None) -> None:
        super().__init__(len(paths), (size, size, 3))
        self.paths, self.size, self.crop = paths, size, crop

    def read(self, index: int) -> np.ndarray:
        """Raises OSError or ValueError, naming the file, where it cannot be read."""
        picture = opaque(open_image(self.paths[index]))
        side = min(self.crop or min(picture.size), *picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.crop((left, top, left + side, top + side))
        return np.asarray(square.resize((self.size, self.size), BILINEAR))


class MaskFiles(FileArray):
    """CelebAMask-HQ's masks: a white-on-black PNG a class, or one indexed PNG of class numbers: uint8 [N, size, size].

    A class that comes later in the table lies over an earlier one, as when the data set's own masks are put together.
    """

    def __init__(self, folder: Path, numbers: Sequence[int], size: int, samples_a_folder: int = 2000) -> None:
        """numbers: of the pictures, which their masks are named after."""
        super().__init__(len(numbers), (size, size))
        self.folder, self.numbers, self.size, self.samples_a_folder = folder, numbers, size, samples_a_folder

    def read(self, index: int) -> np.ndarray:
        """Raises OSError or ValueError, naming the file, where it cannot be read."""
        stem = f"{self.numbers[index]:05d}"
        folder = self.folder / str(self.numbers[index] // self.samples_a_folder)
        if (packed := folder / f"{stem}.png").exists():
            return self._resized(packed)
        there = [(label, path) for label, name in enumerate(CLASSES) if (path := folder / f"{stem}_{name}.png").exists()]
        if not there:
            raise ValueError(f"{folder} holds no mask of picture {self.numbers[index]}; accepted: {stem}.png, or {stem}_CLASS.png for each class")
        mask = np.zeros(self.shape[1:], np.uint8)
        for label, path in there:
            mask[self._resized(path, "L") > 127] = label
        return mask

    def _resized(self, path: Path, mode: str | None = None) -> np.ndarray:
        picture = open_image(path)
        picture = picture if mode is None else picture.convert(mode)
        return np.asarray(picture.resize((self.size, self.size), NEAREST))
