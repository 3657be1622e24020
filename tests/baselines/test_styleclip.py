"""StyleCLIP: channel relevance and global directions against what they are defined as, and latent optimisation."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.identity import IdentityLoss
from baselines.styleclip.global_direction import choose, delta_t, global_offset
from baselines.styleclip.optimisation import Moves, OptimisationConfig, OptimisationEditor, digest, learning_rate_at, optimise
from baselines.styleclip.relevance import Relevance, RelevanceConfig, layer_moves, measure_relevance, style_statistics
from evaluation.editor import CannotServe, Request, Samples
from lelsd.clip_guide import ClipGuide
from lelsd.objective import HELD_OUT, sample_noise
from stylegan2.style_space import num_styles, style_layers, styles

CURLY = Request("a person with curly hair", "Curly_Hair")
QUICK = RelevanceConfig(pictures=2, resolution=8, statistics=50, at_once=5)


@pytest.fixture(scope="module")
def guide(tiny_models) -> ClipGuide:
    return ClipGuide(tiny_models)


def samples(pack, count: int = 3) -> Samples:
    w_plus = pack.generator.mapping(torch.randn(count, 16, generator=torch.Generator().manual_seed(9)))
    return Samples(pack.generator.synthesis(w_plus), w_plus)


def test_a_channels_move_is_from_below_to_above_its_mean(tiny_models, guide):
    """Against the definition, one channel and picture at a time, with the styles themselves set."""
    generator, layer = tiny_models.generator, style_layers(tiny_models.generator.synthesis)[2]
    mean, deviation = style_statistics(tiny_models, 50)
    found = layer_moves(tiny_models, guide, QUICK, layer, mean, deviation)
    noise, _ = sample_noise(0, HELD_OUT + 13, (2, generator.z_dim))
    channel, total = layer.start + 1, 0
    for w_plus in generator.mapping(noise, truncation=tiny_models.truncation).split(1):
        own, shown = styles(generator.synthesis, w_plus), []
        for sign in (-1, 1):
            wanted = own.clone()
            wanted[0, channel] = mean[channel] + sign * 5 * deviation[channel]
            shown.append(guide.encode_image(generator.synthesis(w_plus, style_offset=wanted - own)))
        total = total + F.normalize(shown[1] - shown[0], dim=1)
    assert torch.allclose(found[1], F.normalize(total, dim=1)[0], atol=1e-3)
    assert found.shape == (layer.stop - layer.start, 32)


def test_measured_layers_are_kept_and_read_again(tiny_models, guide, tmp_path, monkeypatch):
    first = measure_relevance(tiny_models, guide, QUICK, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b4.conv1.safetensors", "b8.conv0.safetensors", "b8.conv1.safetensors"]
    looked_at = first.moves.norm(dim=1) > 0.5
    for layer in style_layers(tiny_models.generator.synthesis):
        assert bool(looked_at[layer.start:layer.stop].any()) == (not layer.is_rgb and layer.resolution <= 8), layer.name
    monkeypatch.setattr("baselines.styleclip.relevance.layer_moves", lambda *a: pytest.fail("measured again"))
    assert torch.equal(measure_relevance(tiny_models, guide, QUICK, tmp_path).moves, first.moves)


def test_only_channels_that_agree_with_the_text_move(tiny_models, guide):
    count = num_styles(tiny_models.generator.synthesis)
    text = delta_t(tiny_models, guide, CURLY.prompt)
    other = F.normalize(torch.randn(32, generator=torch.Generator().manual_seed(1)), dim=0)
    other = F.normalize(other - (other @ text) * text, dim=0)
    cosines = torch.cat([torch.full((20,), 0.8), torch.tensor([-0.4, 0.05])])
    moves = torch.zeros(count, 32)
    moves[:22] = cosines[:, None] * text + (1 - cosines[:, None] ** 2).sqrt() * other
    deviation = torch.linspace(1, 2, count)
    found = global_offset(tiny_models, guide, Relevance(moves, deviation, 7), CURLY.prompt)
    assert torch.allclose(found.offset[:20], 4.1 * deviation[:20], atol=1e-3)  # the most relevant move by alpha deviations
    assert found.offset[20].item() == pytest.approx(-4.1 * 0.5 * deviation[20].item(), abs=1e-3)
    assert bool((found.offset[21:] == 0).all())
    assert found.about["pictures"] == 7 and found.about["beta"] == 0.29 and found.about["channels"] == 21 and found.about["best_relevance"] == pytest.approx(0.8, abs=1e-3)


def test_beta_is_the_largest_that_leaves_enough_channels():
    scores = torch.cat([torch.full((19,), 0.5), torch.full((1,), -0.175), torch.full((80,), 0.155)])
    beta, chosen = choose(scores)
    assert beta == 0.17 and int(chosen.sum()) == 20
    assert choose(torch.tensor([0.5, 0.11, 0.05]))[0] == 0.1 and choose(torch.tensor([0.5, 0.11, 0.05]))[1].tolist() == [True, True, False]
    with pytest.raises(CannotServe, match="largest is 0.090"):
        choose(torch.tensor([0.05, -0.09]))


def test_a_negated_prompt_starts_from_the_thing_itself(tiny_models, guide):
    with_it, without = (delta_t(tiny_models, guide, text) for text in ("a person with glasses", "a person without glasses"))
    plain = guide.encode_wordings("a person without glasses") - guide.encode_wordings("a person with glasses")
    assert torch.allclose(without, F.normalize(plain, dim=0), atol=1e-5) and float(with_it @ without) < 0.99


def test_the_rate_rises_and_falls_as_published():
    config = OptimisationConfig(steps=100)
    rates = [learning_rate_at(config, step) for step in range(100)]
    assert rates[0] == 0 and rates[1] == pytest.approx(0.02) and rates[5] == rates[75] == pytest.approx(0.1)
    assert rates[87] == pytest.approx(0.1 * (0.5 - 0.5 * math.cos(math.pi * 0.52))) and rates[99] < 0.001


def test_optimisation_lowers_each_pictures_loss_for_itself(tiny_models, guide):
    config, given = OptimisationConfig(steps=12, l2_weight=0.0, identity_weight=0.0), samples(tiny_models)
    identity = IdentityLoss(tiny_models)
    moves = optimise(tiny_models, guide, identity, CURLY.prompt, given.w_plus, config)
    target, synthesis = guide.encode_text([CURLY.prompt])[0], tiny_models.generator.synthesis
    closeness = [guide.encode_image(synthesis(w_plus)) @ target for w_plus in (given.w_plus, given.w_plus + moves)]
    assert bool((closeness[1] > closeness[0]).all())
    alone = optimise(tiny_models, guide, identity, CURLY.prompt, given.w_plus[1:2], config)
    assert float((alone[0] - moves[1]).norm()) < 0.05 * float(moves[1].norm())  # up to rounding, which Adam makes much of
    held = optimise(tiny_models, guide, identity, CURLY.prompt, given.w_plus, replace(config, l2_weight=10.0))
    assert float(held.norm()) < 0.5 * float(moves.norm())


def test_the_editor_keeps_what_it_optimised(tiny_models, guide, tmp_path, monkeypatch):
    given, path = samples(tiny_models), tmp_path / "moves.safetensors"
    editor = OptimisationEditor(tiny_models, guide, OptimisationConfig(steps=2, batch_size=2), lambda request: path)
    told = editor.prepare(CURLY, given)
    assert told["source"] == "trained" and told["seconds"] == pytest.approx(3 * told["seconds_each"], abs=0.01) and told["steps"] == 2
    half, nothing = (editor.edit(given, Request(CURLY.prompt, "Curly_Hair", alpha=alpha)) for alpha in (0.5, 0.0))
    assert torch.allclose(nothing, given.images, atol=1e-5) and not torch.allclose(half, given.images, atol=1e-4)

    monkeypatch.setattr("baselines.styleclip.optimisation.optimise", lambda *a: pytest.fail("optimised again"))
    again = OptimisationEditor(tiny_models, guide, OptimisationConfig(steps=2), lambda request: path)
    assert again.prepare(CURLY, given)["source"] == "loaded"
    turned = again.edit(given.pick(torch.tensor([2, 0])), Request(CURLY.prompt, "Curly_Hair", alpha=0.5))
    assert torch.allclose(turned, half[[2, 0]], atol=1e-5)
    path.write_bytes(b"not a file of tensors")
    with pytest.raises(ValueError, match="damaged"):
        Moves(path)
    with pytest.raises(ValueError, match="without latents"):
        editor.edit(Samples(given.images), CURLY)


def test_latents_have_names_of_their_own():
    one = torch.zeros(2, 3)
    assert digest(one) == digest(one.clone()) and digest(one) != digest(one + 1e-6)


def test_identity_is_lost_as_the_picture_changes(tiny_models):
    images, loss = samples(tiny_models).images, IdentityLoss(tiny_models)
    assert torch.allclose(loss(images, images), torch.zeros(3), atol=1e-5)
    changed = (-images).requires_grad_()
    assert bool((loss(images, changed) > 0.01).all()) and bool((torch.autograd.grad(loss(images, changed).sum(), changed)[0] != 0).any())
