"""Figure 6 while a network is trained: held-out pictures, and each at strengths from one end to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from evaluation.pictures import stack

if TYPE_CHECKING:
    from baselines.maae.data import Material
    from baselines.maae.training import Trainer

EACH = 3  # pictures of a side
SHOWN = (-1.0, -0.5, 0.0, 0.5, 1.0)  # strengths in units of delta


@torch.no_grad()
def training_sheet(trainer: "Trainer", material: "Material") -> Image.Image:
    """The first held-out pictures without the attribute, then with it, by the averaged generator; one row each."""
    settings, faces = trainer.settings, material.faces
    generator, delta = trainer.averaged(), settings.network.delta
    held_out = np.concatenate([faces.validation_indices, faces.test_indices])
    rows = []
    for words, side in zip(("without", "with"), material.sides(settings.attribute, held_out)):
        for index in side[:EACH]:
            images, _ = material.look(np.array([index]))
            made = [generator(images, images.new_full((1,), share * delta)) for share in SHOWN]
            rows.append((words, "", torch.cat([images, *made]).cpu()))
    strengths = ", ".join(f"{share * delta:+g}" for share in SHOWN)
    return stack(f"{settings.attribute} after {trainer.step} steps: given, {strengths}", rows, settings.network.size)
