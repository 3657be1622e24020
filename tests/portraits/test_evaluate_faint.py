"""How much of faint things a generator draws."""

from types import SimpleNamespace

import pytest
import torch

from packs.pack import load_pack
from portraits import evaluate_pack
from portraits.evaluate_faint import THINGS, evaluate_faint
from portraits.faint import without_and_with
from portraits.redrawn import render
from portraits.render import Renderer
from portraits.scene import appearance, appearance_names
from portraits.shipped import Standard


@pytest.mark.parametrize("name", THINGS)
def test_two_scenes_differ_in_one_thing(name):
    without, given = without_and_with(name, 2)
    quantity = "earrings" if name == "hoops" else name
    assert without[quantity] < 0.05 and given[quantity] > 0.8
    assert {key for key, value in without.values.items() if value != given[key]} <= {quantity, "lipstick", "makeup"}


def test_appearances_are_those_of_the_scenes():
    without, given = (appearance(scene) for scene in without_and_with("goatee", 0))
    changed = {name for name, before, after in zip(appearance_names(), without, given) if abs(before - after) > 1e-6}
    assert "goatee" in changed and changed <= {"goatee", "lipstick", "makeup", "lips_light", "lips_warmth", "lips_green"}


def test_the_share_is_that_of_the_change_that_is_drawn():
    """A generator that draws a third of everything, about a grey of its own."""
    renderer = Renderer(32)
    found = evaluate_faint(lambda scenes: render(renderer, scenes) / 3 + 0.2, 32, faces=2)
    assert found["by_thing"] == pytest.approx(dict.fromkeys(THINGS, 1 / 3), abs=1e-5) and found["share"] == pytest.approx(1 / 3, abs=1e-5)


@torch.no_grad()
def test_the_built_in_pack_draws_most_of_it():
    pack = load_pack("portraits", "cpu")
    found = evaluate_faint(lambda scenes: evaluate_pack.draw_scenes(pack, scenes), pack.resolution, faces=3)
    assert set(found["by_thing"]) == set(THINGS) and all(0.4 < share < 1.2 for share in found["by_thing"].values()), found


def test_a_w_of_another_world_is_refused(monkeypatch):
    monkeypatch.setattr(Standard, "of_pack", lambda pack: Standard(("age",), torch.zeros(1), torch.ones(1)))
    with pytest.raises(ValueError, match="another version of the world"):
        evaluate_pack.draw_scenes(SimpleNamespace(name="old"), without_and_with("goatee", 0))
