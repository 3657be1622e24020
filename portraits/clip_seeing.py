"""A phase of the built-in CLIP between its training and its alignment: the picture tower learns to see what captions can name.

Captions name one to five facts and leave the rest open, so the plain game teaches a picture tower slowly: after 1,500 steps
eyes' colours and freckles could not be read from it at all. Here every topic of every picture is asked for at once, twice: from the
embedding, and from the last feature maps with their places kept, which is the shortest way for a gradient to small things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from portraits.clip_training import CLIP_CONFIG, Student, Vocabulary
from portraits.dataset import PortraitCache
from portraits.pictures import Pictures, ahead, smooth
from portraits.topics import TOPICS
from portraits.training import (
    LEARNING_RATE, AveragedWeights, Budget, RunState, augment, autocast, load_checkpoint, parameter_groups, pick_indices, save_checkpoint, set_learning_rate, step_rng,
)

PLACES = 40  # channels of the last maps that the head with places reads


class Questions(nn.Module):
    """A picture tower and two readers of topics: images [N, 3, S, S] in [-1, 1] -> two tensors of logits [N, topics]."""

    def __init__(self, visual: nn.Module, size: int):
        super().__init__()
        self.visual, pool = visual, visual.attnpool
        self.by_embedding = nn.Linear(pool.c_proj.out_features, len(TOPICS))
        self.by_place = nn.Sequential(nn.Conv2d(pool.c_proj.in_features, PLACES, 1), nn.Flatten(), nn.Linear(PLACES * (size // 32) ** 2, 256),
                                      nn.SiLU(), nn.Linear(256, len(TOPICS)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.visual.stem(images.contiguous(memory_format=torch.channels_last))
        for name in ("layer1", "layer2", "layer3", "layer4"):
            maps = getattr(self.visual, name)(maps)
        return self.by_embedding(self.visual.attnpool(maps)), self.by_place(maps)


@dataclass
class Seeing:
    """Settings of `see_better`; exactly one of `minutes` and `steps`."""

    minutes: float | None = None
    steps: int | None = None
    batch_size: int = 128
    learning_rate: float = LEARNING_RATE
    seed: int = 0
    report_every: int = 10


def question_loss(logits: Tensor, shown: Tensor, balance: Tensor) -> Tensor:
    """Binary cross entropy of logits [N, T] where topics are known: shown int8 [N, T] is 1, 0, or -1 for not to be seen."""
    return F.binary_cross_entropy_with_logits(logits.float(), (shown == 1).float(), (shown >= 0).float(), pos_weight=balance)


def _balance(truth: np.ndarray) -> Tensor:
    """Weight of a positive [T]: the square root of negatives per positive, at most 6."""
    yes, no = (truth == 1).sum(0), (truth == 0).sum(0)
    return torch.from_numpy(np.sqrt(np.clip(no / np.maximum(yes, 1), 1 / 36, 36))).float()


def see_better(cache: PortraitCache, out: Path | str, settings: Seeing, device: torch.device | str = "cpu", config: dict = CLIP_CONFIG) -> Iterator[dict]:
    """Trains the picture tower in out/clip.checkpoint and writes it back there (averaged weights); the words stay as they were.

    Yields {"step", "fraction", "seconds", "loss"} now and then. A run that was killed goes on from out/clip_seeing.checkpoint.
    Raises ValueError where there is no checkpoint of `train_clip`.
    """
    out, device = Path(out), torch.device(device)
    if not (out / "clip.checkpoint").exists():
        raise ValueError(f"{out} has no clip.checkpoint; run the stage 'clip' first")
    saved, size = load_checkpoint(out / "clip.checkpoint"), config["vision_cfg"]["image_size"]
    student = Student(config, len(Vocabulary.of_phrases(config["text_cfg"]["context_length"]).ids))
    student.load_state_dict(saved["average"])
    torch.manual_seed(settings.seed)
    model = Questions(student.clip.visual, size).to(device, memory_format=torch.channels_last)
    average, budget = AveragedWeights(model), Budget(settings.steps, settings.minutes)
    optimizer, checkpoint = torch.optim.AdamW(parameter_groups(model, 0.02)), out / "clip_seeing.checkpoint"
    state = RunState(checkpoint, model, optimizer, average, budget)
    state.resume()
    for line in _train(model, average, optimizer, budget, cache, settings, size, device):
        yield line
        if line["step"] % (10 * settings.report_every) == 0:
            state.save()
    tower = {name.replace("visual.", "clip.visual.", 1): value for name, value in average.values.items() if name.startswith("visual.")}
    save_checkpoint(out / "clip.checkpoint", saved | {"model": saved["model"] | tower, "average": saved["average"] | tower})


def _train(model: Questions, average: AveragedWeights, optimizer, budget: Budget, cache: PortraitCache, settings: Seeing, size: int,
           device: torch.device) -> Iterator[dict]:
    truth = np.array(cache.truth)
    balance, pictures = _balance(truth[cache.train_indices]).to(device), Pictures(cache.images, device=device, shrink=smooth)
    keys = (pick_indices(cache, settings.batch_size, settings.seed, step) for step in count(budget.step))
    batches = ahead(lambda indices: (torch.from_numpy(truth[indices]), pictures.only(indices, size)), keys)
    while budget.fraction < 1:
        shown, images = next(batches)
        set_learning_rate(optimizer, budget.learning_rate(settings.learning_rate))
        model.train()
        with autocast(device):
            embedded, placed = model(augment(images, step_rng(settings.seed, budget.step, device)))
        losses = [question_loss(logits, shown.to(device), balance) for logits in (embedded, placed)]
        optimizer.zero_grad(set_to_none=True)
        sum(losses).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        budget.step += 1
        average.update(model, budget.step)
        if budget.step % settings.report_every == 0:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, "loss": float(losses[0].detach()),
                   "place_loss": float(losses[1].detach())}
