"""What tells faces apart for the identity loss (paper, equation 5): "the first 11 layers" of VGG-Face for photos.

Drawn faces have no recogniser; theirs is the pack's attribute classifier, of which only the convolutions are asked: what is behind them is
what the attribute itself is read from, and would hold on to what an edit has to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from packs.weights import read_safetensors
from portraits.classifier import INPUT_SIZE, AttributeClassifier
from portraits.pictures import smooth

if TYPE_CHECKING:
    from baselines.maae.training import Features

VGG_SIZE = 224  # pixels that VGG-Face was trained at
VGG_MEAN = (129.1863, 104.7624, 93.5940)  # of its pictures, red, green, blue, in [0, 255]
# Convolutions among the first 11 layers, counted with activations and pooling: name, number in torchvision's `features`, channels.
VGG_CONVS = (("conv1_1", 0, 3, 64), ("conv1_2", 2, 64, 64), ("conv2_1", 5, 64, 128), ("conv2_2", 7, 128, 128), ("conv3_1", 10, 128, 256))


def classifier_features(classifier: AttributeClassifier) -> "Features":
    """Pictures [N, 3, S, S] in [-1, 1] -> the maps of a classifier's last convolution with an activation."""
    body = classifier.body[:-1]
    return lambda images: body(smooth(images, INPUT_SIZE).contiguous(memory_format=torch.channels_last))


class VggFaceFeatures(nn.Module):
    """Pictures [N, 3, S, S] in [-1, 1] -> [N, 256, 56, 56], layer 11 of VGG-Face (Parkhi et al., 2015)."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        convs = [nn.Conv2d(inputs, outputs, 3, 1, 1) for _, _, inputs, outputs in VGG_CONVS]
        self.convs = nn.ModuleList(convs)
        self.register_buffer("mean", torch.tensor(VGG_MEAN).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        x = smooth(images.float(), VGG_SIZE) * 127.5 + 127.5 - self.mean
        for number, conv in enumerate(self.convs):
            if number in (2, 4):  # each second convolution ends a block
                x = nn.functional.max_pool2d(x, 2)
            x = conv(x)
            if number < len(self.convs) - 1:
                x = x.relu()
        return x


def load_vgg_face(path: Path) -> VggFaceFeatures:
    """A state dict of VGG16 from safetensors or torch's own file, keys as in VGG-Face (`conv1_1.weight`) or torchvision (`features.0.weight`).

    Nothing in the file is executed. Raises ValueError for a file that holds none, and OSError.
    """
    state = _read(path)
    model = VggFaceFeatures()
    try:
        for conv, (name, number, _, _) in zip(model.convs, VGG_CONVS):
            prefix = name if f"{name}.weight" in state else f"features.{number}"
            conv.load_state_dict({key: state[f"{prefix}.{key}"] for key in ("weight", "bias")})
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is no state dict of VGG16: {str(error).splitlines()[-1].strip()}") from error
    return model.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}; accepted: a state dict of VGG16, .safetensors or .pth")
    if path.suffix == ".safetensors":
        return read_safetensors(path)[1]
    from packs.models import read_state_dict  # executes nothing, whatever the file holds

    return read_state_dict(path)
