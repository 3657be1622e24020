"""CLIP's picture tower learns to see what captions can name; the words stay."""

import pytest
import torch

from portraits.clip_seeing import Questions, Seeing, question_loss, see_better
from portraits.clip_training import ClipTraining, build_model, train_clip
from portraits.topics import TOPICS
from portraits.training import load_checkpoint

TINY = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}


def test_what_cannot_be_seen_is_not_asked():
    balance = torch.ones(2)
    logits, shown = torch.tensor([[0.0, 9.0]]), torch.tensor([[1, -1]], dtype=torch.int8)
    # log 2 for the first entry, nothing for the second, a mean over both
    assert question_loss(logits, shown, balance).item() == pytest.approx(0.693147 / 2, abs=1e-5)


def test_the_embedding_that_is_asked_is_the_picture_towers():
    visual = build_model(TINY, 10).eval().visual
    questions = Questions(visual, 64).eval()
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        by_embedding, by_place = questions(images)
        torch.testing.assert_close(by_embedding, questions.by_embedding(visual(images)), atol=1e-5, rtol=1e-5)
    assert by_place.shape == (2, len(TOPICS))


def test_pictures_are_learned_and_words_stay(small_cache, tmp_path, monkeypatch):
    monkeypatch.setattr("portraits.clip_training.finish", lambda *given: {})
    list(train_clip(small_cache, tmp_path, ClipTraining(steps=3, batch_size=12, report_every=1, config=TINY)))
    before = load_checkpoint(tmp_path / "clip.checkpoint")["average"]
    lines = list(see_better(small_cache, tmp_path, Seeing(steps=120, batch_size=16, report_every=1), config=TINY))
    after = load_checkpoint(tmp_path / "clip.checkpoint")["average"]
    assert sum(line["place_loss"] for line in lines[-10:]) < 0.9 * sum(line["place_loss"] for line in lines[:10])
    changed = {name.split(".")[1] for name in before if before[name].is_floating_point() and not torch.equal(before[name], after[name])}
    assert changed == {"visual"}


def test_pictures_come_after_captions(small_cache, tmp_path):
    with pytest.raises(ValueError, match="run the stage 'clip' first"):
        next(see_better(small_cache, tmp_path, Seeing(steps=1), config=TINY))
