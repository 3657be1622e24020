"""The random changes: mirrored with the sides swapped, repeatable, of the same shapes."""

import torch

from segmentation.augment import augment, mirror
from segmentation.parts import CLASS_INDEX


def test_mirroring_a_left_eye_makes_it_the_right_one():
    left, right, hair = (CLASS_INDEX[name] for name in ("l_eye", "r_eye", "hair"))
    images = torch.arange(3.0).expand(1, 3, 1, 3)
    mirrored_images, mirrored_masks = mirror(images, torch.tensor([[[hair, 0, left]]]))
    assert mirrored_images[0, 0, 0].tolist() == [2, 1, 0]
    assert mirrored_masks.tolist() == [[[right, 0, hair]]]


def test_same_generator_same_changes_and_masks_move_with_images():
    masks = torch.zeros(8, 16, 16, dtype=torch.uint8)
    masks[:, :, 8:] = CLASS_INDEX["hair"]  # the right half, bright
    images = (masks > 0).float().unsqueeze(1).repeat(1, 3, 1, 1) * 2 - 1
    first = augment(images, masks, torch.Generator().manual_seed(3))
    again = augment(images, masks, torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    changed, moved = first
    assert changed.shape == images.shape and moved.dtype is torch.int64
    assert torch.equal(changed.mean(1) > 0, moved > 0), "what was bright is still what is labelled"
    assert 0 < (moved[:, 0, 0] > 0).sum() < 8, "some are mirrored, some not"
