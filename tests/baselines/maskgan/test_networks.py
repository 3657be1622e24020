"""The networks piece by piece: values worked out by hand, shapes, published sizes."""

from __future__ import annotations

import math

import pytest
import torch

from baselines.maskgan.blender import AlphaBlender, blend
from baselines.maskgan.config import PRESETS, MaskGANConfig, TrainSettings, preset
from baselines.maskgan.critic import MultiscaleCritic
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.layers import EPSILON, ResidualBlock, SpatialFeatureTransform, normalise, one_hot
from baselines.maskgan.losses import critic_loss, feature_matching, least_squares
from baselines.maskgan.mask_vae import MaskVAE, inter_outer, kl_divergence, vae_losses


def test_adain_gives_each_map_the_asked_mean_and_deviation():
    x = torch.tensor([1.0, 3.0, 1.0, 3.0]).view(1, 1, 2, 2)  # mean 2, deviation 1
    found = normalise(x, torch.tensor([[5.0]]), torch.tensor([[7.0]]))
    assert torch.allclose(found.flatten(), torch.tensor([2.0, 12.0, 2.0, 12.0]), atol=1e-4)
    wide = 1000 + 4 * torch.randn(2, 3, 32, 32)
    weight, bias = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    found = normalise(wide, weight, bias)
    assert torch.allclose(found.mean((2, 3)), bias, atol=1e-2) and torch.allclose(found.std((2, 3), correction=0), weight, rtol=1e-3)
    assert torch.allclose(normalise(wide), torch.nn.functional.instance_norm(wide, eps=EPSILON), atol=2e-3)
    assert normalise(wide.bfloat16()).dtype is torch.bfloat16


def test_adain_parameters_are_bias_then_weight_of_either_norm():
    block, x = ResidualBlock(2), torch.randn(1, 2, 8, 8)
    plain = torch.tensor([[0.0, 0, 1, 1, 0, 0, 1, 1]])
    assert torch.allclose(block(x, plain), block(x), atol=1e-6)
    silent = torch.tensor([[0.0, 0, 1, 1, 3, 4, 0, 0]])  # the second norm forgets its maps and gives its biases
    assert torch.allclose(block(x, silent) - x, torch.tensor([3.0, 4.0])[:, None, None].expand(1, 2, 8, 8), atol=1e-6)


def test_a_spatial_feature_transform_scales_and_shifts_place_by_place():
    transform = SpatialFeatureTransform(1)
    for branch, last in ((transform.gamma, 2.0), (transform.beta, 5.0)):
        for layer in (branch[0], branch[2]):
            torch.nn.init.zeros_(layer.bias)
        torch.nn.init.ones_(branch[0].weight)
        torch.nn.init.constant_(branch[2].weight, last)
    x, condition = torch.tensor([[[[3.0, 3.0]]]]), torch.tensor([[[[1.0, -1.0]]]])
    # leaky slope 0.1: gamma is 2 and -0.2, beta 5 and -0.5
    assert torch.allclose(transform(x, condition), torch.tensor([[[[3 * 3.0 + 5, 3 * 0.8 - 0.5]]]]))


def test_one_hot_marks_the_class_of_each_pixel_and_nothing_for_a_class_beyond():
    found = one_hot(torch.tensor([[[0, 2], [1, 9]]]), 3)
    assert found.shape == (1, 3, 2, 2) and found[0, :, 0, 1].tolist() == [0, 0, 1] and found[0, :, 1, 1].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="class numbers"):
        one_hot(torch.zeros(2, 2), 3)


def test_the_painter_follows_the_mask_and_the_style(config, faces):
    network = DenseMappingNetwork(config)
    images, masks = faces[0], one_hot(faces[1], config.num_classes)
    begun = network.style(images, masks).view(2, config.blocks, 4, -1)
    biases, gains = begun[:, :, [0, 2]].mean().item(), begun[:, :, [1, 3]].mean().item()
    assert biases == pytest.approx(0.0, abs=0.3) and gains == pytest.approx(1.0, abs=0.3)
    painted = network(masks, images, masks)
    assert painted.shape == (2, 3, 64, 64) and painted.abs().max() <= 1
    assert not torch.allclose(network(masks.flip(0), images, masks), painted, atol=1e-3)
    assert not torch.allclose(network.style(images.flip(1), masks), network.style(images, masks))
    assert not torch.allclose(network.style(images, masks.flip(0)), network.style(images, masks)), "the style does not know the places"
    assert torch.allclose(network.paint(masks, network.style(images, masks)), painted)


def test_the_blender_weighs_pixel_by_pixel():
    alpha, inter, outer = torch.tensor([0.0, 0.25, 1.0]), torch.tensor([8.0, 8.0, 8.0]), torch.tensor([4.0, 4.0, 4.0])
    assert blend(alpha, inter, outer).tolist() == [4.0, 5.0, 8.0]
    found = AlphaBlender(preset("tiny", 64))(torch.randn(1, 3, 64, 64), torch.randn(1, 3, 64, 64))
    assert found.shape == (1, 3, 64, 64) and 0 < found.min() and found.max() < 1


def test_maskvae_makes_latents_and_masks(config, faces):
    vae = MaskVAE(config).eval()
    mean, log_variance = vae.encode(one_hot(faces[1], config.num_classes))
    assert mean.shape == log_variance.shape == (2, config.vae_latent) and vae.decode(mean).shape == (2, 19, 64, 64)
    between = vae.between(mean)
    assert torch.equal(between.sum(1), torch.ones(2, 64, 64)) and set(between.unique().tolist()) == {0.0, 1.0}


def test_inter_and_outer_lie_on_either_side_of_the_target():
    inter, outer = inter_outer(torch.tensor([1.0, 2.0]), torch.tensor([6.0, 2.0]), 2.5)
    assert inter.tolist() == [3.0, 2.0] and outer.tolist() == [-1.0, 2.0]


def test_maskvae_losses_by_hand():
    assert kl_divergence(torch.zeros(3, 4), torch.zeros(3, 4)).item() == 0
    found = kl_divergence(torch.tensor([[2.0]]), torch.tensor([[math.log(4.0)]])).item()
    assert found == pytest.approx(0.5 * (4 + 4 - 1 - math.log(4.0)))
    losses = vae_losses(torch.zeros(1, 5, 2, 2), torch.zeros(1, 2, 2), torch.tensor([[2.0]]), torch.tensor([[math.log(4.0)]]), 0.1)
    assert losses["reconstruct"].item() == pytest.approx(math.log(5))
    assert losses["loss"].item() == pytest.approx(math.log(5) + 0.1 * found)


def test_the_critic_looks_at_two_scales(config, faces):
    found = MultiscaleCritic(config)(one_hot(faces[1], config.num_classes), faces[0])
    assert [len(scale) for scale in found] == [5, 5]
    assert [scale[-1].shape[1] for scale in found] == [1, 1] and found[0][-1].shape[-1] > found[1][-1].shape[-1]


def test_adversarial_and_matching_losses_by_hand():
    zero, one, full = torch.zeros(1), torch.ones(1), torch.full
    real = [[full((1, 1, 2), 3.0), full((1, 4), 9.0), torch.tensor([1.0, 0.0])], [zero, zero, one]]
    fake = [[full((1, 1, 2), 1.0), full((1, 4), 9.5), torch.tensor([0.5, 0.5])], [zero, one, zero]]
    assert least_squares(fake, 1.0).item() == pytest.approx(0.25 + 1.0)
    assert critic_loss(real, fake).item() == pytest.approx(0.5 * (0.5 + 0.25))
    # two layers before the scores, two scales
    assert feature_matching(real, fake).item() == pytest.approx((2 + 0.5 + 0 + 1) * 4 / 2 / 2)


def test_the_published_widths_and_that_the_small_ones_fit(monkeypatch):
    for draw in ("uniform_", "normal_"):  # shapes need no numbers, and on "meta" torch would import much to draw none
        monkeypatch.setattr(torch.Tensor, draw, lambda tensor, *arguments, **options: tensor)
    with torch.device("meta"):
        painter, vae = DenseMappingNetwork(MaskGANConfig()), MaskVAE(MaskGANConfig())
        small = [kind(preset("small", 256)) for kind in (DenseMappingNetwork, MaskVAE)]
    assert painter.backbone.channels == 1024 and painter.style_encoder.out.out_channels == 4 * 4 * 1024
    assert vae.shape == (2048, 4, 4) and vae.mean.out_features == 1024 and len(vae.encoder) == 7
    assert sum(2 * value.numel() for network in small for value in network.state_dict().values()) < 14e6


def test_settings_refuse_what_makes_no_sense():
    assert [TrainSettings("dense", 100).rate(step) for step in (0, 50, 75)] == [2e-4, 2e-4, 1e-4]
    assert TrainSettings("ebst", 4).rate(0) == 5e-5
    for make, named in ((lambda: MaskGANConfig(size=100), "100"), (lambda: preset("huge", 64), "huge"),
                        (lambda: MaskGANConfig.from_dict({"depth": 3}), "depth"), (lambda: MaskGANConfig.from_dict({"base": "64"}), "base"),
                        (lambda: MaskGANConfig(size=64, downs=6), "6"), (lambda: TrainSettings("both", 4), "both"),
                        (lambda: TrainSettings("dense", 0), "0"), (lambda: TrainSettings("ebst", 4, interpolation=0), "0")):
        with pytest.raises(ValueError, match=named):
            make()
    assert set(PRESETS) == {"paper", "small", "tiny"}
