"""Validation figures against hand-made pictures, and the sheet."""

import numpy as np
import pytest
import torch
from PIL import Image

from portraits.pictures import Pictures
from portraits.validation import contrast, log, sheet, validate
from segmentation.parts import CLASSES


class Painter:
    """Stands in for a generator: draws the targets, changed by `change`."""

    num_ws = 2

    def __init__(self, pictures, change):
        self.pictures, self.change, self.synthesis = pictures, change, self
        self.b4 = self
        self.const = torch.zeros(1)

    def __call__(self, rows, resolution):
        return self.change(self.pictures.batch(rows[:, 0, 0].long().numpy(), resolution)[0])


class Identity:
    def w(self, appearances):
        return appearances


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    masks = np.full((5, 16, 16), CLASSES.index("skin"), np.uint8)
    masks[:, :4], masks[:, 4:6] = CLASSES.index("hair"), CLASSES.index("l_eye")
    return Pictures(rng.integers(60, 190, (5, 16, 16, 3), dtype=np.uint8), masks)


def figures(pictures, change):
    return validate(Painter(pictures, change), Identity(), pictures, np.arange(5.0, dtype=np.float32)[:, None], np.arange(5), 16, 2)


def test_a_shade_costs_its_size_and_no_sharpness(pictures):
    found = figures(pictures, lambda x: x + 0.25)
    assert found["l1"] == found["l1_hair"] == found["l1_small"] == pytest.approx(0.25, abs=1e-3)
    assert found["sharpness"] == pytest.approx(1, abs=1e-3)


def test_where_the_error_is(pictures):
    def change(x):
        x = x.clone()
        x[:, :, :4] += 0.1
        return x

    found = figures(pictures, change)
    assert found["l1_hair"] == pytest.approx(0.1, abs=1e-3) and found["l1_small"] == 0
    assert found["l1"] == pytest.approx(0.025, abs=1e-3)


def test_blur_shows_as_a_loss_of_sharpness(pictures):
    found = figures(pictures, lambda x: torch.nn.functional.avg_pool2d(x, 3, 1, 1))
    assert found["sharpness_hair"] < 0.6 and found["sharpness"] < 0.6


def test_contrast_of_a_flat_picture_is_nothing():
    assert contrast(torch.full((1, 3, 8, 8), 0.5))[0, 1:-1, 1:-1].abs().max() < 1e-6


def test_sheet_and_log(pictures, tmp_path):
    path = sheet(Painter(pictures, lambda x: x), Identity(), pictures, np.arange(5.0, dtype=np.float32)[:, None], np.arange(4), 16, tmp_path / "s" / "a.png")
    with Image.open(path) as picture:
        assert picture.size == (64 * 2, 16) or picture.size[0] % 16 == 0
    log(tmp_path / "s" / "curve.jsonl", {"l1": 0.5})
    log(tmp_path / "s" / "curve.jsonl", {"l1": 0.4})
    assert (tmp_path / "s" / "curve.jsonl").read_text().count("\n") == 2
