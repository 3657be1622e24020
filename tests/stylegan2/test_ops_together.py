"""The GPU's pass after a convolution, compiled operations together, and tensors that C code has no business with."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.ops import bias_act, native, scale_bias_act, setup_filter, upfirdn2d
from tests.stylegan2.machine import assert_close, emulated, exactly, last, machine, with_gradients

__all__ = ["emulated", "last", "machine"]  # fixtures

# scale_bias_act is compiled for GPUs only; the CPU has passes of its own, in stylegan2/ops/layer.py.


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 16, 4, 4), (1, 2, 40, 50)])
@pytest.mark.parametrize("noises", [0, 1, 2])
def test_scale_bias_act(machine, shape, noises, last):
    if not machine.gpu or noises > shape[0]:
        return
    for dtype, clamp in itertools.product(machine.dtypes, (None, 0.7)):
        small = torch.float64 if dtype == torch.float64 else torch.float32
        x, dy = machine.randn(*shape, dtype=dtype, last=last), machine.randn(*shape, dtype=dtype)
        vectors = [machine.randn(*shape[:2], dtype=small).abs() + 0.1, machine.randn(shape[1], dtype=small)]
        inputs = [x, *vectors, *[machine.randn(noises, 1, *shape[2:], dtype=small)] * (noises > 0)]

        def function(x, scale, bias, noise=None, clamp=clamp):
            return scale_bias_act(x * 1, scale, bias, noise, clamp)

        if clamp is not None:
            free, _ = exactly(lambda *inputs: function(*inputs, **{"clamp": None}), inputs, dy)
            dy = dy * ((free.abs() - clamp).abs() > 0.01)
        machine.ran.clear()
        y, gradients = with_gradients(function, inputs, dy)
        expected, expected_gradients = exactly(function, inputs, dy)
        assert machine.ran == ["scale_bias_act", "scale_bias_act_gradient"] and y.dtype == dtype
        assert_close(y, expected)
        assert_close(gradients[0], expected_gradients[0])
        for gradient, expected in zip(gradients[1:], expected_gradients[1:]):
            torch.testing.assert_close(gradient.double(), expected, rtol=1e-4, atol=1e-4)


def test_derivatives_of_scale_bias_act(machine, last):
    x, scale, bias, noise = machine.double(2, 3, 2, 2, last=last), machine.double(2, 3), machine.double(3), machine.double(1, 1, 2, 2)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x, s, b, n: scale_bias_act(x * 1, s.exp(), b, n, 2.0), (x, scale, bias, noise))
    assert scale_bias_act(x[:0].detach(), scale[:0].detach(), bias.detach()).shape == (0, 3, 2, 2)
    assert ("scale_bias_act_gradient" in machine.ran) == machine.gpu


# Together, and where C code has no business.


def test_a_gradient_penalty(machine):
    """R1, Mescheder et al. 2018, as the discriminator is trained with: second derivatives through all of it."""
    network = Discriminator(DiscriminatorConfig(resolution=16, channel_base=64, channel_max=8)).to(machine.device)
    images = machine.randn(4, 3, 16, 16).requires_grad_()

    def penalty():
        (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), list(network.parameters()), materialize_grads=True)

    found = penalty()
    assert {"bias_act", "bias_act_gradient", "upfirdn2d"} <= set(machine.ran)
    with native.reference():
        expected = penalty()
    assert sum(bool(gradient.any()) for gradient in expected) > 5
    for gradient, reference in zip(found, expected):
        torch.testing.assert_close(gradient, reference, rtol=1e-3, atol=1e-4 * float(reference.abs().max()) + 1e-7)


def test_formats_that_differ_promote_as_ever(machine):
    x, bias = machine.randn(2, 3, dtype=torch.bfloat16), machine.randn(3)
    assert bias_act(x, bias, "lrelu").dtype == torch.float32 and machine.ran == []


def test_transformed_tensors_take_the_reference(machine, monkeypatch):
    x, taps = machine.randn(2, 3, 4, 4), setup_filter().to(machine.device)
    machine.ran.clear()

    def function(x):
        return bias_act(upfirdn2d(x, taps, padding=(2, 1, 2, 1)), None, "lrelu")

    value, tangent = torch.func.jvp(function, (x,), (torch.ones_like(x),))
    each = torch.func.vmap(lambda x: function(x[None])[0])(x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.unpack_dual(function(torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))))
    with monkeypatch.context() as compiling:
        compiling.setattr(torch.compiler, "is_compiling", lambda: True)
        graph = function(x)
    assert machine.ran == []
    for result in (value, each, dual.primal, graph):
        torch.testing.assert_close(result, function(x))
    torch.testing.assert_close(tangent, dual.tangent)
    assert tangent.abs().max() > 0 and machine.ran
