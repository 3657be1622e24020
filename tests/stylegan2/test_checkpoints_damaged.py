"""Files that are torn, changed at random or hostile as zip files: a sentence each time, never a traceback, never a wrong network."""

from __future__ import annotations

import io
import random
import re
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from stylegan2.checkpoints import inspect, load_generator, save_generator
from stylegan2.published.zip_files import MAX_DIRECTORY
from tests.stylegan2 import golden
from tests.stylegan2.published_files import networks, nvidia_pickle

KINDS = ["nvidia", "zip", "legacy", "ours"]


@pytest.fixture(scope="module", params=KINDS)
def whole(request, tmp_path_factory) -> Path:
    """A good file of each kind."""
    path = tmp_path_factory.mktemp("whole") / request.param
    if request.param == "nvidia":
        nvidia_pickle(path, G_ema=networks()[0])
    elif request.param == "ours":
        save_generator(networks()[0], path)
    else:
        torch.save({"g_ema": golden.rosinality("tiny64")}, path, _use_new_zipfile_serialization=request.param == "zip")
    load_generator(path)
    return path


def test_torn_anywhere(whole, tmp_path):
    data, torn = whole.read_bytes(), tmp_path / "torn"
    places = {*range(0, 40), *range(40, len(data), len(data) // 60), *range(len(data) - 40, len(data))}
    for length in sorted(places):
        torn.write_bytes(data[:length])
        with pytest.raises(ValueError) as caught:
            load_generator(torn)
        assert str(caught.value).startswith(f"{torn} "), length


def test_changed_anywhere(whole, tmp_path):
    """A change may hit a weight and go unnoticed; it never makes anything but a sentence or a network of finite numbers."""
    data, changed, draw = whole.read_bytes(), tmp_path / "changed", random.Random(0)
    refused = 0
    for _ in range(100):
        hurt = bytearray(data)
        # Most bytes are weights, where a change means nothing; the structure is at the ends and around each tensor.
        span = draw.choice([len(data), min(len(data), 5000)])
        for _ in range(draw.choice([1, 1, 3, 20])):
            place = draw.randrange(span)
            hurt[place if draw.random() < 0.5 else -1 - place] = draw.randrange(256)
        changed.write_bytes(hurt)
        try:
            generator = load_generator(changed)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(f"{changed} ") and str(error).isprintable()
        else:
            assert all(value.isfinite().all() for value in generator.state_dict().values())
    assert refused > 10


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", compression) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
            for name, data in members.items():
                archive.writestr(name.rstrip("*"), data)
        return file.getvalue()


@pytest.fixture
def members(tmp_path) -> dict[str, bytes]:
    """What is in a good zip file."""
    torch.save({"g_ema": golden.rosinality("tiny64")}, tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "good") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refused(path: Path, data: bytes, sentence: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load_generator(path)


def test_put_together_again(members, tmp_path):
    (tmp_path / "again").write_bytes(zipped(members))
    assert inspect(tmp_path / "again")["loadable"]


def test_zip_bomb(members, tmp_path):
    """A hundred megabytes of nothing in a hundred kilobytes."""
    bomb = zipped(members | {"good/data/0": bytes(100_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1e6
    refused(tmp_path / "bomb.pt", bomb, "compressed or encrypted member good/data.pkl")


def test_zip_of_other_things(members, tmp_path):
    path, pickled = tmp_path / "x.pt", members["good/data.pkl"]
    refused(path, zipped({"weights.npy": b"1"}), "none of PyTorch's: it has no data.pkl")
    refused(path, zipped(members | {"other/data.pkl": pickled}), "none of PyTorch's")
    refused(path, zipped(members | {"good/data.pkl*": pickled}), "two members good/data.pkl")
    refused(path, zipped(members | {"good/byteorder": b"big"}), "another byte order")
    refused(path, zipped(members | {"good/byteorder": b""}), "another byte order")
    refused(path, zipped({name: data for name, data in members.items() if name != "good/data/3"}), "storage 3 is missing")
    refused(path, zipped(members | {"good/data/3": b"1234"}), "numbers has 4 bytes")
    refused(path, zipped(members | {"good/data.pkl": pickled.replace(b"FloatStorage", b"EvilsStorage")}), "names torch.EvilsStorage")
    refused(path, zipped(members | {"good/data.pkl": pickled.replace(b"OrderedDict", b"namedtuple")}), "names collections.namedtuple")
    refused(path, zipped(members | {"good/data.pkl": b""}), "ends early")


def test_a_storage_with_a_wrong_checksum(members, tmp_path):
    data = bytearray(zipped(members))
    data[data.index(members["good/data/3"]) + 100] ^= 1
    refused(tmp_path / "x.pt", bytes(data), "the checksum of a storage is wrong")


def test_members_that_lie_elsewhere(members, tmp_path):
    data = zipped(members)
    entry = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")

    def change(start: int, form: str, value: int) -> bytes:
        return data[:start] + struct.pack(form, value) + data[start + struct.calcsize(form):]

    refused(tmp_path / "x.pt", change(entry + 42, "<I", len(data) - 10), "announced where 10 are left")
    refused(tmp_path / "x.pt", change(entry + 42, "<I", 1), "is not where it should be")
    refused(tmp_path / "x.pt", change(entry + 20, "<I", 1 << 31), "compressed or encrypted member")
    refused(tmp_path / "x.pt", change(entry + 8, "<H", 1), "compressed or encrypted member")
    refused(tmp_path / "x.pt", change(entry, "<I", 0), "no whole zip file")
    refused(tmp_path / "x.pt", change(end + 12, "<I", MAX_DIRECTORY + 1), "no whole zip file")


def test_a_table_of_contents_that_never_ends(tmp_path):
    members = {f"good/data/{'0' * 200}{i}": b"" for i in range(20_000)}
    refused(tmp_path / "x.pt", zipped({"good/data.pkl": b"", **members}), "a table of contents of ")
