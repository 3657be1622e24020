"""Batches as trainers get them: values, sizes, and reading ahead without changing the order."""

import threading

import numpy as np
import pytest
import torch

from portraits.pictures import Pictures, ahead, smooth


def arrays():
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (6, 8, 8, 3), dtype=np.uint8), rng.integers(0, 19, (6, 8, 8), dtype=np.uint8)


def test_a_batch_in_full_is_the_pixels():
    images, masks = arrays()
    drawn, classes = Pictures(images, masks).batch(np.array([4, 1]))
    assert drawn.shape == (2, 3, 8, 8) and drawn.is_contiguous()
    assert drawn[0, 2, 3, 5].item() == pytest.approx(images[4, 3, 5, 2] / 127.5 - 1)
    assert np.array_equal(classes.numpy(), masks[[4, 1]])


def test_a_smaller_batch_is_averaged():
    images, masks = arrays()
    drawn, classes = Pictures(images, masks).batch(np.array([2]), 2)
    assert drawn[0, 1, 0, 1].item() == pytest.approx(images[2, :4, 4:, 1].mean() / 127.5 - 1, abs=1e-5)
    assert classes[0, 1, 0] == masks[2, 6, 2]


def test_models_are_shown_what_they_would_make_of_it():
    images, _ = arrays()
    pictures = Pictures(images, shrink=smooth)
    shown = torch.nn.functional.interpolate(pictures.only(np.array([3])), (5, 5), mode="bilinear", antialias=True)
    assert torch.equal(pictures.only(np.array([3]), 5), shown)


@pytest.mark.parametrize("size", [3, 16])
def test_sizes_that_cannot_be_averaged(size):
    with pytest.raises(ValueError, match="its divisors"):
        Pictures(*arrays()).batch(np.array([0]), size)


def test_reading_ahead_keeps_the_order_and_happens_elsewhere():
    seen = list(ahead(lambda key: (key, threading.get_ident()), range(5)))
    assert [key for key, _ in seen] == list(range(5))
    assert {thread for _, thread in seen} != {threading.get_ident()}
    assert list(ahead(str, [])) == []


def test_an_error_in_the_reading_thread_arrives():
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda key: 1 // key, [1, 0, 2]))


def test_only_one_batch_is_read_ahead():
    drawn_keys = []

    def keys():
        for key in range(10):
            drawn_keys.append(key)
            yield key

    batches = ahead(torch.tensor, keys())
    next(batches)
    assert drawn_keys == [0, 1]
