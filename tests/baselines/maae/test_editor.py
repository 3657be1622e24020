"""The editor: strengths, sizes, files that are damaged, several attributes in turn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from baselines.maae.editor import MaaeEditor, load_editor
from baselines.maae.store import Trained, load_networks, save_networks
from baselines.maae.training import Trainer
from evaluation.editor import CannotServe, Request, Samples

GIVEN = Request("a man", "Male")


@pytest.fixture(scope="module")
def trainer(make_settings, features) -> Trainer:
    trainer = Trainer(make_settings(), features)
    for value in trainer.average.values.values():
        value.mul_(2)  # at first, hardly anything comes through
    return trainer


@pytest.fixture(scope="module")
def folder(trainer, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    save_networks({"Male": Trained.of(trainer)}, folder / "Male.safetensors")
    return folder


@pytest.fixture(scope="module")
def editor(folder) -> MaaeEditor:
    return load_editor(folder)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_alpha_is_a_share_of_delta_towards_the_value(editor):
    def strength(alpha: float, value: bool = True) -> float:
        return editor.strength(Request("", "Male", value, alpha))

    assert [strength(alpha) for alpha in (-1.0, 0.0, 0.5, 1.0, 4.0)] == [-5.0, 0.0, 2.5, 5.0, 5.0]
    assert [strength(alpha, False) for alpha in (-2.0, 0.5, 1.0)] == [5.0, -2.5, -5.0]


def test_an_edit_is_the_generator_at_that_strength(editor, folder, images):
    trained = load_networks(folder / "Male.safetensors")["Male"].generator
    edited = editor.edit(Samples(images), Request("", "Male", False))
    exact = trained(images, torch.full((3,), -5.0))
    assert edited.shape == images.shape and edited.dtype == torch.float32
    assert (edited - exact).abs().mean() < 0.02  # the editor computes in the number format that is fast
    assert (exact - trained(images, torch.full((3,), 5.0))).abs().mean() > 0.1
    assert torch.equal(edited, editor.at(images, "Male", -5.0))


def test_a_weak_edit_fades_into_the_picture(editor, images):
    half = editor.edit(Samples(images), Request("", "Male", True, 0.5))
    expected = editor.at(images, "Male", 2.5) + 0.5 * (images - editor.at(images, "Male", 0.0))
    assert torch.allclose(half, expected.clamp(-1, 1), atol=1e-6)
    back = editor.edit(Samples(images), Request("", "Male", True, 0.0))
    assert torch.allclose(back, images, atol=1e-6) and back is not images


def test_where_detail_is_kept_only_the_change_is_laid_over_the_picture(editor, images):
    keeping = MaaeEditor({"Male": replace(editor.networks["Male"], keep_detail=True)})
    for alpha, strength in ((1.0, 5.0), (0.5, 2.5), (-1.0, -5.0)):
        expected = images + editor.at(images, "Male", strength) - editor.at(images, "Male", 0.0)
        found = keeping.edit(Samples(images), Request("", "Male", True, alpha))
        assert torch.allclose(found, expected.clamp(-1, 1), atol=1e-6) and torch.equal(found, keeping.at(images, "Male", strength))
    assert torch.allclose(keeping.at(images, "Male", 0.0), images, atol=1e-6)


def test_a_larger_picture_keeps_its_detail(editor):
    large = torch.rand(1, 3, 80, 80, generator=torch.Generator().manual_seed(2)) - 0.5
    small = torch.nn.functional.interpolate(large, (40, 40), mode="bilinear", align_corners=False, antialias=True)
    change = torch.nn.functional.interpolate(editor.at(small, "Male", 5.0) - small, (80, 80), mode="bilinear", align_corners=False)
    assert torch.allclose(editor.at(large, "Male", 5.0), (large + change).clamp(-1, 1), atol=1e-5)


def test_many_pictures_are_edited_in_parts(editor, images):
    many = images.repeat(7, 1, 1, 1)
    assert torch.allclose(editor.edit(Samples(many), GIVEN)[18:], editor.edit(Samples(images), GIVEN), atol=1e-2)
    assert len(editor.edit(Samples(images[:0]), GIVEN)) == 0


def test_attributes_are_edited_in_turn(editor, images):
    twice = editor.in_turn(images, [("Male", 5.0), ("Male", -5.0)])
    assert torch.equal(twice, editor.at(editor.at(images, "Male", 5.0), "Male", -5.0))


def test_what_an_editor_cannot_do(editor, images):
    with pytest.raises(CannotServe, match="no network of M-AAE was trained for 'Bald'; accepted: Male"):
        editor.prepare(Request("bald", "Bald"), Samples(images))
    with pytest.raises(ValueError, match="strength is 6.0; accepted: from -5 to 5"):
        editor.at(images, "Male", 6.0)
    assert editor.prepare(GIVEN, Samples(images)) == {"source": "loaded", "seconds": 0.0, "layers": None, "steps": 0, "strength": 5.0}


def test_weights_are_kept_in_half_the_bytes(folder, trainer):
    values = trainer.average.values
    kept = load_networks(folder / "Male.safetensors")["Male"]
    assert kept.settings == trainer.settings
    assert all(torch.allclose(kept.generator.state_dict()[name], value, rtol=1e-3, atol=1e-6) for name, value in values.items())
    numbers = sum(value.numel() for value in values.values())
    assert 2 * numbers < (folder / "Male.safetensors").stat().st_size < 2.8 * numbers + 8000  # vectors stay whole, names take room


def test_one_file_holds_several_networks(folder, tmp_path, images):
    networks = load_networks(folder)
    path = save_networks({"Male": networks["Male"], "Young": networks["Male"]}, tmp_path / "maae.safetensors")
    editor = load_editor(path, "cpu", None)
    assert editor.attributes == ("Male", "Young")
    assert torch.equal(editor.at(images, "Young", 5.0), load_editor(folder).at(images, "Male", 5.0))


def test_damaged_files_are_named(folder, tmp_path):
    path = tmp_path / "Male.safetensors"
    with safe_open(folder / "Male.safetensors", "pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    other = json.loads(header["networks"])
    other["Male"]["settings"]["network"]["width"] = 8
    for metadata, sentence in (({**header, "networks": json.dumps(other)}, "Male.safetensors is damaged: its weights do not fit"),
                               ({**header, "networks": "[]"}, "do not fit its settings"), ({}, "holds no network of M-AAE")):
        save_file(tensors, path, metadata)
        with pytest.raises(ValueError, match=sentence):
            load_editor(path)
    with pytest.raises(ValueError, match="holds no network of M-AAE"):
        load_editor(tmp_path)  # something else lies there
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="Male.safetensors is damaged"):
        load_editor(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        load_editor(tmp_path / "nowhere")
