"""Editors of a pack: put in by the command, found again, opened; what is none does not get in."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from baselines import ship
from baselines.secgan.config import SecganConfig
from baselines.secgan.networks import rgb_generator
from baselines.secgan.weights import save_generator
from baselines.shipped import shipped_editors
from evaluation.editor import Request, Samples
from packs.pack import load_pack


@pytest.fixture
def pack(tiny_pack, tmp_path):
    """The folder of a pack that may be written to."""
    return shutil.copytree(tiny_pack, tmp_path / "pack")


@pytest.fixture
def trained(tmp_path):
    """A file as the trainer leaves it, of an untrained generator that looks at masks."""
    config = SecganConfig(size=64, width=1 / 16, method="concat")
    return save_generator(rgb_generator(config), config, tmp_path / "generator.safetensors")


def test_an_editor_that_was_put_into_a_pack_edits(pack, trained):
    assert shipped_editors(load_pack(pack))[0].absence(load_pack(pack))
    result = ship.main(["secgan", str(trained), "--pack", str(pack)])
    assert result["is"] == "concat-stargan" and (pack / "secgan.safetensors").read_bytes() == trained.read_bytes()
    opened = load_pack(pack)
    secgan, baseline = shipped_editors(opened)
    assert not secgan.absence(opened) and baseline.absence(opened)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert secgan.open(opened).edit(Samples(images), Request("", "Bangs")).shape == images.shape


def test_a_new_editor_is_described_in_the_pack(pack, trained):
    ship.main(["wider", str(trained), "--pack", str(pack), "--kind", "secgan", "--title", "SeCGAN, wider"])
    opened = load_pack(pack)
    assert [editor.name for editor in shipped_editors(opened)] == ["secgan", "secgan-baseline", "wider"]
    assert json.loads((pack / "pack.json").read_text())["editors"] == [
        {"name": "wider", "title": "SeCGAN, wider", "file": "wider.safetensors", "kind": "secgan"}]
    assert shipped_editors(opened)[-1].open(opened).name == "concat-stargan"
    ship.main(["wider", str(trained), "--pack", str(pack)])  # again, a newer one
    assert len(shipped_editors(load_pack(pack))) == 3


def test_what_does_not_get_in(pack, trained, tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    for words, sentence in (
        (["secgan", tmp_path / "other.safetensors"], "damaged or no safetensors"),
        (["secgan", tmp_path / "none"], "No such file"),
        (["secgan", trained, "--title", "Mine"], "known already"),
        (["mine", trained], "none of secgan, secgan-baseline, semantic-vae; accepted for a new one"),
        (["../mine", trained, "--kind", "secgan"], "a name of letters"),
        (["mine", tmp_path / "other.safetensors", "--kind", "secgan"], "damaged or no safetensors"),
    ):
        with pytest.raises((ValueError, OSError), match=sentence):
            ship.main([*map(str, words), "--pack", str(pack)])
    assert "editors" not in json.loads((pack / "pack.json").read_text()) and not list(pack.glob("*secgan*"))
