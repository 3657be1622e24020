"""A trained MaskGAN in use: painting a mask in a picture's style, and the editor that measurements know.

    painter = load_painter(run)                                # best of ebst, control and dense that the folder holds
    picture = painter.paint(mask, reference, reference_mask)   # what the Shape page asks for
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.donors import NAME as DONORS
from baselines.maskgan.donors import Donors, load_donors
from baselines.maskgan.layers import one_hot
from baselines.maskgan.shapes import SHAPES, morph, transplant
from baselines.maskgan.weights import load_network
from evaluation.editor import Request, Samples
from portraits.pictures import smooth
from portraits.training import maps_dtype

STAGES = ("ebst", "control", "dense")  # in the order of preference


class Painter:
    """A dense mapping network with the resizing around it: masks and pictures of any size go in, one of the mask's size comes out.

    name: the stage it is from. about: how it was trained.
    """

    def __init__(self, network: DenseMappingNetwork, config: MaskGANConfig, name: str = "dense", about: dict | None = None):
        self.config, self.name, self.about = config, name, about or {}
        self.device = next(network.parameters()).device
        self.dtype = maps_dtype(self.device)
        self.network = network.to(memory_format=torch.channels_last) if self.dtype is torch.bfloat16 else network

    @torch.no_grad()
    def style(self, reference: Tensor, reference_mask: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1] and their masks [N, H, W] -> the style of each, [N, P], for `paint_in`.

        A page that moves a brush asks for it once. Raises ValueError for masks of other pictures.
        """
        if reference.ndim != 4 or reference.shape[1] != 3 or reference[:, 0].shape != reference_mask.shape:
            raise ValueError(f"reference is {list(reference.shape)} and its mask {list(reference_mask.shape)}; "
                             "accepted: [N, 3, H, W] and [N, H, W]")
        images = smooth(reference.to(self.device).float(), self.config.size)
        with self._autocast():
            return self.network.style(images, self._planes(reference_mask)).float()

    @torch.no_grad()
    def paint_in(self, masks: Tensor, style: Tensor) -> Tensor:
        """Masks [N, H, W] of class numbers in the style of `style` [N or 1, P] -> pictures float32 [N, 3, H, W] in [-1, 1]."""
        with self._autocast():
            images = self.network.paint(self._planes(masks), style.expand(len(masks), -1))
        if images.shape[2:] == masks.shape[1:]:
            return images
        return F.interpolate(images, masks.shape[1:], mode="bilinear", align_corners=False, antialias=True).clamp(-1, 1)

    def paint(self, masks: Tensor, reference: Tensor, reference_mask: Tensor) -> Tensor:
        """Masks [N, H, W] painted as the references [N, 3, H', W'] with their masks [N, H', W'] are: [N, 3, H, W] in [-1, 1].

        One reference for several masks is accepted. Raises ValueError for other shapes, and for numbers that are no class.
        """
        if len(reference) not in (1, len(masks)):
            raise ValueError(f"there are {len(reference)} references for {len(masks)} masks; accepted: 1, or one each")
        return self.paint_in(masks, self.style(reference, reference_mask))

    def _planes(self, masks: Tensor) -> Tensor:
        """Class numbers [N, H, W] -> one-hot [N, C, S, S], the nearest pixel's class."""
        if masks.ndim != 3 or masks.is_floating_point() or int(masks.max()) >= self.config.num_classes or int(masks.min()) < 0:
            raise ValueError(f"masks are {masks.dtype} {list(masks.shape)}; "
                             f"accepted: [N, H, W] of class numbers 0 to {self.config.num_classes - 1}")
        size = (self.config.size, self.config.size)
        near = masks.to(self.device)[:, None].float()
        near = near if near.shape[2:] == size else F.interpolate(near, size, mode="nearest-exact")
        return one_hot(near[:, 0], self.config.num_classes)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)


def load_painter(path: Path | str, stage: str | None = None, device: torch.device | str = "cpu") -> Painter:
    """The painter of a run's folder, of `stage` or the first of `STAGES` there is; or of one description (.json).

    Raises ValueError for a folder without one, or damaged files; OSError.
    """
    path = Path(path)
    if path.is_dir():
        there = [name for name in STAGES if (path / f"{name}.json").is_file()]
        if not there or (stage is not None and stage not in there):
            raise ValueError(f"{path} holds no trained painter {stage or ''}; accepted: a run of baselines.maskgan.train with "
                             f"{' or '.join(STAGES)}")
        path = path / f"{stage or there[0]}.json"
    network, config, about = load_network(path, "dense", device)
    return Painter(network, config, path.stem, about)


class MaskGANEditor:
    """Attribute transfer: the part that shows an attribute is taken from the mask of a donor, and the new mask is painted.

    parse: pictures [N, 3, H, W] in [-1, 1] -> logits [N, 19, H, W]. The strength is how far the mask goes to the edited one
    (`shapes.morph`): 1 is there. At 0 nothing is painted, and the samples come back as they are.
    """

    name = "maskgan"

    def __init__(self, painter: Painter, parse: Callable[[Tensor], Tensor], donors: Donors):
        self.painter, self.parse, self.donors = painter, parse, donors

    def prepare(self, request: Request, samples: Samples) -> dict:
        """Nothing has to be learned. Raises CannotServe for an attribute that is no shape."""
        size = self.donors.masks.shape[-1]
        self.donors.nearest(np.zeros((size, size), np.uint8), request.attribute, request.value)
        return {"source": "loaded", "seconds": 0.0, "layers": None, "steps": None, "painter": self.painter.name}

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises CannotServe for an attribute that no shape shows."""
        if request.alpha == 0:
            return samples.images
        masks = self.parse(samples.images).argmax(dim=1)
        edited = self.edited_masks(masks, request)
        return self.painter.paint(edited, samples.images, masks).to(samples.images)

    def edited_masks(self, masks: Tensor, request: Request) -> Tensor:
        """Class numbers [N, H, W] -> those of the edit, uint8 [N, H, W] on the same device."""
        found = [self._edited(mask.astype(np.uint8), request) for mask in masks.cpu().numpy()]
        return torch.from_numpy(np.stack(found)).to(masks.device)

    def _edited(self, mask: np.ndarray, request: Request) -> np.ndarray:
        donor = self.donors.nearest(resized(mask, self.donors.masks.shape[-1]), request.attribute, request.value)
        changed = transplant(mask, resized(donor, mask.shape[-1]), SHAPES[request.attribute])
        return morph(mask, changed, request.alpha)


def load_editor(folder: Path | str, parse: Callable[[Tensor], Tensor], stage: str | None = None,
                device: torch.device | str = "cpu") -> MaskGANEditor:
    """The editor of a run's folder. Raises as `load_painter` and `load_donors`."""
    return MaskGANEditor(load_painter(folder, stage, device), parse, load_donors(Path(folder) / DONORS))


def resized(mask: np.ndarray, size: int) -> np.ndarray:
    """uint8 [H, H] -> [size, size]: the nearest pixel where it shrinks, round edges instead of steps where it grows."""
    planes = one_hot(torch.from_numpy(mask)[None], int(mask.max()) + 1)
    mode = "bilinear" if size > mask.shape[-1] else "nearest-exact"
    return F.interpolate(planes, (size, size), mode=mode).argmax(dim=1)[0].numpy().astype(np.uint8)
