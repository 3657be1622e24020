"""StyleSpace: the order of its channels, and synthesis from offset styles."""

from __future__ import annotations

import pytest
import torch

from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.style_space import num_styles, split_offset, style_layers, styles


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(1)
    config = GeneratorConfig(resolution=16, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=128, channel_max=12)
    return Generator(config).eval().requires_grad_(False)


def latents(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 6, 8, generator=torch.Generator().manual_seed(2))


def test_the_order_of_the_channels(generator):
    found = [(layer.name, layer.row, layer.resolution, layer.is_rgb, layer.stop - layer.start) for layer in style_layers(generator.synthesis)]
    assert found == [  # widths: 12, 12 and 8 at 4, 8 and 16 pixels; a layer has a style for each channel that it reads
        ("b4.conv1", 0, 4, False, 12), ("b4.torgb", 1, 4, True, 12),
        ("b8.conv0", 1, 8, False, 12), ("b8.conv1", 2, 8, False, 12), ("b8.torgb", 3, 8, True, 12),
        ("b16.conv0", 3, 16, False, 12), ("b16.conv1", 4, 16, False, 8), ("b16.torgb", 5, 16, True, 8)]
    assert num_styles(generator.synthesis) == 88


def test_an_offset_that_a_move_of_w_makes_gives_that_pictures(generator):
    """Affine layers are linear: what w moves the styles by, the offset moves them by too, in every layer."""
    synthesis, w_plus = generator.synthesis, latents()
    moved = w_plus + 0.3 * torch.randn(w_plus.shape, generator=torch.Generator().manual_seed(3))
    offset = styles(synthesis, moved) - styles(synthesis, w_plus)
    assert torch.allclose(synthesis(w_plus, style_offset=offset), synthesis(moved), atol=1e-4)
    assert not torch.allclose(synthesis(w_plus), synthesis(moved), atol=1e-2)


def test_each_layer_reads_its_own_channels(generator):
    synthesis, w_plus = generator.synthesis, latents(1)
    plain = synthesis(w_plus)
    for layer in style_layers(synthesis):
        offset = torch.zeros(1, 88)
        offset[:, layer.start] = 3.0
        assert not torch.equal(synthesis(w_plus, style_offset=offset), plain), layer.name
    assert torch.equal(synthesis(w_plus, style_offset=torch.zeros(1, 88)), plain)


def test_one_offset_serves_a_batch_and_a_kept_state(generator):
    synthesis, w_plus = generator.synthesis, latents(3)
    offset = torch.zeros(1, 88)
    offset[:, 48:] = torch.randn(1, 40, generator=torch.Generator().manual_seed(4))  # from b8.torgb on, which row 3 feeds
    whole = synthesis(w_plus, style_offset=offset)
    assert torch.allclose(whole, torch.cat([synthesis(row[None], style_offset=offset) for row in w_plus]), atol=1e-5)
    state = synthesis.state_below(w_plus, 3)
    assert torch.allclose(synthesis(w_plus, state=state, style_offset=offset), whole, atol=1e-6)


def test_gradients_reach_every_channel(generator):
    offset = torch.zeros(1, 88, requires_grad=True)
    generator.synthesis(latents(1), style_offset=offset).square().sum().backward()
    assert bool((offset.grad != 0).all())


@pytest.mark.parametrize("shape", [(88,), (1, 87), (3, 88)])
def test_other_shapes_are_refused(generator, shape):
    with pytest.raises(ValueError, match=r"style_offset has shape .*accepted: \[1 or 2, 88\]"):
        split_offset(generator.synthesis, torch.zeros(shape), 2)
