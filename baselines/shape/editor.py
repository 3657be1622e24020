"""Shape control as an editor of pictures (Semantic-VAE, section 4.3): the part that shows an attribute takes the code of a donor's.

Semantic-VAE changes the mask towards the donor that MaskGAN would take the part from, and MaskGAN paints the mask in the
picture's own style. So it serves what MaskGAN serves, with the shapes that the code can say: a part stays where its code puts it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from baselines.maskgan.editor import MaskGANEditor, resized
from baselines.maskgan.shapes import SHAPES
from baselines.shape.edits import PartShape
from baselines.shape.shaper import Shaper
from evaluation.editor import Request, Samples


class ShapeEditor:
    """Strength is alpha of equation 4, between the picture's code (0) and the donor's (1); nothing was made for more, and more does as 1."""

    name, strongest = "semantic-vae", 1.0

    def __init__(self, shaper: Shaper, maskgan: MaskGANEditor) -> None:
        self.shaper, self.maskgan = shaper, maskgan

    def prepare(self, request: Request, samples: Samples) -> dict:
        """Nothing has to be learned. Raises CannotServe for an attribute that is no shape."""
        return self.maskgan.prepare(request, samples)

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises CannotServe for an attribute that no shape shows."""
        if request.alpha == 0:
            return samples.images
        masks = self.maskgan.parse(samples.images).argmax(dim=1)
        edited = self.edited_masks(masks, request)
        return self.maskgan.painter.paint(edited, samples.images, masks).to(samples.images)

    def edited_masks(self, masks: Tensor, request: Request) -> Tensor:
        """Class numbers [N, H, W] -> those of the edit, uint8 [N, H, W] on the same device."""
        found = [self._edited(mask.astype(np.uint8), request) for mask in masks.cpu().numpy()]
        return torch.from_numpy(np.stack(found)).to(masks.device)

    def _edited(self, mask: np.ndarray, request: Request) -> np.ndarray:
        donors, side = self.maskgan.donors, mask.shape[-1]
        donor = resized(donors.nearest(resized(mask, donors.masks.shape[-1]), request.attribute, request.value), side)
        amount = min(max(request.alpha, 0.0), self.strongest)
        edits = [PartShape(part, "morph", amount) for part in SHAPES[request.attribute]]
        return self.shaper.shaped(mask, [edits], lambda edit: donor)[0]
