"""One loader, three layouts: written small here, read as the large ones are."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.data.attributes import ATTRIBUTES, permuted, reversed_one
from baselines.data.faces import draw_faces, open_faces, splits
from portraits import scene
from portraits.dataset import PortraitCache
from portraits.export import ATTRIBUTE_FILE, IMAGES, MASKS, write_dataset
from portraits.pictures import Pictures

OTHERS = ("Attractive", *ATTRIBUTES, "Smiling")


@pytest.fixture(scope="module")
def celeba(tmp_path_factory) -> Path:
    """Three aligned pictures of 178 x 218: grey, but red where the central square ends, so that the crop can be seen."""
    folder = tmp_path_factory.mktemp("celeba")
    (folder / "img_align_celeba").mkdir()
    rows = []
    for index in range(3):
        pixels = np.full((218, 178, 3), 40 * index, np.uint8)
        pixels[:20] = pixels[198:] = (255, 0, 0)
        Image.fromarray(pixels).save(folder / "img_align_celeba" / f"{index + 1:06d}.jpg", quality=100, subsampling=0)
        rows.append(f"{index + 1:06d}.jpg " + " ".join("1" if column == index + 1 else "-1" for column in range(len(OTHERS))))
    (folder / "list_attr_celeba.txt").write_text("\n".join(["3", " ".join(OTHERS), *rows]) + "\n")
    return folder


def test_the_attributes_are_the_thirteen_and_the_drawn_world_has_them() -> None:
    assert len(ATTRIBUTES) == 13 and set(ATTRIBUTES) <= set(scene.ATTRIBUTES)


def test_celeba_is_cut_to_its_central_178_pixels(celeba: Path) -> None:
    faces = open_faces(celeba, 64)
    assert faces.name == "celeba" and faces.masks is None and faces.images.shape == (3, 64, 64, 3)
    pixels = faces.images[np.array([2, 0])]
    assert abs(int(pixels[0].max()) - 80) <= 3 and pixels[1].max() <= 3  # nothing red is left, in the order asked for
    assert faces.labels.tolist() == [[column == index for column in range(13)] for index in range(3)]


def test_files_serve_where_arrays_do(celeba: Path) -> None:
    images = Pictures(open_faces(celeba, 64).images).only(np.array([1]), 64)
    assert images.shape == (1, 3, 64, 64) and (images - (40 / 127.5 - 1)).abs().max() < 0.03


def test_a_list_that_names_a_missing_picture_is_refused(celeba: Path, tmp_path: Path) -> None:
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "list_attr_celeba.txt").write_text((celeba / "list_attr_celeba.txt").read_text())
    with pytest.raises(ValueError, match="lists 000001.jpg"):
        open_faces(tmp_path, 64)


def test_a_list_that_is_cut_short_is_refused(celeba: Path, tmp_path: Path) -> None:
    shutil.copytree(celeba, tmp_path, dirs_exist_ok=True)
    text = (celeba / "list_attr_celeba.txt").read_text()
    for kept, sentence in ((text[:-9], "is damaged: it says of 000003.jpg"), (text[:-2], "is damaged"), ("", "lists no pictures"),
                           ("3", "lists no pictures")):
        (tmp_path / "list_attr_celeba.txt").write_text(kept)
        with pytest.raises(ValueError, match=sentence):
            open_faces(tmp_path, 64)


@pytest.mark.parametrize("packed", [False, True])
def test_masks_are_found_by_the_number_of_their_picture(tmp_path: Path, packed: bool) -> None:
    write_dataset(tmp_path, 3, 64, 7, packed, "png")
    masks = open_faces(tmp_path, 64).masks[:3]
    listing = tmp_path / ATTRIBUTE_FILE
    _, names, *rows = listing.read_text().splitlines()
    listing.write_text("\n".join(["2", names, rows[2], rows[1]]) + "\n")
    assert np.array_equal(open_faces(tmp_path, 64).masks[:2], masks[[2, 1]])
    for path in (tmp_path / MASKS / "0").glob("00001*"):
        path.unlink()
    with pytest.raises(ValueError, match="holds no mask of picture 1"):
        open_faces(tmp_path, 64).masks[:2]
    (tmp_path / IMAGES / "2.png").rename(tmp_path / IMAGES / "two.png")
    listing.write_text(listing.read_text().replace("2.png", "two.png"))
    with pytest.raises(ValueError, match="two.png has no number"):
        open_faces(tmp_path, 64)


def test_attributes_that_are_not_listed_are_named(celeba: Path) -> None:
    with pytest.raises(ValueError, match="does not list Curly_Hair; it lists Attractive"):
        open_faces(celeba, 64, ("Bald", "Curly_Hair"))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no faces.*CelebA"):
        open_faces(tmp_path, 64)


@pytest.mark.parametrize("packed", [False, True])
def test_celeba_hq_layout_and_the_cache_hold_the_same_portraits(tmp_path: Path, packed: bool) -> None:
    write_dataset(tmp_path / "hq", 3, 64, 7, packed, "png")
    files, drawn = open_faces(tmp_path / "hq", 64), draw_faces(tmp_path / "cache", 7, 3, 64)
    assert (files.name, drawn.name) == ("celeba-hq", "portraits")
    every = np.arange(3)
    assert np.array_equal(files.images[every], drawn.images[every]) and np.array_equal(files.masks[every], drawn.masks[every])
    assert np.array_equal(files.labels, drawn.labels)
    assert np.array_equal(files.masks[1:3], drawn.masks[1:3])
    assert np.array_equal(open_faces(tmp_path / "cache", 32).labels, drawn.labels)
    with pytest.raises(ValueError, match="divisors, not 48"):
        open_faces(tmp_path / "cache", 48)


def test_files_are_resampled_to_the_size(tmp_path: Path) -> None:
    write_dataset(tmp_path, 1, 64, 7)
    faces = open_faces(tmp_path, 32)
    assert faces.images[:1].shape == (1, 32, 32, 3) and faces.masks[:1].shape == (1, 32, 32)


def test_the_splits_are_the_data_sets_own(tmp_path: Path) -> None:
    assert [tuple(np.diff((0, *splits(count), count))) for count in (202_599, 30_000)] == [(182_000, 637, 19_962), (28_000, 500, 1_500)]
    faces = draw_faces(tmp_path, 1, 40, 16)
    assert np.array_equal(faces.train_indices, PortraitCache(tmp_path).train_indices)
    together = np.concatenate([faces.train_indices, faces.validation_indices, faces.test_indices])
    assert np.array_equal(together, np.arange(40)) and len(faces.validation_indices) and len(faces.test_indices)


def test_reversals_and_permutations() -> None:
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    assert reversed_one(labels, 1).tolist() == [[1, 1], [0, 1], [1, 0]] and labels[0, 1] == 0
    drawn = permuted(labels, torch.Generator().manual_seed(0))
    assert sorted(drawn.tolist()) == sorted(labels.tolist())
