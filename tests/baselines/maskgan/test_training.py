"""Training: what each stage changes and in which order, that losses fall, and that a stopped training goes on as if it had not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.maskgan.config import TrainSettings
from baselines.maskgan.layers import one_hot
from baselines.maskgan.material import Material
from baselines.maskgan.perceptual import classifier_features, perceptual_features
from baselines.maskgan.stages import DenseStage, EbstStage, MaskVAEStage, new_networks
from segmentation.parts import CLASS_INDEX


def dense_stage(config, iterations=4, **changes):
    return DenseStage(new_networks(("dense", "critic"), config, 0), config, TrainSettings("dense", iterations, 2, **changes))


def ebst_stage(config, iterations=4, **changes):
    networks = new_networks(("dense", "critic", "blender", "maskvae"), config, 0)
    vae = networks.pop("maskvae")
    return EbstStage(networks, vae, config, TrainSettings("ebst", iterations, 2, **changes))


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(before, module):
    return any(not torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_ebst_updates_in_the_order_of_algorithm_1(config, faces, monkeypatch):
    stage, order = ebst_stage(config), []
    for name in ("simulate", "update_dense", "update_blend", "update_critic", "update"):
        def noted(*arguments, _name=name, _own=getattr(stage, name)):
            order.append((_name, *(word for word in arguments if isinstance(word, str))))
            return _own(*arguments)
        monkeypatch.setattr(stage, name, noted)
    vae = weights(stage.vae)
    found = stage.train_step(*faces, faces[1].flip(0))
    assert order == [("simulate",), ("update_dense",), ("update", "dense"), ("update_blend",), ("update", "dense", "blender"),
                     ("update_critic",), ("update", "critic")]
    assert not changed(vae, stage.vae) and {"loss", "blend_loss", "critic"} <= set(found)


def test_each_line_of_algorithm_1_moves_its_own_networks(config, faces):
    stage, (images, labels) = ebst_stage(config), faces
    masks = one_hot(labels, config.num_classes)

    def moved(update):
        before = {name: weights(module) for name, module in stage.networks.items()}
        update()
        return {name for name, module in stage.networks.items() if changed(before[name], module)}

    inter, outer = masks.flip(0), masks  # where both are alike, nothing depends on alpha, and the blender learns nothing
    assert moved(lambda: stage.update_dense(images, masks)) == {"dense"}
    assert moved(lambda: stage.update_blend(images, masks, inter, outer)) == {"dense", "blender"}
    assert moved(lambda: stage.update_critic(images, masks, [images.flip(0)])) == {"critic"}


def test_simulated_edits_go_towards_another_mask_and_away_from_it(config, faces, monkeypatch):
    stage, masks = ebst_stage(config), one_hot(faces[1], config.num_classes)
    seen = []
    monkeypatch.setattr(stage.vae, "between", lambda latents: seen.append(latents) or masks)
    stage.simulate(masks, masks.flip(0))
    with stage.autocast():
        target = stage.vae.encode(masks)[0].float()
    assert (seen[0] - target).abs().max() > 1e-4
    assert torch.allclose(seen[0], target + (target.flip(0) - target) / 2.5, atol=1e-6)
    assert torch.allclose(seen[0] + seen[1], 2 * target, atol=1e-6)


def test_the_painter_learns_a_batch(config, faces):
    stage = dense_stage(config, iterations=60, learning_rate=2e-3)
    first = stage.train_step(*faces)
    before = (stage.networks["dense"](*planes(faces, config)) - faces[0]).abs().mean()
    for _ in range(40):
        last = stage.train_step(*faces)
    after = (stage.networks["dense"](*planes(faces, config)) - faces[0]).abs().mean()
    assert last["critic"] < first["critic"] and after < 0.75 * before


def planes(faces, config):
    masks = one_hot(faces[1], config.num_classes)
    return masks, faces[0], masks


def test_maskvae_learns_a_batch(config, faces):
    stage = MaskVAEStage(new_networks(("maskvae",), config, 0), config, TrainSettings("maskvae", 60, 2, learning_rate=5e-3))
    losses = [stage.train_step(*faces)["reconstruct"].item() for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", ["dense", "maskvae", "ebst"])
def test_a_stopped_training_goes_on_bit_by_bit(kind, config, material, tmp_path):
    def make():
        if kind == "maskvae":
            return MaskVAEStage(new_networks(("maskvae",), config, 0), config, TrainSettings("maskvae", 4, 2))
        return (dense_stage if kind == "dense" else ebst_stage)(config)

    def steps(stage, count):
        batches = material.batches(2, 0, stage.step, stage.references)
        for _ in range(count):
            stage.train_step(*next(batches))
        return stage

    whole, stopped = steps(make(), 4), steps(make(), 2)
    stopped.save(tmp_path / "stage.pt")
    resumed = make()
    resumed.load(tmp_path / "stage.pt")
    steps(resumed, 2)
    assert resumed.finished and not stopped.finished
    for name, module in whole.networks.items():
        assert not changed(weights(module), resumed.networks[name]), name
    for name, average in whole.averages.items():
        assert all(torch.equal(value, resumed.averages[name].values[key]) for key, value in average.values.items())


def test_a_finished_training_can_be_made_longer(config, faces, tmp_path):
    def make(iterations):
        return MaskVAEStage(new_networks(("maskvae",), config, 0), config, TrainSettings("maskvae", iterations, 2))

    short, longer = make(1), make(3)
    short.train_step(*faces)
    short.save(tmp_path / "stage.pt")
    longer.load(tmp_path / "stage.pt")
    assert short.finished and not longer.finished and longer.step == 1
    assert not changed(weights(short.networks["maskvae"]), longer.networks["maskvae"])


def test_some_pictures_are_seen_in_a_mirror_with_their_masks(config, faces):
    images, masks = faces[0], torch.full_like(faces[1], CLASS_INDEX["l_eye"])
    found = {}
    for share in (0.0, 1.0):
        found[share] = dense_stage(config, mirrored=share).mirrored(images, masks)
    assert torch.equal(found[0.0][0], images) and torch.equal(found[0.0][1], masks.long())
    assert torch.equal(found[1.0][0], images.flip(-1)) and (found[1.0][1] == CLASS_INDEX["r_eye"]).all()


def test_a_checkpoint_of_another_training_is_refused(config, tmp_path):
    dense_stage(config).save(tmp_path / "stage.pt")
    with pytest.raises(ValueError, match="mirrored 0.5, not 1.0"):
        dense_stage(config, mirrored=1.0).load(tmp_path / "stage.pt")
    (tmp_path / "stage.pt").write_bytes((tmp_path / "stage.pt").read_bytes()[:1000])
    with pytest.raises(ValueError, match="whole checkpoint"):
        dense_stage(config).load(tmp_path / "stage.pt")


def test_masks_of_others_come_in_another_order(material):
    images, masks, others = next(material.batches(4, 0, 0, references=True))
    assert images.shape == (4, 3, 64, 64) and masks.shape == others.shape == (4, 64, 64) and not torch.equal(masks, others)
    assert next(material.batches(4, 0, 0, references=False))[2] is None
    assert torch.equal(next(material.batches(4, 0, 0, references=True))[2], others)


def test_faces_without_masks_are_refused(material):
    with pytest.raises(ValueError, match="portraits has none"):
        Material(replace(material.faces, masks=None), 64)
    with pytest.raises(ValueError, match="batch size is 99"):
        next(material.batches(99, 0, 0, references=False))


def test_perceptual_features_are_the_classifiers_where_vgg_is_not(tiny_models, tmp_path):
    features = perceptual_features("auto", tiny_models, tmp_path)
    assert features.name == "attribute classifier of tiny"
    images = torch.randn(1, 3, 64, 64, requires_grad=True)
    maps = features(images)
    assert [m.shape[-1] for m in maps] == [64, 32, 16, 8, 4] and len(features.weights) == 5
    whole = tiny_models.classifier.body[:8](torch.nn.functional.interpolate(images, (128, 128), mode="bilinear"))
    assert torch.allclose(maps[-1], whole, atol=1e-5)
    sum(m.sum() for m in maps).backward()
    assert images.grad.abs().max() > 0 and all(p.grad is None for p in features.parameters())
    assert perceptual_features("none", tiny_models) is None


def test_features_that_are_not_there_are_named(tiny_models, tmp_path):
    with pytest.raises(ValueError, match="vgg19-dcbb9e9d.pth"):
        perceptual_features("vgg19", tiny_models, tmp_path)
    with pytest.raises(ValueError, match="resnet"):
        perceptual_features("resnet", tiny_models, tmp_path)
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"not the weights")
    with pytest.raises(ValueError, match="SHA-256"):
        perceptual_features("auto", tiny_models, tmp_path)


def test_the_perceptual_loss_is_part_of_the_whole(config, faces, tiny_models):
    stage = dense_stage(config)
    stage.features = classifier_features(tiny_models.classifier, "tiny")
    found = stage.train_step(*faces)
    assert found["perceptual"] > 0
    whole = found["adversarial"] + 10 * found["feature"] + 10 * found["perceptual"]
    assert found["loss"].item() == pytest.approx(whole.item(), rel=1e-5)
