"""TARR, distances and Inception Score of editors about which everything is known beforehand."""

from __future__ import annotations

import math

import pytest
import torch

from evaluation.editor import Samples
from evaluation.features import Eyes, Looks
from evaluation.reversals import REVERSED, Recogniser, evaluate_reversals, reverse
from evaluation.scores import InceptionScore
from packs.attributes import ATTRIBUTES, asked_attributes, asking

COUNT = 6
LABELS = torch.rand(COUNT, 13, generator=torch.Generator().manual_seed(1)) > 0.5


def pictures(labels: torch.Tensor) -> torch.Tensor:
    """Pictures of 4 x 4 whose first 13 pixels are bright where the attribute is there."""
    flat = torch.zeros(len(labels), 3, 16)
    flat[:, :, :13] = labels[:, None].float() * 2 - 1
    return flat.view(-1, 3, 4, 4)


def read(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(2)[:, 0, :13] > 0


class Sets:
    """An editor that does all that is asked, or (`does` names attributes) some of it."""

    name = "sets"

    def __init__(self, does=REVERSED) -> None:
        self.does, self.requests = does, []

    def edit(self, samples, request):
        self.requests.append((request, len(samples)))
        flat = samples.images.clone().flatten(2)
        if request.attribute in self.does:
            flat[:, :, REVERSED.index(request.attribute)] = 1.0 if request.value else -1.0
        return flat.view_as(samples.images)


RECOGNISER = Recogniser("the pixels", read)
LOOKS = Looks(Eyes("means", lambda images: images.mean(dim=(2, 3))), Eyes("pixels", lambda images: images.flatten(1)),
              Eyes("two answers", lambda images: torch.full((len(images), 1, 2), 0.5)))


def report(editor, labels=LABELS, looks=LOOKS):
    samples = Samples(pictures(LABELS))
    batches = zip(samples.split(4), labels.split(4))
    return evaluate_reversals(editor, batches, RECOGNISER, looks)


def test_an_editor_that_always_succeeds_never_or_by_halves():
    always, never, some = report(Sets()), report(Sets(())), report(Sets(("Bald", "Young")))
    assert always["tarr"] == 1 and set(always["tarr_by_attribute"].values()) == {1.0} and always["pictures"] == COUNT
    assert never["tarr"] == 0 == never["fid"] == pytest.approx(never["ssfid"], abs=1e-6)  # nothing changed
    assert some["tarr"] == pytest.approx(2 / 13) and [name for name, rate in some["tarr_by_attribute"].items() if rate] == ["Bald", "Young"]
    assert list(always["tarr_by_attribute"]) == list(REVERSED) and always["untouched"] == 0
    assert always["features"] == {"tarr": "the pixels", "fid": "means", "ssfid": "pixels", "inception_score": "two answers"}
    assert always["inception_score"] == pytest.approx(1)


def test_doing_nothing_counts_where_the_classifier_disagrees_with_the_label():
    wrong = LABELS.clone()
    wrong[0, 3] = ~wrong[0, 3]
    found = report(Sets(()), wrong)
    assert found["tarr"] == found["untouched"] == pytest.approx(1 / (13 * COUNT)) and found["tarr_by_attribute"][REVERSED[3]] == pytest.approx(1 / COUNT)


def test_distances_are_the_means_over_attributes():
    """Bald alone is done: its pixel becomes its opposite in every picture, so the mean of 16 pixels moves by ±2 / 16."""
    found = report(Sets(("Bald",)))
    assert found["fid"] == pytest.approx(found["fid_by_attribute"]["Bald"] / 13, abs=1e-9) and found["fid_by_attribute"]["Bald"] > 1e-4
    assert all(value == pytest.approx(0, abs=1e-6) for name, value in found["ssfid_by_attribute"].items() if name != "Bald")


def test_each_picture_is_asked_for_what_it_is_not():
    editor, labels = Sets(), torch.tensor([True, False, True])
    samples = Samples(pictures(labels[:, None].expand(3, 13)), torch.arange(3.0).view(3, 1, 1))
    images = reverse(editor, samples, labels, "Bangs")
    assert read(images)[:, 1].tolist() == [False, True, False] and torch.equal(read(images)[:, 2], labels)
    assert [(request.value, request.prompt, count) for request, count in editor.requests] == [
        (True, "a person with bangs", 1), (False, "a person with no bangs", 2)]


def test_without_an_inception_score_none_is_invented():
    found = report(Sets(), looks=Looks(LOOKS.fid, LOOKS.fid, None))
    assert found["inception_score"] is None is found["features"]["inception_score"] and found["fid"] == found["ssfid"]


def test_labels_that_do_not_fit_and_too_few_pictures():
    with pytest.raises(ValueError, match="labels have shape"):
        report(Sets(), LABELS[:, :5])
    with pytest.raises(ValueError, match="at least 2"):
        evaluate_reversals(Sets(), [], RECOGNISER, LOOKS)


def test_every_reversed_attribute_can_be_asked_for_and_denied():
    assert set(REVERSED) <= set(ATTRIBUTES) and len(REVERSED) == 13
    assert all(asked_attributes(asking(name, value)) == {name: value} for name in REVERSED for value in (True, False))
    with pytest.raises(ValueError, match="no words for 'Blurry'"):
        asking("Blurry")


# --- Inception Score --------------------------------------------------------------------------------------------------


def inception(probabilities, subsets=1):
    score = InceptionScore(subsets)
    for batch in probabilities.split(3):
        score.add(batch)
    return score.score()


def test_inception_score_of_certain_uniform_and_same_answers():
    certain = torch.eye(5).repeat(4, 1)[:, None]  # every class as often, without a doubt: as many as there are classes
    assert inception(certain) == pytest.approx(5)
    assert inception(torch.full((20, 1, 5), 0.2)) == pytest.approx(1)  # says nothing of any
    assert inception(torch.eye(5)[:1].repeat(20, 1)[:, None]) == pytest.approx(1)  # says the same of all


def test_inception_score_is_the_mean_over_questions():
    varied = torch.eye(2).repeat(5, 1)
    assert inception(torch.stack([varied, torch.full((10, 2), 0.5)], dim=1)) == pytest.approx((2 + 1) / 2)


def test_inception_score_between_by_hand():
    """Two pictures, (0.9, 0.1) and (0.1, 0.9): KL to the even mean is log 2 - H(0.9)."""
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert inception(torch.tensor([[[0.9, 0.1]], [[0.1, 0.9]]])) == pytest.approx(math.exp(math.log(2) - entropy), rel=1e-6)


def test_inception_score_in_subsets_is_their_mean_and_needs_pictures():
    assert inception(torch.eye(2).repeat(200, 1)[:, None], subsets=10) == pytest.approx(2, abs=0.1)
    with pytest.raises(ValueError, match="no picture"):
        InceptionScore().score()
    with pytest.raises(ValueError, match="questions"):
        InceptionScore().add(torch.ones(2, 2))
    with pytest.raises(ValueError, match="at least 1"):
        InceptionScore(0)
