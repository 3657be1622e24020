"""What an inversion is measured by, on pictures whose differences are known."""

import pytest
import torch

from lelsd.likeness import Likeness, means


@pytest.fixture(scope="module")
def likeness(tiny_models):
    return Likeness(tiny_models, lambda images, others: (images - others).abs().amax(dim=(1, 2, 3)))


def test_the_same_picture_is_wholly_alike(likeness):
    images = torch.rand(2, 3, 32, 32)
    assert means(likeness(images, images)) == pytest.approx({"feature_distance": 0, "identity": 1, "pixel_error": 0}, abs=1e-5)


def test_differences_are_told_picture_by_picture(likeness):
    target = torch.zeros(2, 3, 32, 32)
    found = target.clone()
    found[1] += 0.25
    measured = likeness(target, found)
    assert measured["pixel_error"].tolist() == pytest.approx([0, 0.25])
    assert measured["feature_distance"].tolist() == pytest.approx([0, 0.25])
    assert measured["identity"][0].item() == pytest.approx(1, abs=1e-5) and -1 <= measured["identity"][1] < 1


def test_pictures_are_looked_at_as_they_are_shown(likeness):
    assert likeness(torch.full((1, 3, 32, 32), 1.0), torch.full((1, 3, 32, 32), 1.5))["pixel_error"].item() == 0


def test_a_pack_without_a_classifier_has_no_identity():
    class Bare:
        classifier = None

    measured = Likeness(Bare(), lambda images, others: torch.zeros(len(images)))(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8))
    assert means(measured) == {"feature_distance": 0.0, "identity": None, "pixel_error": 1.0}
