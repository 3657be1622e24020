"""CLIP's last phase: words are fitted to what the picture tower sees, and the tower stays as it was."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from portraits.clip_alignment import align_clip, features_before_projection
from portraits.clip_evaluation import responses
from portraits.clip_training import ClipTraining, Vocabulary, build_model, train_clip
from portraits.training import load_checkpoint

TINY = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}


def settings(**changes):
    return ClipTraining(**{"steps": 4, "batch_size": 12, "report_every": 1, "config": TINY, **changes})


@pytest.fixture(autouse=True)
def brief_responses(monkeypatch):
    monkeypatch.setattr("portraits.clip_evaluation.RESPONSES", {"a person with glasses": ("glasses", (0.0, 1.0))})
    monkeypatch.setattr("portraits.clip_training.responses", lambda images, texts, size: responses(images, texts, size, scenes=2))


def test_features_and_the_last_layer_are_the_picture_tower():
    visual = build_model(TINY, 10).eval().visual
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        features = features_before_projection(visual)(images)
        torch.testing.assert_close(visual.attnpool.c_proj(features), visual(images), atol=1e-5, rtol=1e-5)


def test_words_are_fitted_and_what_is_seen_stays(small_cache, tmp_path):
    list(train_clip(small_cache, tmp_path, settings()))
    before = load_checkpoint(tmp_path / "clip.checkpoint")["average"]
    report = list(align_clip(small_cache, tmp_path, settings(steps=120, learning_rate=2e-3)))
    first, last = (sum(line["truth_loss"] for line in lines) for lines in (report[:10], report[-11:-1]))
    assert last < first
    assert report[-1]["step"] == 120 and 0 <= report[-1]["accuracy_known_words"] <= 1
    after = load_file(tmp_path / "clip.safetensors")
    tower = [name for name in after if name.startswith("visual.") and "c_proj" not in name and after[name].is_floating_point()]
    assert all(torch.allclose(after[name].float(), before[f"clip.{name}"], atol=2e-3, rtol=2e-3) for name in tower)
    projection = "visual.attnpool.c_proj.weight"
    assert F.cosine_similarity(after[projection].float().flatten(), before[f"clip.{projection}"].flatten(), dim=0) < 0.9999


def test_words_can_be_fitted_to_the_pictures_of_a_pack(small_cache, tmp_path):
    """Without a checkpoint: the weights are those of a CLIP that was shipped, and its picture tower stays as it was."""
    torch.manual_seed(5)
    shipped = build_model(TINY, len(Vocabulary.of_phrases().ids)).state_dict()
    list(align_clip(small_cache, tmp_path, settings(steps=60), begin=lambda clip, vocabulary: clip.load_state_dict(shipped)))
    after = load_file(tmp_path / "clip.safetensors")
    tower = [name for name in after if name.startswith("visual.") and "c_proj" not in name and after[name].is_floating_point()]
    assert all(torch.allclose(after[name].float(), shipped[name], atol=2e-3, rtol=2e-3) for name in tower)
    words = "transformer.resblocks.0.mlp.c_fc.weight"
    assert (after[words].float() - shipped[words]).abs().max() > 0.01


def test_words_need_pictures_that_were_learned_from(small_cache, tmp_path):
    with pytest.raises(ValueError, match="run the stage 'clip' first, or give a pack"):
        next(align_clip(small_cache, tmp_path, settings()))
