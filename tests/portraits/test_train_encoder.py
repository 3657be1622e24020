"""The W+ encoder learns what a picture shows, says it in the generator's own terms, and goes on where it was killed."""

import numpy as np
import pytest
import torch

from portraits.encoder import FRAMING, PortraitEncoder
from portraits.render import Renderer
from portraits.scene import appearance_names, sample
from portraits.train_encoder import SEEN, UNSEEN_WEIGHT, appearance_loss, roughened, seen_weights, train_encoder
from portraits.training import step_rng
from stylegan2.inversion.align import Framing, face_square


def settings(**changes):
    return {"steps": 14, "batch_size": 8, "width": 8, "num_features": 16, "report_every": 1, "seed": 5, **changes}


def test_any_size_of_picture_gives_rows_of_w():
    encoder = PortraitEncoder(7, width=8, num_features=16, num_ws=6, w_dim=20).eval()
    for size in (32, 128, 200):
        w_plus = encoder(torch.rand(2, 3, size, size) * 2 - 1)
        assert w_plus.shape == (2, 6, 20) and torch.equal(w_plus[:, 0], w_plus[:, 5])


def test_the_built_in_size_is_within_its_budget():
    encoder = PortraitEncoder(len(appearance_names()))
    assert 2 * sum(p.numel() for p in encoder.parameters()) <= 2.5e6  # bytes in float16


def test_training_lowers_the_error_and_writes_the_model(small_cache, tmp_path):
    reports = list(train_encoder(small_cache, tmp_path, **settings(steps=60, learning_rate=4e-3)))
    assert np.mean([r["loss"] for r in reports[-9:-1]]) < 0.9 * np.mean([r["loss"] for r in reports[:4]])
    assert 0 < reports[-1]["error"] < 1 and reports[-1]["explained"] <= 1
    assert reports[-1]["least_explained"].split()[0] in appearance_names()
    assert (tmp_path / "encoder.safetensors").stat().st_size > 0


def test_a_killed_run_ends_as_one_left_alone(small_cache, tmp_path):
    left_alone = list(train_encoder(small_cache, tmp_path / "a", **settings()))
    for report in train_encoder(small_cache, tmp_path / "b", **settings()):
        if report["step"] == 12:  # the last checkpoint is of step 10
            break
    resumed = list(train_encoder(small_cache, tmp_path / "b", **settings()))
    assert resumed[0]["step"] == 11 and resumed[-2]["loss"] == left_alone[-2]["loss"]
    assert (tmp_path / "a/encoder.safetensors").read_bytes() == (tmp_path / "b/encoder.safetensors").read_bytes()


def test_a_drawn_face_fills_the_square_of_its_own_points():
    """What `FRAMING` says: the square that eyes and mouth of a drawn face ask for is the whole picture."""
    squares, renderer = [], Renderer(128)
    for index in range(40):
        mask = renderer.draw(sample(1, index))[1]
        found = [np.argwhere(np.isin(mask, classes))[:, ::-1] + 0.5 for classes in ((4,), (5,), (11, 12, 13))]
        if min(map(len, found)) < 20:  # sunglasses, a closed eye
            continue
        left, right, mouth = found
        square = face_square([left.mean(0), right.mean(0), mouth[mouth[:, 0].argmin()], mouth[mouth[:, 0].argmax()]], Framing(**FRAMING))
        squares.append([*square.centre, square.side])
    assert len(squares) > 10 and np.mean(squares, 0) == pytest.approx([64, 64, 128], rel=0.015)


def test_what_cannot_be_seen_counts_little(small_cache):
    assert set(SEEN) < set(appearance_names())
    weights, columns = seen_weights(small_cache), {name: i for i, name in enumerate(appearance_names())}
    quantity = {name: np.asarray(small_cache.quantities)[:, i] for i, name in enumerate(small_cache.quantity_names)}
    bare = quantity["glasses"] < 0.01
    assert bare.any() and not bare.all()
    assert np.allclose(weights[bare, columns["frame_light"]], UNSEEN_WEIGHT, atol=0.02)
    assert (weights[quantity["glasses"] > 0.9, columns["frame_light"]] > 0.9).all()
    assert (weights[:, columns["smile"]] == 1).all()
    assert weights.min() >= UNSEEN_WEIGHT - 1e-6 and weights.max() <= 1


def test_the_loss_of_a_small_error_is_its_square_and_of_a_large_one_its_size():
    guess, x = torch.tensor([[0.1, 4.0]]), torch.zeros(1, 2)
    assert appearance_loss(guess, x, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(0.1**2)
    assert appearance_loss(guess, x, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(4.0 - 0.25)


def test_roughened_pictures_keep_their_colours():
    images = torch.rand(64, 3, 16, 16) * 2 - 1
    before = images.clone()
    rough = roughened(images, step_rng(0, 1, torch.device("cpu")))
    assert rough.shape == images.shape and torch.equal(images, before) and not torch.equal(rough, images)
    assert (rough.mean((2, 3)) - images.mean((2, 3))).abs().mean() < 0.05
    plain = torch.full_like(images, 0.25)
    assert (roughened(plain, step_rng(0, 1, torch.device("cpu"))).mean((2, 3)) - 0.25).abs().max() < 0.02
