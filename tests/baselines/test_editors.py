"""The table of editors: names, settings that apply, and every one of them through the same protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from baselines.editors import EDITORS, Settings, applicable, make_editor
from evaluation import directions
from evaluation.editor import Request, Samples

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
    assert directions.EDITORS == tuple(EDITORS)


@pytest.mark.parametrize("name", EDITORS)
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
    assert again.prepare(CURLY, given)["source"] in ("loaded", "resumed")
    assert torch.allclose(again.edit(given, CURLY), edited, atol=1e-5)


@pytest.mark.parametrize(("name", "settings", "said"), [
    ("hers", {}, "unknown editor 'hers'.*stylemc"), ("stylemc", {"steps": 3}, "--steps 3 means nothing to editor 'stylemc'"),
    ("ours", {"pictures": 3}, "--pictures 3 .*styleclip-global"), ("eclipsed", {"directions": Path("x")}, "--directions x .*accepted for ours")])
def test_settings_that_mean_nothing_are_refused(name, settings, said, tiny_models, tmp_path):
    with pytest.raises(ValueError, match=said):
        make_editor(name, tiny_models, Settings(tmp_path, **settings))
