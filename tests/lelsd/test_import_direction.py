"""Directions from elsewhere: the three kinds of file, both spaces, a strength that is measured, and files that mean harm."""
from __future__ import annotations

import io
import os
import pickle
import random
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save

from lelsd.arrays import MAX_BYTES, NUMPY, read_array
from lelsd.calibrate import DISTANCES, mean_move
from lelsd.direction import load_direction
from lelsd.import_direction import as_rows, import_direction, main, moving_layers

VALUES = [[1.0, -2.0, 0.5], [0.25, 4.0, -8.0]]


def as_numpy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def as_torch(value, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def claiming(shape: str, numbers: bytes = bytes(16)) -> bytes:
    """A .npy file whose header claims a shape."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return NUMPY + b"\1\0" + struct.pack("<H", len(header)) + header + numbers


GOOD = {
    "npy": as_numpy(np.array(VALUES, dtype=np.float32)),
    "npy of float64": as_numpy(np.array(VALUES)),
    "npy in Fortran's order": as_numpy(np.asfortranarray(np.array(VALUES))),
    "npy of big-endian numbers": as_numpy(np.array(VALUES, dtype=">f4")),
    "npy of Python 2": claiming("(2L, 3L)", np.array(VALUES, dtype="<f4").tobytes()),
    "pt": as_torch(torch.tensor(VALUES)),
    "legacy pt": as_torch(torch.tensor(VALUES), zipped=False),
    "pt of half": as_torch(torch.tensor(VALUES).half()),
    "pt of a parameter": as_torch(torch.nn.Parameter(torch.tensor(VALUES))),
    "pt of a dict": as_torch({"direction": torch.tensor(VALUES), "note": "age"}),
    "safetensors": save({"w": torch.tensor(VALUES)}),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD.keys())
def test_every_kind_of_file_gives_the_same_numbers(data):
    array = read_array(data)
    assert array.dtype == torch.float32 and array.tolist() == VALUES


class Harm:
    """What a pickle can do to whoever loads it."""

    def __reduce__(self):
        return os.mkdir, ("harm-was-done",)


HOSTILE = {
    "empty": b"",
    "npy of objects": as_numpy(np.array([Harm()], dtype=object)),
    "npy of text": as_numpy(np.array(["a", "b"])),
    "npy of records": as_numpy(np.zeros(2, dtype=[("a", "f4"), ("b", "f4")])),
    "npy of complex numbers": as_numpy(np.array([1j])),
    "npy that claims petabytes": claiming("(1000000000000000,)"),
    "npy that claims a negative size": claiming("(-4,)"),
    "npy that claims too little": claiming("(3,)"),
    "npy whose header calls": claiming("__import__('os').mkdir('harm-was-done')"),
    "npy whose header nests": claiming("(" * 3000),
    "npy cut short": as_numpy(np.zeros((2, 3)))[:-1],
    "npz": as_torch(torch.zeros(3))[:4] + b"\0" * 60,
    "pickle": pickle.dumps(Harm()),
    "pt that calls": as_torch(Harm()),
    "legacy pt that calls": as_torch(Harm(), zipped=False),
    "pt in which a dict hides it": as_torch({"w": torch.zeros(3), "harm": Harm()}),
    "pt of a module": as_torch(torch.nn.Linear(2, 2)),
    "pt of two": as_torch({"a": torch.zeros(3), "b": torch.zeros(3)}),
    "pt of none": as_torch({"a": 1}),
    "pt that claims gigabytes": as_torch(torch.zeros(1).expand(1 << 28)),
    "safetensors of two": save({"a": torch.zeros(3), "b": torch.zeros(3)}),
    "safetensors that claims petabytes": struct.pack("<Q", 1 << 60) + b'{"a":1}',
    "safetensors cut short": save({"a": torch.ones(3)})[:-1],
    "nan": as_numpy(np.array([float("nan"), 1.0])),
    "infinity": as_torch(torch.tensor([float("inf")])),
    "nothing in it": as_numpy(np.zeros((0, 3))),
    "a web page": b"<html>404</html>",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_is_no_use_or_means_harm_is_one_sentence(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="^age.bin .*accepted: ") as caught:
        read_array(data, "age.bin")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert list(tmp_path.iterdir()) == [], "something in the file was run"


def test_more_than_a_direction_can_have_is_not_looked_at():
    with pytest.raises(ValueError, match="bytes long"):
        read_array(b"\0" * (MAX_BYTES + 1))


def test_a_safetensors_file_may_begin_with_the_byte_of_a_pickle():
    lengths = {save({"w": torch.zeros(3)}, metadata={"note": "x" * count})[0]: count for count in range(0, 256, 8)}
    data = save({"w": torch.arange(3.0)}, metadata={"note": "x" * lengths[0x80]})
    assert data[0] == 0x80 and read_array(data).tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["npy", "pt", "legacy pt", "safetensors"])
def test_torn_or_changed_anywhere_it_is_numbers_or_a_sentence(kind):
    data, draw = GOOD[kind], random.Random(0)
    hurt = [data[:length] for length in range(0, len(data), max(1, len(data) // 80))]
    for _ in range(150):
        changed = bytearray(data)
        changed[draw.randrange(len(data))] = draw.randrange(256)
        hurt.append(bytes(changed))
    refused = 0
    for some in hurt:
        try:
            assert torch.isfinite(read_array(some)).all()
        except ValueError as error:
            refused += 1
            assert "accepted" in str(error)
    assert refused > 50


@pytest.mark.parametrize("shape, space", [((3,), "W"), ((1, 3), "W"), ((1, 1, 3), "W"), ((4, 3), "W+"), ((1, 4, 3), "W+")])
def test_shapes_of_w_and_w_plus(shape, space):
    rows, found = as_rows(torch.arange(1.0, 1 + np.prod(shape)).reshape(shape), num_layers=4, width=3)
    assert rows.shape == (4, 3) and found == space
    assert torch.equal(rows[0], rows[1]) == (space == "W")


@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 4), (4, 3, 2), (2, 4, 3)])
def test_other_shapes_are_named_with_those_that_fit(shape):
    with pytest.raises(ValueError, match=r"has the shape \[.*accepted for this pack: \[1, 3\] \(W\) or \[4, 3\] \(W\+\)"):
        as_rows(torch.ones(shape), num_layers=4, width=3)


def test_zeros_move_nothing():
    with pytest.raises(ValueError, match="nothing but zeros"):
        as_rows(torch.zeros(3), num_layers=4, width=3)


def test_rows_that_do_nothing_are_no_layers_of_it():
    assert moving_layers(torch.tensor([[0.0, 0.0], [3.0, 4.0], [1e-9, 0.0], [0.0, 0.1]])) == [1, 3]


@pytest.fixture(scope="module")
def step(tiny_models):
    return torch.randn(1, tiny_models.generator.w_dim, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def direction(tiny_models, step):
    return import_direction(as_numpy(step), tiny_models, "an old person", name="age.npy")


def test_a_direction_in_w_moves_all_rows_alike_whatever_its_length_was(tiny_models, step, direction):
    direction.check_pack(tiny_models)
    assert direction.layers == tuple(range(tiny_models.generator.num_ws)) and direction.prompt == "an old person"
    assert torch.allclose(direction.deltas[0], (step / step.norm()).expand_as(direction.deltas[0]), atol=1e-6)
    assert direction.config == {"imported_from": "age.npy", "space": "W"} and {"clip_gain", "localization"} <= set(direction.quality)
    longer = import_direction(as_torch(1e25 * step), tiny_models, "an old person")
    assert longer.calibration == pytest.approx(direction.calibration, rel=1e-4)


def test_strength_one_is_where_the_effect_is_typical(tiny_models, direction):
    """By hand: the effect at alpha 1, along its effect at the furthest distance, is the share that `calibrate` asks for."""
    from lelsd.calibrate import TYPICAL_SHARE, held_out
    from lelsd.config import TrainConfig
    from lelsd.objective import Objective
    from lelsd.prompt import parse_prompt
    objective = Objective(tiny_models, parse_prompt("an old person", tiny_models), TrainConfig().updated(tiny_models.defaults))
    befores = held_out(objective, 0)
    far = mean_move(objective, befores, direction.deltas[0] * DISTANCES[-1] * objective.spread)
    near = mean_move(objective, befores, direction.step(1.0))
    assert float(near @ far / far.square().sum()) == pytest.approx(TYPICAL_SHARE, abs=0.1)
    assert DISTANCES[0] / 2 < direction.calibration[0] / objective.spread <= DISTANCES[-1]


def test_a_direction_in_w_plus_keeps_its_layers_and_the_part_that_was_chosen(tiny_models):
    generator = tiny_models.generator
    rows = torch.zeros(generator.num_ws, generator.w_dim)
    rows[2], rows[4] = 5.0, -1.0
    direction = import_direction(save({"delta": rows}), tiny_models, "an old person", part="skin,hair")
    assert direction.layers == (2, 4) and direction.parts == {"skin": 1.0, "hair": 1.0}
    assert direction.deltas[0, 2].norm() / direction.deltas[0, 4].norm() == pytest.approx(5.0)
    assert direction.deltas[0, [2, 4]].norm(dim=1).square().mean() == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [{"prompt": " "}, {"prompt": "old", "part": "knee"}])
def test_what_it_is_called_is_checked(tiny_models, step, wrong):
    with pytest.raises(ValueError):
        import_direction(as_numpy(step), tiny_models, **wrong)


def test_the_command(command, tiny_pack, tiny_models, step, tmp_path):
    (tmp_path / "age.npy").write_bytes(as_numpy(step))
    words = ["--prompt", "an old person", "--pack", str(tiny_pack), "--device", "cpu", "--out"]
    result = command("lelsd.import_direction", "age.npy", *words, "runs/age").result
    made = load_direction(tmp_path / result["direction"])
    made.check_pack(tiny_models)
    assert result["space"] == "W" and result["distance"] == pytest.approx(made.calibration[0]) and 0 <= result["localization"] <= 1
    with pytest.raises(ValueError, match="is there already; accepted"):
        main(["none.npy", *words, str(tmp_path / "runs" / "age")])
    for out in ("age.npy", "age.npy/in"):
        with pytest.raises(ValueError, match="age.npy is a file; accepted"):
            main(["none.npy", *words, str(tmp_path / out)])
    with pytest.raises(ValueError, match="is no array file; accepted"):
        main([str(tiny_pack / "pack.json"), *words, str(tmp_path / "new")])
    with pytest.raises(OSError, match="No such file"):
        main(["none.npy", *words, str(tmp_path / "new")])
