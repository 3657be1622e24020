import numpy as np
import pytest
import torch

from portraits.classifier import AttributeClassifier, evaluate_classifier, load_classifier, save_classifier, train_classifier
from portraits.scene import ATTRIBUTES
from portraits.topics import NEVER_SAID


def settings(**changes):
    return {"steps": 14, "batch_size": 8, "width": 8, "report_every": 1, "seed": 5, **changes}


def test_logits_and_features_at_any_size():
    model = AttributeClassifier().eval()
    assert sum(p.numel() for p in model.parameters()) <= 1_000_000
    for size in (32, 128, 200):
        images = torch.rand(2, 3, size, size) * 2 - 1
        assert model(images).shape == (2, len(ATTRIBUTES)) and model.features(images).shape == (2, 192)
    assert set(model.predict(images)) == set(ATTRIBUTES)


def test_a_smaller_picture_of_the_same_is_judged_alike():
    model = AttributeClassifier().eval()
    images = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4), (256, 256), mode="bilinear") * 2 - 1
    half = torch.nn.functional.interpolate(images, (128, 128), mode="bilinear", antialias=True)
    assert torch.allclose(model(images), model(half), atol=1e-4)


def test_training_lowers_the_loss_and_writes_the_model(small_cache, tmp_path):
    reports = list(train_classifier(small_cache, tmp_path, **settings(steps=40, learning_rate=4e-3)))
    assert np.mean([r["loss"] for r in reports[-9:-1]]) < np.mean([r["loss"] for r in reports[:4]])
    final = reports[-1]
    assert final["fraction"] == 1 and 0 <= final["balanced_accuracy"] <= 1 and not set(NEVER_SAID) & set(final["by_attribute"])
    model = load_classifier(tmp_path / "classifier.safetensors")
    assert evaluate_classifier(model, small_cache)["accuracy"] == final["accuracy"]


def test_a_killed_run_ends_as_one_left_alone(small_cache, tmp_path):
    left_alone = list(train_classifier(small_cache, tmp_path / "a", **settings()))
    for report in train_classifier(small_cache, tmp_path / "b", **settings()):
        if report["step"] == 12:  # the last checkpoint is of step 10
            break
    resumed = list(train_classifier(small_cache, tmp_path / "b", **settings()))
    assert resumed[0]["step"] == 11 and resumed[-2]["loss"] == left_alone[-2]["loss"]
    assert (tmp_path / "a/classifier.safetensors").read_bytes() == (tmp_path / "b/classifier.safetensors").read_bytes()


def test_a_broken_checkpoint_is_named(small_cache, tmp_path):
    (tmp_path / "classifier.checkpoint").write_bytes(b"half a")
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        next(train_classifier(small_cache, tmp_path, **settings()))


def test_a_foreign_file_is_named(tmp_path):
    path = tmp_path / "classifier.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="holds no attribute classifier"):
        load_classifier(path)


def test_saving_keeps_the_judgement(tmp_path):
    model = AttributeClassifier(8).eval()
    save_classifier(model.state_dict(), tmp_path / "c.safetensors")
    images = torch.rand(2, 3, 128, 128) * 2 - 1
    assert torch.allclose(model(images), load_classifier(tmp_path / "c.safetensors")(images), atol=5e-3)
