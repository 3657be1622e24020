"""The command that builds the pack: a stage leaves what the next one reads, goes on where it was, and refuses nonsense."""

import argparse
import json

import torch
from safetensors.torch import save_file

from packs.pack import load_pack
from portraits import build_pack
from portraits.dataset import PortraitCache


def test_data_stage_renders_once(command, tmp_path):
    first = command("portraits.build_pack", "--stage", "data", "--count", "12", "--work", tmp_path)
    images = tmp_path / "cache" / "images.npy"
    written = images.stat().st_mtime_ns
    again = command("portraits.build_pack", "--stage", "data", "--count", "12", "--work", tmp_path)
    assert PortraitCache(tmp_path / "cache").images.shape == (12, 256, 256, 3)
    assert first.result["stage"] == again.result["stage"] == "data"
    assert images.stat().st_mtime_ns == written


def test_a_stage_without_its_data_says_so(command, tmp_path):
    outcome = command("portraits.build_pack", "--stage", "clip", "--work", tmp_path, expect=2)
    assert "holds no finished cache of portraits" in outcome.sentence


def test_unknown_stage_lists_the_known_ones(command, tmp_path):
    outcome = command("portraits.build_pack", "--stage", "paint", "--work", tmp_path, expect=2)
    assert "paint" in outcome.sentence and "assemble" in outcome.sentence


def test_assembled_pack_opens_and_old_directions_are_gone(tiny_pack, tmp_path, monkeypatch):
    info = json.loads((tiny_pack / "pack.json").read_text())
    for name in ("generator", "parser", "clip", "classifier"):
        (tmp_path / f"{name}.safetensors").write_bytes((tiny_pack / f"{name}.safetensors").read_bytes())
    (tmp_path / "generator.json").write_text(json.dumps(info["generator"]))
    monkeypatch.setattr(build_pack, "PARSER", info["parser"])
    monkeypatch.setattr(build_pack, "CLASSIFIER", info["classifier"])
    monkeypatch.setattr(build_pack, "pack_entry", lambda: info["clip"])
    out = tmp_path / "pack"
    (out / "directions").mkdir(parents=True)
    save_file({"deltas": torch.zeros(1)}, out / "directions" / "old.safetensors")
    build_pack.stage_assemble(tmp_path, argparse.Namespace(out=out))
    pack = load_pack(out)
    assert pack.generator.resolution == 32 and pack.directions() == []
    assert not (out / "directions").exists()
