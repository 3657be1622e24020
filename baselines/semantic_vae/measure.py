"""How well masks are reconstructed (table 1 and figure 2 of the paper), and in figures what its figure 4 shows: parts drawn anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from baselines.semantic_vae.masks import Masks
from baselines.semantic_vae.model import NORMAL, Densities, SemanticVAE, part_rows, sample_part
from segmentation.metrics import class_iou, confusion_matrix, mean_iou, pixel_accuracy
from segmentation.parts import CLASSES, label_mask

DRAWN_PARTS = ("hair", "eyes", "nose", "mouth")  # those of the paper's figures that every face has
GENERATION = ("undesired", "following", "variety")


@torch.inference_mode()
def reconstruction(model: SemanticVAE, masks: Masks, indices: np.ndarray) -> dict:
    """{"mean_iou", "accuracy", "class_iou": {class: IoU, None where there is none}, "samples"} of masks by their codes' means.

    Each class is counted over all samples together; the mean is over the classes that occur.
    """
    total = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64)
    for truth in _batches(model, masks, indices):
        total += confusion_matrix(model(truth).argmax(1), truth, len(CLASSES)).cpu()
    by_class = {name: None if iou != iou else iou for name, iou in zip(CLASSES, class_iou(total).tolist())}
    return {"mean_iou": mean_iou(total), "accuracy": pixel_accuracy(total), "class_iou": by_class, "samples": len(indices)}


@torch.inference_mode()
def generation(model: SemanticVAE, masks: Masks, indices: np.ndarray, seed: int = 0, densities: Densities = NORMAL,
               parts: Sequence[str] = DRAWN_PARTS) -> dict:
    """What happens when a part is drawn anew, twice: {part: {"undesired", "following", "variety"}, "mean": the same}.

    densities: what codes are drawn from, see `sample_part`.
    undesired: share of pixels that get a class which neither the reconstruction had nor the part is made of.
    following: share of pixels which belong to the part neither before nor after, and change nevertheless.
    variety: 1 - intersection over union of the part in the two draws; None where neither draw has it.
    """
    rng = torch.Generator(next(model.parameters()).device).manual_seed(seed)
    rows: dict[str, list[Tensor]] = {part: [] for part in parts}
    for truth in _batches(model, masks, indices):
        codes = model.encode(truth)
        before = model.decode(codes).argmax(1)
        for part in parts:
            first, second = (model.decode(sample_part(codes, part, rng, densities)).argmax(1) for _ in range(2))
            figures = undesired(before, first, part), following(before, first, part), variety(first, second, part)
            rows[part].append(torch.stack(figures))
    found = {part: dict(zip(GENERATION, torch.cat(values, 1).nanmean(1).tolist())) for part, values in rows.items()}
    found["mean"] = {name: torch.tensor([found[part][name] for part in parts]).nanmean().item() for name in GENERATION}
    return {part: {name: None if value != value else value for name, value in row.items()} for part, row in found.items()}


def undesired(before: Tensor, after: Tensor, part: str) -> Tensor:
    """Labels [N, S, S] of reconstructions before and after an edit -> [N], see `generation`."""
    known = torch.stack([(before == index).flatten(1).any(1) for index in range(len(CLASSES))], 1)  # [N, C]
    known[:, part_rows(part)] = True
    return (~known).gather(1, after.flatten(1)).float().mean(1)


def following(before: Tensor, after: Tensor, part: str) -> Tensor:
    """Labels [N, S, S] of reconstructions before and after an edit -> [N], see `generation`."""
    elsewhere = ~(label_mask(before, part) | label_mask(after, part))
    return (elsewhere & (before != after)).flatten(1).float().mean(1)


def variety(first: Tensor, second: Tensor, part: str) -> Tensor:
    """Labels [N, S, S] of two draws -> [N], see `generation`; NaN where neither has the part."""
    a, b = label_mask(first, part).flatten(1), label_mask(second, part).flatten(1)
    return 1 - (a & b).sum(1) / (a | b).sum(1)


def _batches(model: SemanticVAE, masks: Masks, indices: np.ndarray) -> Iterator[Tensor]:
    """The masks int64 [B, S, S] on the model's device."""
    device = next(model.parameters()).device
    return (batch.to(device).long() for batch in masks.batches(indices))
