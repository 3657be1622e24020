"""How well a parser's labels agree with the true ones: confusion matrix, intersection over union."""

import torch
from torch import Tensor


def confusion_matrix(labels: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """Counts [C, C] (int64) of pixels by true class (row) and predicted class (column); any equal shapes of integers."""
    if labels.shape != truth.shape:
        raise ValueError(f"labels {list(labels.shape)} and truth {list(truth.shape)} must have the same shape")
    pairs = truth.long().flatten() * num_classes + labels.long().flatten()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def class_iou(confusion: Tensor) -> Tensor:
    """[C, C] -> intersection over union of each class [C] (float64); NaN for a class in neither truth nor prediction."""
    counts = confusion.double()
    both = counts.diagonal()
    return both / (counts.sum(0) + counts.sum(1) - both)


def mean_iou(confusion: Tensor) -> float:
    """Mean of `class_iou` over the classes that occur in the truth (a class that does not cannot be found)."""
    return class_iou(confusion)[confusion.sum(1) > 0].mean().item()


def pixel_accuracy(confusion: Tensor) -> float:
    """Share of pixels with the true class."""
    return (confusion.diagonal().sum() / confusion.sum()).item()
