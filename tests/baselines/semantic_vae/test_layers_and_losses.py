"""Shapes, and the losses by hand."""

import math

import pytest
import torch

from baselines.semantic_vae.layers import ClassLinear, MaskDecoder, PartSequence, ResidualBlock
from baselines.semantic_vae.losses import class_weights, cross_entropy, kl_divergence


def test_a_class_linear_layer_is_a_linear_layer_for_each_class():
    x = torch.randn(2, 3, 5)
    for matrices in (1, 3):
        layer = ClassLinear(5, 4, matrices)
        for c in range(3):
            expected = x[:, c] @ layer.weight[c % matrices].T + layer.bias[c % matrices]
            assert torch.allclose(layer(x)[:, c], expected, atol=1e-6)


@pytest.mark.parametrize("layers, bidirectional", [(1, False), (3, False), (3, True)])
def test_who_hears_of_whom(layers, bidirectional):
    """One way, a class hears of those before it alone; both ways, of all. And the same codes give the same maps."""
    sequence = PartSequence(4, layers, 6, bidirectional, 8)
    codes = torch.randn(1, 5, 4)
    other = codes.clone()
    other[:, 3] += 1
    before, after = sequence(codes), sequence(other)
    assert before.shape == codes.shape and torch.equal(before, sequence(codes))
    reached = (before != after).any(2)[0].tolist()
    assert reached == ([True] * 5 if bidirectional else [False] * 3 + [True] * 2)


def test_a_block_is_its_shortcut_at_first_and_doubles_if_asked():
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(ResidualBlock(8, 8, doubles=False)(x), x)
    assert torch.equal(ResidualBlock(8, 8, doubles=True)(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize("doublings, side", [(0, 4), (1, 8), (2, 16)])
def test_a_smaller_mask_has_fewer_doublings_and_as_many_blocks(doublings, side):
    decoder = MaskDecoder(19, (16, 8, 8), doublings)
    assert decoder(torch.randn(2, 19, 4, 4)).shape == (2, 19, side, side) and len(decoder.blocks) == 2


def test_class_weights_by_hand():
    """Equation 1: of 16 pixels, 12 of class 0 and 4 of class 1."""
    masks = torch.zeros(2, 2, 4, dtype=torch.uint8)
    masks[1, 0] = 1
    weights = class_weights([masks[:1], masks[1:]])
    assert weights[:3].tolist() == [0.25, 0.75, 1.0] and len(weights) == 19
    with pytest.raises(ValueError, match="no masks"):
        class_weights([])


def test_cross_entropy_by_hand():
    """Equation 2 over two pixels: p(y) is 1/4 in a class of weight 0.5, and 3/4 in one of weight 1."""
    logits = torch.log(torch.tensor([[[[0.25, 0.25]], [[0.75, 0.75]]]]))
    masks = torch.tensor([[[0, 1]]])
    plain = (math.log(4) + math.log(4 / 3)) / 2
    weighted = (0.5 * math.log(4) + math.log(4 / 3)) / 2
    assert cross_entropy(logits, masks, None).tolist() == pytest.approx([plain])
    assert cross_entropy(logits, masks, torch.tensor([0.5, 1.0])).tolist() == pytest.approx([weighted])


def test_kl_by_hand():
    """KL(N(m, s^2), N(0, 1)) = (s^2 + m^2 - 1 - ln s^2) / 2, summed over the entries: here 0, 2, and (4 - 1 - ln 4) / 2."""
    mean = torch.tensor([[[0.0, 2.0, 0.0]], [[0.0, 0.0, 0.0]]])
    log_variance = torch.tensor([[[0.0, 0.0, math.log(4)]], [[0.0, 0.0, 0.0]]])
    assert kl_divergence(mean, log_variance).tolist() == pytest.approx([2 + (3 - math.log(4)) / 2, 0.0])
