"""The generator agrees with the published one, parameter for parameter and pixel for pixel."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.stylegan2 import golden
from tests.stylegan2.golden import relative_error

MODELS = ["tiny64", pytest.param("ffhq256", marks=pytest.mark.slow), pytest.param("ffhq1024", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    name = request.param
    return golden.generator(name), golden.arrays(f"stylegan2_nvlabs_{name}"), golden.reference(name)["shapes"]


def test_names_and_shapes_are_the_published_ones(case):
    generator, _, shapes = case
    assert {name: list(tensor.shape) for name, tensor in generator.state_dict().items()} == shapes


def test_mapping(case):
    generator, expected, _ = case
    w_plus = generator.mapping(expected["z"])
    assert w_plus.shape == (2, generator.num_ws, generator.w_dim)
    assert relative_error(w_plus[:, :1], expected["ws"]) < 1e-4
    assert relative_error(generator.mapping(expected["z"], 0.7)[:, -1:], expected["ws_psi07"]) < 1e-4
    assert relative_error(generator.mapping(expected["z"], 0.5, 8), expected["ws_psi05_cutoff8"]) < 1e-4


@pytest.mark.parametrize("noise, latents, key", [
    ("const", "ws", "image_const"), ("none", "ws_psi07", "image_none_psi07")])
def test_image(case, noise, latents, key):
    generator, expected, _ = case
    image = generator.synthesis(expected[latents].repeat(1, generator.num_ws, 1), noise)
    assert relative_error(F.adaptive_avg_pool2d(image, 64), expected[f"{key}_pool64"]) < 1e-4
    assert relative_error(golden.center(image, expected[f"{key}_center"]), expected[f"{key}_center"]) < 1e-4


@pytest.mark.parametrize("case", MODELS[:2], indirect=True)
def test_bfloat16_rounds_by_about_one_percent(case):
    generator, expected, _ = case
    w_plus = expected["ws"].repeat(1, generator.num_ws, 1)
    exact, fast = generator.synthesis(w_plus), generator.synthesis(w_plus, dtype=torch.bfloat16)
    assert fast.dtype == torch.float32
    assert float((fast - exact).square().mean().sqrt() / exact.std()) < 0.02
