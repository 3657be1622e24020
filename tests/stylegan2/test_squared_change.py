"""The squared change of maps: compiled, in strips, and as the formula says, forward and gradient."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from stylegan2.ops import native, squared_change as module
from stylegan2.ops.squared_change import squared_change


@pytest.fixture(params=["compiled", "reference"])
def way(request):
    with native.reference() if request.param == "reference" else nullcontext():
        yield request.param


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [3, 16, 37])
def test_the_formula(way, dtype, layout, channels, monkeypatch):
    """With strips that do not divide the height, too."""
    before, after = (torch.randn(2, channels, 7, 6).to(dtype, memory_format=layout).requires_grad_() for _ in range(2))
    weights = torch.randn(2, 1, 7, 6)
    wanted = (after.float() - before.float()).square().mean(dim=1, keepdim=True)
    gradients = torch.autograd.grad((wanted * weights).sum(), (before, after))
    for elements in (1, 12 * channels, 2**20):
        monkeypatch.setattr(module, "STRIP", elements)
        found = squared_change(before, after)
        assert found.dtype == torch.float32 and torch.allclose(found, wanted, rtol=1e-5)
        ours = torch.autograd.grad((found * weights).sum(), (before, after))
        assert ours[1].is_contiguous(memory_format=layout)
        for one, other in zip(ours, gradients, strict=True):
            assert one.dtype == dtype and torch.allclose(one, other, rtol=1e-5 if dtype == torch.float32 else 2**-7)


def test_both_ways_were_tried():
    """The compiled form is what runs on maps that lie pixel by pixel."""
    if native.cpu() is None:
        pytest.skip("no compiler here")
    maps = torch.zeros(1, 8, 4, 4).to(memory_format=torch.channels_last)
    assert module._library(maps, maps) is native.cpu() and module._library(maps, maps.contiguous()) is None
    assert module._library(maps, maps.bfloat16()) is None


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0, 4)])
def test_nothing(way, shape):
    assert squared_change(torch.ones(shape), torch.ones(shape)).shape == (shape[0], 1, *shape[2:])


def test_double_precision_stays():
    before, after = torch.randn(1, 2, 3, 3, dtype=torch.double), torch.randn(1, 2, 3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: squared_change(before, x), (after,))


def test_gradient_that_is_not_contiguous(way):
    before, after = torch.zeros(1, 2, 3, 3), torch.ones(1, 2, 3, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(squared_change(before, after), after, torch.ones(1, 1, 1, 1).expand(1, 1, 3, 3))
    assert torch.equal(gradient, torch.ones(1, 2, 3, 3))
