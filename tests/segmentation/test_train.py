"""Training: it learns, it stops and goes on to the same weights, and its loss weighs rare classes up."""

import itertools

import pytest
import torch

from segmentation.bisenet import BiSeNet
from segmentation.train import TrainSettings, parser_loss, rarity_weights, soft_jaccard_loss, train_parser


def toy_batch(seed: int, count: int = 4, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright rectangle of class 1 on a dark ground of class 0."""
    random = torch.Generator().manual_seed(seed)
    masks = torch.zeros(count, size, size, dtype=torch.long)
    for mask in masks:
        top, left = torch.randint(0, size // 2, (2,), generator=random)
        mask[top : top + size // 2, left : left + size // 2] = 1
    noise = torch.rand(count, 3, size, size, generator=random) * 0.4 - 0.2
    return masks.unsqueeze(1) - 0.5 + noise, masks


def toy_batches():
    return map(toy_batch, itertools.count())


def toy_network() -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet(num_classes=2, width=0.125)


def settings(**changes) -> TrainSettings:
    return TrainSettings(**{"steps": 40, "input_size": 64, "lr": 5e-3, "warmup": 5, "average": 0.8, "augmented": False} | changes)


def test_learns_two_classes():
    history = list(train_parser(toy_network(), toy_batches(), settings(steps=80), validation=[toy_batch(999), toy_batch(998)]))
    assert len(history) == 80 and history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["mean_iou"] > 0.85 and history[-1]["pixel_accuracy"] > 0.9
    assert "mean_iou" not in history[0]


def test_resumed_training_gives_the_same_weights(tmp_path):
    short = settings(steps=6, save_every=2)
    whole, halved = toy_network(), toy_network()
    list(train_parser(whole, toy_batches(), short))
    path = tmp_path / "run" / "parser.ckpt"
    list(itertools.islice(train_parser(halved, toy_batches(), short, checkpoint=path), 3))  # killed in step 4
    fresh = toy_network()
    steps = [p["step"] for p in train_parser(fresh, toy_batches(), short, checkpoint=path, resume=True)]
    assert steps == [3, 4, 5, 6], "it goes on from the save after step 2"
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name
    assert [p.name for p in path.parent.iterdir()] == ["parser.ckpt"], "nothing unfinished is left"


def test_batches_may_start_where_the_run_does(tmp_path):
    short, path = settings(steps=4, save_every=2), tmp_path / "parser.ckpt"
    asked = []

    def batches(step):
        asked.append(step)
        return map(toy_batch, itertools.count(step))

    whole, halved, fresh = toy_network(), toy_network(), toy_network()
    list(train_parser(whole, batches, short))
    list(itertools.islice(train_parser(halved, batches, short, checkpoint=path), 2))
    list(train_parser(fresh, batches, settings(steps=4, save_every=2, seconds=1000.0), checkpoint=path, resume=True))
    assert asked == [0, 0, 2], "more time may be given, and nothing is read twice"
    assert all(torch.equal(a, b) for a, b in zip(fresh.state_dict().values(), whole.state_dict().values()))


def test_resuming_with_other_settings_is_refused(tmp_path):
    path = tmp_path / "parser.ckpt"
    list(train_parser(toy_network(), toy_batches(), settings(steps=1), checkpoint=path))
    with pytest.raises(ValueError, match="other settings"):
        next(train_parser(toy_network(), toy_batches(), settings(steps=2), checkpoint=path, resume=True))


def test_the_network_holds_the_average_whenever_the_caller_stops():
    network = toy_network()
    before = network.conv_out.conv_out.weight.clone()
    next(train_parser(network, toy_batches(), settings()))
    assert not torch.equal(network.conv_out.conv_out.weight, before) and not network.training


def test_time_limit_ends_the_training():
    history = list(train_parser(toy_network(), toy_batches(), settings(steps=10_000, seconds=0.2)))
    assert 1 <= len(history) < 10_000


def test_bfloat16_trains_too():
    history = list(train_parser(toy_network(), toy_batches(), settings(steps=10, bfloat16=True)))
    assert history[-1]["loss"] < history[0]["loss"]


def test_batches_that_end_are_named():
    with pytest.raises(ValueError, match="ended after 1 of 40"):
        list(train_parser(toy_network(), iter([toy_batch(0)]), settings()))


def test_rarity_weights_by_hand():
    counts = torch.tensor([81, 16, 3, 0])
    square_root = rarity_weights(counts, rarity=0.5, max_weight=10)
    assert (square_root[1] / square_root[0]).item() == pytest.approx(9 / 4)
    assert (square_root * counts).sum().item() == pytest.approx(100, rel=1e-5), "the average pixel weighs 1"
    assert square_root[3] == 10
    assert rarity_weights(counts, 0.0, 10).tolist() == [1, 1, 1, 1]


def test_loss_adds_the_auxiliary_heads():
    logits, masks = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.uint8)
    log2 = torch.tensor(2.0).log().item()
    weights = torch.ones(2)
    assert parser_loss([logits] * 3, masks, weights, 1.0).item() == pytest.approx(3 * log2)
    assert parser_loss([logits] * 3, masks, weights, 0.5).item() == pytest.approx(2 * log2)


@pytest.mark.parametrize("bad", [{"steps": 0}, {"lr": 0.0}, {"average": 1.0}, {"rarity": 2.0}, {"jaccard_weight": -1.0}])
def test_bad_settings(bad):
    with pytest.raises(ValueError, match=str(next(iter(bad)))):
        TrainSettings(**bad)


def test_soft_jaccard_loss_by_hand():
    masks = torch.tensor([[[0, 1]]])
    sure = torch.tensor([[[[9e3, 0.0]], [[0.0, 9e3]], [[0.0, 0.0]]]])  # right everywhere; class 2 does not occur
    assert soft_jaccard_loss(sure, masks).item() == 0
    assert soft_jaccard_loss(sure.flip(1)[:, [2, 1, 0]].flip(-1), masks).item() == 1
    # unsure between the two: of each class 0.5 is common, 0.5 + 0.5 predicted, 1 true
    even = torch.tensor([[[[9e3, 9e3]], [[9e3, 9e3]], [[0.0, 0.0]]]])
    assert soft_jaccard_loss(even, masks).item() == pytest.approx(1 - 0.5 / 1.5)
    assert parser_loss([even], masks, torch.ones(3), 1.0, 2.0).item() == pytest.approx(torch.tensor(2.0).log().item() + 2 * (1 - 0.5 / 1.5))
