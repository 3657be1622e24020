"""Report cards: what is counted, by hand; the card of a direction on the tiny pack; the command."""
from __future__ import annotations

import json
import math

import pytest
import torch

from benchmarks.training_step import TINY_CLIP
from benchmarks.untrained import UntrainedPack
from lelsd.card import card_from_dict
from lelsd.config import TrainConfig
from lelsd.direction import Direction, load_direction
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.report import ALPHAS, Flips, by_part, objective_of, report_card, report_for, report_latents
from packs import metrics
from packs.attributes import ATTRIBUTES
from segmentation.parts import CLASS_INDEX, CLASSES
from stylegan2.config import GeneratorConfig


def direction_for(pack, text="a person with curly hair", count=1):
    """A direction of unit rows in the upper layers."""
    deltas = torch.zeros(count, pack.generator.num_ws, pack.generator.w_dim)
    deltas[:, 3:] = torch.nn.functional.normalize(torch.randn(count, 1, pack.generator.w_dim, generator=torch.Generator().manual_seed(3)), dim=2)
    return Direction(deltas, tuple(range(3, pack.generator.num_ws)), text, "hair", pack.name, pack.hash, (1.0,) * count, {"hair": 1.0})


@pytest.fixture(scope="module")
def card(tiny_models):
    return report_for(tiny_models, direction_for(tiny_models))


def test_the_card_of_a_direction(card, tiny_models):
    assert card.target_judge == card.other_judge == "classifier" and card.asked == {"Curly_Hair": True} and card.inside == ("hair",)
    strengths = card.directions[0]
    assert tuple(strength.alpha for strength in strengths) == ALPHAS and card.at(1.0) is strengths[2] and card.at(0.5) is None
    for strength in strengths:
        assert strength.eligible + strength.away_eligible == strength.samples <= 48
        assert all(value is None or 0 <= value <= 1 for value in (strength.target_rate, strength.away_rate, strength.localization))
        assert 0 <= strength.avoidable_side_effect_rate and strength.change > 0 and -1 <= strength.identity <= 1
        assert all("Curly_Hair" != effect.name and 0 < effect.appears + effect.disappears <= 1 for effect in strength.side_effects)
        assert sum(strength.by_part.values()) == pytest.approx(1.0, abs=0.07)  # parts below half a percent are left out
    assert card.at(2.0).change > card.at(1.0).change
    assert report_for(tiny_models, direction_for(tiny_models)) == card


def test_an_edit_that_does_nothing_does_nothing(tiny_models):
    objective = Objective(tiny_models, parse_prompt("a person with curly hair"), TrainConfig())
    still = direction_for(tiny_models)
    card = report_card(objective, Direction(still.deltas * 0, still.layers, still.prompt, "hair", still.pack, still.pack_hash, (1.0,)))
    strength = card.at(1.0)
    assert strength.target_rate in (0.0, None) and strength.away_rate in (0.0, None) and strength.side_effects == ()
    assert strength.side_effect_rate == strength.clip_gain == strength.change == 0 and strength.localization is None
    assert strength.identity == pytest.approx(1.0, abs=1e-5)


def test_a_pack_without_a_classifier_is_judged_by_clip():
    pack = UntrainedPack(GeneratorConfig(32, 16, 16, 2, 512, 32), clip=TINY_CLIP, parser_width=0.125, parser_size=64)
    card = report_for(pack, direction_for(pack, count=2))
    assert card.target_judge == card.other_judge == "clip" and card.asked == {} and len(card.directions) == 2
    assert card.at(1.0, 1).samples <= 24
    assert all(effect.name != "curly hair" for strength in card.directions[0] for effect in strength.side_effects)


def test_a_prompt_that_no_attribute_tells_is_judged_by_clip(tiny_models):
    objective = Objective(tiny_models, parse_prompt("a person with a background"), TrainConfig())
    assert objective.effect.judge == "clip" and objective.effect.asked == {}


def test_the_colour_of_eyes_is_looked_for_where_eyes_are_open(portraits):
    closed = ATTRIBUTES.index("Eyes_Closed")
    with torch.no_grad():
        for words, some in {"a person with brown eyes": False, "a person with big lips": True}.items():
            objective = Objective(portraits, parse_prompt(words, portraits), TrainConfig())
            seen = portraits.classifier(portraits.generator.synthesis(objective.w_plus(report_latents(objective, 24, 0))))
            assert bool((seen[:, closed] > 0).any()) == some, words


def test_what_appears_and_what_disappears():
    before = torch.tensor([[True, False, True], [True, False, False], [False, False, False], [False, False, False]])
    after = torch.tensor([[False, True, True], [True, True, True], [False, True, False], [False, False, False]])
    flips = Flips(before, after)
    assert flips.rate(torch.tensor([True, True, True])) == pytest.approx(5 / 12)
    worst = flips.worst(torch.tensor([True, True, False]), ("a", "b", "c"))
    assert [(effect.name, effect.appears, effect.disappears) for effect in worst] == [("b", 0.75, 0.0), ("a", 0.0, 0.25)]


def test_where_it_changes():
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    labels[0, 0, 0] = CLASS_INDEX["hair"]
    later = labels.clone()
    later[0, 0, 1] = CLASS_INDEX["l_eye"]
    change = torch.tensor([[[[1.0, 2.0], [1.0, 0.0]]]]).expand(1, 3, 2, 2)
    shares = metrics.change_by_class(change, labels, later, len(CLASSES))
    assert by_part(shares) == pytest.approx({"background": 0.5, "hair": 0.25, "eyes": 0.25})
    assert math.isnan(metrics.change_by_class(change * 0, labels, later, len(CLASSES))[0, 0])


def test_hair_that_grows_over_the_background_changes_the_hair(tiny_models):
    from lelsd.report import Reporter
    from packs.seen import Seen
    reporter = Reporter.__new__(Reporter)
    reporter.parts, reporter.outside = ("hair",), False
    before = torch.tensor([[[0, CLASS_INDEX["hair"], 0]]])
    after = torch.tensor([[[CLASS_INDEX["hair"], 0, CLASS_INDEX["nose"]]]])
    counted = reporter.counted_labels(*(Seen(None, None, None, None, labels) for labels in (before, after)))
    assert [labels.tolist() for labels in counted] == [[[[17, 17, 0]]], [[[17, 17, 10]]]]


def test_background_mode_belongs_elsewhere(tiny_models):
    from lelsd.report import Reporter
    from packs.seen import Seen
    reporter = Reporter.__new__(Reporter)
    reporter.parts, reporter.outside = ("mouth",), True
    labels = torch.tensor([[[CLASS_INDEX["mouth"], CLASS_INDEX["hair"]]]])
    assert reporter.mask(Seen(None, None, None, None, labels)).tolist() == [[[False, True]]]
    assert "mouth" not in reporter.inside and {"hair", "skin", "background"} <= set(reporter.inside)


def test_the_card_travels_in_the_file(card, tiny_models, tmp_path):
    from dataclasses import replace
    direction = replace(direction_for(tiny_models), report=card.to_dict())
    direction.save(tmp_path / "d.safetensors")
    loaded = load_direction(tmp_path / "d.safetensors")
    assert loaded.card.to_dict() == card.to_dict() and loaded.card.at(1.0).eligible == card.at(1.0).eligible


def test_the_main_part_is_that_of_the_file(tiny_models, tmp_path):
    from dataclasses import replace
    replace(direction_for(tiny_models), part="mouth", parts={"mouth": 1.0, "eyes": 1.0}).save(tmp_path / "d.safetensors")
    prompt = objective_of(tiny_models, load_direction(tmp_path / "d.safetensors")).prompt
    assert prompt.part == "mouth" and prompt.parts == {"mouth": 1.0, "eyes": 1.0}


@pytest.mark.parametrize("damage, words", [
    (lambda c: c.update(version=2), "only version 1"), (lambda c: c.pop("asked"), "'asked' is missing"), (lambda c: c.update(directions={}), "no list"),
    (lambda c: c.update(target_judge="me"), "judges"), (lambda c: c.update(inside=["wing"]), "parts"), (lambda c: c.update(asked={"a": 1}), "asked"),
    (lambda c: c["directions"][0][0].update(identity="<b>"), "no number"), (lambda c: c["directions"][0][0].update(target_rate=float("nan")), "no number"),
    (lambda c: c["directions"][0][0].update(by_part={"wing": 1.0}), "no part"), (lambda c: c["directions"][0][0].pop("alpha"), "other entries"),
    (lambda c: c["directions"][0][0].update(side_effects=[{"name": "x" * 99, "appears": 0, "disappears": 0}]), "no name"),
])
def test_damaged_cards(card, damage, words):
    values = json.loads(json.dumps(card.to_dict()))
    damage(values)
    with pytest.raises(ValueError, match=f"report card is damaged: .*{words}"):
        card_from_dict(values)


def test_the_command(command, tiny_models, tiny_pack, tmp_path):
    direction_for(tiny_models).save(tmp_path / "d.safetensors")
    done = command("lelsd.report", "--direction", tmp_path / "d.safetensors", "--pack", tiny_pack)
    assert load_direction(tmp_path / "d.safetensors").card.to_dict() == done.result["report"] and done.result["report"]["asked"] == {"Curly_Hair": True}
    assert "there is no direction file" in command("lelsd.report", "--direction", "none", expect=2).sentence
    assert "does not fit pack" in command("lelsd.report", "--direction", tmp_path / "d.safetensors", expect=2).sentence


def test_alpha_1_is_found_anew(command, tiny_models, tiny_pack, tmp_path):
    direction_for(tiny_models).save(tmp_path / "d.safetensors")
    done = command("lelsd.report", "--direction", tmp_path / "d.safetensors", "--pack", tiny_pack, "--calibrate")
    found = load_direction(tmp_path / "d.safetensors")
    assert done.result["calibration"] == list(found.calibration) != [1.0] and found.quality["judge"] == "classifier"
    assert found.card.to_dict() == done.result["report"] != report_for(tiny_models, direction_for(tiny_models)).to_dict(), "it was measured at the new strengths"
