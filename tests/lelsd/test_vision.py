"""The reordered vision tower is the same function of the same parameters, and leaves the one it was made from alone."""
from __future__ import annotations

import pytest
import torch
from open_clip import CLIP
from open_clip.transformer import VisionTransformer
from torch import nn

from lelsd.vision import PatchEmbedding, reordered


@pytest.fixture
def transformer() -> VisionTransformer:
    vision = VisionTransformer(image_size=24, patch_size=8, width=32, layers=2, heads=4, mlp_ratio=2.0, output_dim=16)
    return vision.eval().requires_grad_(False)


def test_same_embedding_and_gradient(transformer):
    twin, images = reordered(transformer), torch.randn(3, 3, 24, 24, requires_grad=True)
    assert isinstance(twin.conv1, PatchEmbedding) and not twin.transformer.batch_first
    wanted, found = transformer(images), twin(images)
    assert torch.allclose(found, wanted, atol=1e-5)
    weights = torch.randn(3, 16)
    gradients = [torch.autograd.grad((value * weights).sum(), images)[0] for value in (wanted, found)]
    assert gradients[0].abs().max() > 0 and torch.allclose(*gradients, atol=1e-5)


def test_nothing_is_copied_or_changed(transformer):
    twin = reordered(transformer)
    addresses = {tensor.data_ptr() for tensor in transformer.parameters()}
    assert {tensor.data_ptr() for tensor in twin.parameters()} == addresses
    assert transformer.transformer.batch_first and transformer.transformer.resblocks[0].attn.batch_first
    assert isinstance(transformer.conv1, nn.Conv2d)


def test_other_towers_stay_as_they_are(tiny_models):
    assert isinstance(tiny_models.clip_model, CLIP)
    assert reordered(tiny_models.clip_model.visual) is tiny_models.clip_model.visual


@pytest.mark.parametrize("size", [(24, 24), (27, 17)])
def test_patches_are_a_convolution(size):
    convolution, images = nn.Conv2d(3, 6, kernel_size=8, stride=8), torch.randn(2, 3, *size)
    assert torch.allclose(PatchEmbedding(convolution)(images), convolution(images), atol=1e-5)
