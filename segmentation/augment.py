"""Changes to drawn pictures that make a parser hold on what a generator makes of them: soft, noisy, off in colour."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.parts import MIRRORED


def mirror(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """images [N, 3, H, W], masks [N, H, W] (class numbers) mirrored; the person's left and right change places."""
    swapped = torch.tensor(MIRRORED, device=masks.device)[masks.long()]
    return images.flip(-1), swapped.flip(-1)


def augment(images: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """images [N, 3, H, W] in [-1, 1] with their masks [N, H, W], changed at random, each sample for itself: mirrored
    (1 in 2), contrast and colour shifted, blurred as by a lower resolution (1 in 2), noise added."""

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).to(images)

    count = images.shape[0]
    mirrored_images, mirrored_masks = mirror(images, masks)
    turn = draw(count) < 0.5
    images = torch.where(turn[:, None, None, None], mirrored_images, images)
    masks = torch.where(turn[:, None, None], mirrored_masks, masks.long())

    images = images * (0.8 + 0.4 * draw(count, 1, 1, 1)) + 0.2 * (draw(count, 3, 1, 1) - 0.5)
    images = torch.lerp(images, _soft(images), draw(count, 1, 1, 1) * (draw(count, 1, 1, 1) < 0.5))
    noise = torch.randn(images.shape, generator=generator).to(images)
    return images + 0.06 * draw(count, 1, 1, 1) * noise, masks


def _soft(images: Tensor) -> Tensor:
    """What is left of the images at half the resolution."""
    half = F.interpolate(images, scale_factor=0.5, mode="bilinear", antialias=True)
    return F.interpolate(half, images.shape[2:], mode="bilinear")
