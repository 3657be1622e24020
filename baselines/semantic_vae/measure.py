"""How well masks are reconstructed: what table 1 and figure 2 of the paper show."""

from __future__ import annotations

import numpy as np
import torch

from baselines.semantic_vae.masks import Masks
from baselines.semantic_vae.model import SemanticVAE
from segmentation.metrics import class_iou, confusion_matrix, mean_iou, pixel_accuracy
from segmentation.parts import CLASSES


@torch.inference_mode()
def reconstruction(model: SemanticVAE, masks: Masks, indices: np.ndarray, batch_size: int = 32) -> dict:
    """{"mean_iou", "accuracy", "class_iou": {class: IoU, None where there is none}, "samples"} of masks by their codes' means.

    Each class is counted over all samples together; the mean is over the classes that occur.
    """
    device = next(model.parameters()).device
    total = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64)
    for start in range(0, len(indices), batch_size):
        truth = masks.read(indices[start : start + batch_size]).to(device)
        total += confusion_matrix(model(truth).argmax(1), truth, len(CLASSES)).cpu()
    by_class = {name: None if iou != iou else iou for name, iou in zip(CLASSES, class_iou(total).tolist())}
    return {"mean_iou": mean_iou(total), "accuracy": pixel_accuracy(total), "class_iou": by_class, "samples": len(indices)}
