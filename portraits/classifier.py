"""A small network that says which attributes a picture has: the judge of edits, and features for Fréchet distances.

It is trained on drawn pictures alone and judges with them: no direction of ours is learned with it. Two of the systems in
`baselines/` keep a face's identity by its features, as their papers do by a face recogniser's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from packs.files import unfinished
from packs.weights import halved
from portraits.dataset import PortraitCache
from portraits.pictures import Pictures, ahead, smooth
from portraits.scene import ATTRIBUTES
from portraits.training import (
    LEARNING_RATE, AveragedWeights, Budget, RunState, augment, autocast, parameter_groups, pick_indices, set_learning_rate, step_rng,
)

INPUT_SIZE = 128
CLASSIFIER = {"width": 32, "num_features": 256}  # of the built-in pack
NEVER = ("Attractive", "Blurry")  # always absent: nothing to learn, nothing to measure
UNSEEN_WEIGHT = 0.15  # of an attribute that the picture does not show (hair under a hat): a guess, not a lesson


def conv_block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class AttributeClassifier(nn.Module):
    """Images [N, 3, any, any] in [-1, 1] -> logits [N, len(ATTRIBUTES)]; an attribute is present where its logit is > 0."""

    def __init__(self, width: int = 24, num_features: int = 192):
        super().__init__()
        w = width
        self.body = nn.Sequential(
            conv_block(3, w, 2),  # one layer only at 64 pixels, where it costs most
            conv_block(w, 2 * w, 2), conv_block(2 * w, 2 * w),
            conv_block(2 * w, 4 * w, 2), conv_block(4 * w, 4 * w),
            conv_block(4 * w, 6 * w, 2), conv_block(6 * w, 6 * w),
            conv_block(6 * w, 6 * w, 2), nn.Conv2d(6 * w, 40, 1),
        )
        # faces are aligned, so where a thing is matters: places are kept, not averaged away
        self.project = nn.Sequential(nn.Flatten(), nn.Linear(40 * (INPUT_SIZE // 32) ** 2, num_features), nn.SiLU())
        self.head = nn.Linear(num_features, len(ATTRIBUTES))

    def features(self, images: Tensor) -> Tensor:
        """[N, num_features], before the last linear layer."""
        return self.project(self.body(smooth(images, INPUT_SIZE).contiguous(memory_format=torch.channels_last)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))

    @torch.no_grad()
    def predict(self, images: Tensor) -> dict[str, np.ndarray]:
        """{attribute: bool [N]}"""
        present = (self(images) > 0).cpu().numpy()
        return {name: present[:, i] for i, name in enumerate(ATTRIBUTES)}


def save_classifier(state: dict[str, Tensor], path: Path) -> None:
    """A state dict as float16 safetensors, with the attributes' names."""
    half = {name: halved(value) for name, value in state.items()}
    with unfinished(path) as waiting:
        save_file(half, waiting, metadata={"attributes": ",".join(ATTRIBUTES)})


def load_classifier(path: Path | str) -> AttributeClassifier:
    """Raises ValueError for a file that does not hold one."""
    try:
        state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(str(path)).items()}
        model = AttributeClassifier(state["body.0.0.weight"].shape[0], state["head.weight"].shape[1])
        model.load_state_dict(state)
    except OSError:
        raise
    except Exception as error:  # safetensors, a missing key and a wrong shape each raise their own
        raise ValueError(f"{path} holds no attribute classifier of this version") from error
    return model.eval().requires_grad_(False)


def train_classifier(cache: PortraitCache, out: Path | str, *, minutes: float | None = None, steps: int | None = None,
                     batch_size: int = 128, learning_rate: float = LEARNING_RATE, seed: int = 0, width: int = CLASSIFIER["width"],
                     num_features: int = CLASSIFIER["num_features"], report_every: int = 25, device: torch.device | str = "cpu",
                     begin: Callable[[nn.Module], None] | None = None) -> Iterator[dict]:
    """Train on `cache`, write out/classifier.safetensors (float16, averaged weights) at the end.

    `begin` may give a new run other weights than random ones.

    Yields {"step", "fraction", "seconds", "loss"} every `report_every` steps and the held-out scores last. A run that
    was killed goes on from out/classifier.checkpoint.
    """
    out, device = Path(out), torch.device(device)
    out.mkdir(parents=True, exist_ok=True)
    budget = Budget(steps, minutes)
    torch.manual_seed(seed)
    model = AttributeClassifier(width, num_features).to(device, memory_format=torch.channels_last)
    checkpoint = out / "classifier.checkpoint"
    if begin is not None and not checkpoint.exists():
        begin(model)
    average = AveragedWeights(model)
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.02))
    state = RunState(checkpoint, model, optimizer, average, budget)
    state.resume()
    learner = _Learner(model, optimizer, budget, cache, batch_size, learning_rate, seed)
    while budget.fraction < 1:
        loss = learner.step()
        average.update(model, budget.step)
        if budget.step % report_every == 0:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, "loss": loss}
        if budget.step % (10 * report_every) == 0 or budget.fraction >= 1:
            state.save()
    save_classifier(average.values, out / "classifier.safetensors")
    scores = evaluate_classifier(load_classifier(out / "classifier.safetensors").to(device), cache)
    yield {"step": budget.step, "fraction": 1.0, "seconds": budget.elapsed, **scores}


class _Learner:
    """One step after another, the pictures read ahead."""

    def __init__(self, model, optimizer, budget: Budget, cache: PortraitCache, batch_size: int, learning_rate: float, seed: int):
        self.model, self.optimizer, self.budget, self.learning_rate, self.seed = model, optimizer, budget, learning_rate, seed
        self.device = next(model.parameters()).device
        self.labels, self.weights = (table.to(self.device) for table in _targets(cache))
        self.balance = _balance(cache).to(self.device)
        pictures = Pictures(cache.images, device=self.device, shrink=smooth)
        keys = (pick_indices(cache, batch_size, seed, step) for step in count(budget.step))
        self.batches = ahead(lambda indices: (torch.from_numpy(indices), pictures.only(indices, INPUT_SIZE)), keys)

    def step(self) -> float:
        rows, images = next(self.batches)
        rows = rows.to(self.device)
        images = augment(images, step_rng(self.seed, self.budget.step, self.device))
        set_learning_rate(self.optimizer, self.budget.learning_rate(self.learning_rate))
        self.model.train()
        with autocast(self.device):
            logits = self.model(images)
        loss = F.binary_cross_entropy_with_logits(logits.float(), self.labels[rows], self.weights[rows], pos_weight=self.balance)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimizer.step()
        self.budget.step += 1
        return float(loss.detach())


def _targets(cache: PortraitCache) -> tuple[Tensor, Tensor]:
    """Labels and weights [N, A] float32: full weight where the picture shows the attribute beyond doubt."""
    labels = torch.from_numpy(np.array(cache.attributes)).float()
    column = {name: i for i, name in enumerate(cache.topic_names)}
    seen = np.stack([cache.truth[:, column[name]] >= 0 if name in column else np.zeros(cache.count, bool)
                     for name in cache.attribute_names], 1)
    weights = torch.from_numpy(np.where(seen, 1.0, UNSEEN_WEIGHT).astype(np.float32))
    return labels, weights


def _balance(cache: PortraitCache) -> Tensor:
    """Weight of a positive [A]: the fourth root of negatives per positive, so that rare attributes are learned, and not imagined."""
    share = np.clip(np.asarray(cache.attributes).mean(0), 0.01, 0.99)
    return torch.from_numpy(((1 - share) / share) ** 0.25).float()


@torch.no_grad()
def evaluate_classifier(model: AttributeClassifier, cache: PortraitCache, batch_size: int = 128) -> dict:
    """{"accuracy", "balanced_accuracy", "by_attribute": {name: balanced accuracy}} on held-out renders.

    Counted over the pictures that show the attribute beyond doubt; an attribute that the sample lacks is left out.
    """
    device = next(model.parameters()).device
    indices = cache.validation_indices
    logits = torch.cat([model(cache.read_images(indices[i : i + batch_size]).to(device)).float().cpu()
                        for i in range(0, len(indices), batch_size)]).numpy()
    right, by_attribute = [], {}
    for i, name in enumerate(cache.attribute_names):
        if name in NEVER:
            continue
        truth = cache.truth[indices, cache.topic_names.index(name)]
        hits = [((logits[:, i] > 0) == bool(value))[truth == value] for value in (0, 1)]
        right.append(np.concatenate(hits))
        if all(len(h) for h in hits):
            by_attribute[name] = float(np.mean([h.mean() for h in hits]))
    return {"accuracy": float(np.concatenate(right).mean()), "balanced_accuracy": float(np.mean([*by_attribute.values()])),
            "by_attribute": by_attribute}
