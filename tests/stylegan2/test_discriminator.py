"""The discriminator agrees with the published one, and says what it cannot judge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stylegan2.discriminator import Discriminator, DiscriminatorConfig, minibatch_stddev
from tests.stylegan2 import golden


@pytest.mark.parametrize("name", ["tiny64", pytest.param("ffhq256", marks=pytest.mark.slow)])
def test_logits_are_the_published_ones(name):
    network = golden.discriminator(name)
    shapes = {key: list(value.shape) for key, value in network.state_dict().items()}
    assert shapes == golden.reference(name)["discriminator_shapes"]
    size = network.config.resolution
    images = torch.from_numpy(np.random.RandomState(1).uniform(-1, 1, (4, 3, size, size)).astype(np.float32))
    expected = golden.arrays(f"stylegan2_nvlabs_{name}_discriminator")["logits"]
    assert float((network(images) - expected).abs().max() / expected.std()) < 1e-3
    network.dtype = torch.bfloat16
    assert float((network(images) - expected).abs().max() / expected.abs().mean()) < 0.1


def test_minibatch_stddev_by_hand():
    # Groups of two out of four: samples 0 and 2, and 1 and 3. Their values differ by 2 and by 6.
    x = torch.tensor([1.0, 10.0, 3.0, 16.0]).reshape(4, 1, 1, 1)
    result = minibatch_stddev(x, group_size=2)
    torch.testing.assert_close(result[:, 1].flatten(), torch.tensor([1.0, 3.0, 1.0, 3.0]))
    torch.testing.assert_close(result[:, :1], x)


def small() -> Discriminator:
    return Discriminator(DiscriminatorConfig(resolution=16, channel_base=64, channel_max=8))


def test_gradients_reach_every_parameter_and_the_penalty_is_differentiable():
    """R1 regularisation differentiates the gradient of the logits once more."""
    network = small()
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    gradient, = torch.autograd.grad(network(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    missing = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    # Additive constants after the last activation do not move the input's gradient, but for slopes.
    assert missing <= {name for name, _ in network.named_parameters() if name.endswith("bias")}


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 16, 16), (3, 16, 16), (6, 3, 16, 16)])
def test_images_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="accepted"):
        small()(torch.zeros(shape))


@pytest.mark.parametrize("settings", [{"resolution": 100}, {"group_size": 0}, {"width": 1}])
def test_settings_that_do_not_fit(settings):
    with pytest.raises(ValueError, match="accepted"):
        DiscriminatorConfig.from_dict(settings)
    assert DiscriminatorConfig.from_dict(small().config.to_dict()) == small().config
