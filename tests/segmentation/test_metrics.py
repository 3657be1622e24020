"""Confusion matrix and intersection over union, against values worked out by hand."""

import pytest
import torch

from segmentation.metrics import class_iou, confusion_matrix, mean_iou, pixel_accuracy

TRUTH = torch.tensor([[0, 0, 0], [1, 1, 1]])
LABELS = torch.tensor([[0, 0, 1], [1, 1, 2]], dtype=torch.uint8)


def test_confusion_matrix():
    expected = [[2, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion_matrix(LABELS, TRUTH, 4).tolist() == expected


def test_iou_by_hand():
    confusion = confusion_matrix(LABELS, TRUTH, 4)
    iou = class_iou(confusion)
    assert iou[:3].tolist() == pytest.approx([2 / 3, 2 / 4, 0.0]) and iou[3].isnan()
    assert mean_iou(confusion) == pytest.approx((2 / 3 + 1 / 2) / 2)  # classes 2 and 3 are not in the truth
    assert pixel_accuracy(confusion) == pytest.approx(4 / 6)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\[2, 3\] and truth \[3\]"):
        confusion_matrix(LABELS, TRUTH[0], 4)
