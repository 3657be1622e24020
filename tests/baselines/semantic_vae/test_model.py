"""The model as the studio uses it: codes by part, parts changed one at a time, files."""

from dataclasses import replace

import pytest
import torch

from baselines.semantic_vae.model import (
    PUBLISHED, SemanticVAE, SemanticVAEConfig, changed_masks, interpolate_part, load_model, part_rows, perturb_part, sample_part,
    save_model,
)
from segmentation.parts import CLASS_INDEX

EYES = [CLASS_INDEX["l_eye"], CLASS_INDEX["r_eye"]]
OTHERS = [index for index in range(19) if index not in EYES]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("changes", [{}, {"separate_encoders": True}, {"lstm_layers": 0}, {"lstm_layers": 1, "bidirectional": False},
                                     {"size": 8}])
def test_masks_to_codes_to_masks(config, masks, changes):
    model = SemanticVAE(replace(config, **changes))
    labels = masks.read([0, 1, 2])
    codes = model.encode(labels)
    assert codes.shape == (3, 19, 16)
    side = changes.get("size", 16)
    assert model.decode(codes).shape == (3, 19, side, side)
    assert torch.equal(model(labels), model(labels)), "the same mask gives the same reconstruction"


def test_a_code_is_of_its_class_alone(config, masks):
    """Hair that turns into background changes the codes of these two, and no other."""
    model = SemanticVAE(config)
    labels = masks.read([0])
    bald = torch.where(labels == CLASS_INDEX["hair"], 0, labels)
    differs = (model.encode(labels) != model.encode(bald)).any(2)[0]
    assert differs.nonzero().flatten().tolist() == [0, CLASS_INDEX["hair"]]


def test_the_encoder_sees_shares_of_larger_masks(config, masks):
    """A mask of twice the size has the same shares in each of the encoder's pixels."""
    model = SemanticVAE(config)
    labels = masks.read([0])
    larger = labels.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.allclose(model.encode(labels), model.encode(larger), atol=1e-6)


def test_sampling_and_perturbing_change_one_part():
    codes = torch.randn(2, 19, 16, generator=rng(1))
    kept = codes.clone()
    drawn, noisy = sample_part(codes, "eyes", rng()), perturb_part(codes, "eyes", rng(), 0.5)
    noise = torch.randn(2, 2, 16, generator=rng())
    assert torch.equal(drawn[:, EYES], noise) and torch.equal(noisy[:, EYES], codes[:, EYES] + 0.5 * noise)
    for edited in (drawn, noisy):
        assert torch.equal(edited[:, OTHERS], codes[:, OTHERS])
    assert torch.equal(codes, kept), "the codes that were given stay as they were"


def test_interpolation_by_hand():
    """Equation 4: 0.25 * 4 + 0.75 * 8 = 7, in the part alone."""
    source, target = torch.full((1, 19, 4), 8.0), torch.full((1, 19, 4), 4.0)
    between = interpolate_part(source, target, "eyes", 0.25)
    assert (between[:, EYES] == 7).all() and (between[:, OTHERS] == 8).all()
    assert torch.equal(interpolate_part(source, target, "eyes", 0.0), source)
    assert (interpolate_part(source, target, "eyes", 1.0)[:, EYES] == 4).all()


def test_only_what_changes_is_put_into_a_mask():
    """Three pixels: changed by the edit, wrongly reconstructed but unchanged, and right."""
    mask = torch.tensor([[[1, 2, 3]]], dtype=torch.uint8)
    before, after = ([torch.nn.functional.one_hot(torch.tensor([[row]]), 19).movedim(-1, 1).float() for row in ([1, 5, 3], [7, 5, 3])])
    assert changed_masks(mask, before, after).tolist() == [[[7, 2, 3]]]


def test_a_saved_model_comes_back(config, tmp_path):
    model = SemanticVAE(config).eval()
    codes = torch.randn(1, 19, 16)
    save_model(tmp_path / "m.safetensors", model)
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.config == config and not any(p.requires_grad for p in loaded.parameters())
    assert torch.allclose(loaded.decode(codes), model.decode(codes), atol=0.02)  # stored as float16


def test_the_default_fits_into_eight_megabytes(tmp_path):
    save_model(tmp_path / "m.safetensors", SemanticVAE())
    assert (tmp_path / "m.safetensors").stat().st_size < 8e6


def test_the_published_widths():
    model = SemanticVAE(PUBLISHED)
    assert model.encoder.layers[0].weight.shape == (1, 256, 65536) and model.sequence.lstm.hidden_size == 256
    assert len(model.decoder.blocks) == 4 and model.code_shape == (19, 256)


@pytest.mark.parametrize("changes, named", [
    ({"size": 100}, "accepted with grid 4 and 3 widths: 4, 8, 16"), ({"size": 64}, "size is 64"), ({"grid": 1}, "grid"),
    ({"widths": (16, 6, 8)}, "multiples of 4"), ({"encoder_size": 32}, "encoder_size"), ({"lstm_layers": -1}, "lstm_layers"),
])
def test_what_cannot_be_built_is_named(config, changes, named):
    with pytest.raises(ValueError, match=named):
        replace(config, **changes)


def test_bad_input_is_named(config, tmp_path):
    model = SemanticVAE(config)
    for masks, named in ((torch.zeros(1, 16, 8, dtype=torch.long), "masks are"), (torch.zeros(1, 16, 16), "float32"),
                         (torch.full((1, 16, 16), 19), "class numbers 0 to 18"), (torch.zeros(1, 4, 4, dtype=torch.long), "from 8 on")):
        with pytest.raises(ValueError, match=named):
            model.encode(masks)
    with pytest.raises(ValueError, match=r"\[N, 19, 16\]"):
        model.decode(torch.zeros(1, 19, 8))
    with pytest.raises(ValueError, match="unknown part 'wing'"):
        part_rows("wing")
    with pytest.raises(ValueError, match="equal shapes"):
        interpolate_part(torch.zeros(1, 19, 4), torch.zeros(2, 19, 4), "nose", 0.5)
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    model.config = replace(config, size=1024, grid=1024, encoder_size=1024)
    save_model(tmp_path / "other.safetensors", model)
    for name, named in (("bad.safetensors", "damaged"), ("other.safetensors", "size mismatch"), ("none.safetensors", "no model")):
        with pytest.raises(ValueError, match=named):
            load_model(tmp_path / name)
