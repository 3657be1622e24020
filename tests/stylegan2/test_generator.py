"""Synthesis in parts, at lower resolutions, in batches and in bfloat16; and what it refuses."""

from __future__ import annotations

import copy

import pytest
import torch

from stylegan2.generator import Generator, GeneratorConfig, compute_dtype

CONFIG = GeneratorConfig(resolution=32, z_dim=16, w_dim=16, num_mapping_layers=2, channel_base=512, channel_max=32)
LAYERS = range(CONFIG.num_ws)


def make(seed: int = 0) -> Generator:
    """A generator whose noise, biases and mean latent do something."""
    torch.manual_seed(seed)
    generator = Generator(CONFIG)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength") or (name.endswith("bias") and "affine" not in name):
                parameter.add_(0.3 * torch.randn_like(parameter))
    generator.mapping.w_avg.normal_()
    return generator


@pytest.fixture(scope="module")
def generator() -> Generator:
    return make().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def w_plus() -> torch.Tensor:
    return torch.randn(2, CONFIG.num_ws, CONFIG.w_dim, generator=torch.Generator().manual_seed(1))


def test_config_counts_layers_and_channels():
    assert [GeneratorConfig(resolution=r).num_ws for r in (8, 128, 1024)] == [4, 12, 18]
    assert GeneratorConfig(resolution=1024).resolutions == [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    config = GeneratorConfig(channel_base=4096, channel_max=192)
    assert [config.channels(r) for r in (4, 16, 32, 128)] == [192, 192, 128, 32]
    assert GeneratorConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("settings", [{"resolution": 96}, {"resolution": 4}, {"w_dim": 0}, {"depth": 3}])
def test_settings_that_do_not_fit(settings):
    with pytest.raises(ValueError, match="accepted"):
        GeneratorConfig.from_dict(settings)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layer", LAYERS)
def test_partial_synthesis_is_exactly_the_full_one(generator, w_plus, layer, dtype):
    edited = w_plus.clone()
    edited[:, layer:] += 1
    state = generator.synthesis.state_below(w_plus, layer, dtype=dtype)
    full = generator.synthesis(edited, dtype=dtype)
    assert torch.equal(generator.synthesis(edited, state=state, dtype=dtype), full)
    assert torch.equal(generator.synthesis(edited, state=state, dtype=dtype), full), "a state can be used again"
    assert not torch.equal(full, generator.synthesis(w_plus, dtype=dtype))


@pytest.mark.parametrize("layer", LAYERS)
def test_the_state_does_not_depend_on_its_layer_and_above(generator, w_plus, layer):
    edited = w_plus.clone()
    edited[:, layer:] += 1
    before, after = (generator.synthesis.state_below(rows, layer) for rows in (w_plus, edited))
    assert torch.equal(before.features, after.features)
    assert (before.image is None) == (layer < 2)
    assert before.image is None or torch.equal(before.image, after.image)
    _, returned = generator.synthesis(w_plus, return_state=layer)
    assert returned.layer == layer and torch.equal(returned.features, before.features)


def test_a_state_of_one_sample_serves_a_batch(generator, w_plus):
    steps = torch.linspace(-2, 2, 3)[:, None, None] * torch.ones(3, CONFIG.num_ws, CONFIG.w_dim)
    steps[:, :4] = 0
    state = generator.synthesis.state_below(w_plus[:1], 4)
    expected = generator.synthesis(w_plus[:1] + steps)
    torch.testing.assert_close(generator.synthesis(w_plus[:1] + steps, state=state), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="samples"):
        generator.synthesis(w_plus[:1], state=generator.synthesis.state_below(w_plus, 4))


def test_random_noise_comes_from_the_generator_alone(generator, w_plus):
    def image(seed):
        return generator.synthesis(w_plus, "random", torch.Generator().manual_seed(seed))

    assert torch.equal(image(1), image(1))
    assert not torch.equal(image(1), image(2))
    assert not torch.equal(generator.synthesis(w_plus, "const"), generator.synthesis(w_plus, "none"))
    random = torch.Generator().manual_seed(1)
    state = generator.synthesis.state_below(w_plus, 5, "random", random)
    assert torch.equal(generator.synthesis(w_plus, "random", random, state=state), image(1))


def test_features_are_those_of_the_convolutions(generator, w_plus):
    image, features = generator.synthesis(w_plus, return_features=True)
    assert list(features) == list(LAYERS)[:-1]
    assert [features[layer].shape[-1] for layer in features] == [4, 8, 8, 16, 16, 32, 32]
    for layer, feature in features.items():
        assert torch.equal(feature, generator.synthesis.state_below(w_plus, layer + 1).features)
    _, upper, state = generator.synthesis(
        w_plus, state=generator.synthesis.state_below(w_plus, 5), return_features=True, return_state=6)
    assert list(upper) == [5, 6] and torch.equal(upper[6], features[6]) and state.layer == 6


@pytest.mark.parametrize("resolution, rows", [(4, 2), (8, 4), (16, 6), (32, 8)])
def test_growing_stops_at_a_picture(generator, w_plus, resolution, rows):
    image = generator.synthesis(w_plus, resolution=resolution)
    assert image.shape == (2, 3, resolution, resolution) and image.dtype == torch.float32
    assert torch.equal(image, generator.synthesis(w_plus[:, :rows], resolution=resolution))
    if resolution >= 8:
        smaller = Generator(GeneratorConfig(**{**CONFIG.to_dict(), "resolution": resolution}))
        smaller.load_state_dict(generator.state_dict(), strict=False)
        assert torch.equal(image, smaller.synthesis(w_plus[:, :rows]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_batch_is_its_samples(generator, w_plus, dtype):
    batch = generator.synthesis(w_plus, dtype=dtype)
    single = torch.cat([generator.synthesis(row[None], dtype=dtype) for row in w_plus])
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(batch, single, rtol=tolerance, atol=tolerance * float(single.std()))
    assert generator.synthesis(w_plus[:0], dtype=dtype).shape == (0, 3, 32, 32)


def test_truncation_by_hand(generator):
    z = torch.randn(3, CONFIG.z_dim)
    w, mean = generator.mapping.w(z), generator.mapping.w_avg
    assert torch.equal(generator.mapping(z), w[:, None].expand(-1, CONFIG.num_ws, -1))
    torch.testing.assert_close(generator.mapping(z, 0.25)[:, 3], mean + 0.25 * (w - mean))
    mixed = generator.mapping(z, 0.25, cutoff=2)
    torch.testing.assert_close(mixed[:, 1], mean + 0.25 * (w - mean))
    assert torch.equal(mixed[:, 2:], generator.mapping(z)[:, 2:])
    assert generator.mapping(z[:0]).shape == (0, CONFIG.num_ws, CONFIG.w_dim)
    torch.testing.assert_close(generator.mapping(1000 * z), generator.mapping(z))


def test_the_mean_latent_follows_training():
    mapping = make().mapping
    mapping.w_avg.zero_()
    mapping.track_average(torch.tensor([[1.0], [3.0]]).expand(2, CONFIG.w_dim), decay=0.75)
    torch.testing.assert_close(mapping.w_avg, torch.full([CONFIG.w_dim], 0.5))


def test_every_parameter_learns():
    generator = make()
    w_plus = generator.mapping(torch.randn(2, CONFIG.z_dim))
    generator.synthesis(w_plus, dtype=torch.bfloat16).square().mean().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad.dtype == torch.float32 and parameter.grad.abs().sum() > 0, name


def test_training_in_bfloat16_follows_float32(w_plus):
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        generator = make()
        generator.synthesis(w_plus, dtype=dtype).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in generator.synthesis.parameters()]))
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999


def test_what_a_frozen_layer_keeps_is_never_stale(w_plus):
    generator = make().requires_grad_(False)
    before = generator.synthesis(w_plus)
    with torch.no_grad():
        generator.synthesis.b8.conv0.weight.mul_(torch.rand_like(generator.synthesis.b8.conv0.weight))
    changed = generator.synthesis(w_plus)
    assert not torch.equal(before, changed)
    twin = copy.deepcopy(generator)
    twin.load_state_dict(make().state_dict())
    assert torch.equal(twin.synthesis(w_plus), before)
    assert torch.equal(generator.requires_grad_(True).synthesis(w_plus), changed)


def test_gradients_after_a_call_in_inference_mode(w_plus):
    generator = make().requires_grad_(False)
    with torch.inference_mode():
        expected = generator.synthesis(w_plus)
    latents = w_plus.clone().requires_grad_()
    image = generator.synthesis(latents)
    assert torch.equal(image, expected)
    image.sum().backward()
    assert bool((latents.grad.abs().sum(dim=2) > 0).all())


def test_compute_dtype():
    assert compute_dtype("cuda") == torch.float32
    assert compute_dtype("cpu") in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("arguments", [
    {"noise": "loud"}, {"resolution": 64}, {"resolution": 12}, {"return_state": 8}, {"w_plus": torch.zeros(2, 7, 16)},
    {"w_plus": torch.zeros(2, 8, 17)}, {"w_plus": torch.zeros(8, 16)}, {"w_plus": torch.zeros(2, 3, 16), "resolution": 8}])
def test_what_synthesis_refuses(generator, arguments):
    with pytest.raises(ValueError, match="accepted"):
        generator.synthesis(**{"w_plus": torch.zeros(2, 8, 16), **arguments})


def test_what_the_rest_refuses(generator, w_plus):
    with pytest.raises(ValueError, match="accepted"):
        generator.synthesis.state_below(w_plus, 8)
    with pytest.raises(ValueError, match="accepted"):
        generator.synthesis(w_plus, state=generator.synthesis.state_below(w_plus, 6), resolution=8)
    with pytest.raises(ValueError, match="accepted"):
        generator.mapping(torch.zeros(2, 5))
    with pytest.raises(ValueError, match="accepted"):
        generator.mapping(torch.zeros(2, 16), 0.5, cutoff=9)


def test_features_alone_are_those_of_a_whole_pass(generator, w_plus):
    _, features = generator.synthesis(w_plus, return_features=True)
    found = generator.synthesis.features(w_plus, last=3)
    assert sorted(found) == [0, 1, 2, 3]
    assert all(torch.equal(found[layer], features[layer]) for layer in found)
    with pytest.raises(ValueError, match="layer is 7"):
        generator.synthesis.features(w_plus, last=7)
