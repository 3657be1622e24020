"""Editors of a pack: put in by the command, found again, opened; what is none does not get in."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch

from baselines import ship
from baselines.secgan.config import SecganConfig
from baselines.secgan.networks import rgb_generator
from baselines.secgan.weights import save_generator
from baselines.shape.editor import ShapeEditor
from baselines.shipped import compared_editors, shipped_editors
from evaluation.editor import CannotServe, Request, Samples
from packs.pack import load_pack
from tests.baselines.shape.networks import ship_maskgan, ship_semantic_vae


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
    secgan, *others = compared_editors(opened)
    assert not secgan.absence(opened) and all(editor.absence(opened) for editor in others)
    assert [editor.name for editor in others] == ["secgan-baseline", "maskgan", "maae", "semantic-vae"]
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert secgan.open(opened).edit(Samples(images), Request("", "Bangs")).shape == images.shape


def test_a_new_editor_is_described_in_the_pack(pack, trained):
    ship.main(["wider", str(trained), "--pack", str(pack), "--kind", "secgan", "--title", "SeCGAN, wider"])
    opened = load_pack(pack)
    assert [editor.name for editor in shipped_editors(opened)] == ["secgan", "secgan-baseline", "maskgan", "maae", "wider"]
    assert json.loads((pack / "pack.json").read_text())["editors"] == [
        {"name": "wider", "title": "SeCGAN, wider", "file": "wider.safetensors", "kind": "secgan"}]
    assert shipped_editors(opened)[-1].open(opened).name == "concat-stargan"
    ship.main(["wider", str(trained), "--pack", str(pack)])  # again, a newer one
    assert len(shipped_editors(load_pack(pack))) == 5


def test_an_expected_editor_may_be_described_and_shape_control_needs_two_files(pack, tmp_path):
    ship_maskgan(pack, tmp_path)
    described = {"name": "maskgan", "title": "MaskGAN", "file": "maskgan.safetensors", "kind": "maskgan"}
    info = json.loads((pack / "pack.json").read_text())
    (pack / "pack.json").write_text(json.dumps({**info, "editors": [described]}))
    opened = load_pack(pack)
    assert [editor.name for editor in shipped_editors(opened)].count("maskgan") == 1
    control = compared_editors(opened)[-1]
    assert "holds no semantic_vae.safetensors" in control.absence(opened) and control.needed == ("semantic_vae.safetensors", "maskgan.safetensors")
    ship_semantic_vae(pack, tmp_path)
    opened = load_pack(pack)
    editor, images = control.open(opened), torch.rand(2, 3, 32, 32) * 2 - 1
    assert isinstance(editor, ShapeEditor) and editor.strongest == 1.0
    wish = Request("a smiling person", "Smiling", alpha=0.5)
    assert editor.edit(Samples(images), wish).shape == images.shape
    assert torch.equal(editor.edit(Samples(images), replace(wish, alpha=3.0)), editor.edit(Samples(images), replace(wish, alpha=1.0)))
    assert torch.equal(editor.edit(Samples(images), replace(wish, alpha=0.0)), images)
    with pytest.raises(CannotServe, match="edits shapes"):
        editor.prepare(Request("a blonde person", "Blond_Hair"), Samples(images))


def test_what_does_not_get_in(pack, trained, tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    for words, sentence in (
        (["secgan", tmp_path / "other.safetensors"], "damaged or no safetensors"),
        (["secgan", tmp_path / "none"], "No such file"),
        (["secgan", trained, "--title", "Mine"], "known already"),
        (["mine", trained], "none of secgan, secgan-baseline, maskgan, maae, semantic-vae; accepted for a new one"),
        (["../mine", trained, "--kind", "secgan"], "a name of letters"),
        (["mine", tmp_path / "other.safetensors", "--kind", "secgan"], "damaged or no safetensors"),
        (["generator", trained, "--kind", "secgan"], "generator.safetensors, which is another file"),
        (["secgan_baseline", trained, "--kind", "secgan"], "secgan_baseline.safetensors, which is another file"),
    ):
        with pytest.raises((ValueError, OSError), match=sentence):
            ship.main([*map(str, words), "--pack", str(pack)])
    assert "editors" not in json.loads((pack / "pack.json").read_text()) and not list(pack.glob("*secgan*"))
    assert load_pack(pack).generator.resolution == 32
