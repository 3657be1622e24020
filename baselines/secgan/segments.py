"""The 12 segments of the semantic branch, made of the 19 classes of CelebAMask-HQ (section 3, "Parsing network")."""

from __future__ import annotations

import torch
from torch import Tensor

from segmentation.parts import CLASS_INDEX, CLASSES, PALETTE

SEGMENTS = {
    "skin": ("skin",), "eyebrows": ("l_brow", "r_brow"), "eyes": ("l_eye", "r_eye"), "eyeglasses": ("eye_g",), "ears": ("l_ear", "r_ear"),
    "earrings": ("ear_r",), "nose": ("nose",), "mouth": ("mouth",), "lips": ("u_lip", "l_lip"), "neck": ("neck",), "hair": ("hair",),
    "others": ("background", "neck_l", "hat", "cloth"),
}  # fmt: skip
NUM_SEGMENTS = len(SEGMENTS)
_GROUPS = tuple([CLASS_INDEX[name] for name in names] for names in SEGMENTS.values())
_IN_ORDER, _SIZES = [c for group in _GROUPS for c in group], [len(group) for group in _GROUPS]
_SEGMENT_OF_CLASS = torch.tensor([next(i for i, group in enumerate(_GROUPS) if c in group) for c in range(len(CLASSES))])


def segments_of(classes: Tensor) -> Tensor:
    """Class numbers 0..18 [...] -> segment numbers 0..11 [...], int64."""
    return _SEGMENT_OF_CLASS.to(classes.device)[classes.long()]


def log_probability(logits: Tensor) -> Tensor:
    """A parser's logits of the classes [N, 19, H, W] -> log of the segments' probabilities [N, 12, H, W], float32.

    A segment is as likely as its classes together. Differentiable.
    """
    logs = logits.float().log_softmax(dim=1)[:, _IN_ORDER].split(_SIZES, dim=1)  # cut once: the gradient of each slice would be as large as all
    return torch.cat([group.logsumexp(dim=1, keepdim=True) if group.shape[1] > 1 else group for group in logs], dim=1)


def one_hot(segments: Tensor) -> Tensor:
    """Segment numbers [N, H, W] -> float32 [N, 12, H, W], 1 in one channel of each pixel and 0 elsewhere."""
    return torch.zeros(len(segments), NUM_SEGMENTS, *segments.shape[1:], device=segments.device).scatter_(1, segments.unsqueeze(1), 1.0)


def likeliest(soft: Tensor) -> Tensor:
    """Probabilities or their logarithms [N, 12, H, W] -> the one-hot mask of the likeliest segment, same shape, without a gradient.

    Equations (11) and (12) use it as a target, which is a constant there: no gradient need pass through it.
    """
    return one_hot(soft.detach().contiguous(memory_format=torch.channels_last).argmax(dim=1))  # three times faster over numbers that lie together


def colours(masks: Tensor) -> Tensor:
    """Masks [N, 12, H, W], one-hot or soft -> the likeliest segments' colours [N, 3, H, W] in [-1, 1], those of the class table."""
    palette = torch.from_numpy(PALETTE)[[group[0] for group in _GROUPS]].to(masks.device).float() / 127.5 - 1
    return palette[masks.argmax(dim=1)].movedim(-1, 1)
