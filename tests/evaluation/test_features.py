"""What pictures are compared by: the pack's own models, and published networks in files laid out as they are published."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torchvision.models import inception_v3, resnet50

from evaluation import features

PICTURES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def encode(images):
    """What the pack's CLIP would say."""
    return images.flatten(1)[:, :32]


def test_the_packs_own_where_nothing_is_published(tiny_models, tmp_path):
    looks = features.choose_looks(tiny_models, encode, tmp_path)
    assert looks.names == {"fid": "the pack's attribute classifier", "ssfid": "the pack's CLIP", "inception_score": "the pack's attribute classifier"}
    answers = looks.inception_score(PICTURES)
    assert torch.allclose(looks.fid(PICTURES * 3), tiny_models.classifier.features((PICTURES * 3).clamp(-1, 1)), atol=1e-6)
    assert answers.shape[::2] == (2, 2) and torch.allclose(answers.sum(dim=2), torch.ones(2, answers.shape[1]))
    assert torch.allclose(answers[:, :, 1], tiny_models.classifier(PICTURES).sigmoid(), atol=1e-6) and looks.ssfid(PICTURES).shape == (2, 32)


def test_an_encoder_sees_no_attribute_and_clip_lends_its_eyes(tiny_models, tmp_path):
    encoder = SimpleNamespace(standardised=lambda images: images.mean(dim=(2, 3)))
    bare = SimpleNamespace(classifier=None, encoder=encoder, device=tiny_models.device)
    looks = features.choose_looks(bare, encode, tmp_path)
    assert looks.names == {"fid": "the pack's CLIP", "ssfid": "the pack's latent encoder", "inception_score": None}
    assert torch.allclose(looks.ssfid(PICTURES), PICTURES.mean(dim=(2, 3)))


def test_swav_as_it_is_published(tiny_models, tmp_path):
    network = resnet50(weights=None).eval()
    state = {f"module.{name}": value.half() if value.is_floating_point() else value for name, value in network.state_dict().items() if not name.startswith("fc")}
    torch.save({**state, "module.prototypes.weight": torch.zeros(3, 2), "module.projection_head.0.weight": torch.zeros(2, 2)}, tmp_path / features.SWAV)
    looks = features.choose_looks(tiny_models, encode, tmp_path)
    assert looks.names["ssfid"] == "SwAV ResNet-50" and looks.names["fid"] == "the pack's attribute classifier"
    network.fc = torch.nn.Identity()
    shown = torch.nn.functional.interpolate(PICTURES, (224, 224), mode="bilinear", antialias=True) * 0.5 + 0.5
    shown = (shown - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.no_grad():
        network.load_state_dict({name.removeprefix("module."): value.float() for name, value in state.items()})
        assert torch.allclose(looks.ssfid(PICTURES), network(shown), rtol=1e-3, atol=1e-3)


def test_inception_as_it_is_published(tiny_models, tmp_path):
    network = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
    torch.save({name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}, tmp_path / features.INCEPTION)
    looks = features.choose_looks(tiny_models, encode, tmp_path)
    assert looks.names == {"fid": "Inception v3", "ssfid": "the pack's CLIP", "inception_score": "Inception v3"}
    answers, seen = looks.inception_score(PICTURES), looks.fid(PICTURES)
    assert answers.shape == (2, 1, 1000) and seen.shape == (2, 2048) and torch.allclose(answers.sum(dim=2), torch.ones(2, 1), atol=1e-4)


def test_another_network_under_that_name_is_refused(tiny_models, tmp_path):
    torch.save({"module.conv1.weight": torch.zeros(2, 2)}, tmp_path / features.SWAV)
    with pytest.raises(ValueError, match=f"{features.SWAV} is not the published network"):
        features.choose_looks(tiny_models, encode, tmp_path)
    (tmp_path / features.SWAV).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=features.SWAV):
        features.choose_looks(tiny_models, encode, tmp_path)
