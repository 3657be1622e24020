"""Steps in W+ and in StyleSpace: which is which, for one latent or many."""
from __future__ import annotations

import pytest
import torch

from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.steps import edited, is_style_step
from stylegan2.style_space import num_styles, styles


@pytest.fixture(scope="module")
def synthesis():
    return Generator(GeneratorConfig(32, 16, 16, 2, 512, 32)).synthesis.eval().requires_grad_(False)


def test_each_kind_for_one_and_for_many(synthesis):
    w_plus, rows, size = torch.randn(2, 8, 16), torch.randn(3, 8, 16), num_styles(synthesis)
    assert torch.equal(edited(synthesis, w_plus, rows[0]), synthesis(w_plus + rows[0]))
    assert torch.equal(edited(synthesis, w_plus[:1], rows), synthesis(w_plus[:1] + rows))
    offsets = torch.randn(3, size)
    assert torch.equal(edited(synthesis, w_plus, offsets[0]), synthesis(w_plus, style_offset=offsets[:1]))
    assert torch.equal(edited(synthesis, w_plus, offsets[:2]), synthesis(w_plus, style_offset=offsets[:2]))
    assert torch.equal(edited(synthesis, w_plus[:1], offsets), synthesis(w_plus[:1].expand(3, -1, -1), style_offset=offsets))
    assert [is_style_step(synthesis, step) for step in (rows, rows[0], offsets, offsets[0])] == [False, False, True, True]


def test_rows_and_the_styles_they_make_are_the_same_step(synthesis):
    w_plus, rows = torch.randn(1, 8, 16), torch.randn(1, 8, 16)
    offset = styles(synthesis, w_plus + rows) - styles(synthesis, w_plus)
    assert torch.allclose(edited(synthesis, w_plus, rows), edited(synthesis, w_plus, offset), atol=1e-4)


@pytest.mark.parametrize("shape", [(8, 15), (7, 16), (3,), (2, 9), (1, 1, 8, 16)])
def test_steps_of_another_generator(synthesis, shape):
    with pytest.raises(ValueError, match=r"a step has shape .*accepted: \[8, 16\] in W\+ or"):
        edited(synthesis, torch.randn(1, 8, 16), torch.zeros(shape))
