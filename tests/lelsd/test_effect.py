"""What a prompt asks of pictures, how far an edit must go for it, and the survey that prompts are looked up in."""
from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from lelsd import survey as surveys
from lelsd.clip_guide import ClipGuide
from lelsd.config import TrainConfig
from lelsd.effect import SHRINKAGE, clear_score, discriminant, split_in_two
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.reach import DISTANCES, Reach, find_reach, lacking, reach
from lelsd.survey import CALIBRATE, LEARN, REPORT, survey_file, survey_key, survey_of
from packs.attributes import ATTRIBUTES
from packs.files import add_files
from packs.pack import load_pack


@pytest.mark.parametrize("values, expected", [([0.0, 1.0, 10.0, 11.0], 5.5), ([3.0], 3.0), ([2.0, 2.0, 2.0], 2.0), ([0.0, 0.0, 0.0, 9.0], 4.5)])
def test_split_in_two(values, expected):
    assert split_in_two(torch.tensor(values)) == expected


def test_the_classifier_judges_what_it_was_taught(tiny_models):
    effect = Objective(tiny_models, parse_prompt("a person with curly hair and no glasses"), TrainConfig()).effect
    assert effect.judge == "classifier" and effect.asked == {"Curly_Hair": True, "Eyeglasses": False}
    logits = torch.full((4, len(ATTRIBUTES)), 9.0)
    curly, glasses = (ATTRIBUTES.index(name) for name in ("Curly_Hair", "Eyeglasses"))
    logits[:, curly], logits[:, glasses] = torch.tensor([2.0, 2.0, -1.0, -1.0]), torch.tensor([-3.0, 1.0, -3.0, 1.0])
    assert effect.score(logits, None).tolist() == [2.0, -1.0, -1.0, -1.0]


def test_clip_votes_about_its_threshold(tiny_models):
    effect = Objective(tiny_models, parse_prompt("a person with a background"), TrainConfig()).effect
    on_it = effect.text_move * effect.threshold
    seen = torch.stack([on_it, on_it + effect.text_move * effect.spread, on_it - effect.text_move * effect.spread])
    assert effect.score(None, seen).tolist() == pytest.approx([0.0, 1.0, -1.0], abs=1e-3)


def test_clip_votes_in_halves_and_is_surer_further_away(tiny_models):
    objective = Objective(tiny_models, parse_prompt("a person with a background"), TrainConfig())
    votes = objective.effect.clip_vote(objective.survey.part(LEARN).embeddings)
    assert votes.min() < 0.1 and votes.max() > 0.9 and votes.min() > 0.0 and votes.max() < 1.0
    assert 0.05 < (votes > 0.5).float().mean() < 0.95


def test_the_discriminant_looks_away_from_what_pictures_differ_in_anyway():
    """By hand: variances 4 and 1 and nothing between them, a mean variance of 2.5, so the entries are divided by 4 + 2.5 s and 1 + 2.5 s."""
    seen = torch.tensor([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]])
    found = discriminant(seen, torch.tensor([0.6, 0.8]))
    assert found.tolist() == pytest.approx([0.6 / (4 + 2.5 * SHRINKAGE), 0.8 / (1 + 2.5 * SHRINKAGE)])
    same = torch.full((3, 2), 0.5)  # pictures that do not differ: the text alone
    assert torch.nn.functional.normalize(discriminant(same, torch.tensor([0.6, 0.8])), dim=0).tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("scores, expected", [
    ([[-1.0] * 10, [1.0] * 9 + [-1.0]], Reach(0.5, 0.9, 10)),  # nine of ten cross half-way
    ([[-1.0] * 10, [-1.0] * 5 + [0.5] * 5, [1.0] * 5 + [3.0] * 5], Reach(1.5, 1.0, 10)),  # the ninth of them half-way in the second stretch
    ([[-1.0] * 2, [-1.0, 1.0], [-1.0, 2.0], [-1.0, 1.0]], Reach(1.0, 0.5, 2)),  # never: the first with the best rate
    ([[-1.0] * 10, [-1.0] * 9 + [1.0]], None),  # next to nothing
])
def test_find_reach(scores, expected):
    assert find_reach((0.0, 1.0, 2.0, 3.0)[:len(scores)], scores) == expected


@pytest.mark.parametrize("clear, expected", [
    (0.0, 1.25),  # from -1 at 1 to 3 at 2
    (2.0, 1.75),
    (9.0, 1.25),  # nothing gets there, so it is enough that they are so at all
])
def test_what_is_asked_for_must_be_clear(clear, expected):
    assert find_reach((0.0, 1.0, 2.0), [[-2.0] * 10, [-1.0] * 10, [3.0] * 10], clear) == Reach(expected, 1.0, 10)


def test_clear_is_what_most_that_have_it_reach():
    assert clear_score(torch.cat([torch.arange(-50.0, 0.0), torch.arange(101.0)])) == pytest.approx(5.95)  # of 1 to 100
    assert clear_score(torch.arange(-5.0, 10.0)) == 0.0  # nine examples say little


def test_reach_on_pictures(tiny_models):
    """Along the classifier's own gradient pictures get there; along nothing they do not; nobody lacks what all have."""
    objective = Objective(tiny_models, parse_prompt("a person with curly hair"), TrainConfig())
    w_plus = lacking(objective)
    if w_plus is None:  # the untrained classifier sees curls nearly everywhere
        assert reach(objective, torch.zeros(8, 16), 0) == (None, None)
        return
    assert len(w_plus) <= 24 and bool((objective.scores(tiny_models.generator.synthesis(w_plus)) <= 0).all())
    assert reach(objective, torch.zeros_like(w_plus[0]), 0) == (None, None)
    delta = torch.nn.functional.normalize(torch.randn(16), dim=0).expand(8, 16)
    found, _ = reach(objective, delta, 0)
    assert found == reach(objective, delta, 0)[0] and (found is None or 0 < found.distance <= DISTANCES[-1])


def test_the_survey(tiny_models):
    survey = survey_of(tiny_models)
    assert survey_of(tiny_models) is survey and survey.w.shape == (1536, 16) and survey.embeddings.shape == (1536, 32)
    assert survey.logits.shape == (1536, len(ATTRIBUTES)) and LEARN.stop == CALIBRATE.start and CALIBRATE.stop == REPORT.start
    rows = slice(1022, 1027)
    images = tiny_models.generator.synthesis(tiny_models.generator.mapping(survey.z[rows], truncation=1.0))
    assert torch.allclose(ClipGuide(tiny_models).encode_image(images.clamp(-1, 1)), survey.embeddings[rows], atol=2e-3)
    assert torch.allclose(tiny_models.classifier(images.clamp(-1, 1)), survey.part(rows).logits, atol=2e-2)


def test_a_survey_is_made_once_and_can_be_shipped(tiny_pack, tmp_path, monkeypatch):
    import shutil
    folder, cache = tmp_path / "pack", tmp_path / "cache"
    shutil.copytree(tiny_pack, folder)
    monkeypatch.setenv("ECLIPSED_CACHE", str(cache))
    monkeypatch.setattr(surveys, "COUNT", 12)
    made = survey_of(load_pack(folder))
    kept, = (cache / "surveys").iterdir()
    monkeypatch.setattr(surveys, "_look", lambda pack: pytest.fail("looked again"))
    assert torch.equal(survey_of(load_pack(folder)).embeddings, made.embeddings)
    monkeypatch.undo()
    monkeypatch.setenv("ECLIPSED_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(surveys, "COUNT", 12)
    add_files(folder, {"survey.safetensors": survey_file(load_pack(folder))})
    assert torch.equal(survey_of(load_pack(folder)).logits, made.logits) and not (tmp_path / "other").exists()
    add_files(folder, {"survey.safetensors": kept.read_bytes()})
    with pytest.warns(RuntimeWarning, match="of other models"):
        assert torch.equal(survey_of(load_pack(folder)).embeddings, made.embeddings)
    kept.write_bytes(b"torn")
    assert set(load_file(next((tmp_path / "other" / "surveys").iterdir()))) == {"embeddings", "logits", "shares", "colours"}


def test_a_cache_that_cannot_be_written_is_said(tiny_pack, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECLIPSED_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(surveys, "COUNT", 4)
    with pytest.warns(RuntimeWarning, match="cannot be kept .* ECLIPSED_CACHE"):
        assert survey_of(load_pack(tiny_pack)).w.shape == (4, 16)


def test_another_model_needs_another_survey(tiny_models, tiny_pack):
    other = load_pack(tiny_pack)
    other.info["files"] = {**other.info["files"], "clip.safetensors": {"size": 1, "sha256": "0" * 64}}
    assert survey_key(other) != survey_key(tiny_models) == survey_key(load_pack(tiny_pack))
