"""Whether colours after an edit are such as faces have: the distance, and the command on the built-in pack."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from evaluation.colours import colours_after, distance_from, main, measure_colours
from lelsd.direction import load_direction
from lelsd.report import objective_of
from packs.pack import load_pack


def test_distances_are_in_standard_deviations_of_the_examples():
    examples = torch.randn(5000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 0.2, 0.05]) + 0.3
    found = distance_from(examples, torch.tensor([[0.3, 0.3, 0.3], [0.5, 0.3, 0.3], [0.3, 0.3, 0.1]]))
    assert found.tolist() == pytest.approx([0.0, 2.0, 4.0], abs=0.15)


def test_one_step_for_all_makes_colours_that_nobody_has(tmp_path):
    """The typical step of the pack's grey hair, taken by every face, against each going its own way."""
    pack = load_pack("portraits")
    grey = next(found for path in pack.directions() if (found := load_direction(path)).prompt == "a person with grey hair")
    own, same = (measure_colours(pack, direction, 12) for direction in (grey, replace(grey, colour=None)))
    assert own["edited"] >= 0.75 > 0.5 > same["edited"] and own["samples"] > 0.85 and own["pictures"] == 12
    assert len(colours_after(objective_of(pack, grey), grey, "hair", 3)) == 3


def test_command(tmp_path, capsys):
    pack = load_pack("portraits")
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("red_lipstick", "curly_hair", "pink_hair"):  # of which only the first is as faces have it
        (folder / f"{name}.safetensors").write_bytes((pack.path / "directions" / f"{name}.safetensors").read_bytes())
    report = main(["--directions", str(folder), "--count", "4", "--out", str(tmp_path / "colours.json"), "--device", "cpu"])
    assert [line["prompt"] for line in report["directions"]] == ["a person wearing lipstick"]
    assert json.loads((tmp_path / "colours.json").read_text()) == report
    for out in ("some", "colours.json/in.json"):
        with pytest.raises(ValueError, match="accepted .*for --out"):
            main(["--directions", str(tmp_path / "none"), "--out", str(tmp_path / out)])
    with pytest.raises(ValueError, match="there is no direction in"):
        main(["--directions", str(tmp_path / "none")])
