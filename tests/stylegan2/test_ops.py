"""The operations against hand-computed values, against one another, and their derivatives."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from stylegan2.ops import (
    bias_act, demodulation, downsample2d, downsampling_conv2d, modulated_conv2d, scale_bias_act,
    setup_filter, upfirdn2d, upsample2d, upsampling_conv2d)

FILTER = setup_filter()


def double(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_setup_filter():
    assert FILTER.shape == (4, 4) and float(FILTER.sum()) == 1
    torch.testing.assert_close(FILTER[1], torch.tensor([3.0, 9.0, 9.0, 3.0]) / 64)
    for taps in ([], [1, -1]):
        with pytest.raises(ValueError, match="accepted"):
            setup_filter(taps)


def test_upfirdn2d_by_hand():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    taps = torch.tensor([[1.0, 10.0]])
    # Convolution mirrors the taps: each result is 10 times a pixel plus the next one.
    assert upfirdn2d(x, taps).flatten().tolist() == [12.0, 34.0]
    assert upfirdn2d(x, taps, flip_filter=True).flatten().tolist() == [21.0, 43.0]
    assert upfirdn2d(x, torch.ones(1, 1), up=2, gain=2)[0, 0].tolist() == [
        [2, 0, 4, 0], [0, 0, 0, 0], [6, 0, 8, 0], [0, 0, 0, 0]]
    assert upfirdn2d(x, torch.ones(1, 1), padding=(1, 0, 0, -1))[0, 0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("up, down, shape", [(0, 1, (1, 1, 4, 4)), (1, 0, (1, 1, 4, 4)), (1, 1, (4, 4))])
def test_what_upfirdn2d_refuses(up, down, shape):
    with pytest.raises(ValueError, match="accepted"):
        upfirdn2d(torch.zeros(shape), FILTER, up, down)


def test_up_and_down_are_cases_of_upfirdn2d():
    x, skewed = torch.randn(2, 3, 6, 8), setup_filter([1, 2, 3, 4])
    for taps in (FILTER, skewed):
        torch.testing.assert_close(upsample2d(x, taps), upfirdn2d(x, taps, up=2, padding=(2, 1, 2, 1), gain=4))
        torch.testing.assert_close(downsample2d(x, taps), upfirdn2d(x, taps, down=2, padding=(1, 1, 1, 1)))
    constant = torch.full((1, 1, 8, 8), 5.0)
    torch.testing.assert_close(upsample2d(constant, FILTER)[..., 2:-2, 2:-2], torch.full((1, 1, 12, 12), 5.0))
    with pytest.raises(ValueError, match="even"):
        upsample2d(x, setup_filter([1, 2, 1]))


def test_upsampling_convolution_is_zeros_kernel_filter():
    """Its definition, step by step: insert zeros, convolve, low-pass."""
    x, weight = torch.randn(2, 5, 6, 7), torch.randn(4, 5, 3, 3)
    sparse = upfirdn2d(x, torch.ones(1, 1), up=2)
    wide = F.conv2d(F.pad(sparse, (2, 2, 2, 2)), weight.flip(2, 3))
    expected = upfirdn2d(wide, FILTER, padding=(1, 0, 1, 0), gain=4)
    result = upsampling_conv2d(x, weight, FILTER)
    assert result.shape == (2, 4, 12, 14)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [1, 3])
def test_downsampling_convolution_is_filter_then_stride(size):
    x, weight = torch.randn(2, 5, 8, 6), torch.randn(4, 5, size, size)
    side = size // 2
    smooth = upfirdn2d(F.pad(x, (side,) * 4), FILTER, padding=(1, 1, 1, 1))
    expected = F.conv2d(smooth, weight)[..., ::2, ::2]
    result = downsampling_conv2d(x, weight, FILTER)
    assert result.shape == (2, 4, 4, 3)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


def per_sample_weights(x, weight, styles, demodulate):
    """Equations 1 and 3 of the paper as they are written: each sample's own weights, one at a time."""
    images = []
    for sample, style in zip(x, styles):
        own = weight * style[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        images.append(F.conv2d(sample[None], own, padding=weight.shape[-1] // 2))
    return torch.cat(images)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("size", [1, 3])
def test_modulated_convolution_is_the_papers(demodulate, size):
    x, weight, styles = torch.randn(3, 4, 5, 6), torch.randn(7, 4, size, size), torch.randn(3, 4)
    result = modulated_conv2d(x, weight, styles, demodulate)
    torch.testing.assert_close(result, per_sample_weights(x, weight, styles, demodulate), rtol=1e-4, atol=1e-4)


def test_demodulation_gives_unit_variance():
    x, weight, styles = torch.randn(1, 16, 64, 64), torch.randn(4, 16, 3, 3), 5 * torch.rand(1, 16)
    assert float(modulated_conv2d(x, weight, styles).var()) == pytest.approx(1, abs=0.1)
    energy = weight.square().sum(dim=(2, 3))
    torch.testing.assert_close(demodulation(energy, styles), demodulation(energy, 2 * styles) * 2)


def test_what_modulated_convolution_refuses():
    with pytest.raises(ValueError, match="accepted"):
        modulated_conv2d(torch.zeros(2, 4, 5, 5), torch.zeros(3, 4, 3, 3), torch.zeros(1, 4))


def test_scale_bias_act_is_its_formula():
    x, scale, bias, noise = torch.randn(2, 3, 4, 4), torch.rand(2, 3), torch.randn(3), torch.randn(1, 1, 4, 4)
    shifted = x * scale[:, :, None, None] + noise
    for clamp in (None, 0.5):
        expected = bias_act(shifted, bias, "lrelu", clamp=clamp)
        torch.testing.assert_close(scale_bias_act(x.clone(), scale, bias, noise, clamp), expected)
        torch.testing.assert_close(scale_bias_act(x.clone().requires_grad_(), scale, bias, noise, clamp), expected)


def test_bias_act_by_hand():
    x = torch.tensor([[-1.0, 2.0]])
    torch.testing.assert_close(bias_act(x, torch.tensor([0.5, 0.0]), "lrelu", gain=1), torch.tensor([[-0.1, 2.0]]))
    torch.testing.assert_close(bias_act(x, activation="relu"), torch.tensor([[0.0, 2 * 2**0.5]]))
    torch.testing.assert_close(bias_act(x, torch.tensor([1.0]), dim=0), torch.tensor([[0.0, 3.0]]))


@pytest.mark.parametrize("arguments", [{"activation": "mish"}, {"clamp": -1}, {"bias": torch.zeros(3)}, {"bias": torch.zeros(1, 2)}])
def test_what_bias_act_refuses(arguments):
    with pytest.raises(ValueError, match="accepted"):
        bias_act(torch.zeros(1, 2), **arguments)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_derivatives(check):
    """Two samples, two channels, three pixels: enough for every sum in them to have terms."""
    x, weight, styles = double(2, 2, 3, 2), double(2, 2, 3, 3), double(2, 2)
    assert check(lambda x, w, s: modulated_conv2d(x, w, s), (x, weight, styles))
    assert check(lambda x, w, s: modulated_conv2d(x, w, s, True, FILTER), (double(1, 2, 2, 2), weight, double(1, 2)))
    assert check(scale_bias_act, (x, styles, double(2), double(1, 1, 3, 2)))
    assert check(lambda x: upsample2d(x, FILTER), (double(1, 1, 3, 2),))
    assert check(lambda x, w: downsampling_conv2d(x, w, FILTER), (double(1, 1, 4, 4), double(2, 1, 3, 3)))
