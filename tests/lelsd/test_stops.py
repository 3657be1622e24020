"""Where the edit of a face ends: what is left of a strength, how stops are found, kept in files, and kept to everywhere."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from lelsd.config import TrainConfig
from lelsd.direction import FORMAT, Direction, direction_from_bytes
from lelsd.edit import Edit, EditStack, apply, base_latent, is_at_its_end
from lelsd.first import first_direction
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.recipe import Recipe
from lelsd.stops import ENDS, Stops, find_stops, limited, together, usual_stops
from lelsd.strip import strip
from lelsd.survey import CALIBRATE

ROWS, WIDTH = 4, 3


def faces(*readings: float) -> torch.Tensor:
    """w+ [N, 4, 3] whose first entry, all that is read, is as given in the rows that are edited, 1 and 2, and wild in the others."""
    w_plus = torch.full((len(readings), ROWS, WIDTH), 100.0)
    w_plus[:, 1:3, 0] = torch.tensor(readings)[:, None]
    return w_plus


DELTA = torch.tensor([[0.0] * 3, [2.0, 5.0, 0.0], [2.0, -5.0, 0.0], [0.0] * 3])  # reads 2 more at strength 1
STOPS = Stops(torch.tensor([1.0, 0.0, 0.0]), (-1.0,), (3.0,))


def test_how_many_steps_are_left():
    """To 3, to 3, beyond it, from below the range; and back to -1."""
    against, along = STOPS.room(faces(0.0, 2.0, 5.0, -4.0), DELTA)
    assert along.tolist() == [1.5, 0.5, 0.0, 3.5] and against.tolist() == [0.5, 1.5, 3.0, 0.0]
    assert all(room.isinf().all() for room in STOPS.room(faces(2.0), -DELTA)), "what leads away by the readout has no stops"


def test_steps_end_where_stops_are():
    taken = [limited(STOPS, faces(0.0, 2.0, 5.0), DELTA, size)[:, 1, 0] / 2 for size in (1.0, 2.0, -1.0)]
    assert [step.tolist() for step in taken] == [[1.0, 0.5, 0.0], [1.5, 0.5, 0.0], [-0.5, -1.0, -1.0]]
    assert torch.equal(limited(None, faces(2.0), DELTA, 4.0), 4 * DELTA) and torch.equal(limited(STOPS, faces(2.0), -DELTA, 4.0)[0], -4 * DELTA)


def direction(**changes) -> Direction:
    made = Direction(DELTA[None] / 2, (1, 2), "a person with bangs", "hair", "tiny", "0" * 64, (2.0,), stops=STOPS)
    return replace(made, **changes)


@pytest.mark.parametrize("alpha, expected", [
    (1.0, [1.0, 0.5, 0.0]),  # a whole step fits; half a step; none
    (2.0, [1.0, 0.5, 0.0]),  # there is no more
    (0.5, [0.5, 0.25, 0.0]),  # half of the way
    (-1.0, [-0.5, -1.0, -1.0]),
    (0.0, [0.0, 0.0, 0.0]),
])
def test_strength_one_is_all_the_way_wherever_a_face_begins(alpha, expected):
    assert direction().strength_left(faces(0.0, 2.0, 5.0), alpha).tolist() == expected
    assert torch.equal(direction().step_from(faces(0.0, 2.0, 5.0), alpha), torch.tensor(expected)[:, None, None] * DELTA)


def test_a_direction_keeps_to_its_stops():
    assert direction().strength_left(faces(2.0), torch.tensor([-2.0, 0.25, 1.0])).tolist() == [-1.0, 0.125, 0.5], "one face at several strengths"
    some = direction().step_from(faces(2.0), 1.0, layers=[1])
    assert torch.equal(some[0, 1], 0.5 * DELTA[1]) and not some[0, 2].any(), "an edit of some layers ends where that of all would"
    assert torch.equal(direction(stops=None).step_from(faces(2.0), 3.0), 3 * DELTA)
    assert direction(stops=None).strength_left(faces(2.0, 9.0), 3.0).tolist() == [3.0, 3.0]
    two = direction(deltas=DELTA[None].repeat(2, 1, 1) / 2, calibration=(2.0, 2.0), stops=Stops(STOPS.readout, (-1.0, -1.0), (3.0, 2.5)))
    assert two.strength_left(faces(2.0), 1.0, 1).tolist() == [0.25] and two.stops.one(1).high == (2.5,)


def test_a_face_further_off_than_others_goes_further_up_to_a_limit():
    further = direction(stops=replace(STOPS, reach=1.25))
    assert further.strength_left(faces(0.75, 0.0, -9.0, 9.0), 1.0).tolist() == [1.125, 1.25, 1.25, 0.0]
    assert further.strength_left(faces(9.0), -1.0).tolist() == [-1.25] and further.strength_left(faces(0.0), 0.5).tolist() == [0.625]


def test_files_keep_stops():
    made = direction(stops=replace(STOPS, reach=1.25))
    found = direction_from_bytes(made.to_bytes())
    assert torch.equal(found.stops.readout, STOPS.readout) and (found.stops.low, found.stops.high, found.stops.reach) == ((-1.0,), (3.0,), 1.25)
    assert found.to_bytes() == made.to_bytes() and direction_from_bytes(direction(stops=None).to_bytes()).stops is None


def test_files_of_earlier_versions_edit_as_they_did():
    header = direction(stops=replace(STOPS, reach=1.25)).describe()
    del header["stops"]["reach"]
    data = save({"deltas": DELTA[None] / 2, "readout": STOPS.readout}, metadata={FORMAT: json.dumps(header)})
    assert direction_from_bytes(data).strength_left(faces(0.0), 1.0).tolist() == [1.0]


@pytest.mark.parametrize("tensors, ends, reason", [
    ({}, {"low": [0], "high": [1]}, "both the tensor 'readout' and the field 'stops'"),
    ({"readout": torch.zeros(3)}, None, "both the tensor 'readout' and the field 'stops'"),
    ({"readout": torch.zeros(4)}, {"low": [0], "high": [1]}, r"readout must be finite floats \[D\]"),
    ({"readout": torch.tensor([0.0, torch.nan, 0.0])}, {"low": [0], "high": [1]}, "readout must be finite"),
    ({"readout": torch.zeros(3)}, {"low": [0]}, "stops must be 1 numbers low and high"),
    ({"readout": torch.zeros(3)}, {"low": [2], "high": [1]}, "low first"),
    ({"readout": torch.zeros(3)}, {"low": [0, 0], "high": [1, 1]}, "stops must be 1 numbers"),
    ({"readout": torch.zeros(3)}, {"low": [True], "high": [1]}, "stops must be 1 numbers"),
    ({"readout": torch.zeros(3)}, {"low": [0], "high": [1], "reach": 9}, "reach 9 of the stops must be a number from 1 to 4"),
    ({"readout": torch.zeros(3)}, {"low": [0], "high": [1], "further": 1}, "stops must be 1 numbers low and high"),
])
def test_damaged_stops_are_refused(tensors, ends, reason):
    header = {**direction().describe(), **({"stops": ends} if ends else {})}
    if ends is None:
        del header["stops"]
    data = save({"deltas": load(direction().to_bytes())["deltas"], **tensors}, metadata={FORMAT: json.dumps(header)})
    with pytest.raises(ValueError, match=f"damaged direction: .*{reason}"):
        direction_from_bytes(data)


def test_the_nearest_end_that_costs_no_pictures_is_taken(monkeypatch):
    """Ends are tried from near to far; the first at which 0.95 of the pictures that become so without an end do."""
    monkeypatch.setattr("lelsd.stops.usual_stops", lambda objective, end: Stops(torch.zeros(1), (0.0,), (end,)))
    objective = type("Objective", (), {"effect": type("Effect", (), {"clear": 1.0})})
    best = [2.0] * 20 + [0.5] * 5
    rates = {1.0: 15, 1.15: 18, 1.3: 19, 1.6: 20, 2.0: 20}
    assert find_stops(objective, lambda stops: [2.0] * rates[stops.high[0]] + [0.0] * (25 - rates[stops.high[0]]), best).high == (1.3,)
    assert find_stops(objective, lambda stops: [2.0] * 10 + [0.0] * 15, best) is None


def test_stops_of_several_directions_are_all_or_none():
    found = together([STOPS, replace(STOPS, high=(4.0,))])
    assert found.high == (3.0, 4.0) and found.low == (-1.0, -1.0) and together([STOPS, None]) is None


def test_the_survey_tells_where_hats_end(portraits):
    """Those with a hat read more than those without; the ends are where the middle of either is, and beyond."""
    objective = Objective(portraits, parse_prompt("a person with a hat"), TrainConfig())
    stops, further = (usual_stops(objective, end) for end in (ENDS[0], ENDS[-1]))
    rest = objective.survey.part(CALIBRATE)
    wears = objective.effect.score(rest.logits, rest.embeddings) > 0
    readings = rest.w @ stops.readout
    assert readings[wears].median() == pytest.approx(stops.high[0], abs=0.15 * (stops.high[0] - stops.low[0]))
    assert (readings[~wears] > stops.low[0]).float().mean() == pytest.approx(0.95, abs=0.05)
    assert further.high[0] > stops.high[0] and further.low == stops.low


def test_what_w_does_not_tell_has_no_stops(portraits, monkeypatch):
    objective, random = Objective(portraits, parse_prompt("a person with a hat"), TrainConfig()), torch.Generator().manual_seed(0)
    assert usual_stops(objective) is not None
    monkeypatch.setattr("lelsd.stops._scores", lambda objective, survey: torch.randn(len(survey.w), generator=random))
    assert usual_stops(objective) is None


def test_first_directions_have_stops(portraits):
    assert first_direction(portraits, parse_prompt("a person with a hat", portraits)).stops is not None


@torch.no_grad()
def test_a_stack_keeps_to_stops_and_may_be_freed(portraits):
    """Three hats are no more than one, unless they are told to go on; a recipe says which."""
    hat = next(entry for entry in map(_loaded, portraits.directions()) if entry.prompt == "a person with a hat")
    seed = next(seed for seed in range(62, 90) if 0.5 < float(hat.strength_left(base_latent(portraits, seed, 1.0), 1.0)) < 0.98)
    w_plus = base_latent(portraits, seed, 1.0)
    once, thrice = (apply(w_plus, EditStack((Edit(hat, 2.0),) * times)) for times in (1, 3))
    assert torch.allclose(once, thrice, atol=1e-4) and torch.allclose(once, w_plus + hat.strength_left(w_plus, 1.0) * hat.step(1.0), atol=1e-6)
    freed = EditStack((Edit(hat, 2.0, free=True),))
    assert torch.allclose(apply(w_plus, freed), w_plus + hat.step(2.0)) and not is_at_its_end(w_plus, freed, 0)
    two = EditStack((Edit(hat, 1.0), Edit(hat, 0.5)))
    assert [is_at_its_end(w_plus, two, position) for position in (0, 1)] == [False, True]
    assert not is_at_its_end(w_plus, two.change(1, alpha=0.0), 1) and not is_at_its_end(w_plus, two.change(1, muted=True), 1)
    for stack in (EditStack((Edit(hat, 2.0),)), freed):
        recipe = Recipe(portraits.name, portraits.hash, stack, seed)
        again = Recipe.from_json(recipe.to_json())
        assert again.stack.edits[0].free is stack.edits[0].free and again.to_json() == recipe.to_json()
        assert torch.equal(apply(again.base(portraits), again.stack), apply(recipe.base(portraits), stack))
    wrong = json.loads(Recipe(portraits.name, portraits.hash, freed, seed).to_json())
    wrong["edits"][0]["free"] = "yes"
    with pytest.raises(ValueError, match="free 'yes' must be true or false"):
        Recipe.from_json(json.dumps(wrong))


def test_strips_keep_to_stops(portraits):
    hat = next(entry for entry in map(_loaded, portraits.directions()) if entry.prompt == "a person with a hat")
    held, free = (strip(portraits, one, [62], (1.0, 10.0), captions=False) for one in (hat, replace(hat, stops=None)))
    middle = held.width // 2
    assert held.crop((0, 0, middle, middle)).tobytes() == held.crop((middle, 0, held.width, middle)).tobytes()
    assert free.crop((0, 0, middle, middle)).tobytes() != free.crop((middle, 0, free.width, middle)).tobytes()


def _loaded(path) -> Direction:
    return direction_from_bytes(path.read_bytes())
