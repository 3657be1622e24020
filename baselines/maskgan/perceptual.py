"""Features for the perceptual loss behind one interface: VGG-19's where its weights lie on this machine, else the pack's
attribute classifier's. Nothing is downloaded.

The classifier also judges attributes in `evaluate`, so a painter trained with its features is helped by its judge;
`evaluate` repeats the name of the features that a run was trained with.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from packs.files import sha256
from segmentation.parser import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    from packs.pack import Pack
    from portraits.classifier import AttributeClassifier

KINDS = ("auto", "vgg19", "classifier", "none")
VGG_FILE = "vgg19-dcbb9e9d.pth"  # torchvision's; the name ends in the first digits of its SHA-256
VGG_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
CLASSIFIER_TAPS = (0, 2, 4, 6, 7)  # the last block at 1/2, 1/4, 1/8, 1/16 and 1/32
WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class PerceptualFeatures(nn.Module):
    """Images [N, 3, H, W] in [-1, 1] -> maps after the layers `taps` of a fixed sequence, differentiable in the images.

    name: what reports call it. prepare: what its network wants to be given. weights: of the maps in the loss.
    """

    def __init__(self, name: str, layers: nn.Sequential, taps: tuple[int, ...], prepare: Callable[[Tensor], Tensor]):
        super().__init__()
        self.name, self.taps, self.prepare, self.weights = name, taps, prepare, WEIGHTS
        self.layers = layers[: max(taps) + 1].eval().requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x, found = self.prepare(images), []
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in self.taps:
                found.append(x)
        return found

    def train(self, mode: bool = True) -> PerceptualFeatures:
        """Stays in inference mode: nothing of it is trained."""
        return super().train(False)


def vgg19_file(folder: Path | None = None) -> Path | None:
    """Where VGG-19's published weights lie: in `folder`, or where torchvision keeps them; None if they do not."""
    there = Path(torch.hub.get_dir()) / "checkpoints" if folder is None else folder
    path = there / VGG_FILE
    return path if path.is_file() else None


def perceptual_features(kind: str, pack: Pack | None, folder: Path | None = None) -> PerceptualFeatures | None:
    """The features of a kind of `KINDS`; None for "none". `auto` takes VGG-19 where its file is, else the pack's classifier.

    Raises ValueError for an unknown kind, VGG-19 without its file or with a damaged one, and a pack without a classifier.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown features {kind!r}; accepted: {', '.join(KINDS)}")
    if kind == "none":
        return None
    path = vgg19_file(folder)
    if kind == "vgg19" and path is None:
        raise ValueError(f"there is no {VGG_FILE} in {os.fspath(folder or torch.hub.get_dir())!r}; accepted: --features classifier")
    if path is not None and kind != "classifier":
        return vgg19_features(path)
    classifier = None if pack is None else pack.classifier
    if classifier is None:
        raise ValueError(f"pack {getattr(pack, 'name', None)!r} has no attribute classifier for features; accepted: --features none")
    return classifier_features(classifier, pack.name)


def classifier_features(classifier: AttributeClassifier, pack_name: str) -> PerceptualFeatures:
    """The feature maps of an attribute classifier."""
    from portraits.classifier import INPUT_SIZE
    from portraits.pictures import smooth

    name = f"attribute classifier of {pack_name}"
    return PerceptualFeatures(name, classifier.body, CLASSIFIER_TAPS, lambda images: smooth(images, INPUT_SIZE))


def vgg19_features(path: Path) -> PerceptualFeatures:
    """VGG-19's, from torchvision's file, read as data. Raises ValueError for one that is not the published one."""
    from torchvision.models import vgg19

    from packs.models import read_state_dict

    if not sha256(path).startswith(path.stem.rpartition("-")[2]):
        raise ValueError(f"{path} is damaged: its SHA-256 does not begin as its name says")
    layers, state = vgg19(weights=None).features, read_state_dict(path)
    layers.load_state_dict({name[len("features."):]: value for name, value in state.items() if name.startswith("features.")})
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # the maps before it are kept for the gradient
    return PerceptualFeatures("vgg19", layers, VGG_TAPS, imagenet)


def imagenet(images: Tensor) -> Tensor:
    """[-1, 1] -> normalised by ImageNet's mean and standard deviation."""
    mean, std = (images.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((images + 1) / 2 - mean) / std
