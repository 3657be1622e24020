"""Figure 5: original, baseline, ours, heat maps of the difference, masks before and after; a row an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from baselines.data.attributes import reversed_one
from baselines.secgan.segments import colours
from evaluation.pictures import heat, stack

if TYPE_CHECKING:
    from baselines.secgan.training import Trainer


def words(attribute: str, present: bool) -> str:
    """What a row shows: "+ Bangs", or "- Bangs" for a reversal of what was there."""
    return f"{'+' if present else '-'} {attribute.replace('_', ' ')}"


def figure(title: str, rows: Sequence[tuple[str, Mapping[str, Tensor]]]) -> Image.Image:
    """rows: what was done, and the pictures [3, H, W] of the columns by name; every row has the same columns."""
    columns = list(rows[0][1])
    shown = [(name, "", torch.stack([pictures[column].cpu() for column in columns])) for name, pictures in rows]
    return stack(f"{title}: {' | '.join(columns)}", shown, shown[0][2].shape[-1])


@torch.no_grad()
def training_sheet(trainer: "Trainer") -> Image.Image:
    """Held-out pictures by the averaged generators, one a reversal of each attribute."""
    config, objective = trainer.config, trainer.objective
    count = len(config.attributes)
    indices = np.resize(trainer.feed.faces.validation_indices, count)
    batch = trainer.feed.sample(np.sort(indices))
    target = torch.cat([reversed_one(batch.source[i : i + 1], i) for i in range(count)])
    after = {name: objective.run(trainer.generator(name), batch.seen(name, config.method), target - batch.source) for name in trainer.branches}
    columns = {"original": batch.images, config.method: after["rgb"], "difference": heat(batch.images, after["rgb"])}
    if config.semantic:
        columns |= {"mask": colours(batch.masks), "translated mask": colours(after["semantic"])}
    rows = [(words(name, bool(target[i, i])), {column: pictures[i] for column, pictures in columns.items()})
            for i, name in enumerate(config.attributes)]
    return figure(f"{config.backbone} after {trainer.budget.step} steps", rows)
