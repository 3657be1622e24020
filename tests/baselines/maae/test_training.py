"""Training: pairs of both sides, what a step does, that losses fall, and that a resumed run is the same to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.maae.losses import Weights
from baselines.maae.training import RAMP, Trainer, TrainSettings, pick_pairs, train
from baselines.maae.variants import VARIANTS, applied


@pytest.fixture(scope="module")
def sides(material):
    return material.sides("Male", material.faces.train_indices)


def test_pairs_are_of_both_sides_and_follow_from_the_step(make_settings, sides):
    chosen = pick_pairs(*sides, make_settings(), 5)
    assert set(chosen[:2]) <= set(sides[0]) and set(chosen[2:]) <= set(sides[1]) and len(set(chosen)) == 4
    assert np.array_equal(chosen, pick_pairs(*sides, make_settings(), 5)) and not np.array_equal(chosen, pick_pairs(*sides, make_settings(), 6))
    assert len(pick_pairs(np.array([7]), sides[1], make_settings(), 0)) == 4
    with pytest.raises(ValueError, match="no training picture is with Male"):
        pick_pairs(sides[0], sides[1][:0], make_settings(), 0)


def test_processes_share_a_batch(make_settings, sides, monkeypatch):
    monkeypatch.setattr("baselines.maae.training.processes.count", lambda: 2)
    chosen = []
    for rank in (0, 1):
        monkeypatch.setattr("baselines.maae.training.processes.rank", lambda: rank)
        chosen.append(pick_pairs(*sides, make_settings(batch_size=8), 0).tolist())
    assert [len(indices) for indices in chosen] == [4, 4] and chosen[0] != chosen[1]
    with pytest.raises(ValueError, match="6 cannot be shared by 2 processes; accepted: multiples of 4"):
        pick_pairs(*sides, make_settings(batch_size=6), 0)


def test_a_batch_has_sides_and_background(material, sides):
    batch = material.read(np.concatenate([sides[0][:3], sides[1][:3]]))
    assert batch.side.tolist() == [0, 0, 0, 1, 1, 1] and batch.images.shape == (6, 3, 40, 40)
    masks = material.faces.masks[np.concatenate([sides[0][:3], sides[1][:3]])]
    assert np.array_equal(batch.background[:, 0].numpy() == 1, masks == 0)


def test_where_there_are_no_masks_a_parser_finds_the_background(material, sides):
    def parser(images):
        logits = torch.zeros(len(images), 19, 40, 40)
        logits[:, 1, 10:], logits[:, 0, :10] = 1.0, 1.0
        return logits

    unmasked = replace(material.faces, masks=None)
    with pytest.raises(ValueError, match="have no masks"):
        type(material).of(unmasked, 40, torch.device("cpu"))
    _, background = type(material).of(unmasked, 40, torch.device("cpu"), parser).look(sides[0][:2])
    assert bool((background[:, :, :10] == 1).all()) and bool((background[:, :, 10:] == 0).all())


def test_one_batch_is_learned(make_settings, material, sides, features):
    """Without the adversary, whose loss no one wins: it is tried for itself below."""
    trainer = Trainer(make_settings(learning_rate=4e-3, weights=Weights(gan=0)), features)
    batch = material.read(pick_pairs(*sides, trainer.settings, 0))
    first = {name: value.item() for name, value in trainer.train_step(batch).items()}
    assert set(first) == {"kl", "reconstruction", "gan", "cycle", "identity", "mask", "discriminator", "loss"}
    for _ in range(40):
        found = {name: value.item() for name, value in trainer.train_step(batch).items()}
    for name in ("reconstruction", "cycle", "mask", "loss", "discriminator"):
        assert found[name] < 0.8 * first[name], (name, first, found)


def test_the_adversary_alone_moves_the_generator(make_settings, material, sides):
    nothing = Weights(vae=0, gan=0, identity=0, cycle=0, mask=0)
    for weight, moves in ((0.0, False), (1.0, True)):
        trainer = Trainer(make_settings(weights=replace(nothing, gan=weight)), None)
        before = {name: value.clone() for name, value in trainer.generator.state_dict().items()}
        trainer.train_step(material.read(pick_pairs(*sides, trainer.settings, 0)))
        assert all(torch.equal(before[name], value) for name, value in trainer.generator.state_dict().items()) != moves


def test_a_warm_up_only_rebuilds(make_settings, material, sides):
    """The discriminator waits; then a step is one like any other, but for its rate, and Adam remembers nothing."""
    trainer = Trainer(make_settings(warm_up=2, weights=Weights(identity=0)), None)
    critic = {name: value.clone() for name, value in trainer.discriminator.state_dict().items()}
    batch = material.read(pick_pairs(*sides, trainer.settings, 0))
    for _ in range(2):
        assert set(trainer.train_step(batch)) == {"kl", "reconstruction", "loss"}
    assert all(torch.equal(critic[name], value) for name, value in trainer.discriminator.state_dict().items())
    for step in (1, 2):
        assert set(trainer.train_step(batch)) == {"kl", "reconstruction", "gan", "cycle", "mask", "discriminator", "loss"}
        for optimiser in trainer.optimisers:
            assert optimiser.param_groups[0]["lr"] == pytest.approx(1e-4 * step / RAMP)
            assert all(state["step"] == step for state in optimiser.state.values())


def test_real_pictures_of_the_other_side_count_with_their_weight(make_settings, material, sides):
    batch = material.read(pick_pairs(*sides, make_settings(), 0))
    losses = {}
    for weight in (0.0, 0.5, 1.0):
        trainer = Trainer(make_settings(mismatch=weight, weights=Weights(identity=0)), None)
        losses[weight] = trainer.train_step(batch)["discriminator"].item()
    assert losses[0.0] < losses[0.5] < losses[1.0]
    assert losses[1.0] - losses[0.0] == pytest.approx(2 * (losses[0.5] - losses[0.0]), rel=0.01)
    assert losses[0.5] - losses[0.0] == pytest.approx(0.5 * np.log(2), abs=0.05)  # it knows nothing yet


def test_the_discriminator_has_a_width_of_its_own(make_settings):
    trainer = Trainer(make_settings(discriminator_width=6, weights=Weights(identity=0)), None)
    assert trainer.discriminator.convs[0].out_channels == 6 and trainer.generator.encoder.convs[0].out_channels == 4


def test_a_resumed_run_is_the_same_to_the_bit(make_settings, material, sides, features, tmp_path):
    whole = Trainer(make_settings(), features)
    losses = [{name: value.item() for name, value in found.items()} for found in train(whole, material.read, *sides)]
    begun = Trainer(make_settings(steps=2), features)
    for _ in train(begun, material.read, *sides):
        pass
    begun.save(tmp_path / "checkpoint")
    resumed = Trainer(make_settings(), features)
    resumed.load(tmp_path / "checkpoint")
    after = [{name: value.item() for name, value in found.items()} for found in train(resumed, material.read, *sides)]
    assert after == losses[2:] and resumed.step == 4
    for mine, other in zip((resumed.generator, resumed.discriminator, resumed.averaged()), (whole.generator, whole.discriminator, whole.averaged())):
        assert all(torch.equal(mine.state_dict()[name], value) for name, value in other.state_dict().items())


def test_a_checkpoint_of_other_settings_is_refused(make_settings, features, tmp_path):
    Trainer(make_settings(), features).save(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="trained with batch_size 4, not 8"):
        Trainer(make_settings(batch_size=8), features).load(tmp_path / "checkpoint")
    (tmp_path / "checkpoint").write_bytes(b"half a file")
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        Trainer(make_settings(), features).load(tmp_path / "checkpoint")


def test_a_training_begins_with_anothers_networks_and_settings_of_its_own(make_settings, material, sides, features, tmp_path):
    first = Trainer(make_settings(steps=2), features)
    for _ in train(first, material.read, *sides):
        pass
    first.save(tmp_path / "checkpoint")
    second = Trainer(make_settings(seed=3, weights=Weights(identity=0)), None)
    second.begin_with(tmp_path / "checkpoint")
    assert second.step == 2 and second.settings.seed == 3
    for mine, other in ((second.generator, first.generator), (second.discriminator, first.discriminator), (second.averaged(), first.averaged())):
        assert all(torch.equal(mine.state_dict()[name], value) for name, value in other.state_dict().items())
    with pytest.raises(ValueError, match="trained with discriminator_width 64, not 5; accepted: the same to begin with"):
        Trainer(make_settings(discriminator_width=5), features).begin_with(tmp_path / "checkpoint")


def test_only_the_loss_of_a_variant_is_taken(make_settings, material, sides, features):
    found = {}
    for letter, variant in VARIANTS.items():
        described = applied(letter, make_settings())
        assert described.network.injection == variant.injection
        trainer = Trainer(described, features if variant.identity else None)
        found[letter] = set(trainer.train_step(material.read(pick_pairs(*sides, described, 0))))
        assert ("identity" in found[letter], "mask" in found[letter]) == (variant.identity, variant.mask)
    assert found["a"] == found["b"] == {"kl", "reconstruction", "gan", "cycle", "discriminator", "loss"}
    assert applied("f", make_settings()) == make_settings()
    with pytest.raises(ValueError, match="unknown variant 'g'"):
        applied("g", make_settings())
    with pytest.raises(ValueError, match="no network to tell faces apart"):
        Trainer(make_settings(), None)


def test_settings_survive_json(make_settings):
    described = make_settings(weights=Weights(identity=3))
    assert TrainSettings.from_dict(described.to_dict()) == described
    with pytest.raises(ValueError, match="no settings of a training"):
        TrainSettings.from_dict({"attribute": "Male"})
    for changed, words in (({"batch_size": 3}, "batch_size 3"), ({"steps": 0}, "steps are 0"), ({"average": 1.0}, "average is 1.0"),
                           ({"discriminator_width": 0}, "discriminator_width is 0"), ({"mismatch": -1.0}, "mismatch -1.0"),
                           ({"warm_up": -1}, "warm_up -1")):
        with pytest.raises(ValueError, match=words):
            make_settings(**changed)
