"""Algorithm 1 on a handful of drawn faces: what it moves, that it goes on to the bit, and that it learns."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from baselines.data.faces import Faces, draw_faces
from baselines.secgan.config import BACKBONES, SecganConfig
from baselines.secgan.run import Run, train
from baselines.secgan.training import Trainer

TINY = {"size": 64, "width": 1 / 16, "batch_size": 2, "iterations": 6, "discriminator_steps": 2, "masks_from": "truth"}


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Faces:
    return draw_faces(tmp_path_factory.mktemp("faces"), 1, 12, 64)


def trainer(faces: Faces, tiny_models, **settings) -> Trainer:
    return Trainer(SecganConfig(**(TINY | settings)), faces, torch.device("cpu"), tiny_models.parser, torch.float32)


def weights(made: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in made.branches.state_dict().items()}


def changed(before: dict, after: dict, kind: str) -> bool:
    return any(kind in name and not torch.equal(before[name], after[name]) for name in before)


def test_generators_move_every_nth_step_only(faces, tiny_models) -> None:
    made = trainer(faces, tiny_models)
    start = weights(made)
    first, second = islice(made.steps(), 2)
    assert not any(name.startswith("g/") for name in first)
    assert {name for name in second if name.startswith("g/")} == {
        *(f"g/{branch}/{loss}" for branch in ("rgb", "semantic") for loss in ("deception", "classification", "reconstruction", "consistency"))}
    end = weights(made)
    for branch in ("rgb", "semantic"):
        assert changed(start, end, f"{branch}.discriminator") and changed(start, end, f"{branch}.generator")


def test_the_first_step_leaves_the_generators_alone(faces, tiny_models) -> None:
    made = trainer(faces, tiny_models)
    start = weights(made)
    next(made.steps())
    assert not changed(start, weights(made), "generator") and changed(start, weights(made), "discriminator")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_resumed_run_ends_with_the_same_bits(faces, tiny_models, tmp_path: Path, backbone: str) -> None:
    whole = trainer(faces, tiny_models, backbone=backbone)
    list(whole.steps())
    broken, run = trainer(faces, tiny_models, backbone=backbone), Run(tmp_path, save_every=3, sheet_every=1000)
    for line in train(broken, Run(tmp_path, log_every=1, save_every=3, sheet_every=1000)):
        if line["step"] == 5:  # steps 4 and 5 are lost
            break
    again = trainer(faces, tiny_models, backbone=backbone, seed=0)
    assert run.resume(again) and again.budget.step == 3
    list(again.steps())
    left, right = weights(whole), weights(again)
    assert all(torch.equal(left[name], right[name]) for name in left)
