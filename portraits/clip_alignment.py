"""The last phase of the built-in CLIP: words are fitted to what its picture tower already sees.

The picture tower takes nine tenths of a step of `train_clip`, and by its end it has learned what there is to see; which words
mean it lags behind. So every picture is looked at once, up to the tower's last linear layer, and then only that layer and the
text tower are trained on the stored features (the reverse of Zhai et al. 2022, who lock the pictures' tower and train the
texts'): a step costs a tenth, and its batch can be larger.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from portraits.clip_training import ClipTraining, Lesson, Student, Vocabulary, encode_tokens, finish
from portraits.dataset import PortraitCache
from portraits.pictures import Pictures, smooth
from portraits.training import AveragedWeights, Budget, augment, autocast, load_checkpoint, parameter_groups, step_rng

SEEN_AT_ONCE = 128
ALIGNING_RATE = 1e-3
CLEAN_SHARE = 0.5  # of the pictures are looked at as they are, the others after `augment`


def features_before_projection(visual: nn.Module) -> nn.Module:
    """A frozen copy of a picture tower that stops before its last linear layer: images -> [N, C]."""
    tower = copy.deepcopy(visual).eval().requires_grad_(False)
    width = tower.attnpool.c_proj.in_features
    tower.attnpool.c_proj = nn.Linear(width, width)
    with torch.no_grad():
        tower.attnpool.c_proj.weight.copy_(torch.eye(width))
        tower.attnpool.c_proj.bias.zero_()
    return tower.to(visual.attnpool.c_proj.weight.device).requires_grad_(False)


@torch.no_grad()
def see(visual: nn.Module, pictures: Pictures, indices: np.ndarray, size: int, seed: int = 0) -> Tensor:
    """Features [N, C] float32 on the CPU of the pictures of `indices`, looked at in size `size`, half of them augmented."""
    tower, seen = features_before_projection(visual), []
    for start in range(0, len(indices), SEEN_AT_ONCE):
        images = pictures.only(indices[start : start + SEEN_AT_ONCE], size)
        rng = step_rng(seed, start, images.device)
        clean = torch.rand(len(images), 1, 1, 1, generator=rng, device=images.device) < CLEAN_SHARE
        images = torch.where(clean, images, augment(images, rng))
        with autocast(images.device):
            seen.append(tower(images.contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.cat(seen)


class _Seen:
    """Features of the cache's first pictures, served as `Pictures` serves pictures."""

    def __init__(self, features: Tensor, device: torch.device):
        self.features, self.device = features, device

    def only(self, indices: np.ndarray, size: int | None = None) -> Tensor:
        return self.features[torch.from_numpy(np.asarray(indices))].to(self.device)


class _Alignment(Lesson):
    """A lesson in which the pictures are features already."""

    def _embed(self, batch: tuple) -> tuple:
        features, said, shown, columns, tokens = batch
        clip = self.student.clip
        pictures = F.normalize(clip.visual.attnpool.c_proj(features), dim=-1)
        with autocast(self.device):
            sentences, wanted, unwanted = encode_tokens(clip, tokens).split([len(features), len(columns), len(columns)])
        return pictures, sentences, wanted, unwanted, said, shown, shown[:, columns]


def trained_here(student: Student) -> Student:
    """Everything of the student but the picture tower, of which only the last linear layer; returns the student."""
    student.clip.visual.requires_grad_(False)
    student.clip.visual.attnpool.c_proj.requires_grad_(True)
    return student


def align_clip(cache: PortraitCache, out: Path | str, settings: ClipTraining, device: torch.device | str = "cpu",
               begin: Callable[[open_clip.CLIP, Vocabulary], None] | None = None) -> Iterator[dict]:
    """From out/clip.checkpoint, where `train_clip` has left it, to out/clip.safetensors; yields as `train_clip` does.

    `settings`: minutes or steps, batch size and learning rate of this phase; the config is that of the checkpoint. A killed run
    begins again. Without a checkpoint, `begin` gives a CLIP whose token rows are those of the vocabulary its weights, and what the
    losses need beside it is fitted first. Raises ValueError where there is neither.
    """
    out, device = Path(out), torch.device(device)
    checkpoint = out / "clip.checkpoint"
    fresh = not checkpoint.exists()
    if fresh and begin is None:
        raise ValueError(f"{out} has no clip.checkpoint; run the stage 'clip' first, or give a pack to start with")
    torch.manual_seed(settings.seed)
    vocabulary = Vocabulary.of_phrases(settings.config["text_cfg"]["context_length"])
    student = Student(settings.config, len(vocabulary.ids))
    if fresh:
        begin(student.clip, vocabulary)
    else:
        student.load_state_dict(load_checkpoint(checkpoint)["average"])
    student = trained_here(student.to(device, memory_format=torch.channels_last))
    lesson = _lesson(student, cache, vocabulary, settings, device)
    if fresh:
        lesson.settle()
    average, budget = AveragedWeights(student), lesson.budget
    while budget.fraction < 1:
        losses = lesson.step()
        average.update(student, budget.step)
        if budget.step % settings.report_every == 0:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, **losses}
    yield {"step": budget.step, "fraction": 1.0, "seconds": budget.elapsed, **finish(average.of(student).clip, vocabulary, cache, out)}


def _lesson(student: Student, cache: PortraitCache, vocabulary: Vocabulary, settings: ClipTraining, device: torch.device) -> _Alignment:
    size = settings.config["vision_cfg"]["image_size"]
    seen = see(student.clip.visual, Pictures(cache.images, device=device, shrink=smooth), cache.train_indices, size, settings.seed)
    groups = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in parameter_groups(student, settings.weight_decay)]
    budget = Budget(settings.steps, settings.minutes)  # looking at the pictures does not count
    lesson = _Alignment(student, torch.optim.AdamW(groups, betas=(0.9, 0.98)), budget, cache, vocabulary, replace(settings, topic_weight=0.0))
    lesson.pictures = _Seen(seen, device)
    return lesson
