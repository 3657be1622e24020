"""The colour of what is worn: seen on samples that all wear it, and changed on those who do."""
from __future__ import annotations

import pytest
import torch

from lelsd import dressing
from lelsd.config import TrainConfig
from lelsd.dressing import dressing_of, objective_for
from lelsd.first import first_direction
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.survey import survey_of
from packs.pack import Pack

pytestmark = pytest.mark.usefixtures("few_dressed")
FEW = 160  # samples, half as many as in earnest
RED = "a person whose hat is red"


def objective_of(pack: Pack, text: str, **settings) -> Objective:
    return objective_for(pack, parse_prompt(text, pack), TrainConfig().updated(settings))


def test_everybody_wears_a_hat(portraits):
    dressed = dressing_of(portraits, "hat")
    assert len(dressed.w) == FEW and dressed.there.float().mean() > 0.95
    bare = ~survey_of(portraits).part(slice(0, FEW)).part_colour("hat")[1]
    assert 0.6 < bare.float().mean() < 0.9, "few do by nature"
    assert dressing_of(portraits, "hat") is dressed, "looked at once"


def test_its_colours_are_kept_in_the_cache_folder(portraits, tmp_path, monkeypatch):
    monkeypatch.setenv("ECLIPSED_CACHE", str(tmp_path))
    monkeypatch.setattr(dressing, "COUNT", 8)
    monkeypatch.setattr(dressing, "_open", {})
    first = dressing_of(portraits, "hat")
    assert len(list((tmp_path / "surveys").iterdir())) == 1
    monkeypatch.setattr(dressing, "_open", {})
    monkeypatch.setattr(dressing, "_look", lambda *args: pytest.fail("looked again"))
    assert torch.equal(dressing_of(portraits, "hat").colours, first.colours)


def test_who_wears_a_hat_gets_a_red_one_and_only_that(portraits):
    objective = objective_of(portraits, RED)
    assert objective.effect.judge == "colour" and objective.effect.asked == {}
    w_plus = objective.w_plus(torch.randn(6, portraits.generator.z_dim, generator=torch.Generator().manual_seed(1)))
    red = first_direction(portraits, objective.prompt)
    with torch.no_grad():
        before, after = (portraits.generator.synthesis(some, resolution=128).clamp(-1, 1) for some in (w_plus, w_plus + red.step_from(w_plus, 1.0)))
    assert (objective.scores(after) > 0).sum() >= 5 > 1 >= (objective.scores(before) > 0).sum()
    change = (after - before).square().sum(dim=1)
    hats = portraits.parser(before).argmax(dim=1) == 18
    assert (change * hats).sum() / change.sum() > 0.8


@pytest.mark.parametrize(("text", "settings"), [("a person with a red hat", {}), ("a person with pink hair", {}), (RED, {"use_colours": False})])
def test_nobody_is_dressed_for_anything_else(portraits, text, settings):
    objective = objective_of(portraits, text, **settings)
    z = torch.randn(2, portraits.generator.z_dim, generator=torch.Generator().manual_seed(1))
    assert objective.dressing is None and torch.equal(objective.w_plus(z), portraits.generator.mapping(z, truncation=objective.config.truncation))
