"""The synthesis layer and toRGB in compiled form, against the separate operations that they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylegan2.ops import add_doubled, native, phase_kernels, setup_filter, synthesis_layer, to_rgb

FILTER = setup_filter()
SKEWED = setup_filter((1, 2, 3, 5))  # shows a filter that is applied the wrong way round
compiled = pytest.mark.skipif(native.cpu() is None, reason="no compiler: there is only the reference")


def layer_inputs(batch=2, channels=20, out_channels=33, height=5, width=6, up=1, noises=1, dtype=torch.float32) -> list[Tensor | None]:
    """x, styles, weight, scale, bias, noise, strength; channels that fill no whole vector."""
    noise = torch.randn(noises, 1, up * height, up * width) if noises else None
    return [torch.randn(batch, channels, height, width).to(dtype), torch.rand(batch, channels) + 0.5,
            (torch.randn(out_channels, channels, 3, 3) / 10).to(dtype), torch.rand(batch, out_channels) + 0.5,
            torch.randn(out_channels), noise, torch.tensor(0.3) if noises else None]


def with_gradients(function, inputs, upstream):
    """The result, and the gradients of all inputs that are there."""
    inputs = [None if tensor is None else tensor.detach().clone().requires_grad_() for tensor in inputs]
    result = function(*inputs)
    return result, torch.autograd.grad(result, [tensor for tensor in inputs if tensor is not None], upstream(result))


def both_ways(function, inputs):
    """(result, gradients) of the compiled form and of the reference."""
    upstream = torch.Generator()
    draw = lambda result: torch.randn(result.shape, generator=upstream.manual_seed(1)).to(result.dtype)  # noqa: E731
    found = with_gradients(function, inputs, draw)
    with native.reference():
        return found, with_gradients(function, inputs, draw)


def relative_error(found: Tensor, true: Tensor) -> float:
    return float(((found.float() - true.float()).norm() / true.float().norm()).detach())


@compiled
@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize("noises", [0, 1, 2])
@pytest.mark.parametrize("resample_filter", [None, FILTER, SKEWED], ids=["same size", "doubled", "doubled, skewed filter"])
def test_layer_and_its_gradients_are_those_of_the_separate_operations(resample_filter, noises, clamp):
    inputs = layer_inputs(up=1 if resample_filter is None else 2, noises=noises)
    (out, gradients), (expected, expected_gradients) = both_ways(lambda *x: synthesis_layer(*x, resample_filter, clamp), inputs)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    for found, wanted in zip(gradients, expected_gradients):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=2e-5)


@compiled
@pytest.mark.parametrize("channels, out_channels", [(1, 1), (3, 16), (16, 17), (64, 32)])
@pytest.mark.parametrize("height, width", [(1, 1), (2, 7), (17, 16)])
@pytest.mark.parametrize("resample_filter", [None, FILTER], ids=["same size", "doubled"])
def test_every_size_fits(channels, out_channels, height, width, resample_filter):
    up = 1 if resample_filter is None else 2
    inputs = layer_inputs(3, channels, out_channels, height, width, up)
    (out, gradients), (expected, expected_gradients) = both_ways(lambda *x: synthesis_layer(*x, resample_filter), inputs)
    assert out.shape == (3, out_channels, up * height, up * width)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    for found, wanted in zip(gradients, expected_gradients):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@compiled
@pytest.mark.parametrize("resample_filter", [None, FILTER], ids=["same size", "doubled"])
def test_in_bfloat16_it_is_nearer_to_float32_than_the_separate_operations(resample_filter):
    inputs = layer_inputs(2, 64, 64, 16, 16, 1 if resample_filter is None else 2, dtype=torch.bfloat16)
    exact = [None if tensor is None else tensor.float() for tensor in inputs]
    truth = both_ways(lambda *x: synthesis_layer(*x, resample_filter), exact)[1]
    found, separate = both_ways(lambda *x: synthesis_layer(*x, resample_filter), inputs)
    assert found[0].dtype == torch.bfloat16 and all(a.dtype == b.dtype for a, b in zip(found[1], separate[1]))
    names = ("out", "x", "styles", "weight", "scale", "bias", "noise")  # of the strength it is one number, in which the errors cancel or not
    for name, mine, other, true in zip(names, [found[0], *found[1]], [separate[0], *separate[1]], [truth[0], *truth[1]]):
        error, other_error = (relative_error(tensor, true) for tensor in (mine, other))
        assert error < max(1.05 * other_error, 0.004), name
        assert error < 0.05, name  # where rounding turns a sign, the leaky ReLU has another slope


@compiled
@pytest.mark.parametrize("resample_filter", [None, FILTER], ids=["same size", "doubled"])
def test_second_derivative(resample_filter):
    def squared_slope(*inputs):
        out = synthesis_layer(*inputs, resample_filter)
        slopes = torch.autograd.grad(out.square().sum(), inputs[:2], create_graph=True)
        return sum(slope.square().sum() for slope in slopes)[None] / 1000

    (value, gradients), (expected, expected_gradients) = both_ways(
        squared_slope, layer_inputs(2, 5, 6, 4, 3, 1 if resample_filter is None else 2))
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)
    for found, wanted in zip(gradients, expected_gradients):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


@compiled
def test_only_what_is_asked_for_gets_a_gradient():
    inputs = layer_inputs()
    inputs[1].requires_grad_()
    synthesis_layer(*inputs).sum().backward()
    assert inputs[1].grad is not None and all(tensor.grad is None for tensor in inputs if tensor is not inputs[1])


@compiled
def test_memory_layout_and_number_of_threads_do_not_matter():
    inputs = layer_inputs(2, 32, 32, 8, 8)
    expected = synthesis_layer(*inputs)
    strided = torch.zeros(2, 64, 8, 16)
    strided[:, ::2, :, ::2] = inputs[0]
    for x in (inputs[0].to(memory_format=torch.channels_last), strided[:, ::2, :, ::2]):
        torch.testing.assert_close(synthesis_layer(x, *inputs[1:]), expected)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        torch.testing.assert_close(synthesis_layer(*inputs), expected)
    finally:
        torch.set_num_threads(threads)


def test_empty_batch():
    inputs = layer_inputs(batch=0)
    assert synthesis_layer(*inputs).shape == (0, 33, 5, 6)
    assert synthesis_layer(*layer_inputs(batch=0, up=2), FILTER).shape == (0, 33, 10, 12)
    assert to_rgb(torch.zeros(0, 4, 3, 3), torch.zeros(0, 3, 4), torch.zeros(3)).shape == (0, 3, 3, 3)


def test_not_a_number_stays_one():
    inputs = layer_inputs(dtype=torch.bfloat16)
    inputs[0][0, 0, 2, 2] = float("nan")
    out = synthesis_layer(*inputs)
    assert out[0, :, 2, 2].isnan().all() and not out[1].isnan().any()


def test_phase_kernels_make_a_transposed_convolution():
    x, weight = torch.randn(1, 3, 4, 5), torch.randn(2, 3, 3, 3)
    whole = torch.nn.functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    for kernel, (row, column) in zip(phase_kernels(weight), ((0, 0), (0, 1), (1, 0), (1, 1))):
        part = torch.nn.functional.conv2d(x, kernel, padding=(1 - row, 1 - column))
        torch.testing.assert_close(part, whole[:, :, row::2, column::2], rtol=1e-5, atol=1e-5)


@compiled
@pytest.mark.parametrize("channels", [1, 16, 37])
@pytest.mark.parametrize("dtype, clamp", [(torch.float32, None), (torch.float32, 2.0), (torch.bfloat16, None)])
def test_to_rgb_and_its_gradients(dtype, channels, clamp):
    inputs = [torch.randn(2, channels, 6, 7).to(dtype), torch.randn(2, 3, channels), torch.randn(3)]
    (out, gradients), (expected, expected_gradients) = both_ways(lambda *x: to_rgb(*x, clamp), inputs)
    assert out.dtype == torch.float32
    for found, wanted in zip([out, *gradients], [expected, *expected_gradients]):
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        assert relative_error(found, wanted) < (1e-5 if dtype == torch.float32 else 0.01)


@compiled
def test_to_rgb_second_derivative():
    def squared_slope(*inputs):
        slope, = torch.autograd.grad(to_rgb(*inputs, 2.0).square().sum(), inputs[0], create_graph=True)
        return slope.square().sum()[None]

    inputs = [torch.randn(2, 5, 3, 4), torch.randn(2, 3, 5), torch.randn(3)]
    (value, gradients), (expected, expected_gradients) = both_ways(squared_slope, inputs)
    torch.testing.assert_close([value, *gradients], [expected, *expected_gradients], rtol=1e-4, atol=1e-4)


@compiled
@pytest.mark.parametrize("height, width", [(1, 1), (1, 5), (4, 3)])
def test_the_picture_below_is_doubled_and_added(height, width):
    picture, below = torch.randn(2, 3, 2 * height, 2 * width), torch.randn(2, 3, height, width)
    for resample_filter in (FILTER, SKEWED):
        with native.reference():
            expected = add_doubled(picture.clone(), below, resample_filter)
        torch.testing.assert_close(add_doubled(picture.clone(), below, resample_filter), expected, rtol=1e-5, atol=1e-5)
        (_, gradients), (_, expected_gradients) = both_ways(lambda a, b: add_doubled(a, b, resample_filter), [picture, below])
        torch.testing.assert_close(gradients, expected_gradients)
