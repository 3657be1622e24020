"""Training: it learns masks, a killed run ends as one left alone, several processes share a batch."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from baselines.semantic_vae.masks import mirrored
from baselines.semantic_vae.measure import following, generation, reconstruction, undesired, variety
from baselines.semantic_vae.model import SemanticVAE, load_model
from baselines.semantic_vae.runs import train_run
from baselines.semantic_vae.training import Trainer, TrainSettings
from portraits import processes
from segmentation.parts import CLASS_INDEX

CPU = torch.device("cpu")


def settings(**changes) -> TrainSettings:
    return TrainSettings(**{"steps": 6, "batch_size": 4, "lr": 1e-2, "save_every": 2, **changes})


def test_overfits_a_few_masks(config, masks, tmp_path):
    masks.train_indices = masks.train_indices[:4]
    alone = settings(steps=150, kl_weight=1e-6, mirror=False, save_every=1000, average=0.9)
    trainer = Trainer(masks, config, alone, tmp_path / "c.pt")
    for _ in trainer.run():
        pass
    found = reconstruction(trainer.averaged(), masks, masks.train_indices)
    assert found["accuracy"] > 0.93 and found["mean_iou"] > 0.85 and found["samples"] == 4
    assert found["class_iou"]["hair"] > 0.8 and found["class_iou"]["hat"] is None


def test_a_killed_run_ends_as_one_left_alone(config, masks, tmp_path):
    list(train_run(tmp_path / "a", masks, config, settings(), CPU))
    trainer = Trainer(masks, config, settings(), tmp_path / "b/checkpoint.pt")
    assert [line["step"] for line in islice(trainer.run(), 3)] == [1, 2, 3]  # the checkpoint is of step 2
    (tmp_path / "b/metrics.jsonl").write_text('{"step": 2}\n{"step": 3}\n{"st')  # killed while it wrote
    resumed = Trainer(masks, config, settings(), tmp_path / "b/checkpoint.pt")
    assert [line["step"] for line in islice(resumed.run(), 1)] == [3], "it goes on after step 2"
    list(train_run(tmp_path / "b", masks, config, settings(), CPU))
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    assert [line[:10] for line in (tmp_path / "b/metrics.jsonl").read_text().splitlines()] == ['{"step": 2', '{"step": 6']
    assert not list(tmp_path.glob("*/*.tmp"))


def test_a_training_begins_with_the_weights_of_another(config, masks, tmp_path):
    list(train_run(tmp_path, masks, config, settings(), CPU))
    before = load_model(tmp_path / "model.safetensors")
    assert before.densities, "a training ends with the densities of its codes"
    begun = settings(start=str(tmp_path / "model.safetensors"))
    trainer = Trainer(masks, config, begun, tmp_path / "next.pt")
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, before.state_dict()[name])
    next(trainer.run())
    assert any(not torch.equal(value, before.state_dict()[name]) for name, value in trainer.model.state_dict().items())
    with pytest.raises(ValueError, match="has lstm_layers 3, not 1; accepted: the same"):
        Trainer(masks, replace(config, lstm_layers=1), begun, tmp_path / "other.pt")


def test_processes_share_what_one_would_do_alone(config, masks, tmp_path, monkeypatch):
    """The mean of two processes' gradients is the gradient of a process that has the whole batch."""
    def gradients(rank: int, count: int) -> list[torch.Tensor]:
        monkeypatch.setattr(processes, "rank", lambda: rank)
        monkeypatch.setattr(processes, "count", lambda: count)
        trainer = Trainer(masks, config, settings(), tmp_path / "none.pt")
        trainer.dtype = torch.float32
        loss = trainer.losses(*trainer._varied(masks.read(trainer._share(0))))["loss"]
        return torch.autograd.grad(loss, list(trainer.model.parameters()))

    for whole, *halves in zip(gradients(0, 1), gradients(0, 2), gradients(1, 2)):
        assert torch.allclose(whole, sum(halves) / 2, atol=1e-6)


def test_batches_must_be_shared_out_evenly(config, masks, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 3)
    with pytest.raises(ValueError, match="batch size is 4; accepted: multiples of the 3"):
        Trainer(masks, config, settings(), tmp_path / "c.pt")


def test_the_loss_is_its_two_terms(config, masks, tmp_path):
    """Equation 3, and the weights only where they are asked for."""
    noise = torch.zeros(2, 19, 16)
    labels = masks.read([0, 1]).long()
    losses = {}
    for weighted in (True, False):
        trainer = Trainer(masks, config, settings(kl_weight=0.25, kl_warmup=0.0, weighted=weighted), tmp_path / "c.pt")
        losses[weighted] = trainer.losses(labels, noise)
        terms = losses[weighted]["cross_entropy"] + 0.25 * losses[weighted]["kl"]
        assert losses[weighted]["loss"].item() == pytest.approx(terms.item())
    assert losses[True]["kl"] == losses[False]["kl"] and losses[True]["cross_entropy"] < losses[False]["cross_entropy"]


def test_a_mirror_swaps_left_and_right():
    left, right, hair = (CLASS_INDEX[name] for name in ("l_eye", "r_eye", "hair"))
    assert mirrored(torch.tensor([[[left, hair, 0]]], dtype=torch.uint8)).tolist() == [[[0, hair, right]]]


def test_the_weight_of_the_codes_rises():
    rising = settings(steps=100, kl_weight=0.5, kl_warmup=0.4)
    assert [rising.kl_weight_at(step) for step in (0, 10, 40, 99)] == pytest.approx([0.01, 0.125, 0.5, 0.5])
    assert settings(kl_weight=0.5, kl_warmup=0.0).kl_weight_at(0) == 0.5


@pytest.mark.parametrize("changes, named", [({"steps": 0}, "steps is 0"), ({"lr": 0.0}, "lr 0.0"), ({"kl_weight": -1.0}, "kl_weight -1.0")])
def test_bad_settings_are_named(changes, named):
    with pytest.raises(ValueError, match=named):
        settings(**changes)


def test_a_reconstruction_is_counted_over_all_masks(config, masks):
    """A model that always answers background: its accuracy is the background's share of all pixels."""
    model = SemanticVAE(config).eval()
    with torch.no_grad():
        for parameter in model.decoder.last.parameters():
            parameter.zero_()
        model.decoder.last.bias[0] = 1
    indices = masks.held_out_indices
    share = (masks.read(indices) == 0).float().mean().item()
    found = reconstruction(model, masks, indices)
    assert found["accuracy"] == pytest.approx(share) and found["class_iou"]["background"] == pytest.approx(share)
    assert found["class_iou"]["hair"] == 0 and found["mean_iou"] == pytest.approx(share / 3)


def test_drawn_parts_by_hand():
    """Skin 1, nose 10, hair 17, hat 18. The nose is drawn: it grows by a pixel of skin, skin becomes hair, and a hat appears."""
    before = torch.tensor([[[1, 1, 1, 10, 17, 1, 1, 1]]])
    first = torch.tensor([[[18, 1, 10, 10, 17, 17, 1, 1]]])
    second = torch.tensor([[[1, 10, 10, 1, 17, 1, 1, 1]]])
    assert undesired(before, first, "nose").tolist() == [1 / 8], "the hat"
    assert undesired(before, first, "hat").tolist() == [0], "a hat that was asked for"
    assert following(before, first, "nose").tolist() == [2 / 8], "the hat and the hair"
    assert variety(first, second, "nose").tolist() == [pytest.approx(2 / 3)]
    assert variety(first, second, "neck").isnan().all()


def test_a_decoder_that_hears_of_no_code_draws_the_same_again(config, masks):
    model = SemanticVAE(config).eval()
    with torch.no_grad():
        for parameter in model.decoder.last.parameters():
            parameter.zero_()
        model.decoder.last.bias[CLASS_INDEX["nose"]] = 1
    found = generation(model, masks, masks.held_out_indices, parts=("nose", "hair"))
    assert found["nose"] == {"undesired": 0, "following": 0, "variety": 0}
    assert found["hair"]["variety"] is None and found["mean"]["variety"] == 0
