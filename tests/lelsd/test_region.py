"""Where a prompt's worn things will be is part of the mask that training holds an edit in."""
from __future__ import annotations

import pytest
import torch

from lelsd.config import TrainConfig, preset
from lelsd.objective import Objective, sample_noise
from lelsd.prompt import parse_prompt

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


def test_the_published_method_knows_no_places_and_no_areas():
    assert TrainConfig(**preset("published")).place_weight == 0.0 and not TrainConfig(**preset("published")).use_areas
    with pytest.raises(ValueError, match="use_areas is 1; accepted: true or false"):
        TrainConfig(use_areas=1)
    with pytest.raises(ValueError, match="place_weight is 2.0; accepted: a number from 0.0 to 1.0"):
        TrainConfig(place_weight=2.0)


AREAS = [line.split(" | ") for line in """
a person with a moustache | skin mouth | moustache
a goateed man | skin mouth neck | chin
a man without stubble | skin mouth neck | beard
a clean-shaven man | skin mouth neck | beard
rosy cheeks | skin | cheeks
a beard and glasses | skin mouth neck | beard
a moustache and a beard | skin mouth | beard moustache
pale skin and a moustache | mouth | moustache
a moustache and an angry look | |
freckles | |
a hat | |
""".strip().splitlines()]


@pytest.mark.parametrize("line", AREAS, ids=lambda line: line[0])
def test_what_is_less_than_a_part_has_an_area(line):
    """A part is narrowed where all that is said of it is said of an area."""
    prompt, parts, areas = parse_prompt(line[0]), line[1].strip(" |").split(), line[-1].strip(" |").split()
    assert all(prompt.areas[name] == tuple(areas) for name in parts) and len(prompt.areas) >= len(parts)
    assert bool(prompt.areas) == bool(parts) and prompt.with_parts({"skin": 1.0, "hat": 0.5}).areas == {}


def test_the_line_that_says_why_says_where():
    assert parse_prompt("a man with a moustache").explanation == "Because of “moustache” (between nose and mouth)."
    assert parse_prompt("a hat and a beard").explanation == "Because of “hat” (hat) and “beard” (skin, mouth, neck, below the nose)."


@torch.no_grad()
def test_a_moustache_is_held_between_nose_and_mouth(portraits, w_plus):
    """All of the mask lies in the area, and is there that of the part; the parts that are meant anywhere stay whole."""
    image = portraits.generator.synthesis(w_plus[:4]).clamp(-1, 1)
    parse = portraits.parser.probability
    whole, narrow = (Objective(portraits, parse_prompt("a person with a moustache"), TrainConfig(use_areas=use)).mask(image) for use in (False, True))
    assert 0 < narrow.mean() < 0.25 * whole.mean() and (narrow <= whole + 1e-6).all()
    middle = narrow > 0.9
    assert middle.any() and torch.allclose(narrow[middle], whole[middle], atol=0.1)
    hat = parse(image, {"hat": 1.0, "hair": 1.0})
    both = parse(image, {"hat": 1.0, "hair": 1.0, "skin": 1.0}, areas={"skin": ("moustache",)})
    assert (both >= hat - 1e-6).all() and both.mean() < parse(image, {"hat": 1.0, "hair": 1.0, "skin": 1.0}).mean() - 0.05
