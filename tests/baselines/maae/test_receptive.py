"""The partial dilated layer: what latent pixels see, against autograd, and that no smaller set sees everything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from baselines.maae.network import Generator, NetworkConfig, encoder_windows
from baselines.maae.receptive import Window, covers, fewest, intervals, minimal_pixels

PAPER = [Window(7, 1, 3), Window(3, 2, 1), Window(3, 2, 1), Window(1)]


def seen_rows(size: int, windows: list[Window]) -> np.ndarray:
    """What a pixel of a chain of convolutions reacts to, by autograd: bool [L, size]."""
    picture = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    maps = picture
    for window in windows:
        maps = torch.conv1d(maps, torch.ones(1, 1, window.kernel, dtype=torch.float64), stride=window.stride, padding=window.padding)
    return np.stack([torch.autograd.grad(value, picture, retain_graph=True)[0][0, 0].numpy() > 0 for value in maps[0, 0]])


@pytest.mark.parametrize("size", [12, 13, 31, 40])
@pytest.mark.parametrize("windows", [PAPER, [Window(3, 2, 1)], [Window(4, 2, 1), Window(2, 2), Window(3, 1, 1)], [Window(5, 3, 2), Window(3, 1, 0)]])
def test_intervals_are_what_gradients_reach(size: int, windows: list[Window]):
    rows = seen_rows(size, windows)
    found = intervals(size, windows)
    assert len(found) == len(rows)
    for (first, last), row in zip(found, rows):
        assert np.flatnonzero(row).tolist() == list(range(first, last + 1))


@pytest.mark.parametrize("kernel", [1, 3])
def test_the_encoders_own_pixels_see_what_is_computed(kernel: int):
    config = NetworkConfig(size=40, width=2, residual_kernel=kernel)
    encoder = Generator(config).encoder.double()
    for parameter in encoder.parameters():
        torch.nn.init.constant_(parameter, 0.1)  # nothing cancels
    picture = torch.ones(1, 3, 40, 40, dtype=torch.float64, requires_grad=True)
    latents, seen = encoder(picture), intervals(40, encoder_windows(config))
    for row, column in ((0, 0), (3, 7), (9, 4)):
        gradient = torch.autograd.grad(latents[0, 0, row, column], picture, retain_graph=True)[0][0, 0] != 0
        expected = torch.zeros(40, 40, dtype=torch.bool)
        expected[seen[row][0] : seen[row][1] + 1, seen[column][0] : seen[column][1] + 1] = True
        assert torch.equal(gradient, expected)


def test_the_papers_encoder_by_hand():
    """Windows of 13 pixels, 4 apart, around 4 i: every third of 87 latent pixels, a 9th of all, and one more at the end."""
    seen = intervals(348, PAPER)
    assert len(seen) == 87 and seen[0].tolist() == [0, 6] and seen[1].tolist() == [0, 10] and seen[40].tolist() == [154, 166]
    axis = fewest(seen, 348)
    assert len(axis) == 30 and max(np.diff(axis)) == 3 and axis[0] <= 1 and axis[-1] == 86
    assert minimal_pixels(348, PAPER).sum() == 900


@pytest.mark.parametrize(("size", "windows"), [
    (8, [Window(3, 2, 1)]), (9, [Window(3, 2, 1)]), (12, [Window(5, 3, 2)]), (16, [Window(7, 1, 3), Window(3, 2, 1), Window(3, 2, 1)]),
    (8, [Window(4, 2, 1), Window(1)]), (7, [Window(3, 1, 1), Window(2, 2)]),
])
def test_no_smaller_set_sees_the_whole_picture(size: int, windows: list[Window]):
    """All smaller sets are tried, in two dimensions."""
    seen = intervals(size, windows)
    chosen = minimal_pixels(size, windows)
    places = [np.outer(*(covered(seen[i], size) for i in pair)).ravel() for pair in np.ndindex(len(seen), len(seen))]
    bits = [int("".join("1" if held else "0" for held in place), 2) for place in places]
    everything, together = 2 ** (size * size) - 1, 0
    for bit, wanted in zip(bits, chosen.ravel()):
        together |= bit if wanted else 0
    assert together == everything
    useful = [bit for bit in bits if not any(bit != other and bit | other == other for other in bits)]  # others see as much and more
    for smaller in combinations(sorted(set(useful)), int(chosen.sum()) - 1):
        together = 0
        for bit in smaller:
            together |= bit
        assert together != everything


def covered(interval: np.ndarray, size: int) -> np.ndarray:
    return (np.arange(size) >= interval[0]) & (np.arange(size) <= interval[1])


def test_one_axis_against_every_smaller_set():
    for size in range(8, 29):
        seen = intervals(size, [Window(3, 2, 1), Window(3, 2, 1)])
        chosen = fewest(seen, size)
        assert covers(seen[chosen], size)
        assert not any(covers(seen[list(smaller)], size) for smaller in combinations(range(len(seen)), len(chosen) - 1))


def test_what_cannot_be_seen_is_refused():
    with pytest.raises(ValueError, match="leaves pixels unseen"):
        Window(2, 3)
    with pytest.raises(ValueError, match="too small for 1 layers"):
        intervals(2, [Window(3)])
    with pytest.raises(ValueError, match="no latent pixel sees pixel 7 of 8"):
        fewest(intervals(8, [Window(3, 2)]), 8)
