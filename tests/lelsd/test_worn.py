"""Sunglasses are a place by two readings: that there are glasses, and that they are dark."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lelsd import dressing
from lelsd.colour import colour_target
from lelsd.config import TrainConfig
from lelsd.dressing import objective_for
from lelsd.first import first_direction
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.worn import column, kind_target, place_target
from packs.pack import Pack

pytestmark = pytest.mark.usefixtures("few_dressed")
FEW = 250  # samples that wear glasses: of so many, 40 are dark
TEXT = "a person wearing sunglasses"


def objective_of(pack: Pack, text: str, **settings) -> Objective:
    return objective_for(pack, parse_prompt(text, pack), TrainConfig().updated(settings))


@torch.no_grad()
def test_bare_faces_get_sunglasses_and_those_who_wear_some_keep_theirs(portraits):
    objective = objective_of(portraits, TEXT)
    target, survey = first_direction(portraits, objective.prompt).colour, objective.survey
    assert target.basis.shape == (2, portraits.generator.num_ws, portraits.generator.w_dim)
    glasses, dark = (column(survey.logits, name) for name in ("Eyeglasses", "Sunglasses"))
    bare, worn, clear = ((some.nonzero()[:4, 0]) for some in ((glasses < -3) & (dark < -3), dark > 3, (glasses > 3) & (dark < -3)))
    before = survey.w[torch.cat([bare, clear, worn])][:, None].expand(-1, portraits.generator.num_ws, -1)
    step = replace(target, radius=0.0).step(before, 1.0)
    assert (objective.scores(portraits.generator.synthesis((before + step)[:8])) > 0).sum() >= 7, "bare faces, and those with clear glasses"
    assert step[8:].abs().max() < 0.3 * step[:4].abs().max(), "who wears some hardly changes"
    taken_off = before[8:] + target.step(before[8:], -1.0)
    assert (objective.scores(portraits.generator.synthesis(taken_off)) < 0).all()


@torch.no_grad()
def test_it_arrives_where_it_says(portraits):
    objective = objective_of(portraits, TEXT)
    target = kind_target(objective, [3, 4, 5])
    assert target.basis.abs().sum(dim=(0, 2)).nonzero()[:, 0].tolist() == [3, 4, 5]
    w_plus = objective.w_plus(torch.randn(8, portraits.generator.z_dim, generator=torch.Generator().manual_seed(2)))
    w_plus = w_plus[target.lacks(w_plus)]
    assert len(w_plus) >= 4
    assert torch.allclose(target.read(w_plus + target.step(w_plus, 1.0)).norm(dim=1), torch.full((len(w_plus),), target.radius), atol=0.02)


@pytest.mark.parametrize(("text", "settings"), [("a person with glasses", {}), ("a person without sunglasses", {}), ("a person with sunglasses and a hat", {}),
                                                (TEXT, {"use_colours": False}), (TEXT, {"num_directions": 2}), (TEXT, {"mask_mode": "outside"})])
def test_what_is_no_such_place(portraits, text, settings):
    assert kind_target(objective_of(portraits, text, **settings), [3]) is None


def test_a_colour_is_none_and_too_few_samples_tell_nothing(portraits, monkeypatch):
    assert colour_target(objective_of(portraits, TEXT), [3]) is None
    grey = objective_of(portraits, "a person with grey hair")
    assert kind_target(grey, [3]) is None and place_target(grey, [3]).basis.shape[0] == 3
    monkeypatch.setattr(dressing, "COUNT", 16)
    monkeypatch.setattr(dressing, "_open", {})
    assert place_target(objective_of(portraits, TEXT), [3]) is None
