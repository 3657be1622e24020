"""The operations agree with the published ones."""

from __future__ import annotations

import pytest
import torch

from stylegan2.ops import ACTIVATIONS, bias_act, upfirdn2d
from tests.stylegan2 import golden

RESAMPLINGS = [
    dict(up=1, down=1, padding=(0, 0, 0, 0), flip_filter=False, gain=1),
    dict(up=2, down=1, padding=(2, 1, 2, 1), flip_filter=False, gain=4),
    dict(up=1, down=2, padding=(1, 1, 1, 1), flip_filter=False, gain=1),
    dict(up=2, down=2, padding=(3, 2, 1, 0), flip_filter=True, gain=2.5),
    dict(up=3, down=2, padding=(1, 2, 3, 4), flip_filter=False, gain=1),
    dict(up=1, down=1, padding=(-1, 2, 0, -1), flip_filter=False, gain=1),
]


@pytest.fixture(scope="module")
def expected():
    return golden.arrays("stylegan2_ops")


@pytest.mark.parametrize("index", range(len(RESAMPLINGS)))
def test_upfirdn2d(expected, index):
    result = upfirdn2d(expected["x"], expected["f"], **RESAMPLINGS[index])
    torch.testing.assert_close(result, expected[f"upfirdn_{index}"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_act(expected, activation):
    result = bias_act(expected["x"], expected["b"], activation)
    torch.testing.assert_close(result, expected[f"bias_act_{activation}"], rtol=1e-5, atol=1e-5)


def test_bias_act_with_alpha_gain_and_clamp(expected):
    result = bias_act(expected["x"], expected["b"], "lrelu", alpha=0.1, gain=2, clamp=0.5)
    torch.testing.assert_close(result, expected["bias_act_lrelu_clamp"], rtol=1e-5, atol=1e-5)
