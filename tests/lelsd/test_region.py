"""Where a prompt's worn things will be is part of the mask that training holds an edit in."""
from __future__ import annotations

import pytest
import torch

from lelsd.config import TrainConfig, preset
from lelsd.objective import Objective, sample_noise
from lelsd.prompt import parse_prompt
from packs.pack import Pack, load_pack

REGIONS = [line.split(" | ") for line in """
a person wearing a hat | hat
glasses and earrings | eyeglasses earrings
a necklace | necklace
without glasses |
take the hat off |
a hat but no glasses | hat
curly hair |
a truck |
""".strip().splitlines()]


@pytest.mark.parametrize("line", REGIONS, ids=lambda line: line[0])
def test_what_is_asked_to_be_there_has_a_region(line):
    prompt = parse_prompt(line[0].removesuffix(" |"))
    assert set(prompt.region) == set(line[1].split() if len(line) > 1 else ())
    assert all(prompt.parts[name] == weight for name, weight in prompt.region.items())


def test_parts_chosen_by_hand_have_their_regions():
    assert parse_prompt("a truck").with_parts("hat,nose").region == {"hat": 1.0}


@pytest.fixture(scope="module")
def portraits() -> Pack:
    return load_pack("portraits")


@pytest.fixture(scope="module")
def w_plus(portraits):
    """Faces of which some, but not all, wear a hat."""
    noise, _ = sample_noise(0, 1, (24, portraits.generator.z_dim))
    return portraits.generator.mapping(noise, truncation=0.8)


def masks(portraits, w_plus, **settings):
    """The masks before and after an edit that does nothing, [N, R, R]."""
    objective = Objective(portraits, parse_prompt("a person wearing a hat"), TrainConfig(**settings))
    before = objective.before(w_plus, 0, features=False)
    return before.mask[:, 0], objective.mask(before.image)[:, 0]


@torch.no_grad()
def test_the_mask_of_a_hat_that_is_not_there_is_where_it_will_be(portraits, w_plus):
    before, after = masks(portraits, w_plus)
    bare = after.mean(dim=(1, 2)) < 1e-3
    assert 4 < int(bare.sum()) < len(w_plus)
    top = before[bare][:, : before.shape[1] // 8].mean(dim=(1, 2))
    assert (before[bare].mean(dim=(1, 2)) > 0.15).all() and (before[bare][:, before.shape[1] // 2:].mean() < 0.01)
    assert top.mean() > 0.5, "a hat may reach up to the edge"
    worn = after.mean(dim=(1, 2)) > 0.05
    assert torch.equal(before[worn], after[worn]), "a hat that is there is its own place"


@torch.no_grad()
def test_the_place_counts_as_much_as_the_settings_say(portraits, w_plus):
    whole, half, none = (masks(portraits, w_plus[:4], place_weight=weight)[0] for weight in (1.0, 0.5, 0.0))
    part = masks(portraits, w_plus[:4])[1]
    assert torch.equal(none, part)
    assert torch.allclose(half, torch.maximum(part, 0.5 * whole), atol=1e-6)


def test_the_published_method_knows_no_places():
    assert TrainConfig(**preset("published")).place_weight == 0.0
    with pytest.raises(ValueError, match="place_weight is 2.0; accepted: a number from 0.0 to 1.0"):
        TrainConfig(place_weight=2.0)
