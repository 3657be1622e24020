"""A narrow synthesis network in a wider one: the same pictures, and new channels that can learn."""

import dataclasses

import numpy as np
import pytest
import torch

from portraits import train_mapping
from portraits.scene import NUM_FACTORS, appearance, sample
from portraits.shipped import Standard, unlift
from portraits.train_generator import SynthesisTraining, new_trainer, synthesis_config
from stylegan2.generator import GeneratorConfig

NARROW = GeneratorConfig(resolution=32, z_dim=NUM_FACTORS, w_dim=synthesis_config("cpu", 32).w_dim, num_mapping_layers=3, channel_base=256, channel_max=16)
WIDE = dataclasses.replace(NARROW, channel_base=512, channel_max=24)


@pytest.fixture(scope="module")
def appearances() -> np.ndarray:
    return np.stack([appearance(sample(3, i)) for i in range(30)]).astype(np.float32)


@pytest.fixture(scope="module")
def narrow(appearances):
    trainer = new_trainer(appearances, NARROW, SynthesisTraining(), torch.float32)
    for name, parameter in trainer.generator.synthesis.named_parameters():
        if name.endswith("torgb.weight"):  # every layer is seen in the picture
            parameter.data.normal_(generator=torch.Generator().manual_seed(1))
    return trainer


def widened_trainer(narrow, appearances, config=WIDE):
    wide = new_trainer(appearances, config, SynthesisTraining(), torch.float32)
    unlift(train_mapping.lift(narrow.generator, narrow.basis), Standard.of(narrow.basis), wide.generator, wide.basis)
    return wide


@torch.no_grad()
def pictures(trainer, appearances):
    return trainer.generator.synthesis(trainer.rows(trainer.basis.w(torch.from_numpy(appearances[:4]))))


def test_a_wider_network_draws_the_same(narrow, appearances):
    wanted = pictures(narrow, appearances)
    assert wanted.std(0).mean() > 0.01, "faces differ, or this proves nothing"
    torch.testing.assert_close(pictures(widened_trainer(narrow, appearances), appearances), wanted, atol=1e-4, rtol=1e-4)


def test_new_channels_learn(narrow, appearances):
    wide = widened_trainer(narrow, appearances)
    w = wide.basis.w(torch.from_numpy(appearances[:8]))
    target, masks = torch.rand(8, 3, 32, 32) * 2 - 1, torch.ones(8, 32, 32, dtype=torch.uint8)
    block = wide.generator.synthesis.b32
    old = NARROW.channels(32)
    made, read = (block.conv1.weight[old:].detach().clone(), block.torgb.weight[:, old:].detach().clone())
    assert read.abs().max() == 0, "they are not heard at first"
    for _ in range(2):  # what makes them can only learn once they are heard
        wide.train_step(target, masks, w)
    assert block.torgb.weight[:, old:].abs().min() > 0
    assert not torch.equal(block.conv1.weight[old:], made)


@pytest.mark.parametrize("change, sentence", [
    ({"channel_max": 8}, "16 channels at 4 pixels cannot start the training of one with 8"),
    ({"resolution": 64}, "resolution 32 cannot start the training of one with resolution 64"),
    ({"conv_clamp": 256.0}, "conv_clamp None cannot start the training of one with conv_clamp 256.0"),
], ids=["narrower", "larger", "clamped"])
def test_what_cannot_hold_it_is_refused(narrow, appearances, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        widened_trainer(narrow, appearances, dataclasses.replace(NARROW, **change))
