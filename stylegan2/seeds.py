"""Seeds and the latents that they stand for."""

from __future__ import annotations

import re
from typing import Sequence

import numpy as np
import torch
from torch import Tensor

MAX_SEED = 2**32 - 1  # the largest that numpy's RandomState takes
MAX_SEEDS = 100_000  # in one list; more is a slip of the finger
EXAMPLE = f"numbers from 0 to {MAX_SEED} and ranges, such as 0-7,12"


def parse_seeds(text: str, most: int = MAX_SEEDS) -> list[int]:
    """"0-3,12" -> [0, 1, 2, 3, 12], in the order given.

    Raises: ValueError: not numbers and ranges, a range that runs backwards, a seed above 2^32 - 1,
        or more than `most` seeds.
    """
    seeds: list[int] = []
    for item in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,12})\s*(?:-\s*([0-9]{1,12})\s*)?", item)
        if match is None:
            raise ValueError(f"seeds are {text[:60]!r}; accepted: {EXAMPLE}")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first or last > MAX_SEED:
            raise ValueError(f"seeds hold {item.strip()!r}; accepted: {EXAMPLE}")
        if len(seeds) + last - first + 1 > most:
            raise ValueError(f"seeds {text[:60]!r} are too many; accepted: up to {most} at once")
        seeds.extend(range(first, last + 1))
    return seeds


def latents_from_seeds(seeds: Sequence[int], z_dim: int) -> Tensor:
    """One latent a seed: float32 [N, z_dim], standard normal, on the CPU.

    NVIDIA's convention, numpy.random.RandomState(seed).randn(1, z_dim), so that a seed shows the
    same face here as in their tools.

    Raises: ValueError: a seed that is not in 0 to 2^32 - 1.
    """
    for seed in seeds:
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"seed is {seed}; accepted: 0 to {MAX_SEED}")
    draws = [np.random.RandomState(seed).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.array(draws, dtype=np.float32).reshape(len(draws), z_dim))
