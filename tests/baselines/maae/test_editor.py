"""The editor: strengths, sizes, files that are damaged, several attributes in turn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from baselines.maae.editor import MaaeEditor
from baselines.maae.store import load_trained, save_trained
from baselines.maae.training import Trainer
from evaluation.editor import CannotServe, Request, Samples

GIVEN = Request("a man", "Male")


@pytest.fixture(scope="module")
def trainer(make_settings, features) -> Trainer:
    trainer = Trainer(make_settings(), features)
    for value in trainer.average.values.values():
        value.mul_(8)  # at first, hardly anything comes through
    return trainer


@pytest.fixture(scope="module")
def folder(trainer, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    save_trained(trainer, folder)
    return folder


@pytest.fixture(scope="module")
def editor(folder) -> MaaeEditor:
    return MaaeEditor.load(folder)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_alpha_is_a_share_of_delta_towards_the_value(editor):
    def strength(alpha: float, value: bool = True) -> float:
        return editor.strength(Request("", "Male", value, alpha))

    assert [strength(alpha) for alpha in (-1.0, 0.0, 0.5, 1.0, 4.0)] == [-5.0, 0.0, 2.5, 5.0, 5.0]
    assert [strength(alpha, False) for alpha in (-2.0, 0.5, 1.0)] == [5.0, -2.5, -5.0]


def test_an_edit_is_the_generator_at_that_strength(editor, folder, images):
    trained = load_trained(folder / "Male.json").generator
    edited = editor.edit(Samples(images), Request("", "Male", False, 0.5))
    assert edited.shape == images.shape and edited.dtype == torch.float32
    exact = trained(images, torch.full((3,), -2.5))
    assert (edited - exact).abs().mean() < 0.02  # the editor computes in the number format that is fast
    assert (exact - trained(images, torch.full((3,), 5.0))).abs().mean() > 0.1


def test_alpha_0_gives_the_pictures_back(editor, images):
    samples = Samples(images)
    back = editor.edit(samples, Request("", "Male", True, 0.0))
    assert torch.equal(back, images) and back is not images


def test_pictures_of_another_size_come_back_in_it(editor):
    assert editor.at(torch.zeros(1, 3, 80, 80), "Male", 5.0).shape == (1, 3, 80, 80)


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
    kept = load_trained(folder / "Male.json")
    assert kept.settings == trainer.settings
    assert all(torch.allclose(kept.generator.state_dict()[name], value, rtol=1e-3, atol=1e-6) for name, value in values.items())
    numbers = sum(value.numel() for value in values.values())
    assert 2 * numbers < (folder / "Male.safetensors").stat().st_size < 2.8 * numbers + 8000  # vectors stay whole, names take room


def test_damaged_files_are_named(folder, tmp_path):
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "notes.json").write_text("[]")
    assert list(MaaeEditor.load(tmp_path).networks) == ["Male"]
    about = json.loads((tmp_path / "Male.json").read_text())
    about["settings"]["network"]["width"] = 8
    (tmp_path / "Male.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="Male.safetensors does not fit Male.json"):
        MaaeEditor.load(tmp_path)
    (tmp_path / "Male.json").write_text(json.dumps({**about, "format": 9}))
    with pytest.raises(ValueError, match="has format 9; accepted: 1"):
        MaaeEditor.load(tmp_path)
    shutil.copy(folder / "Male.json", tmp_path)
    (tmp_path / "Male.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="does not fit"):
        MaaeEditor.load(tmp_path)
    (tmp_path / "Male.safetensors").unlink()
    with pytest.raises(ValueError, match="Male.safetensors is missing"):
        MaaeEditor.load(tmp_path)
    (tmp_path / "Male.json").unlink()
    with pytest.raises(ValueError, match="holds no trained network of M-AAE"):
        MaaeEditor.load(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        MaaeEditor.load(tmp_path / "nowhere")
