"""The fast forms of the backbones' layers are the same functions as PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.secgan.layers import HalvingConv2d, InstanceNorm2d


@pytest.mark.parametrize("side", [2, 8, 16])
def test_a_halving_convolution_is_one(side: int) -> None:
    """With its derivatives, the second ones of a gradient penalty among them; as a product of matrices up to 8 pixels."""
    torch.manual_seed(0)
    made, plain = HalvingConv2d(3, 5).double(), nn.Conv2d(3, 5, 4, 2, 1).double()
    plain.load_state_dict(made.state_dict())
    x = torch.randn(2, 3, side, side, dtype=torch.double, requires_grad=True)
    found = []
    for layer in (made, plain):
        y = layer(x)
        gradient, = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        found.append((y, gradient, *torch.autograd.grad(gradient.norm(), (layer.weight, layer.bias, x))))
    for left, right in zip(*found):
        torch.testing.assert_close(left, right)


def test_an_instance_norm_of_channels_that_lie_last_is_one() -> None:
    """In bfloat16, which rounds to 3 digits: the plain norm of the same numbers in float32 is the measure."""
    torch.manual_seed(0)
    made, plain = InstanceNorm2d(24), nn.InstanceNorm2d(24, affine=True)
    with torch.no_grad():
        made.weight.uniform_(0.5, 2)
        made.bias.normal_()
    plain.load_state_dict(made.state_dict())
    x, weights = (torch.randn(3, 24, 12, 20).bfloat16().contiguous(memory_format=torch.channels_last) for _ in range(2))
    x = x + 0.5
    found = []
    for layer, dtype in ((made, torch.bfloat16), (plain, torch.float32)):
        given = x.detach().to(dtype).requires_grad_()
        y = layer(given)
        (y * weights.to(dtype)).sum().backward()
        found.append((y.detach().float(), given.grad.float(), layer.weight.grad, layer.bias.grad))
    for left, right in zip(*found):
        assert (left - right).norm() < 0.01 * right.norm()


def test_an_instance_norm_of_anything_else_is_pytorchs() -> None:
    made, plain = InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(made(x), plain(x))
