"""The editor by itself and through the command line, on untrained networks: what it promises holds for any weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from baselines.secgan import edit
from baselines.secgan.config import SecganConfig
from baselines.secgan.editor import SecganEditor, load_editor
from baselines.secgan.networks import rgb_generator, semantic_generator
from baselines.secgan.weights import FORMAT, load_generator, save_generator
from evaluation.editor import CannotServe, Request, Samples

TINY = {"size": 64, "width": 1 / 16}


def made(**settings) -> SecganEditor:
    torch.manual_seed(3)
    config = SecganConfig(**(TINY | settings))
    return SecganEditor(rgb_generator(config).eval().requires_grad_(False), config)


def pictures(size: int = 64, count: int = 2) -> Samples:
    return Samples(torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1)


@pytest.mark.parametrize("backbone", ["stargan", "attgan"])
def test_alpha_one_is_the_networks_own_edit(backbone: str) -> None:
    editor, samples = made(backbone=backbone), pictures()
    difference = torch.zeros(2, 13)
    difference[:, 1] = 1
    torch.testing.assert_close(editor.edit(samples, Request("", "Bangs")), editor.generator(samples.images, difference))
    torch.testing.assert_close(editor.edit(samples, Request("", "Bangs", False)), editor.generator(samples.images, -difference))


@pytest.mark.parametrize("size", [64, 96])
def test_alpha_zero_changes_nothing(size: int) -> None:
    samples = pictures(size)
    torch.testing.assert_close(made().edit(samples, Request("", "Bangs", alpha=0.0)), samples.images, atol=1e-5, rtol=0)


def test_half_the_strength_interpolates_the_label_difference() -> None:
    editor, samples = made(), pictures()
    half = torch.zeros(2, 13)
    half[:, 6] = 0.5
    images = samples.images
    expected = editor.generator(images, half) + 0.5 * (images - editor.generator(images, torch.zeros(2, 13)))
    torch.testing.assert_close(editor.edit(samples, Request("", "Eyeglasses", alpha=0.5)), expected.clamp(-1, 1))


def test_detail_that_is_kept_is_what_the_network_cannot_rebuild() -> None:
    editor, samples = made(keep_detail=True), pictures()
    one = torch.zeros(2, 13)
    one[:, 6] = 1
    images = samples.images
    expected = images + editor.generator(images, one) - editor.generator(images, 0 * one)
    torch.testing.assert_close(editor.edit(samples, Request("", "Eyeglasses")), expected.clamp(-1, 1))


def test_a_picture_of_another_size_gets_the_change_laid_over_it() -> None:
    editor = made()
    flat = Samples(torch.full((1, 3, 96, 96), 0.25))
    small = torch.full((1, 3, 64, 64), 0.25)
    difference = torch.zeros(1, 13)
    difference[0, 0] = 1
    change = torch.nn.functional.interpolate(editor.generator(small, difference) - small, (96, 96), mode="bilinear")
    torch.testing.assert_close(editor.edit(flat, Request("", "Bald")), (flat.images + change).clamp(-1, 1))


def test_what_it_was_not_trained_on_it_cannot_serve() -> None:
    with pytest.raises(CannotServe, match="Curly_Hair.*accepted are Bald"):
        made().edit(pictures(), Request("curly hair", "Curly_Hair"))


def test_concat_looks_at_masks(tiny_models) -> None:
    config = SecganConfig(**TINY, method="concat")
    with pytest.raises(ValueError, match="parser"):
        SecganEditor(rgb_generator(config), config)
    editor = SecganEditor(rgb_generator(config), config, tiny_models.parser)
    assert editor.edit(pictures(), Request("", "Bald")).shape == (2, 3, 64, 64)


def test_a_file_holds_weights_and_settings(tmp_path: Path) -> None:
    editor = made(backbone="attgan", average=0.5)
    path = save_generator(editor.generator, editor.config, tmp_path / "generator.safetensors")
    again = load_editor(tmp_path)
    assert again.config == editor.config and again.name == "secgan-attgan"
    samples, request = pictures(), Request("", "Male")
    assert (again.edit(samples, request) - editor.edit(samples, request)).abs().max() < 0.01  # float16 weights
    with pytest.raises(ValueError, match="no semantic generator"):
        load_generator(path, branch="semantic")
    save_generator(editor.generator, replace(editor.config, width=1 / 8), other := tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="do not fit its settings"):
        load_editor(other)
    for config in ('{"nope": 1}', "{", "[]", '{"width": 3}'):
        save_file({"a": torch.zeros(1)}, other, {"format": FORMAT, "branch": "rgb", "config": config})
        with pytest.raises(ValueError, match="other.safetensors is damaged: its weights do not fit its settings"):
            load_editor(other)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="damaged"):
        load_editor(path)


def test_the_weights_of_the_published_stargan_fit_a_small_file_at_half_the_width(tmp_path: Path) -> None:
    config = SecganConfig(width=0.5)
    assert save_generator(rgb_generator(config), config, tmp_path / "g.safetensors").stat().st_size < 12e6


def test_the_command_writes_edits_heat_maps_and_masks(tmp_path: Path, tiny_pack: Path) -> None:
    config, run = SecganConfig(**TINY), tmp_path / "run"
    save_generator(rgb_generator(config), config, run / "generator.safetensors")
    save_generator(semantic_generator(config), config, run / "semantic.safetensors", "semantic")
    Image.new("RGB", (80, 100), "orange").save(tmp_path / "face.png")
    out = tmp_path / "out"
    options = ["--run", run, "--pack", tiny_pack, "--out", out, "--device", "cpu", tmp_path / "face.png"]
    said = edit.main([*map(str, options), "--baseline", str(run), "--attribute", "Bangs", "--value", "off"])
    assert said["editor"] == "secgan-stargan" and said["value"] is False
    assert sorted(path.name for path in out.iterdir()) == [
        "face.png", "face_difference.png", "face_mask.png", "face_mask_edited.png", "face_mask_translated.png", "figure.png"]
    assert Image.open(out / "face.png").size == (80, 80)
    before = (tmp_path / "face.png").read_bytes()
    said = edit.main([*map(str, options), "--out", str(tmp_path), "--attribute", "Bangs"])
    assert said["images"][0]["edited"] == tmp_path / "face-2.png" and (tmp_path / "face.png").read_bytes() == before
    with pytest.raises(ValueError, match="Nonsense.*accepted are Bald, Bangs"):
        edit.main([*map(str, options), "--attribute", "Nonsense"])
    with pytest.raises(ValueError, match="cannot read"):
        (tmp_path / "face.png").write_text("no picture")
        edit.main([*map(str, options), "--attribute", "Bangs"])
