"""What comes out of a generator: the one thing, besides channel counts, in which the two branches differ (appendix A.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.secgan.segments import NUM_SEGMENTS


@dataclass(frozen=True)
class Output:
    """Channels of the last layer, and what makes its values an output; float32 whatever the maps are."""

    channels: int
    activate: Callable[[Tensor], Tensor]


def picture(maps: Tensor) -> Tensor:
    """[N, 3, H, W] -> a picture in [-1, 1]."""
    return maps.float().tanh()


def log_mask(maps: Tensor) -> Tensor:
    """[N, 12, H, W] -> logarithms of a softmax over the segments, which the cross entropies take as they are."""
    return maps.float().log_softmax(dim=1)


RGB = Output(3, picture)
SEMANTIC = Output(NUM_SEGMENTS, log_mask)
IMAGE_CHANNELS = RGB.channels


def exactly(x: Tensor) -> torch.autocast:
    """A context in which what is computed from `x` keeps float32, inside one of autocast."""
    return torch.autocast(x.device.type, enabled=False)
