"""The losses of section 3 against numbers worked out by hand, and the 12 segments."""

from __future__ import annotations

from math import log

import pytest
import torch

from baselines.secgan import losses
from baselines.secgan.segments import NUM_SEGMENTS, SEGMENTS, colours, likeliest, log_probability, one_hot, segments_of
from segmentation.parts import CLASS_INDEX, CLASSES


def test_critic_and_deception() -> None:
    real, fake = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.tensor([[4.0, 6.0], [-1.0, 1.0]])
    assert losses.critic(real, fake).tolist() == [3.0, 0.0]
    assert losses.deception(fake).tolist() == [-5.0, 0.0]


def test_gradient_penalty_of_a_linear_score_is_known() -> None:
    """The gradient of w . x is w wherever one looks: |w| = 5 gives 16."""
    weight = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    real, fake = torch.randn(3, 2, 1, 1), torch.randn(3, 2, 1, 1)
    found = losses.gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), real, fake, torch.rand(3))
    torch.testing.assert_close(found, torch.full((3,), 16.0))


def test_gradient_penalty_looks_between_and_its_own_gradient_is_right() -> None:
    """Score a x^2 at x = lerp(1, 3, .25) = 1.5: gradient 2 a x = 3 a, penalty (3a - 1)^2, whose derivative is 6 (3a - 1)."""
    a = torch.tensor(2.0, requires_grad=True)
    real, fake = torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 3.0)
    penalty = losses.gradient_penalty(lambda x: a * x.square().flatten(1).sum(1), real, fake, torch.tensor([0.25]))
    assert penalty.item() == pytest.approx(25.0)
    penalty.sum().backward()
    assert a.grad.item() == pytest.approx(30.0)


def test_gradient_penalty_sums_over_patches_as_stargan_does() -> None:
    found = losses.gradient_penalty(lambda x: torch.cat([x, 2 * x], dim=1), torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.tensor([0.5]))
    assert found.item() == pytest.approx(4.0)  # gradient 1 + 2


def test_classification_is_the_binary_cross_entropy() -> None:
    logits, labels = torch.tensor([[0.0, log(3.0)]]), torch.tensor([[1.0, 0.0]])
    by_hand = -log(0.5) - log(1 - 0.75)  # sigmoid(log 3) = 3/4
    assert losses.classification(logits, labels, summed=True).item() == pytest.approx(by_hand, rel=1e-6)
    assert losses.classification(logits, labels, summed=False).item() == pytest.approx(by_hand / 2, rel=1e-6)


def test_an_absent_attribute_asks_for_a_low_logit() -> None:
    """The printed equation asks for a high one: its second term falls as log D rises."""
    logits = torch.zeros(1, 1, requires_grad=True)
    losses.classification(logits, torch.zeros(1, 1), summed=True).sum().backward()
    assert logits.grad.item() == pytest.approx(0.5)


def test_reconstruction_is_a_mean_over_pixels() -> None:
    assert losses.reconstruction(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), -0.25)).item() == 0.25


def test_cross_entropy_by_hand() -> None:
    """Two pixels; the true segments have probability 1/2 and 1/4."""
    probability = torch.full((1, NUM_SEGMENTS, 1, 2), 0.05)
    probability[0, 3, 0, 0], probability[0, 10, 0, 1] = 0.5, 0.25
    mask = one_hot(torch.tensor([[[3, 10]]]))
    assert losses.cross_entropy(mask, probability.log()).item() == pytest.approx((log(2) + log(4)) / 2)


def test_segments_join_the_classes_of_section_3() -> None:
    names = [list(SEGMENTS)[number] for number in segments_of(torch.arange(len(CLASSES))).tolist()]
    assert dict(zip(CLASSES, names)) == {
        "background": "others", "skin": "skin", "l_brow": "eyebrows", "r_brow": "eyebrows", "l_eye": "eyes", "r_eye": "eyes", "eye_g": "eyeglasses",
        "l_ear": "ears", "r_ear": "ears", "ear_r": "earrings", "nose": "nose", "mouth": "mouth", "u_lip": "lips", "l_lip": "lips", "neck": "neck",
        "neck_l": "others", "cloth": "others", "hair": "hair", "hat": "others"}
    assert NUM_SEGMENTS == 12


def test_a_segment_is_as_likely_as_its_classes_together() -> None:
    logits = torch.zeros(1, len(CLASSES), 1, 1)
    logits[0, CLASS_INDEX["l_eye"]] = log(5.0)  # 5 of 23 parts; the other eye 1
    found = log_probability(logits).exp().flatten()
    assert found[list(SEGMENTS).index("eyes")].item() == pytest.approx(6 / 23)
    assert found[list(SEGMENTS).index("others")].item() == pytest.approx(4 / 23)
    assert found.sum().item() == pytest.approx(1.0)


def test_one_hot_is_the_likeliest_and_a_constant() -> None:
    soft = torch.randn(2, NUM_SEGMENTS, 4, 4, requires_grad=True)
    hard = likeliest(soft)
    assert not hard.requires_grad and hard.sum(1).eq(1).all() and set(hard.unique().tolist()) == {0.0, 1.0}
    assert hard.argmax(1).equal(soft.argmax(1)) and hard.equal(likeliest(soft.log_softmax(1)))


def test_consistency_moves_each_branch_towards_the_others_one_hot() -> None:
    """Equations (11) and (12) for one pixel: the gradient of a cross entropy is probability minus target, and reaches one side only."""
    parsed, translated = torch.zeros(1, NUM_SEGMENTS, 1, 1, requires_grad=True), torch.zeros(1, NUM_SEGMENTS, 1, 1)
    translated[0, 7] = 2.0
    translated.requires_grad_()
    losses.cross_entropy(likeliest(translated), parsed.log_softmax(1)).sum().backward()
    expected = torch.full((NUM_SEGMENTS,), 1 / 12)
    expected[7] -= 1
    torch.testing.assert_close(parsed.grad.flatten(), expected)
    assert translated.grad is None


def test_colours_tell_segments_apart() -> None:
    shown = colours(one_hot(torch.arange(NUM_SEGMENTS).view(1, 3, 4)))
    distinct = {tuple(round(value, 4) for value in pixel) for pixel in shown.flatten(2)[0].T.tolist()}
    assert len(distinct) == NUM_SEGMENTS and shown.abs().max() <= 1
