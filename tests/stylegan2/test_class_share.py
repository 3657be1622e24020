"""The share of some classes: compiled and in strips, against enlarging, softmax and sum written out."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F

from stylegan2.ops import class_share as module, native
from stylegan2.ops.class_share import class_share


@pytest.fixture(params=["compiled", "reference"])
def way(request):
    with native.reference() if request.param == "reference" else nullcontext():
        yield request.param


def written_out(logits, weights, size):
    probability = F.interpolate(logits, size, mode="bilinear", align_corners=True).softmax(dim=1)
    return (probability * weights.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


@pytest.mark.parametrize("coarse", [(8, 8), (5, 3), (1, 1)])
@pytest.mark.parametrize("size", [(64, 64), (17, 33), (1, 5), (4, 4)])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_the_formula(way, coarse, size, scale, monkeypatch):
    """Logits far apart, too, whose exponentials would not fit a float."""
    logits, weights = scale * torch.randn(2, 19, *coarse), torch.tensor([0.0, 1.0, 0.5] + [0.0] * 15 + [1.0])
    wanted = written_out(logits.double(), weights.double(), size).float()
    for elements in (1, 1000, 2**20):
        monkeypatch.setattr(module, "STRIP", elements)
        found = class_share(logits.requires_grad_(), weights, size)
        assert found.shape == (2, 1, *size) and not found.requires_grad
        assert torch.allclose(found, wanted, atol=1e-6 * max(1.0, scale))


def test_all_classes_are_everything_and_none_is_nothing(way):
    logits = 5 * torch.randn(1, 4, 6, 6)
    assert torch.allclose(class_share(logits, torch.ones(4), (20, 20)), torch.ones(1, 1, 20, 20), atol=1e-6)
    assert class_share(logits, torch.zeros(4), (20, 20)).abs().max() == 0


def test_other_layouts_formats_and_nothing(way):
    logits, weights = torch.randn(2, 5, 4, 6), torch.tensor([1.0, 0, 0, 0, 1])
    wanted = written_out(logits, weights, (8, 12))
    assert torch.allclose(class_share(logits.to(memory_format=torch.channels_last), weights, (8, 12)), wanted, atol=1e-6)
    assert torch.allclose(class_share(logits.double(), weights.double(), (8, 12)).float(), wanted, atol=1e-6)
    assert class_share(logits[:0], weights, (8, 12)).shape == (0, 1, 8, 12)
