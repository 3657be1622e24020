"""The one table of face parts: class numbers, names, groups and colours. Everything else looks them up here; the words
that people use for them are in lelsd/concepts.toml.

The 19 classes are those of CelebAMask-HQ (Lee et al., "MaskGAN", 2020) in the order of the published face-parsing
BiSeNet, `79999_iter.pth`. `l_` and `r_` are the person's own left and right, as in the data set: in a portrait that
looks at the viewer, `l_eye` is on the right half of the picture. The parts of the vocabulary join both sides, so only
code that mirrors pictures has to care (see `MIRRORED`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CLASSES = (
    "background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r",
    "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat",
)  # fmt: skip
CLASS_INDEX = {name: index for index, name in enumerate(CLASSES)}

# RGB of each class in indexed PNGs and overlays: hues far apart where classes touch, two shades of one hue for a pair.
PALETTE = np.array(
    [
        (24, 24, 32), (242, 180, 140), (150, 96, 40), (190, 128, 60), (52, 120, 246), (92, 160, 255), (0, 200, 190),
        (214, 120, 120), (236, 148, 148), (255, 208, 0), (230, 120, 60), (140, 16, 48), (232, 48, 88), (255, 96, 128),
        (206, 158, 120), (250, 232, 90), (72, 168, 88), (124, 76, 200), (216, 72, 200),
    ],
    dtype=np.uint8,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A named region of the face: the classes it covers, and the RGB colour it is shown in."""

    name: str
    classes: tuple[int, ...]
    colour: tuple[int, int, int]


def _part(name: str, classes: str, colour_of: str | None = None) -> Part:
    """One row: `classes` by name, separated by blanks; coloured as class `colour_of`, or as the first."""
    indices = tuple(CLASS_INDEX[c] for c in classes.split())
    colour = PALETTE[CLASS_INDEX[colour_of] if colour_of else indices[0]]
    return Part(name, indices, tuple(int(c) for c in colour))


_ROWS = (
    _part("hair", "hair"),
    _part("eyes", "l_eye r_eye"),
    _part("eyebrows", "l_brow r_brow"),
    _part("eyeglasses", "eye_g"),
    _part("ears", "l_ear r_ear"),
    _part("earrings", "ear_r"),
    _part("nose", "nose"),
    _part("mouth", "mouth u_lip l_lip"),
    _part("lips", "u_lip l_lip", "l_lip"),
    # All bare skin, not the class of that name alone: pale or freckled skin does not stop at the nose or the jaw.
    _part("skin", "skin nose l_ear r_ear neck"),
    _part("neck", "neck"),
    _part("necklace", "neck_l"),
    _part("clothes", "cloth"),
    _part("hat", "hat"),
    _part("background", "background"),
    # Everything inside the outline of the face.
    _part("face", "skin l_brow r_brow l_eye r_eye eye_g nose mouth u_lip l_lip", "skin"),
)  # fmt: skip

PARTS: dict[str, Part] = {row.name: row for row in _ROWS}

# Class of each class in a mirrored picture: the sides change places. `masks_mirrored = mirrored[masks].flip(-1)`.
MIRRORED = tuple(
    CLASS_INDEX.get({"l_": "r_", "r_": "l_"}.get(name[:2], "") + name[2:], index) if name != "l_lip" else index
    for index, name in enumerate(CLASSES)
)

PartLike = str | Mapping[str, float]


def part(name: str) -> Part:
    """The part called `name` (case and outer blanks do not matter); ValueError lists the accepted names."""
    found = PARTS.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"unknown part {name!r}: use one of {', '.join(PARTS)}")
    return found


def class_weights(parts: PartLike) -> list[float]:
    """How much each of the 19 classes counts, in [0, 1], for a part's name or weights {name: weight in [0, 1]}.

    Parts overlap (`mouth` holds `lips`), so a class takes the largest weight among the parts it is in, not the sum."""
    weights = [0.0] * len(CLASSES)
    named = {parts: 1.0} if isinstance(parts, str) else parts
    if not isinstance(named, Mapping) or not named:
        raise ValueError(f"parts must be a part's name or a non-empty {{name: weight}}, not {parts!r}")
    for name, weight in named.items():
        if not 0.0 <= weight <= 1.0:
            raise ValueError(f"weight {weight!r} of part {name!r} must lie between 0 and 1")
        for index in part(name).classes:
            weights[index] = max(weights[index], float(weight))
    return weights


def part_probability(logits: Tensor, parts: PartLike) -> Tensor:
    """Soft mask: logits [N, 19, H, W] -> probability [N, 1, H, W] in [0, 1] that a pixel belongs to the part (or
    the weighted parts); differentiable, computed in float32."""
    _check_logits(logits)
    weights = torch.tensor(class_weights(parts), device=logits.device)
    probability = logits.float().softmax(dim=1)
    return (probability * weights.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def part_mask(logits: Tensor, parts: PartLike) -> Tensor:
    """Hard mask: logits [N, 19, H, W] -> bool [N, 1, H, W], true where the likeliest class belongs to the part (or to
    one of the parts with a weight above 0)."""
    _check_logits(logits)
    return label_mask(logits.argmax(dim=1), parts).unsqueeze(1)


def label_mask(labels: Tensor, parts: PartLike) -> Tensor:
    """The same for class numbers: labels [...] (integers 0..18) -> bool [...]."""
    chosen = torch.tensor(class_weights(parts), device=labels.device) > 0
    return chosen[labels.long()]


def _check_logits(logits: Tensor) -> None:
    if logits.ndim != 4 or logits.shape[1] != len(CLASSES):
        raise ValueError(f"logits must be [N, {len(CLASSES)}, H, W], not {list(logits.shape)}")
