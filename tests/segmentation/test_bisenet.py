"""BiSeNet against the reference's own output, its names, its small widths, and the folded copy."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from segmentation.bisenet import BiSeNet, fold_batch_norms, scaled_channels, upsample_logits

GOLDEN = Path(__file__).parents[1] / "golden"


def golden_weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The rules of the golden files' README for Face-BiSeNet: weights that follow from a tensor's name alone."""
    draw = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    n = torch.as_tensor(draw)
    if len(shape) == 4:
        return n * (2.0 / (shape[1] * shape[2] * shape[3])) ** 0.5
    if name.endswith("running_var"):
        return 1.0 + 0.1 * n.abs()
    return 1.0 + 0.1 * n if name.endswith(".weight") else 0.1 * n


def fill(network: BiSeNet) -> BiSeNet:
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = golden_weight(name, tuple(tensor.shape))
    network.load_state_dict(state)
    return network.eval()


def small_network() -> BiSeNet:
    torch.manual_seed(0)
    return fill(BiSeNet(width=0.125))


def test_names_and_shapes_are_the_published_ones():
    published = json.loads((GOLDEN / "face_bisenet_shapes.json").read_text())
    assert {name: list(tensor.shape) for name, tensor in BiSeNet().state_dict().items()} == published


def test_same_output_as_the_reference():
    golden = np.load(GOLDEN / "face_bisenet.npz")
    x = torch.as_tensor(np.random.RandomState(4).standard_normal((1, 3, 512, 512)).astype(np.float32))
    with torch.no_grad():
        outputs = fill(BiSeNet())(x)
    for output, name in zip(outputs, ("logits_pool64", "logits16_pool64", "logits32_pool64"), strict=True):
        expected = torch.as_tensor(golden[name])
        error = (F.adaptive_avg_pool2d(output, 64) - expected).abs().max() / expected.std()
        assert error < 1e-4, name
    labels = outputs[0].argmax(1)[:, ::8, ::8].numpy()
    assert (labels == golden["argmax_every8"]).mean() > 0.999  # ties between classes may fall either way


@pytest.mark.parametrize(("channels", "width", "expected"), [(64, 1.0, 64), (64, 0.125, 8), (128, 0.3125, 40), (64, 0.01, 8)])
def test_scaled_channels(channels, width, expected):
    assert scaled_channels(channels, width) == expected


@pytest.mark.parametrize("size", [(64, 64), (33, 70)])
def test_any_size_goes_in_and_comes_out(size):
    maps = small_network()(torch.zeros(2, 3, *size))
    assert [tuple(m.shape) for m in maps] == [(2, 19, *size)] * 3


def test_coarse_logits_are_the_first_map_before_upsampling():
    network, x = small_network(), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    coarse = network.coarse_logits(x)
    assert coarse.shape == (2, 19, 8, 8)
    torch.testing.assert_close(upsample_logits(coarse, (64, 64)), network(x)[0])
    assert network(x, (20, 30))[0].shape == (2, 19, 20, 30)


def test_folded_copy_is_the_same_function_and_leaves_the_network_alone():
    network, x = small_network(), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    names = list(network.state_dict())
    folded = fold_batch_norms(network)
    expected = network(x)[0]
    torch.testing.assert_close(folded(x)[0], expected, rtol=0, atol=1e-4 * expected.std().item())
    assert not any("running_mean" in name for name in folded.state_dict())
    assert list(network.state_dict()) == names and not any(p.requires_grad for p in folded.parameters())


@pytest.mark.parametrize("arguments", [{"width": 0}, {"width": -1}, {"width": 9}, {"num_classes": 1}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError):
        BiSeNet(**arguments)
