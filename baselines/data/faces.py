"""One door to the data sets: `open_faces(folder, size)` says by itself which one a folder holds.

    CelebA          img_align_celeba/000001.jpg ..., list_attr_celeba.txt (either may lie one folder deeper: Img/, Anno/)
    CelebA-HQ       CelebA-HQ-img/0.jpg ..., CelebAMask-HQ-attribute-anno.txt, CelebAMask-HQ-mask-anno/ (if there is one)
    portraits       the same layout, written by `python -m portraits.render`; or a cache of `portraits.dataset`

Aligned CelebA pictures (178 x 218) are cut to their central 178 x 178 (SeCGAN, section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from baselines.data.attributes import ATTRIBUTES
from baselines.data.files import FileArray, MaskFiles, PictureFiles
from portraits.dataset import PortraitCache, build_cache
from portraits.export import ATTRIBUTE_FILE, IMAGES, MASKS

CELEBA_CROP = 178
# Ends of the training and of the validation pictures: the data sets' own, as AttGAN splits them (section 4.1).
SPLITS = {202_599: (182_000, 182_637), 30_000: (28_000, 28_500)}
_CELEBA_IMAGES = ("img_align_celeba", "Img/img_align_celeba")
_CELEBA_LISTS = ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")


@dataclass(frozen=True)
class Faces:
    """Pictures with labels and, where there are any, true masks of the 19 classes.

    name: "celeba", "celeba-hq" (its layout) or "portraits". images: uint8 [N, S, S, 3]. labels: bool [N, A], a column for
    each of `attributes`. masks: uint8 [N, S, S] or None. Arrays may be memory maps or files that are read when asked for.
    """

    name: str
    images: np.ndarray | FileArray
    labels: np.ndarray
    masks: np.ndarray | FileArray | None
    attributes: tuple[str, ...] = ATTRIBUTES

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def train_indices(self) -> np.ndarray:
        return np.arange(splits(len(self))[0])

    @property
    def validation_indices(self) -> np.ndarray:
        return np.arange(*splits(len(self)))

    @property
    def test_indices(self) -> np.ndarray:
        return np.arange(splits(len(self))[1], len(self))


def splits(count: int) -> tuple[int, int]:
    """Where training and validation pictures end. CelebA's and CelebA-HQ's own; else the last twentieth (20 to 2000) is held
    out, as `PortraitCache` does, and a quarter of that is for validation."""
    if count in SPLITS:
        return SPLITS[count]
    held = min(2000, max(20, count // 20), count // 2)
    return count - held, count - held + held // 4


def open_faces(folder: Path | str, size: int, attributes: tuple[str, ...] = ATTRIBUTES) -> Faces:
    """The faces of a folder at `size` pixels; a cache is opened at its own, of which `size` must be a divisor.

    Raises ValueError for a folder of none of the known layouts, an attribute that it does not list, or pictures missing.
    """
    folder = Path(folder)
    if (folder / "meta.json").exists():
        return _of_cache(PortraitCache(folder), size, attributes)
    if (folder / ATTRIBUTE_FILE).exists():
        paths, labels = _listed(folder / ATTRIBUTE_FILE, folder / IMAGES, attributes)
        masks = MaskFiles(folder / MASKS, _numbers(paths), size) if (folder / MASKS).is_dir() else None
        return Faces("celeba-hq", PictureFiles(paths, size), labels, masks, attributes)
    listing, images = _first(folder, _CELEBA_LISTS, Path.is_file), _first(folder, _CELEBA_IMAGES, Path.is_dir)
    if listing and images:
        paths, labels = _listed(listing, images, attributes)
        return Faces("celeba", PictureFiles(paths, size, CELEBA_CROP), labels, None, attributes)
    raise ValueError(f"{folder} holds no faces; accepted are the layouts of CelebA (img_align_celeba/, list_attr_celeba.txt), CelebA-HQ or "
                     f"`python -m portraits.render` ({IMAGES}/, {ATTRIBUTE_FILE}), and a cache of portraits")


def draw_faces(folder: Path | str, seed: int, count: int, size: int, attributes: tuple[str, ...] = ATTRIBUTES,
               workers: int = 1, progress: Callable[[dict], None] | None = None) -> Faces:
    """Portraits 0 .. count-1 of the world `seed`, drawn into `folder` unless they are there: the set that needs no download.

    Raises as `portraits.dataset.build_cache`.
    """
    return _of_cache(build_cache(folder, seed, count, size, workers, progress), size, attributes)


def _of_cache(cache: PortraitCache, size: int, attributes: tuple[str, ...]) -> Faces:
    if size > cache.size or cache.size % size:
        raise ValueError(f"{cache.folder} holds pictures of {cache.size} pixels; accepted sizes are its divisors, not {size}")
    columns = _columns(cache.attribute_names, attributes, cache.folder)
    return Faces("portraits", cache.images, np.asarray(cache.attributes)[:, columns], cache.masks, attributes)


def _listed(listing: Path, images: Path, attributes: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    """Paths and labels bool [N, A] of a list as CelebA's: a count, the names, then a picture's name and 1 or -1 for each."""
    lines = [line.split() for line in listing.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) < 3:
        raise ValueError(f"{listing} lists no pictures")
    names, fields = lines[1], lines[2:]
    columns = _columns(tuple(names), attributes, listing)
    damaged = next((words for words in fields if len(words) != 1 + len(names) or not {"1", "-1"}.issuperset(words[1:])), None)
    if damaged:
        raise ValueError(f"{listing} is damaged: it says of {damaged[0]} {' '.join(damaged[1:])[:80]!r}; "
                         f"accepted: 1 or -1 for each of {len(names)} names")
    there = {path.name for path in images.iterdir()} if images.is_dir() else set()
    missing = next((words[0] for words in fields if words[0] not in there), None)
    if missing is not None:
        raise ValueError(f"{listing} lists {missing}, which {images} does not hold")
    labels = np.array([[words[1 + column] == "1" for column in columns] for words in fields], bool)
    return [images / words[0] for words in fields], labels


def _numbers(paths: list[Path]) -> list[int]:
    """Of pictures that have masks: 7 of 7.jpg."""
    other = next((path for path in paths if not path.stem.isdecimal()), None)
    if other is not None:
        raise ValueError(f"{other} has no number, by which its mask would be found; accepted beside {MASKS}: names such as 0.jpg")
    return [int(path.stem) for path in paths]


def _columns(names: tuple[str, ...], attributes: tuple[str, ...], where: Path) -> list[int]:
    unknown = [name for name in attributes if name not in names]
    if unknown:
        raise ValueError(f"{where} does not list {', '.join(unknown)}; it lists {', '.join(names)}")
    return [names.index(name) for name in attributes]


def _first(folder: Path, names: tuple[str, ...], there: Callable[[Path], bool]) -> Path | None:
    return next((folder / name for name in names if there(folder / name)), None)
