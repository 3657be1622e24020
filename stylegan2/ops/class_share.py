"""The probability of some classes, from logits at a lower resolution: a parser's mask of one part of the face."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan2.ops import native

STRIP = 2**20  # elements that the reference works on at a time: 4 MB, which the cache holds


@torch.no_grad()
def class_share(logits: Tensor, weights: Tensor, size: tuple[int, int]) -> Tensor:
    """softmax of the enlarged logits, weighed and summed over the classes: [N, K, h, w] float32 -> [N, 1, *size]; no gradient.

    Enlarged bilinearly with the corners kept in place. K maps of logits at 1024 pixels are 80 MB a picture for a face
    parser; here no more than a few rows of them exist at a time.

    Args:
        weights: [K], of each class.
        size: height and width of the result.
    """
    found = logits.new_empty(len(logits), 1, *size)
    library = native.library(logits, weights) if logits.device.type == "cpu" and logits.dtype == torch.float32 else None
    if library is None or not found.numel():
        return _in_strips(found, logits, weights)
    logits, weights = logits.contiguous(), weights.contiguous()
    native.run(library, found, "share_of_classes", "ppp" + "llllll", found.data_ptr(), logits.data_ptr(), weights.data_ptr(),
               *logits.shape, *size)
    return found


def _in_strips(found: Tensor, logits: Tensor, weights: Tensor) -> Tensor:
    """The reference: rows of the enlarged maps as sums of coarse ones; along a row it is a resizing in one dimension."""
    (height, width), (coarse, classes) = found.shape[2:], (logits.shape[2], logits.shape[1])
    identity = torch.eye(coarse, device=logits.device, dtype=logits.dtype)[None, None]
    rows = F.interpolate(identity, (height, coarse), mode="bilinear", align_corners=True)[0, 0]
    chosen = weights.nonzero().flatten()
    step = height if logits.is_cuda else max(1, STRIP // (classes * width))
    for one, result in zip(logits.transpose(1, 2).flatten(2), found[:, 0], strict=True):
        for top in range(0, height, step):
            strip = (rows[top:top + step] @ one).unflatten(1, (classes, -1))
            strip = F.interpolate(strip, width, mode="linear", align_corners=True).softmax(dim=1)
            result[top:top + step] = torch.einsum("rkw,k->rw", strip[:, chosen], weights[chosen])
    return found
