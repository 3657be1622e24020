"""Direction files: round trip, strengths, and every way in which a file can be wrong."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from lelsd.direction import FORMAT, Direction, direction_from_bytes, load_direction


@pytest.fixture
def direction() -> Direction:
    deltas = torch.zeros(2, 4, 3)
    deltas[0, 1:3] = torch.tensor([1.0, 0.0, 0.0])
    deltas[1, 1:3] = torch.tensor([0.0, 1.0, 0.0])
    return Direction(deltas, (1, 2), "curly hair", "hair", "tiny", "ab12", (2.0, 3.0), {"hair": 1.0}, {"steps": 5}, {"clip_gain": 0.1})


def test_round_trip(direction, tmp_path):
    direction.save(tmp_path / "deep" / "d.safetensors")
    loaded = load_direction(tmp_path / "deep" / "d.safetensors")
    assert torch.equal(loaded.deltas, direction.deltas) and loaded.describe() == direction.describe()
    assert loaded.to_bytes() == direction.to_bytes() == (tmp_path / "deep" / "d.safetensors").read_bytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["d.safetensors"]


def test_step_is_calibrated(direction):
    assert direction.step(1.5, index=1)[1].tolist() == [0.0, 4.5, 0.0]
    assert direction.step(-1.0)[0].tolist() == [0.0, 0.0, 0.0]
    several = direction.step(torch.tensor([1.0, -2.0]))
    assert several.shape == (2, 4, 3) and several[1, 2].tolist() == [-4.0, 0.0, 0.0]
    assert direction.step(1.0, layers=[2])[1].tolist() == [0.0, 0.0, 0.0]
    for wrong in ({"index": 2}, {"layers": [4]}, {"index": -1}):
        with pytest.raises(ValueError, match="accepted"):
            direction.step(1.0, **wrong)


def test_files_that_are_no_directions(direction, tmp_path):
    path, good = tmp_path / "x.safetensors", direction.to_bytes()
    for data in (b"", b"\0" * 8, good[:7], good[:100], good[:-1], b"\xff" * 300, b"PK\x03\x04" + b"0" * 99, b"\x80\x04K\x01.", good + b"0"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="not a direction file, or was cut short") as caught:
            load_direction(path)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    save_file({"deltas": direction.deltas}, path)
    with pytest.raises(ValueError, match="not a direction: it lacks"):
        load_direction(path)
    for missing in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ValueError, match="there is no direction file"):
            load_direction(missing)


@pytest.mark.parametrize("field, value", [
    ("version", 2), ("layers", [2, 1]), ("layers", [9]), ("layers", []), ("layers", "all"), ("layers", [True]), ("calibration", [1.0]),
    ("calibration", [1.0, -1.0]), ("calibration", [1.0, "x"]), ("calibration", [1.0, float("inf")]), ("part", "knee"), ("prompt", ""), ("prompt", 3), ("pack", None),
    ("parts", {"knee": 1.0}), ("parts", {"hair": 2.0}), ("parts", {"hair": "1"}), ("config", []), ("quality", "good")])
def test_every_field_is_checked(direction, tmp_path, field, value):
    described = {**direction.describe(), field: value}
    save_file({"deltas": direction.deltas}, tmp_path / "x.safetensors", metadata={FORMAT: json.dumps(described)})
    with pytest.raises(ValueError, match="damaged direction"):
        load_direction(tmp_path / "x.safetensors")
    del described[field]
    save_file({"deltas": direction.deltas}, tmp_path / "x.safetensors", metadata={FORMAT: json.dumps(described)})
    with pytest.raises(ValueError, match=f"{field}.*missing"):
        load_direction(tmp_path / "x.safetensors")


@pytest.mark.parametrize("deltas", [torch.full((2, 4, 3), float("nan")), torch.zeros(4), torch.zeros(2, 4, 3, dtype=torch.int64), torch.zeros(0, 4, 3)])
def test_tensor_is_checked(direction, tmp_path, deltas):
    save_file({"deltas": deltas}, tmp_path / "x.safetensors", metadata={FORMAT: json.dumps(direction.describe())})
    with pytest.raises(ValueError, match="deltas must be finite floats"):
        load_direction(tmp_path / "x.safetensors")


def test_header_that_is_not_json(direction, tmp_path):
    save_file({"deltas": direction.deltas}, tmp_path / "x.safetensors", metadata={FORMAT: "{"})
    with pytest.raises(ValueError, match="damaged"):
        direction_from_bytes((tmp_path / "x.safetensors").read_bytes())


def test_another_pack(direction, tiny_models):
    with pytest.raises(ValueError, match="does not fit pack 'tiny'"):
        direction.check_pack(tiny_models)


def test_a_name_travels_with_it_and_one_without_has_none(direction, tmp_path):
    called = replace(direction, name="My curls")
    assert direction_from_bytes(called.to_bytes()).name == "My curls" and direction_from_bytes(direction.to_bytes()).name == ""
    assert "name" not in direction.describe()
    for wrong in (7, "x" * 81):
        save_file({"deltas": direction.deltas}, tmp_path / "x.safetensors", metadata={FORMAT: json.dumps({**direction.describe(), "name": wrong})})
        with pytest.raises(ValueError, match="name must be a text"):
            load_direction(tmp_path / "x.safetensors")
