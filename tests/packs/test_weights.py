"""Writing packs: sizes and hashes are those of the files, float16 only where it holds the numbers, nothing half done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from packs import files
from packs.weights import expand_rows, extract_rows, halved, write_pack

INFO = {
    "name": "n", "version": "1", "domain": "d", "resolution": 8, "neutral_text": "t", "licence": "MIT",
    "generator": {}, "parser": {}, "clip": {},
}  # fmt: skip


def test_a_written_pack_lists_its_files(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "p", INFO, {"generator": {"weight": torch.ones(2, 2)}}, {"README.md": b"hello"})
    info = json.loads((folder / "pack.json").read_text())
    assert info["name"] == "n" and set(info["files"]) == {"generator.safetensors", "README.md"}
    assert info["files"]["README.md"] == {"size": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "generator.safetensors", "pack.json"]


def test_writing_the_same_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    state = {"b.weight": torch.randn(3, 3), "a.bias": torch.randn(3)}
    first = write_pack(tmp_path / "1", INFO, {"generator": state})
    second = write_pack(tmp_path / "2", INFO, {"generator": dict(reversed(state.items()))})
    assert (first / "generator.safetensors").read_bytes() == (second / "generator.safetensors").read_bytes()


def test_only_what_float16_can_hold_is_halved() -> None:
    assert halved(torch.ones(2, 2)).dtype == torch.float16
    assert halved(torch.ones(2)).dtype == torch.float32
    assert halved(torch.full((2, 2), 1e6)).dtype == torch.float32
    assert halved(torch.tensor(3)).dtype == torch.int64


def test_token_rows_there_and_back() -> None:
    table = torch.randn(10, 4)
    stored = extract_rows({"token_embedding.weight": table, "other": torch.ones(1)}, [7, 2, 2])
    assert stored["token_embedding.ids"].tolist() == [2, 7] and stored["token_embedding.rows"].shape == (2, 4)
    expanded = expand_rows(stored, 10)
    assert set(expanded) == {"token_embedding.weight", "other"}
    expected = torch.zeros(10, 4)
    expected[[2, 7]] = table[[2, 7]]
    assert torch.equal(expanded["token_embedding.weight"], expected)


def test_what_no_pack_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model 'vgg', accepted are generator, parser, clip, classifier"):
        write_pack(tmp_path, INFO, {"vgg": {}})
    with pytest.raises(ValueError, match="lacks name"):
        write_pack(tmp_path, {key: value for key, value in INFO.items() if key != "name"}, {})
    assert not any(tmp_path.iterdir())


def test_writers_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    """Two visitors of a studio are two threads of one process."""
    path = tmp_path / "file"
    with files.unfinished(path) as first, files.unfinished(path) as second:
        first.write_bytes(b"one")
        second.write_bytes(b"two")
        assert first != second and not path.exists()
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
