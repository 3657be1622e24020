"""Shapes of table 1, where strengths go in, and what the networks look like on disk."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.maae.network import INJECTIONS, Discriminator, Generator, NetworkConfig

SMALL = NetworkConfig(size=40, width=2)


def test_the_published_networks():
    discriminator, generator = Discriminator(64), Generator(NetworkConfig())
    assert [(conv.out_channels, conv.kernel_size[0]) for conv in discriminator.convs] == [(64, 3), (128, 3), (256, 3), (512, 3), (1024, 3)]
    assert Discriminator(1)(torch.zeros(1, 3, 348, 348)).shape == (1, 2, 10, 10)
    assert [(conv.out_channels, conv.kernel_size[0]) for conv in generator.encoder.convs] == [(64, 7), (128, 3), (256, 3)]
    assert [block.conv1.out_channels for block in (*generator.encoder.blocks, *generator.decoder.blocks)] == [512] * 6
    assert [(conv.out_channels, conv.kernel_size[0]) for conv in (*generator.decoder.ups, generator.decoder.last)] == [(256, 3), (128, 3), (64, 7)]
    assert generator.pixels.shape == (1, 1, 87, 87) and generator.pixels.sum() == 900
    assert Discriminator(64).convs[4].weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert Discriminator(16).convs[4].weight.std().item() == pytest.approx(0.04, rel=0.02)  # a layer passes on as much


@pytest.mark.parametrize("injection", INJECTIONS)
def test_a_strength_changes_the_picture_and_none_does_not(injection: str):
    generator = Generator(replace(SMALL, injection=injection)).requires_grad_(False)
    for parameter in generator.parameters():
        parameter.mul_(2)  # at first, hardly anything comes through
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    none, more = generator(images, torch.zeros(2)), generator(images, torch.tensor([0.0, 3.0]))
    assert none.shape == images.shape and none.abs().max() <= 1
    assert torch.allclose(none[0], more[0], atol=1e-6) and not torch.allclose(none[1], more[1], atol=1e-3)
    assert generator.encodes_strength == (injection == "concat-image")


def test_only_the_chosen_pixels_of_the_code_are_changed():
    generator, seen = Generator(SMALL), []
    generator.decoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    code = torch.randn(1, 16, 10, 10)
    generator.decode(code, torch.tensor([-5.0]))
    moved = (seen[0] - code) / -5.0
    assert torch.allclose(moved, generator.pixels.expand_as(moved), atol=1e-6)
    assert 0 < int(generator.pixels.sum()) < 100
    assert Generator(replace(SMALL, injection="entire")).pixels.all()


@pytest.mark.parametrize(("size", "kernel"), [(40, 1), (128, 1), (128, 3), (200, 3)])
def test_every_pixel_of_the_picture_hears_of_the_strength(size: int, kernel: int):
    """The decoder sees about as far back as the encoder saw."""
    generator = Generator(replace(SMALL, size=size, residual_kernel=kernel)).double()
    for parameter in generator.decoder.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    code, strength = torch.zeros(1, 16, size // 4, size // 4, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    changed = generator.decode(code, strength + 1) - generator.decode(code, strength)
    assert bool((changed != 0).all())


def test_a_larger_kernel_sees_further_and_changes_fewer_pixels():
    assert Generator(replace(SMALL, residual_kernel=3)).pixels.sum() < Generator(SMALL).pixels.sum()


@pytest.mark.parametrize(("changed", "words"), [
    ({"size": 42}, "size is 42; accepted: multiples of 4"), ({"size": 32}, "from 36"), ({"width": 0}, "width is 0"),
    ({"residual_kernel": 2}, "residual_kernel 2"), ({"injection": "all"}, "injection is 'all'"), ({"delta": 0.0}, "delta is 0.0"),
])
def test_what_networks_cannot_be(changed: dict, words: str):
    with pytest.raises(ValueError, match=words):
        NetworkConfig(**changed)
