"""The measures of MaskGAN's tables 2 and 3: attribute and segmentation accuracy, and FID, of transfer, style copy and reconstruction.

A picture is painted from a mask in the style of a reference. Whether it has the attribute is asked of an attribute
classifier, whether it has the mask's shape of a parser, and how real it looks of the Fréchet distance to real pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baselines.maskgan.editor import Painter
from baselines.maskgan.material import Material
from baselines.maskgan.shapes import SHAPES, transplant
from evaluation.features import Eyes
from packs.frechet import Moments, frechet_between
from segmentation.metrics import confusion_matrix, mean_iou, pixel_accuracy

BATCH = 16
TRANSFERRED = "Smiling"
COPIED = ("Male", "Heavy_Makeup", "No_Beard")  # what the style of a picture shows, in the order of table 3


@dataclass(frozen=True, eq=False)
class Judges:
    """parse: pictures [N, 3, H, W] in [-1, 1] -> logits [N, 19, H, W]. attribute: pictures and a name -> bool [N], or None where
    nothing can tell attributes. eyes: what FID looks with."""

    parse: Callable[[Tensor], Tensor]
    attribute: Callable[[Tensor, str], Tensor] | None
    eyes: Eyes


@dataclass(frozen=True, eq=False)
class Pairs:
    """Held-out samples two by two: indices [P] of targets and sources."""

    targets: np.ndarray
    sources: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def split(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(self), BATCH):
            yield self.targets[start : start + BATCH], self.sources[start : start + BATCH]


def transfer_pairs(material: Material, count: int, seed: int) -> Pairs:
    """Targets without the attribute that is transferred, sources with it. Raises ValueError where either is missing."""
    labels = material.faces.labels[material.held_out, material.faces.attributes.index(TRANSFERRED)]
    random = np.random.default_rng(seed)
    without, having = (random.permutation(material.held_out[labels == value]) for value in (False, True))
    if not len(without) or not len(having):
        raise ValueError(f"the {len(labels)} held-out pictures are all alike in {TRANSFERRED}; accepted: data with both")
    number = min(count, len(without))
    return Pairs(without[:number], np.resize(having, number))


def copy_pairs(material: Material, count: int, seed: int) -> Pairs:
    """Each target with another picture as its source. Raises ValueError for fewer than two held-out pictures."""
    if len(material.held_out) < 2:
        raise ValueError(f"there are {len(material.held_out)} held-out pictures; accepted: 2 or more")
    order = np.random.default_rng(seed).permutation(material.held_out)
    return Pairs(order[:count], np.roll(order, -1)[:count])


def transferred_masks(targets: Tensor, sources: Tensor) -> Tensor:
    """The targets' masks [N, S, S] with the parts that show the attribute as the sources have them, uint8."""
    found = [transplant(t, s, SHAPES[TRANSFERRED]) for t, s in zip(targets.cpu().numpy(), sources.cpu().numpy())]
    return torch.from_numpy(np.stack(found)).to(targets.device)


class Tally:
    """What the judges said of pictures that come a batch at a time."""

    def __init__(self, judges: Judges, attributes: tuple[str, ...]):
        self.judges, self.attributes = judges, attributes
        self.count, self.hits = 0, np.zeros(len(attributes))
        self.confusion: Tensor | int = 0
        self.moments = Moments()

    def add(self, images: Tensor, masks: Tensor, wanted: np.ndarray) -> None:
        """images [N, 3, S, S]; masks [N, S, S] that they should have; wanted bool [N, A]."""
        self.count += len(images)
        labels = self.judges.parse(images).argmax(dim=1)
        self.confusion = self.confusion + confusion_matrix(labels, masks.to(labels.device), 19).cpu()
        self.moments.add(self.judges.eyes(images))
        if self.judges.attribute is not None:
            for column, name in enumerate(self.attributes):
                self.hits[column] += int((self.judges.attribute(images, name).cpu().numpy() == wanted[:, column]).sum())

    def report(self, real: Moments | None = None) -> dict:
        """Shares in [0, 1]; `attribute_accuracy` by name (None without a judge), `fid` against `real` (None without it)."""
        rates = {name: hits / self.count for name, hits in zip(self.attributes, self.hits)} if self.judges.attribute else None
        fid = None if real is None or min(self.count, real.count) < 2 else frechet_between(self.moments, real)
        return {"attribute_accuracy": rates, "segmentation_accuracy": pixel_accuracy(self.confusion),
                "segmentation_miou": mean_iou(self.confusion), "fid": fid}


@torch.no_grad()
def measure_transfer(painter: Painter | None, material: Material, pairs: Pairs, judges: Judges, real: Moments | None) -> dict:
    """Table 2: targets get the sources' mouths. painter None looks at the sources themselves, which is the row GT."""
    tally = Tally(judges, (TRANSFERRED,))
    for targets, sources in pairs.split():
        (images, masks), (source_images, source_masks) = material.read(targets), material.read(sources)
        if painter is not None:
            source_masks = transferred_masks(masks, source_masks)
            source_images = painter.paint(source_masks, images, masks)
        tally.add(source_images, source_masks, np.ones((len(targets), 1), bool))
    return tally.report(real)


@torch.no_grad()
def measure_copy(painter: Painter | None, material: Material, pairs: Pairs, judges: Judges, real: Moments | None) -> dict:
    """Table 3: targets' masks in the sources' styles, which should show the sources' attributes. painter None: the row GT."""
    tally = Tally(judges, COPIED)
    columns = [material.faces.attributes.index(name) for name in COPIED]
    for targets, sources in pairs.split():
        (_, masks), (source_images, source_masks) = material.read(targets), material.read(sources)
        wanted = material.faces.labels[sources][:, columns]
        if painter is None:
            masks = source_masks
        else:
            source_images = painter.paint(masks, source_images, source_masks)
        tally.add(source_images, masks, wanted)
    return tally.report(real)


@torch.no_grad()
def measure_reconstruction(painter: Painter, material: Material, indices: np.ndarray, judges: Judges, real: Moments | None) -> dict:
    """Pictures from their own masks in their own style: `l1` to the pictures, a mean over values in [-1, 1], and the others."""
    tally, distance = Tally(judges, ()), 0.0
    for start in range(0, len(indices), BATCH):
        images, masks = material.read(indices[start : start + BATCH])
        painted = painter.paint(masks, images, masks)
        distance += float((painted - images).abs().mean()) * len(images)
        tally.add(painted, masks, np.zeros((len(images), 0), bool))
    found = tally.report(real)
    del found["attribute_accuracy"]
    return {"l1": distance / len(indices), **found}


@torch.no_grad()
def real_moments(material: Material, indices: np.ndarray, eyes: Eyes) -> Moments:
    """What FID compares with."""
    moments = Moments()
    for start in range(0, len(indices), BATCH):
        moments.add(eyes(material.read(indices[start : start + BATCH])[0]))
    return moments
