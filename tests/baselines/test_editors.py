"""The table of editors: names, settings that apply, and every one of them through the same protocol."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from baselines.editors import EDITORS, TRAINED, Settings, applicable, make_editor, present, weights_hashes
from evaluation import directions
from evaluation.editor import CannotServe, Request, Samples
from lelsd.survey import LEARN, survey_of
from packs.attributes import ATTRIBUTES
from packs.pack import load_pack
from tests.baselines.untrained import SERVED, maae_file, ship_all

CURLY = Request("a person with curly hair", "Curly_Hair")


@pytest.fixture
def quick(monkeypatch):
    """Channel relevance on the coarsest layers only: the tiny pack's other layers would take a minute."""
    monkeypatch.setattr("baselines.editors.RelevanceConfig", lambda pictures=1: _relevance(pictures))
    monkeypatch.setattr("baselines.styleclip.global_direction.BETAS", (0.0,))


def _relevance(pictures: int):
    from baselines.styleclip.relevance import RelevanceConfig

    return RelevanceConfig(pictures=pictures, resolution=4, statistics=20)


def test_the_command_line_knows_them_all():
    assert directions.EDITORS == tuple(EDITORS) and directions.TRAINED == TRAINED


@pytest.fixture(scope="module")
def full_pack(tiny_pack, tmp_path_factory):
    """The tiny pack with every editor that a pack can ship."""
    folder = shutil.copytree(tiny_pack, tmp_path_factory.mktemp("full") / "pack")
    ship_all(folder, folder.parent)
    return load_pack(folder)


@pytest.mark.parametrize("name", TRAINED)
def test_each_that_was_trained_edits_any_picture(name, full_pack, tmp_path):
    given = Samples(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1)
    editor = make_editor(name, full_pack, Settings(tmp_path))
    wish = Request("a person with bangs", SERVED)
    told = editor.prepare(wish, given)
    assert editor.name == name and told["source"] == "loaded" and told["is"] and told.get("strongest") == editor.strongest
    assert (editor.strongest == 1.0) is (name in ("maae", "semantic-vae"))
    edited, plain = (editor.edit(given, Request(wish.prompt, SERVED, alpha=alpha)) for alpha in (1.0, 0.0))
    assert torch.allclose(plain, given.images, atol=1e-3) and (edited - given.images).abs().mean() > 0.01
    for refused in (Request("a person with red lips", "Wearing_Lipstick"), Request("a person with thin lips", "")):
        with pytest.raises(CannotServe):
            editor.prepare(refused, given)


def test_what_a_pack_lacks_comes_from_a_folder(tiny_models, full_pack, tmp_path):
    path = maae_file(tmp_path)
    assert present(full_pack, {}) == list(EDITORS) and not set(present(tiny_models, {})) & set(TRAINED)
    assert set(present(tiny_models, {"maae": path, "maskgan": path})) & set(TRAINED) == {"maae", "maskgan"}
    for where in (path, tmp_path):
        assert make_editor("maae", tiny_models, Settings(tmp_path, weights={"maae": where})).name == "maae"
        assert list(weights_hashes("maae", tiny_models, {"maae": where})) == ["maae/maae.safetensors"]
    assert list(weights_hashes("semantic-vae", full_pack, {})) == ["semantic-vae/semantic_vae.safetensors", "maskgan/maskgan.safetensors"]
    with pytest.raises(ValueError, match="holds no maskgan.safetensors.*--weights maskgan=RUN"):
        make_editor("maskgan", tiny_models, Settings(tmp_path))
    with pytest.raises(ValueError, match="no network of M-AAE"):
        make_editor("maae", tiny_models, Settings(tmp_path, weights={"maae": full_pack.path / "secgan.safetensors"}))


@pytest.mark.parametrize("name", [name for name in EDITORS if name not in TRAINED])
def test_each_learns_keeps_and_edits(name, tiny_models, tmp_path, quick):
    settings = applicable(name, Settings(tmp_path, steps=1, pictures=8, seed=1))
    w_plus = tiny_models.generator.mapping(torch.randn(3, 16, generator=torch.Generator().manual_seed(9)))
    given = Samples(tiny_models.generator.synthesis(w_plus), w_plus)
    editor = make_editor(name, tiny_models, settings)
    told = editor.prepare(CURLY, given)
    assert editor.name == name and told["source"] == "trained" and told["seconds"] > 0 and {"layers", "steps"} <= set(told)
    edited, plain = (editor.edit(given, Request(CURLY.prompt, CURLY.attribute, alpha=alpha)) for alpha in (1.0, 0.0))
    assert edited.shape == given.images.shape and torch.allclose(plain, given.images, atol=1e-5) and torch.equal(given.w_plus, w_plus)
    if name != "styleclip-optimisation":  # whose first step has a rate of 0
        assert not torch.allclose(edited, given.images, atol=1e-4)

    again = make_editor(name, tiny_models, settings)
    assert again.prepare(CURLY, given)["source"] in (("trained",) if name == "truth" else ("loaded", "resumed"))  # which is quicker than a file
    assert torch.allclose(again.edit(given, CURLY), edited, atol=1e-5)


@pytest.mark.parametrize(("name", "settings", "said"), [
    ("hers", {}, "unknown editor 'hers'.*stylemc"), ("stylemc", {"steps": 3}, "--steps 3 means nothing to editor 'stylemc'"),
    ("ours", {"pictures": 3}, "--pictures 3 .*styleclip-global"), ("eclipsed", {"directions": Path("x")}, "--directions x .*accepted for ours"),
    ("stylemc", {"weights": {"maae": Path("x")}}, "--weights maae=x .*accepted for secgan")])
def test_settings_that_mean_nothing_are_refused(name, settings, said, tiny_models, tmp_path):
    with pytest.raises(ValueError, match=said):
        make_editor(name, tiny_models, Settings(tmp_path, **settings))


def test_the_truth_goes_where_the_classifier_says(tiny_models):
    survey, column = survey_of(tiny_models), ATTRIBUTES.index("Curly_Hair")
    verdict = survey.part(LEARN).logits[:, column]
    steps = {}
    for value in (True, False):
        editor = make_editor("truth", tiny_models, Settings(Path("unused")))
        editor.prepare(Request("", "Curly_Hair", value), None)
        steps[value] = editor.directions[""].step_from(survey.w, 1.0)
    along = (survey.part(LEARN).w @ steps[True][0], verdict)
    assert torch.corrcoef(torch.stack(along))[0, 1] > 0.3 and torch.allclose(steps[True], -steps[False], atol=1e-6)
    assert (steps[True] == steps[True][0]).all() and torch.allclose(editor.directions[""].step_from(survey.w, -2.0), -2 * steps[False])
    with pytest.raises(CannotServe, match="knows no attribute 'Halo'"):
        editor.prepare(Request("a halo", "Halo"), None)
