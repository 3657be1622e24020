"""Trains the W+ encoder on drawn pictures, of which the appearance vector is known: regression of its standardised entries.

An entry counts by how much of it the picture shows. Nobody can tell the colour of a frame that is not worn, or hair under a
hat: such entries are pulled lightly towards what is usual, so that they stay where the generator was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from portraits.dataset import PortraitCache
from portraits.encoder import ENCODER, INPUT_SIZE, PortraitEncoder, save_encoder
from portraits.facts import CLOSED
from portraits.pictures import Pictures, ahead, shrunk
from portraits.scene import appearance, appearance_names, make_scene
from portraits.train_generator import Basis
from portraits.training import (
    LEARNING_RATE, AveragedWeights, Budget, RunState, autocast, blur, parameter_groups, pick_indices, set_learning_rate, step_rng,
)

UNSEEN_WEIGHT = 0.05  # of an entry that the picture does not show
SQUARED_BELOW = 0.5  # standard deviations: errors above count as they are, smaller ones by their square
MOST_SHIFT = 2  # pixels of INPUT_SIZE

_Quantities = Mapping[str, np.ndarray]


def _clear(value: np.ndarray, start: float, width: float) -> np.ndarray:
    """0 up to `start`, 1 from `start + width` on."""
    return np.clip((value - start) / width, 0, 1)


def _long(s: _Quantities) -> np.ndarray:
    """Whether hair comes down beside the face, where no hat hides it."""
    return _clear(s["hair_length"], 0.35, 0.15) * (1 - s["bald"])


def _crown(s: _Quantities) -> np.ndarray:
    return (1 - s["hat"]) * (1 - s["bald"])


def _hair(s: _Quantities) -> np.ndarray:
    return np.maximum(_crown(s), _long(s))


def _eyes(s: _Quantities) -> np.ndarray:
    return 1 - s["glasses"] * s["glasses_tint"]


def _ears(s: _Quantities) -> np.ndarray:
    return np.maximum(1 - _clear(s["hair_length"], 0.2, 0.1), s["bald"])


def _chin(s: _Quantities) -> np.ndarray:
    return 1 - 0.7 * s["beard"]


_Rule = Callable[[_Quantities], np.ndarray]
_COLOUR_RULES: dict[str, _Rule] = {  # brows have the hair's colour too
    "hair": lambda s: np.maximum.reduce([_hair(s), s["beard"], np.full_like(s["hat"], 0.4)]),
    "iris": lambda s: _eyes(s) * _clear(s["eye_open"], CLOSED, 0.15),
    "frame": lambda s: s["glasses"],
    "hat": lambda s: s["hat"],
}
# Entry of the appearance -> the share of it that is seen, in [0, 1]; entries that are not here always are.
SEEN: dict[str, _Rule] = {
    **{name: _crown for name in ("bangs", "receding", "parting")},
    **{name: _hair for name in ("curl", "wave", "hair_volume")},
    "bald": lambda s: np.maximum(1 - s["hat"], _long(s)),
    "hair_length": lambda s: 1 - s["bald"],
    **{name: _eyes for name in ("eye_open", "eye_size", "eye_tilt", "bags", "makeup")},
    **{name: _COLOUR_RULES["frame"] for name in ("frame_shape", "frame_weight", "glasses_tint")},
    "ear_size": _ears,
    "sideburns": lambda s: _ears(s) * (1 - s["beard"]),
    "earring_kind": lambda s: s["earrings"],
    "hat_kind": lambda s: s["hat"],
    "necklace_kind": lambda s: s["necklace"],
    "necklace": _chin,
    **{name: _chin for name in ("jaw", "double_chin")},
    **{f"{part}_{axis}": rule for part, rule in _COLOUR_RULES.items() for axis in ("light", "warmth", "green")},
}


def seen_weights(cache: PortraitCache) -> np.ndarray:
    """float32 [N, P] in [UNSEEN_WEIGHT, 1]: how much each entry of each picture's appearance counts."""
    table = np.asarray(cache.quantities)
    scene = {name: table[:, i] for i, name in enumerate(cache.quantity_names)}
    always = np.ones(len(table), np.float32)
    seen = np.stack([SEEN[name](scene) if name in SEEN else always for name in appearance_names()], 1)
    return (UNSEEN_WEIGHT + (1 - UNSEEN_WEIGHT) * seen).astype(np.float32)


def train_encoder(cache: PortraitCache, out: Path | str, *, minutes: float | None = None, steps: int | None = None,
                  batch_size: int = 64, learning_rate: float = LEARNING_RATE, seed: int = 0, width: int = ENCODER["width"],
                  num_features: int = ENCODER["num_features"], report_every: int = 25, device: torch.device | str = "cpu",
                  begin: Callable[[PortraitEncoder, Basis], None] | None = None) -> Iterator[dict]:
    """Train on `cache`, write out/encoder.safetensors (float16, averaged weights) at the end.

    `begin` may give a new run other weights than random ones, for entries standardised by the basis that it is given.

    Yields {"step", "fraction", "seconds", "loss"} every `report_every` steps and the held-out errors (`evaluate_encoder`)
    last. A run that was killed goes on from out/encoder.checkpoint.
    """
    out, device = Path(out), torch.device(device)
    out.mkdir(parents=True, exist_ok=True)
    targets = Targets(cache, device)
    budget = Budget(steps, minutes)  # reading the cache is no training
    torch.manual_seed(seed)
    model = PortraitEncoder(len(appearance_names()), width, num_features)
    model.scale.copy_(targets.basis.spread)
    model.offset.copy_(targets.basis.mean)
    checkpoint = out / "encoder.checkpoint"
    if begin is not None and not checkpoint.exists():
        begin(model, targets.basis)
    model = model.to(device, memory_format=torch.channels_last)
    average = AveragedWeights(model)
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.02))
    state = RunState(checkpoint, model, optimizer, average, budget)
    state.resume()
    step = _steps(model, optimizer, budget, targets, batch_size, learning_rate, seed)
    while budget.fraction < 1:
        loss = next(step)
        average.update(model, budget.step)
        if budget.step % report_every == 0:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, "loss": loss}
        if budget.step % (10 * report_every) == 0 or budget.fraction >= 1:
            state.save()
    save_encoder(average.values, out / "encoder.safetensors")
    yield {"step": budget.step, "fraction": 1.0, "seconds": budget.elapsed, **evaluate_encoder(average.of(model), targets)}


class Targets:
    """What is learned: pictures at INPUT_SIZE, standardised appearances [N, P] and their weights, on the device."""

    def __init__(self, cache: PortraitCache, device: torch.device):
        self.cache = cache
        appearances = torch.from_numpy(np.stack([appearance(make_scene(g)) for g in cache.latents]).astype(np.float32))
        self.basis = Basis.fit(appearances[cache.train_indices], appearances.shape[1])
        self.x = ((appearances - self.basis.mean) / self.basis.spread).to(device)
        self.weights = torch.from_numpy(seen_weights(cache)).to(device)
        self.pictures = Pictures(shrunk(cache.images, INPUT_SIZE, cache.folder / f"images_{INPUT_SIZE}.npy"), device=device)


def _steps(model, optimizer, budget: Budget, targets: Targets, batch_size: int, learning_rate: float, seed: int) -> Iterator[float]:
    """One step after another, the pictures read ahead; yields the losses."""
    device = targets.x.device
    keys = (pick_indices(targets.cache, batch_size, seed, step) for step in count(budget.step))
    model.train()
    for indices, images in ahead(lambda indices: (torch.from_numpy(indices), targets.pictures.only(indices)), keys):
        rows = indices.to(device)
        images = roughened(images, step_rng(seed, budget.step, device))
        set_learning_rate(optimizer, budget.learning_rate(learning_rate))
        with autocast(device):
            guess = model.standardised(images)
        loss = appearance_loss(guess.float(), targets.x[rows], targets.weights[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        budget.step += 1
        yield float(loss.detach())


def appearance_loss(guess: Tensor, x: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the entries' errors, all [N, P]: a scalar. Near 0 a square, beyond `SQUARED_BELOW` the error itself, so that
    rare large entries (a tie) do not drown the others."""
    return (weights * F.smooth_l1_loss(guess, x, beta=SQUARED_BELOW, reduction="none")).sum() / weights.sum()


@torch.no_grad()
def roughened(images: Tensor, rng: torch.Generator) -> Tensor:
    """Small changes that alter no entry of the appearance: shifts of a pixel or two, blur, noise. [B, 3, S, S] -> the same.

    Colours and light stay as they are, being among what is to be told. `rng` is of the images' device.
    """
    count, size, device = len(images), images.shape[-1], images.device
    moves = torch.randint(0, 2 * MOST_SHIFT + 1, (count, 2), generator=rng, device=device).tolist()
    padded = F.pad(images, (MOST_SHIFT,) * 4, "replicate")
    images = torch.stack([picture[:, y : y + size, x : x + size] for picture, (y, x) in zip(padded, moves)])
    kinds = torch.rand(count, generator=rng, device=device)
    blurred, noisy = kinds < 0.25, kinds > 0.75
    images[blurred] = blur(images[blurred])
    noise = torch.randn(images[noisy].shape, generator=rng, device=device)
    images[noisy] += noise * (0.06 * torch.rand(len(noise), 1, 1, 1, generator=rng, device=device))
    return images


@torch.no_grad()
def evaluate_encoder(model: PortraitEncoder, targets: Targets, batch_size: int = 128) -> dict:
    """{"error", "explained", "least_explained"} on held-out renders, over what each picture shows.

    error: mean absolute error of an entry in standard deviations. explained: mean over the entries of the share of their
    variance that is explained. least_explained: the names of the worst, with their shares.
    """
    indices = targets.cache.validation_indices
    guesses = torch.cat([model.standardised(targets.pictures.only(indices[i : i + batch_size])).float()
                         for i in range(0, len(indices), batch_size)])
    x, weights = (table[torch.from_numpy(indices).to(table.device)] for table in (targets.x, targets.weights))
    error, middle = (guesses - x).abs(), (weights * x).sum(0) / weights.sum(0)
    variance = (weights * (x - middle).square()).sum(0).maximum(0.05 * weights.sum(0))  # a small sample may hold no tie
    explained = 1 - (weights * error.square()).sum(0) / variance
    worst, names = explained.argsort()[:8].tolist(), appearance_names()
    return {"error": ((weights * error).sum() / weights.sum()).item(), "explained": explained.mean().item(),
            "least_explained": ", ".join(f"{names[i]} {explained[i]:.2f}" for i in worst)}
