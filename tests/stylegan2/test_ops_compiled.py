"""bias_act and upfirdn2d as they are compiled, against their references; tests/stylegan2/machine.py says where."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from stylegan2.ops import ACTIVATIONS, bias_act, native, setup_filter, upfirdn2d, upsample2d
from stylegan2.ops.upfirdn2d import separated
from tests.stylegan2.machine import assert_close, emulated, exactly, last, machine, with_gradients

__all__ = ["emulated", "last", "machine"]  # fixtures


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU; with one, all that follows runs on it too")
def test_the_gpu_has_its_operations():
    assert native.cuda() is not None and native.library(torch.zeros(1, device="cuda")) is native.cuda()


# bias_act: every activation, format and layout; the wide shapes are those that the GPU reads in packs.


def is_compiled(machine: Machine, activation: str, clamp: float | None) -> bool:
    """PyTorch does alone what is one addition, and on a CPU what has exponentials in it."""
    if activation == "linear":
        return clamp is not None
    return machine.gpu or activation == "lrelu"


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 32, 4, 6), (3, 48), (1, 1, 1, 1)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_act(machine, activation, shape, last):
    if last and len(shape) != 4:
        return
    for dtype, clamp in itertools.product(machine.dtypes, (None, 0.7)):
        x, dy = machine.randn(*shape, dtype=dtype, last=last), machine.randn(*shape, dtype=dtype)
        bias = machine.randn(shape[1], dtype=dtype)
        free, _ = exactly(lambda x, b: bias_act(x, b, activation), [x, bias], dy)
        if clamp is not None:  # where rounding decides whether the clamp holds, either gradient is right
            dy = dy * ((free.abs() - clamp).abs() > 0.01)
        machine.ran.clear()
        y, (dx, db) = with_gradients(lambda x, b: bias_act(x, b, activation, clamp=clamp), [x, bias], dy)
        if not is_compiled(machine, activation, clamp):
            assert machine.ran == []
            continue
        assert machine.ran == ["bias_act", "bias_act_gradient"]
        assert y.dtype == dtype and y.stride() == x.stride()
        expected, (expected_dx, expected_db) = exactly(lambda x, b: bias_act(x, b, activation, clamp=clamp), [x, bias], dy)
        assert_close(y, expected)
        assert_close(dx, expected_dx, terms=1 if activation in ("linear", "lrelu") else 2)
        assert_close(db, expected_db, terms=x.numel() // shape[1] + 1)


@pytest.mark.parametrize("clamp", [None, 1.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_of_bias_act(machine, activation, clamp, last):
    x, bias = machine.double(2, 3, 2, 2, last=last), machine.double(3)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x, b: bias_act(x, b, activation, clamp=clamp, gain=1.3), (x, bias))
    assert ("bias_act_gradient" in machine.ran) == (machine.gpu or activation in ("linear", "lrelu"))


def test_bias_act_with_other_slopes_and_gains(machine):
    """Where the result does not tell the derivative, it is not asked to."""
    x, bias, dy = machine.randn(2, 3, 4, 5), machine.randn(3), machine.randn(2, 3, 4, 5)
    for alpha, gain in itertools.product((0.2, 0.0, -0.3, 1.5), (2**0.5, -2.0, 0.5)):
        def function(x, b):
            return bias_act(x, b, "lrelu", alpha=alpha, gain=gain)

        y, gradients = with_gradients(function, [x, bias], dy)
        expected, expected_gradients = exactly(function, [x, bias], dy)
        assert_close(y, expected)
        for gradient, expected in zip(gradients, expected_gradients):
            assert_close(gradient, expected, terms=41)


def test_what_bias_act_meets(machine):
    """Empty, one dimension, no bias, strided, starting in the middle, a bias with gaps, a gradient with steps of 0."""
    bias, wide = machine.randn(3), machine.randn(6)
    cases = [
        (machine.randn(0, 3, 4, 4), bias, 1), (machine.randn(3), bias, 0), (machine.randn(2, 5, 3), bias, 2),
        (machine.randn(2, 5, 3), bias, -1), (machine.randn(2, 3, 4, 4), None, 1), (machine.randn(2, 3, 4, 4, last=True), None, 1),
        (machine.randn(3, 2, 4, 4).transpose(0, 1), bias, 1), (machine.randn(2, 3, 8, 8)[..., ::2, 1:], bias, 1),
        (machine.randn(49)[1:].view(2, 3, 2, 4), bias, 1), (machine.randn(4, 3, 8, 8)[::2], bias, 1),
        (machine.randn(2, 3, 4, 4), wide[::2], 1), (machine.randn(2, 3, 4, 4).requires_grad_(), None, 1),
    ]
    for x, b, dim in cases:
        y = bias_act(x, b, "lrelu", dim=dim)
        with native.reference():
            assert_close(y, bias_act(x, b, "lrelu", dim=dim).double())
    x = machine.randn(2, 3, 4, 4, last=True).requires_grad_()
    bias_act(x, None, "lrelu").sum().backward()
    torch.testing.assert_close(x.grad, torch.where(x > 0, 2**0.5, 0.2 * 2**0.5))
    bias.requires_grad_()
    (alone,) = torch.autograd.grad(bias_act(x.detach(), bias, "lrelu").sum(), bias)
    assert alone.shape == (3,)
    assert len(machine.ran) > 10


def test_not_a_number_and_infinity_pass(machine):
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0], device=machine.device)
    for dtype in machine.dtypes:
        assert bias_act(x.to(dtype), activation="lrelu").tolist()[1:] == [float("inf"), -float("inf"), 0]
        assert bias_act(x.to(dtype), activation="lrelu", clamp=2).tolist()[1:] == [2, -2, 0]
        assert bias_act(x.to(dtype), activation="lrelu", clamp=2)[0].isnan()
    assert len(machine.ran) == 3 * len(machine.dtypes)


# upfirdn2d: every direction, padding and kind of filter.

FILTERS = [setup_filter(), setup_filter([1, 2, 1]), setup_filter([1, -2, 3, 4, 2]), torch.tensor([[1.0, 3.0]]), torch.ones(1, 1)]
UNSEPARATED = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]])
PADDINGS = [(0, 0, 0, 0), (2, 1, 2, 1), (1, 2, 3, 0), (-1, 2, 0, -1), (-1, -2, -2, 0), (5, 6, 7, 9)]


@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("up", [1, 2, 3])
def test_upfirdn2d(machine, up, down, last):
    compared = 0
    for shape, padding, flip in itertools.product([(2, 3, 7, 9), (1, 32, 6, 5)], PADDINGS, (False, True)):
        for taps, dtype in zip([*FILTERS, UNSEPARATED] * 4, machine.dtypes * 6):
            x = machine.randn(*shape, dtype=dtype, last=last)

            def function(x, taps=taps.to(machine.device)):
                return upfirdn2d(x, taps, up, down, padding, flip, gain=1.75)

            if (up * shape[2] + padding[2] + padding[3] < len(taps)) or (up * shape[3] + padding[0] + padding[1] < taps.shape[1]):
                continue
            dy = machine.randn(*function(x).shape, dtype=dtype)
            machine.ran.clear()
            y, (dx,) = with_gradients(function, [x], dy)
            if not machine.ran:  # what the reference does itself has tests of its own
                continue
            expected, (expected_dx,) = exactly(function, [x], dy)
            size = float(taps.abs().sum()) * 10
            assert_close(y / size, expected / size)
            assert_close(dx / size, expected_dx / size)
            compared += 1
    assert compared > (200 if machine.gpu or last or up > 1 else 100)


@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_derivatives_of_upfirdn2d(machine, up, down, last):
    x = machine.double(1, 2, 4, 3, last=last)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x: upfirdn2d(x, setup_filter([1, 2, 3, 4]).to(machine.device), up, down, (2, 1, 1, 2), gain=3), (x,))
    assert machine.ran


def test_what_upfirdn2d_meets(machine, last):
    taps = setup_filter().to(machine.device)
    cases = [machine.randn(0, 3, 4, 4), machine.randn(2, 3, 8, 8)[..., ::2, 1:], machine.randn(49)[1:].view(2, 3, 2, 4),
             machine.randn(3, 2, 4, 4).transpose(0, 1), machine.randn(1, 1, 1, 1), machine.randn(2, 20, 3, 70, last=last)]
    for x in cases:
        result = upsample2d(x, taps)
        with native.reference():
            assert_close(result, upsample2d(x, taps).double())
    x = machine.randn(1, 3, 4, 4, last=last).requires_grad_()
    upsample2d(x, taps).sum().backward()  # a gradient with steps of 0
    with native.reference():
        (expected,) = torch.autograd.grad(upsample2d(x, taps).sum(), x)
    assert_close(x.grad, expected.double())
    with pytest.raises(RuntimeError):
        upfirdn2d(machine.randn(1, 1, 2, 2), taps)  # the filter is larger than the image


def test_filters_that_are_outer_products():
    for taps in FILTERS:
        column, row = separated(taps)
        torch.testing.assert_close(torch.outer(torch.tensor(column), torch.tensor(row)), taps)
    assert separated(UNSEPARATED) is None and separated(torch.zeros(2, 2)) is None


def test_a_filter_that_is_learned_gets_its_gradient(machine):
    taps = machine.double(3, 3)
    x = machine.randn(1, 1, 4, 4, dtype=torch.float64)
    assert gradcheck(lambda taps: upfirdn2d(x, taps, padding=(1, 1, 1, 1)), (taps,))
