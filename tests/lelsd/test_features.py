"""The distance of features: nothing for the same picture, more for a more different one, with a gradient, in either kind of CLIP."""

import pytest
import torch

from lelsd.features import DEPTHS, FeatureDistance


@pytest.fixture(scope="module")
def distance(tiny_models):
    return FeatureDistance(tiny_models)


def test_nothing_lies_between_a_picture_and_itself(distance):
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert distance(images, images).tolist() == pytest.approx([0, 0], abs=1e-10)


def test_more_change_is_farther_up_to_four(distance):
    images, noise = torch.rand(3, 3, 64, 64) * 2 - 1, torch.randn(3, 3, 64, 64)
    near, far = distance(images + 0.05 * noise, images), distance(images + 0.5 * noise, images)
    assert (0 < near).all() and (near < far).all() and (far <= 4).all()


def test_it_is_the_mean_squared_distance_of_unit_vectors(distance):
    a, b = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    levels = [(2 - 2 * torch.cosine_similarity(x, y, dim=1)).mean() for x, y in zip(distance.maps(a), distance.maps(b))]
    assert len(levels) == DEPTHS and distance(a, b).item() == pytest.approx(torch.stack(levels).mean().item(), rel=1e-4)


def test_a_target_is_looked_at_once_and_leads_back_to_itself(distance):
    target = torch.rand(2, 3, 64, 64) * 2 - 1
    towards = distance.to(target)
    images = torch.zeros(2, 3, 64, 64, requires_grad=True)
    assert towards(images).tolist() == pytest.approx(distance(images, target).tolist(), rel=1e-5)
    gradient, = torch.autograd.grad(towards(images).sum(), images)
    with torch.no_grad():
        assert (towards(images - 0.1 * gradient / gradient.abs().amax()) < towards(images)).all()


def test_a_vision_transformer_serves_too(tiny_models):
    from open_clip.transformer import VisionTransformer

    class Guide:
        model = type("Clip", (), {"visual": VisionTransformer(24, 8, 32, 12, 4, 2.0, output_dim=16).eval().requires_grad_(False)})
        prepared = staticmethod(lambda images: torch.nn.functional.interpolate(images, (24, 24)))

    transformer = FeatureDistance(tiny_models, Guide())
    assert transformer.indices == [1, 4, 6, 9, 11]
    images = torch.rand(2, 3, 32, 32)
    assert [features.shape for features in transformer.maps(images)] == [(2, 32, 3, 3)] * 5
    assert (transformer(images, images.flip(0)) > 0).all()
