"""Tables 2 and 3, layer by layer, and the sizes of the published networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.secgan.config import SecganConfig
from baselines.secgan.networks import discriminator, make_branches, rgb_generator, semantic_generator

A = 13
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def shapes(module: nn.Module) -> list[tuple]:
    """(kind, inputs, outputs, kernel, stride) of the convolutions and linear layers, in order."""
    found = []
    for layer in module.modules():
        if isinstance(layer, CONVOLUTIONS):
            kind = "up" if isinstance(layer, nn.ConvTranspose2d) else "conv"
            found.append((kind, layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]))
        elif isinstance(layer, nn.Linear):
            found.append(("linear", layer.in_features, layer.out_features))
    return found


def halvings(inputs: int, count: int) -> list[tuple]:
    widths = [inputs, *(64 << i for i in range(count))]
    return [("conv", before, after, 4, 2) for before, after in zip(widths, widths[1:])]


@pytest.mark.parametrize("size", [128, 256])
def test_stargan_is_table_2(size: int) -> None:
    with torch.device("meta"):
        branches = make_branches(SecganConfig(size=size))
    for branch, channels in (("rgb", 3), ("semantic", 12)):
        assert shapes(branches[branch].generator) == [
            ("conv", channels + A, 64, 7, 1), ("conv", 64, 128, 4, 2), ("conv", 128, 256, 4, 2), *[("conv", 256, 256, 3, 1)] * 12,
            ("up", 256, 128, 4, 2), ("up", 128, 64, 4, 2), ("conv", 64, channels, 7, 1)]
        assert shapes(branches[branch].discriminator) == [
            *halvings(channels, 6), ("conv", 2048, 1, 3, 1), ("conv", 2048, A, size // 64, 1)]


@pytest.mark.parametrize("size", [128, 256])
def test_attgan_is_table_3(size: int) -> None:
    with torch.device("meta"):
        branches = make_branches(SecganConfig(backbone="attgan", size=size))
    for branch, channels in (("rgb", 3), ("semantic", 12)):
        assert shapes(branches[branch].generator) == [
            *halvings(channels, 5), ("up", 1024 + A, 1024, 4, 2), ("up", 1536 + A, 512, 4, 2), ("up", 512, 256, 4, 2), ("up", 256, 128, 4, 2),
            ("up", 128, channels, 4, 2)]
        features = 1024 * (size // 32) ** 2
        assert shapes(branches[branch].discriminator) == [
            *halvings(channels, 5), ("linear", features, 1024), ("linear", 1024, 1), ("linear", features, 1024), ("linear", 1024, A)]


def count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_numbers_of_parameters() -> None:
    """StarGAN's generator of five attributes has 8,430,528; section 4.2 speaks of 8M and 43M for the 13."""
    with torch.device("meta"):
        assert count_parameters(rgb_generator(SecganConfig(attributes=("Bald", "Bangs", "Male", "Young", "Eyeglasses")))) == 8_430_528
        assert count_parameters(rgb_generator(SecganConfig())) == 8_430_528 + 8 * 64 * 49
        assert round(count_parameters(rgb_generator(SecganConfig(backbone="attgan"))) / 1e6) == 43


def test_concat_adds_the_mask_to_the_generators_input_alone() -> None:
    with torch.device("meta"):
        branches = make_branches(SecganConfig(method="concat"))
    assert list(branches) == ["rgb"]
    assert shapes(branches["rgb"].generator)[0] == ("conv", 15 + A, 64, 7, 1) and shapes(branches["rgb"].discriminator)[0][1] == 3


@pytest.mark.parametrize("backbone", ["stargan", "attgan"])
def test_what_comes_out(backbone: str) -> None:
    config = SecganConfig(backbone=backbone, size=64, width=1 / 16)
    difference = torch.zeros(2, A)
    image = rgb_generator(config)(torch.randn(2, 3, 64, 64), difference)
    mask = semantic_generator(config)(torch.randn(2, 12, 64, 64), difference)
    assert image.shape == (2, 3, 64, 64) and image.abs().max() <= 1
    assert mask.shape == (2, 12, 64, 64)
    torch.testing.assert_close(mask.exp().sum(1), torch.ones(2, 64, 64))
    scores, logits = discriminator(config, 3)(image)
    assert logits.shape == (2, A) and scores.shape == ((2, 1, 1, 1) if backbone == "stargan" else (2, 1))


@pytest.mark.parametrize("backbone", ["stargan", "attgan"])
def test_the_label_difference_changes_the_output(backbone: str) -> None:
    generator = rgb_generator(SecganConfig(backbone=backbone, size=64, width=1 / 16))
    image = torch.randn(1, 3, 64, 64).expand(2, -1, -1, -1)
    one, other = generator(image, torch.tensor([[0.0] * A, [1.0] + [0.0] * (A - 1)]))
    assert (one - other).abs().max() > 1e-4


def test_norms_are_where_the_tables_and_the_published_networks_have_them() -> None:
    with torch.device("meta"):
        star, att = make_branches(SecganConfig()), make_branches(SecganConfig(backbone="attgan"))

    def count(module: nn.Module, kind: type) -> int:
        return sum(isinstance(layer, kind) for layer in module.modules())

    assert count(star["rgb"].generator, nn.InstanceNorm2d) == 17 and count(star["rgb"].discriminator, nn.InstanceNorm2d) == 0
    assert count(att["semantic"].generator, nn.BatchNorm2d) == 9
    assert count(att["rgb"].discriminator, nn.InstanceNorm2d) == 5 and count(att["semantic"].discriminator, nn.InstanceNorm2d) == 0


@pytest.mark.parametrize(("wrong", "said"), [
    ({"backbone": "stgan"}, "unknown backbone 'stgan'; accepted are stargan, attgan"), ({"method": "ours"}, "baseline, concat, secgan"),
    ({"size": 100}, "multiples of 64"), ({"width": 0.0}, "width is 0.0"), ({"iterations": 0}, "iterations is 0"), ({"batch_size": -1}, "batch_size is -1"),
    ({"iterations": 5, "minutes": 1.0}, "either iterations or minutes"), ({"average": 1.0}, "average is 1.0"), ({"consistency": -0.1}, "consistency is -0.1")])
def test_wrong_settings_are_named(wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SecganConfig(**wrong)


def test_learning_rates_of_section_4_3() -> None:
    star, att = SecganConfig().published, SecganConfig(backbone="attgan").published
    assert [star.rate(f) for f in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    assert [round(2e-4 * att.rate(f), 12) for f in (0, 0.5, 0.75, 1)] == [2e-4, 2e-4, 2e-5, 2e-6]
    assert (SecganConfig().rate, SecganConfig().batch, SecganConfig().steps) == (1e-4, 16, 200_000)
    assert (SecganConfig(backbone="attgan").rate, SecganConfig(backbone="attgan").batch) == (2e-4, 32)
