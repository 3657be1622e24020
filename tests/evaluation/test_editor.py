"""The protocol, and our own editor behind it."""

from __future__ import annotations

import pytest
import torch

from evaluation.editor import DirectionEditor, Request, Samples
from evaluation.line import HELD_OUT_SEEDS, held_out_samples
from evaluation.measure import NAMES, Judge, means
from lelsd.clip_guide import ClipGuide
from lelsd.direction import Direction
from portraits.scene import ATTRIBUTES
from stylegan2.style_space import num_styles

CURLY = Request("a person with curly hair", "Curly_Hair")


class Shift:
    """A direction for the arithmetic alone."""

    def __init__(self, way: torch.Tensor) -> None:
        self.way = way

    def step_from(self, w_plus: torch.Tensor, alpha: float) -> torch.Tensor:
        return alpha * self.way


class Painter:
    """An editor of another kind: it paints the top half white, and needs no latents."""

    name = "painter"

    def edit(self, samples: Samples, request: Request) -> torch.Tensor:
        images = samples.images.clone()
        images[:, :, : images.shape[2] // 2] = request.alpha
        return images


@pytest.fixture(scope="module")
def judge(tiny_models) -> Judge:
    return Judge(tiny_models, held_out_samples(tiny_models, 10, 1.0), ClipGuide(tiny_models).encode_image)


def direction(pack, distance: float = 2.0) -> Direction:
    generator = torch.Generator().manual_seed(3)
    deltas = torch.randn(1, pack.generator.num_ws, pack.generator.w_dim, generator=generator) / pack.generator.w_dim**0.5
    layers = tuple(range(pack.generator.num_ws))
    return Direction(deltas, layers, CURLY.prompt, "hair", pack.name, pack.hash, (distance,), {"hair": 1.0})


def test_ours_moves_every_latent_along_the_direction(tiny_models):
    synthesis, given = tiny_models.generator.synthesis, held_out_samples(tiny_models, 2, 1.0)
    request, before = Request(CURLY.prompt, "Curly_Hair", alpha=1.5), given.w_plus.clone()
    way = torch.randn(8, 16, generator=torch.Generator().manual_seed(3))
    edited = DirectionEditor(synthesis, {CURLY.prompt: Shift(way)}).edit(given, request)
    assert torch.allclose(edited, synthesis(given.w_plus + 1.5 * way), atol=1e-5) and torch.equal(given.w_plus, before)
    styles = torch.randn(num_styles(synthesis), generator=torch.Generator().manual_seed(4))
    edited = DirectionEditor(synthesis, {CURLY.prompt: Shift(styles)}).edit(given, request)
    assert torch.allclose(edited, synthesis(given.w_plus, style_offset=1.5 * styles[None]), atol=1e-5)


def test_ours_refuses_what_it_cannot_serve(tiny_models):
    editor = DirectionEditor(tiny_models.generator.synthesis, {CURLY.prompt: Shift(torch.zeros(8, 16))})
    with pytest.raises(ValueError, match="no direction for 'a hat'.*curly hair"):
        editor.edit(Samples(torch.zeros(1, 3, 4, 4), torch.zeros(1, 2, 1)), Request("a hat", "Wearing_Hat"))
    with pytest.raises(ValueError, match="without latents"):
        editor.edit(Samples(torch.zeros(1, 3, 4, 4)), CURLY)


def test_samples_split_in_order():
    samples = Samples(torch.arange(5.0).view(5, 1, 1, 1), torch.arange(5.0).view(5, 1, 1))
    batches = list(samples.split(2))
    assert [len(batch) for batch in batches] == [2, 2, 1] and batches[2].w_plus.item() == batches[2].images.item() == 4.0
    assert [batch.w_plus for batch in Samples(samples.images).split(3)] == [None, None]


def test_held_out_samples_are_those_of_their_seeds(tiny_models):
    from lelsd.edit import base_latent

    samples = held_out_samples(tiny_models, 3, 0.7)
    assert torch.allclose(samples.w_plus[2:], base_latent(tiny_models, HELD_OUT_SEEDS + 2, 0.7), atol=1e-6)
    assert samples.images.shape == (3, 3, 32, 32)


def test_an_edit_of_strength_zero_does_nothing(judge, tiny_models):
    editor = DirectionEditor(tiny_models.generator.synthesis, {CURLY.prompt: direction(tiny_models)})
    request = Request(CURLY.prompt, "Curly_Hair", alpha=0.0)
    found = judge.measure(judge.edit(editor, request), request, "hair", torch.ones(32) / 32**0.5)
    assert found["side_effect_rate"] == 0 and found["identity"] == pytest.approx(1, abs=1e-5) and found["clip_gain"] == pytest.approx(0, abs=1e-6)
    assert found["localization"] is None and found["target_rate"] in (0, None)


def test_every_metric_of_a_real_edit(judge, tiny_models):
    editor = DirectionEditor(tiny_models.generator.synthesis, {CURLY.prompt: direction(tiny_models)})
    after = judge.edit(editor, CURLY)
    found = judge.measure(after, CURLY, "hair", torch.ones(32) / 32**0.5)
    assert tuple(found) == NAMES
    assert 0 <= found["side_effect_rate"] <= 1 and 0 <= found["localization"] <= 1 and -1 <= found["identity"] <= 1 and found["clip_gain"] != 0
    index = ATTRIBUTES.index("Curly_Hair")
    eligible = ~judge.before.attributes[:, index]
    assert judge.eligible(CURLY) == int(eligible.sum())
    assert found["target_rate"] == judge.target_rate(editor, CURLY)
    if eligible.any():
        assert found["target_rate"] == pytest.approx(after.attributes[eligible, index].double().mean().item())
    assert "Curly_Hair" not in judge.most_changed(after, CURLY)


def test_an_editor_of_another_kind_is_measured_by_the_same_code(judge):
    after = judge.edit(Painter(), CURLY)
    assert bool((after.images[:, :, :16] == 1).all()) and torch.equal(after.images[:, :, 16:], judge.before.images[:, :, 16:])
    found = judge.measure(after, CURLY, "background", torch.ones(32) / 32**0.5)
    assert found["identity"] < 0.999 and 0 <= found["localization"] <= 1


def test_means_leave_out_what_could_not_be_measured():
    assert means([{"a": 1.0, "b": None}, {"a": 3.0, "b": 5.0}, {"a": None}], ("a", "b", "c")) == {"a": 2.0, "b": 5.0, "c": None}
