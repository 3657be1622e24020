"""The published algorithm: what it learns, from what, and that its settings are the paper's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from baselines.eclipsed.config import EclipsedConfig, expand
from baselines.eclipsed.train import Eclipsed, single_noise, train
from lelsd.config import learning_rate_at
from lelsd.prompt import parse_prompt

TEXT = "a photo of a person with curly hair"


def prompt(pack, text: str = TEXT):
    return parse_prompt(text, pack)


def test_the_settings_are_the_published_ones():
    config = EclipsedConfig()
    assert (config.steps, config.batch_size, config.clip_weight, config.localization_weight, config.space) == (200, 2, 1.0, 0.05, "W+")
    assert [learning_rate_at(config, step) for step in (1, 50, 51, 101, 151, 200)] == [1e-3, 1e-3, 5e-4, 2.5e-4, 1.25e-4, 1.25e-4]
    for changes in ({"space": "Z"}, {"steps": 0}, {"batch_size": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(changes))}"):
            EclipsedConfig(**changes)


def test_an_expanded_prompt_repeats_the_chunk_and_drops_stop_words(tiny_models):
    assert expand(prompt(tiny_models)) == "photo person" + 5 * " curly hair"


@pytest.mark.parametrize(("space", "rows"), [("W+", 8), ("W", 1)])
def test_rows_begin_at_random_with_unit_length(tiny_models, space, rows):
    first, again, other = (Eclipsed(tiny_models, prompt(tiny_models), EclipsedConfig(space=space, seed=seed)).rows for seed in (3, 3, 4))
    assert first.shape == (rows, 16) and torch.allclose(first.norm(dim=1), torch.ones(rows))
    assert torch.equal(first, again) and not torch.allclose(first, other, atol=0.1)


def test_the_losses_are_one_minus_cosine_and_the_share_outside_a_hard_mask(tiny_models):
    training = Eclipsed(tiny_models, prompt(tiny_models), EclipsedConfig(seed=1))
    found = training.losses(1)
    w_plus, alpha = training.batch(1)
    image = tiny_models.generator.synthesis(w_plus + alpha * training.rows)
    cosine = F.cosine_similarity(training.guide.encode_image(image), training.text[None], dim=1)
    assert found["clip"].item() == pytest.approx(1 - cosine.mean().item(), abs=1e-5) and 0 <= found["localization"].item() <= 1
    assert set(training.mask(image).unique().tolist()) <= {0.0, 1.0} and 0.1 <= alpha <= 1
    gradient, = torch.autograd.grad(found["clip"], training.rows)
    assert bool((gradient.abs().sum(dim=1) > 0).all())
    without = Eclipsed(tiny_models, prompt(tiny_models), EclipsedConfig(seed=1, localization_weight=0.0)).losses(1)
    assert without["localization"].item() == 0 and without["clip"].item() == pytest.approx(found["clip"].item(), abs=1e-6)


def test_a_single_picture_is_the_same_in_every_step(tiny_models):
    single = Eclipsed(tiny_models, prompt(tiny_models), EclipsedConfig(single=True, seed=2))
    (first, alpha), (second, other) = single.batch(1), single.batch(2)
    assert torch.equal(first, second) and torch.equal(first[0], first[1]) and alpha != other
    own = tiny_models.generator.mapping(single_noise(2, tiny_models.generator.z_dim), truncation=0.7)
    assert torch.allclose(first[0], own[0], atol=1e-6)
    random = Eclipsed(tiny_models, prompt(tiny_models), EclipsedConfig(seed=2))
    assert not torch.equal(random.batch(1)[0], random.batch(2)[0])


def test_training_moves_the_rows_and_ends_in_a_direction_of_all_layers(tiny_models):
    steps = []
    config = EclipsedConfig(steps=4, seed=5)
    direction = train(tiny_models, prompt(tiny_models), config, lambda step, found: steps.append((step, *found)))
    assert steps == [(step, "clip", "localization") for step in (1, 2, 3, 4)]
    begun = Eclipsed(tiny_models, prompt(tiny_models), config).rows.detach()
    learned = direction.step(1.0) / 6  # alpha 1 is the paper's 6
    assert direction.layers == tuple(range(8)) and direction.part == "hair" and direction.quality["seconds"] > 0
    change = (learned - begun).abs()
    assert 1e-4 < float(change.max()) <= 4.01e-3 and float(change.mean()) > 1e-4  # Adam moves an entry by about the rate, 1e-3, a step
    assert torch.equal(direction.deltas, train(tiny_models, prompt(tiny_models), config).deltas)


def test_w_moves_all_layers_alike(tiny_models):
    direction = train(tiny_models, prompt(tiny_models), EclipsedConfig(steps=1, space="W"))
    assert torch.allclose(direction.deltas[0], direction.deltas[0, :1].expand(8, -1)) and direction.deltas.shape == (1, 8, 16)
