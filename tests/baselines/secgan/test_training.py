"""Algorithm 1 on a handful of drawn faces: what it moves, that it goes on to the bit, and that it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.data.faces import Faces, draw_faces
from baselines.secgan.config import BACKBONES, SecganConfig
from baselines.secgan.run import Run, train
from baselines.secgan.segments import likeliest, log_probability
from baselines.secgan.train import main
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
    broken, run = trainer(faces, tiny_models, backbone=backbone), Run(tmp_path, log_every=1, save_every=3, sheet_every=1000)
    for line in train(broken, run):
        if line["step"] == 5:  # steps 4 and 5 are lost
            break
    again = trainer(faces, tiny_models, backbone=backbone)
    assert run.resume(again) and again.budget.step == 3
    list(again.steps())
    left, right = weights(whole), weights(again)
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(("backbone", "rate", "steps"), [("stargan", 5e-3, 24), ("attgan", 2e-3, 24)])
def test_training_on_one_batch_lowers_its_losses(faces, tiny_models, backbone: str, rate: float, steps: int) -> None:
    """Both branches rebuild what they are given, and their discriminators learn the labels."""
    made = trainer(faces, tiny_models, backbone=backbone, iterations=30, discriminator_steps=1, learning_rate=rate)
    batch = made.feed.sample(np.arange(2))
    first, later = made.step(batch), [made.step(batch) for _ in range(steps)]
    for branch in ("rgb", "semantic"):
        for loss, share in ((f"g/{branch}/reconstruction", 0.8), (f"d/{branch}/classification", 0.9)):
            # of the last few, as a single step goes up or down with the rounding of the machine
            assert min(step[loss] for step in later[-6:]) < share * first[loss], loss


def test_a_batch_depends_on_seed_and_step_alone(faces, tiny_models) -> None:
    feed = trainer(faces, tiny_models).feed
    third, again = list(islice(feed.batches(0), 3))[2], next(feed.batches(2))
    for name in ("images", "masks", "source", "target", "shares"):
        assert torch.equal(getattr(third, name), getattr(again, name)), name
    assert set(third.difference.unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert sorted(third.target.tolist()) == sorted(third.source.tolist())  # the labels of the batch, in another order


def test_masks_turn_with_the_pictures(faces, tiny_models) -> None:
    """StarGAN's training mirrors half of the pictures: each batch is found again among the data, mask and picture both or neither."""
    feed, mirrored = trainer(faces, tiny_models, batch_size=6).feed, 0
    every = feed.sample(np.arange(len(faces)))
    for batch in islice(feed.batches(0), 2):
        for image, mask in zip(batch.images, batch.masks):
            plain, turned = ((every.images == shown).flatten(1).all(1) for shown in (image, image.flip(-1)))
            index = int((plain | turned).nonzero()[0])
            assert torch.equal(every.masks[index], mask if plain[index] else mask.flip(-1))
            mirrored += int(turned[index])
    assert 0 < mirrored < 12


def test_source_masks_are_the_parsers_unless_the_data_has_true_ones(faces, tiny_models) -> None:
    parsed = trainer(faces, tiny_models, masks_from="parser").feed.sample(np.arange(2))
    expected = likeliest(log_probability(tiny_models.parser(parsed.images)))
    assert torch.equal(parsed.masks, expected)
    assert not torch.equal(parsed.masks, trainer(faces, tiny_models).feed.sample(np.arange(2)).masks)
    with pytest.raises(ValueError, match="has no masks; accepted is 'parser'"):
        trainer(replace(faces, masks=None), tiny_models)


def test_consistency_ties_the_branches_and_leaves_the_parser_alone(faces, tiny_models) -> None:
    """With the consistency alone, both generators get a gradient; the discriminators and the parser get none."""
    made = trainer(faces, tiny_models)
    found = made.objective.generators(made.feed.sample(np.arange(2)))
    (found["rgb/consistency"] + found["semantic/consistency"]).backward()
    for branch in made.branches.values():
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in list(branch.generator.parameters())[:1])
        assert all(p.grad is None for p in branch.discriminator.parameters())
    assert all(p.grad is None for p in tiny_models.parser.parameters())
    only_rgb = torch.autograd.grad(made.objective.generators(made.feed.sample(np.arange(2)))["rgb/consistency"],
                                   list(made.branches["semantic"].generator.parameters()), allow_unused=True)
    assert all(gradient is None for gradient in only_rgb)


def test_the_weights_of_the_losses(faces, tiny_models) -> None:
    ones = {f"rgb/{name}": torch.tensor(1.0) for name in ("critic", "penalty", "classification")}
    made = {f"rgb/{name}": torch.tensor(1.0) for name in ("deception", "classification", "reconstruction", "consistency")}
    totals = [(float(objective.total(ones, generators=False)), float(objective.total(made, generators=True)))
              for objective in (trainer(faces, tiny_models, backbone=name, iterations=1).objective for name in ("stargan", "attgan"))]
    assert totals == [(12.0, pytest.approx(12.01)), (12.0, pytest.approx(111.01))]


def options(out: Path, pack: Path, *more: object) -> list[str]:
    return [str(word) for word in ("--out", out, "--pack", pack, "--device", "cpu", "--size", 64, "--width", 1 / 16, "--batch-size", 2, *more)]


def test_the_command_draws_trains_and_goes_on(tmp_path: Path, tiny_pack: Path) -> None:
    run = tmp_path / "run"
    words = options(run, tiny_pack, "--count", 6, "--method", "concat", "--discriminator-steps", 2)
    said = main([*words, "--iterations", "2", "--log-every", "1"])
    assert said["iterations"] == 2 and Path(said["generator"]).exists()
    assert len(list((run / "sheets").glob("*.png"))) == 1
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2] and "g/rgb/reconstruction" in lines[1]["losses"]
    data = ["--data", str(run / "portraits")]
    assert main([*words, *data, "--resume", "--iterations", "4"])["iterations"] == 4
    for wrong, sentence in (([], "holds a run already"), (["--resume", "--backbone", "attgan"], "backbone is attgan, but the run"),
                            (["--resume", "--size", "128"], "size is 128")):
        with pytest.raises(ValueError, match=sentence):
            main([*words, *data, *wrong])


def test_bad_input_is_one_sentence(command, tmp_path: Path) -> None:
    said = command("baselines.secgan.train", "--out", tmp_path / "run", "--backbone", "stgan", expect=2)
    assert "unknown backbone 'stgan'; accepted are stargan, attgan" in said.sentence


@pytest.mark.parametrize(("words", "sentence"), [
    (["--data", "nowhere"], "nowhere holds no faces"), (["--resume"], "holds no run"), (["--size", "90"], "size is 90"),
    (["--iterations", "3", "--minutes", "1"], "either iterations or minutes"), (["--count", "6", "--batch-size", "50"], "batch size is 50")])
def test_what_the_command_refuses(tmp_path: Path, tiny_pack: Path, words: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        main([*options(tmp_path / "run", tiny_pack), *words])


def test_a_warm_up_rebuilds_and_names_and_nothing_else(faces, tiny_models) -> None:
    """The generators move at every step of it, the heads of realism at none; then algorithm 1 begins. The RGB branch learns the same in it,
    whatever the method, so that methods part where they differ."""
    made, alone = (trainer(faces, tiny_models, warm_up=2, method=method) for method in ("secgan", "baseline"))
    start = weights(made)
    warm = list(islice(made.steps(), 2))
    assert all(set(found) == {f"{kind}/{branch}/{loss}" for kind, loss in (("d", "classification"), ("g", "reconstruction"))
                              for branch in ("rgb", "semantic")} for found in warm)
    assert changed(start, weights(made), "generator") and not changed(start, weights(made), "realism")
    list(islice(alone.steps(), 2))
    of_both, of_one = weights(made), weights(alone)
    assert all(torch.equal(of_both[name], value) for name, value in of_one.items() if "generator" in name)
    third = next(made.steps())
    assert "d/rgb/critic" in third and changed(start, weights(made), "realism")
