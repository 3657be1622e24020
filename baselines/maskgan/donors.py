"""Masks of other faces to take parts from, kept with a trained painter: DONORS.safetensors and DONORS.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from baselines.maskgan.material import Material
from baselines.maskgan.shapes import SHAPES, agreement
from baselines.maskgan.weights import FORMAT
from evaluation.editor import CannotServe
from packs.files import write_atomically
from packs.weights import read_safetensors

NAME = "donors.json"
EACH = 4  # masks with, and as many without, each attribute
LOOKED_AT = 2000  # training samples they are chosen from
MOST_PIXELS = 128


@dataclass(frozen=True, eq=False)
class Donors:
    """masks: uint8 [K, S, S]; labels: bool [K, A], a column for each of `attributes`. Raises ValueError where they do not fit each other."""

    masks: np.ndarray
    labels: np.ndarray
    attributes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.masks.dtype != np.uint8 or self.masks.ndim != 3 or self.labels.shape != (len(self.masks), len(self.attributes)):
            raise ValueError(f"masks are {self.masks.dtype} {list(self.masks.shape)}, their labels {list(self.labels.shape)}; "
                             f"accepted: uint8 [K, S, S] and [K, {len(self.attributes)}]")

    def nearest(self, target: np.ndarray, attribute: str, value: bool) -> np.ndarray:
        """Of the masks with the attribute as wanted, the one most like `target` (uint8 [S, S]) outside the parts in question.

        Raises CannotServe for an attribute that no shape shows, or that no donor has.
        """
        if attribute not in SHAPES:
            raise CannotServe(f"MaskGAN edits shapes, and {attribute!r} has none; accepted: {', '.join(SHAPES)}")
        rows = np.flatnonzero(self.labels[:, self.attributes.index(attribute)] == value) if attribute in self.attributes else []
        if not len(rows):
            raise CannotServe(f"no donor mask has {attribute!r} {value}; accepted: attributes of the training data")
        return self.masks[rows[np.argmax(agreement(target, self.masks[rows], SHAPES[attribute]))]]

    def save(self, path: Path) -> None:
        """Write `path` (.json) and the tensors beside it. Raises OSError."""
        tensors = {"masks": torch.from_numpy(self.masks.copy()), "labels": torch.from_numpy(self.labels.astype(np.uint8))}
        write_atomically(path.with_suffix(".safetensors"), save(tensors))
        write_atomically(path, (json.dumps({"format": FORMAT, "kind": "donors", "attributes": list(self.attributes)}) + "\n").encode())


def load_donors(path: Path) -> Donors:
    """Raises ValueError for a file that holds none, OSError."""
    _, tensors = read_safetensors(path.with_suffix(".safetensors"))
    try:
        attributes = tuple(json.loads(path.read_text(encoding="utf-8"))["attributes"])
        return Donors(tensors["masks"].numpy(), tensors["labels"].numpy().astype(bool), attributes)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no donor masks ({error}); accepted: a file of baselines.maskgan.train") from error


def choose_donors(material: Material) -> Donors:
    """The first training samples that show, and that lack, each attribute whose shape can be taken over."""
    faces = material.faces
    candidates = material.train_indices[:LOOKED_AT]
    columns = [faces.attributes.index(name) for name in SHAPES if name in faces.attributes]
    labels = faces.labels[candidates][:, columns]
    chosen: set[int] = set()
    for column in labels.T:
        for value in (False, True):
            chosen.update(np.flatnonzero(column == value)[:EACH].tolist())
    rows = np.array(sorted(chosen))
    factor = max(1, material.size // MOST_PIXELS)
    masks = torch.cat([material.read(candidates[rows[i : i + 16]])[1] for i in range(0, len(rows), 16)]).cpu().numpy()
    masks = masks[:, factor // 2 :: factor, factor // 2 :: factor].astype(np.uint8)
    return Donors(masks, labels[rows], tuple(faces.attributes[column] for column in columns))
