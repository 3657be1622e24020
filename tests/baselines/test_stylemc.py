"""StyleMC: which channels may move, which are put back, and where the steps lead."""

from __future__ import annotations

import pytest
import torch

from baselines.identity import IdentityLoss
from baselines.offsets import OffsetEditor, StyleOffset, load_offset
from baselines.stylemc.direction import StyleMCConfig, allowed_channels, find_offset, sign_consistent
from evaluation.editor import Request, Samples
from lelsd.clip_guide import ClipGuide
from stylegan2.style_space import num_styles, style_layers

CURLY = Request("a person with curly hair", "Curly_Hair")
QUICK = StyleMCConfig(pictures=16, batch_size=2, highest=16, step_size=1.0)


@pytest.fixture(scope="module")
def guide(tiny_models) -> ClipGuide:
    return ClipGuide(tiny_models)


@pytest.fixture(scope="module")
def found(tiny_models, guide) -> StyleOffset:
    return find_offset(tiny_models, guide, IdentityLoss(tiny_models), CURLY.prompt, QUICK)


def samples(pack, count: int = 4) -> Samples:
    w_plus = pack.generator.mapping(torch.randn(count, 16, generator=torch.Generator().manual_seed(9)))
    return Samples(pack.generator.synthesis(w_plus), w_plus)


def test_a_sign_may_change_in_half_of_the_steps():
    steps = torch.tensor([[1, 1, 1, 0], [1, -1, -1, 2], [1, 1, 1, 0], [1, 1, -1, 2], [1, -1, 1, -2], [1, -1, -1, 3]], dtype=torch.float)
    assert sign_consistent(steps).tolist() == [True, True, False, True]  # 0, 3, 5 and 2 changes in 6 steps


def test_only_convolutions_of_low_resolutions_move(tiny_models, found):
    allowed = allowed_channels(tiny_models, QUICK)
    for layer in style_layers(tiny_models.generator.synthesis):
        own, moved = allowed[layer.start:layer.stop], found.offset[layer.start:layer.stop]
        may = layer.name in ("b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1")
        assert bool((own == may).all()) and bool((moved != 0).any()) == may, layer.name
    assert 0 < found.about["channels"] <= int(allowed.sum()) and found.about["pictures"] == 16


def test_the_offset_leads_towards_the_prompt(tiny_models, guide, found):
    given, target = samples(tiny_models, 8), guide.encode_text([CURLY.prompt])[0]
    edited = tiny_models.generator.synthesis(given.w_plus, style_offset=found.offset[None])
    assert float((guide.encode_image(edited) @ target).mean()) > float((guide.encode_image(given.images) @ target).mean())


def test_too_few_pictures_are_refused(tiny_models, guide):
    with pytest.raises(ValueError, match="7 pictures are too few.*from 8"):
        find_offset(tiny_models, guide, IdentityLoss(tiny_models), CURLY.prompt, StyleMCConfig(pictures=7))


def test_the_editor_learns_once_and_scales(tiny_models, tmp_path):
    size, learned = num_styles(tiny_models.generator.synthesis), []

    def learn(request: Request) -> StyleOffset:
        learned.append(request.prompt)
        return StyleOffset(torch.full((size,), 0.2), {"beta": 0.1})

    given, place = samples(tiny_models), lambda request: tmp_path / "kept" / "offset.safetensors"
    editor = OffsetEditor("stylemc", tiny_models, learn, place, precompute=lambda: learned.append("precomputed"))
    with torch.no_grad():
        assert editor.prepare(CURLY, given)["source"] == "trained"
        told = OffsetEditor("stylemc", tiny_models, learn, place).prepare(CURLY, given)
    assert told["source"] == "loaded" and told["beta"] == 0.1 and told["seconds"] >= 0 and learned == ["precomputed", CURLY.prompt]
    edited = editor.edit(given, Request(CURLY.prompt, "Curly_Hair", alpha=2.0))
    assert torch.allclose(edited, tiny_models.generator.synthesis(given.w_plus, style_offset=torch.full((1, size), 0.4)), atol=1e-5)
    assert torch.equal(editor.edit(given, Request(CURLY.prompt, "Curly_Hair", alpha=0.0)), given.images)
    with pytest.raises(ValueError, match="'stylemc' was given pictures without latents"):
        editor.edit(Samples(given.images), CURLY)


def test_a_damaged_offset_is_named(tmp_path):
    path = tmp_path / "offset.safetensors"
    path.write_bytes(b"\0" * 20)
    with pytest.raises(ValueError, match="offset.safetensors is damaged"):
        load_offset(path)
