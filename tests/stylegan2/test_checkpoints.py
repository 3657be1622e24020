"""A generator survives its file; every other file is refused with a sentence."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from stylegan2.checkpoints import FORMAT, load_generator, save_generator
from stylegan2.generator import Generator, GeneratorConfig

CONFIG = GeneratorConfig(resolution=16, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=64, channel_max=8)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    generator = Generator(CONFIG)
    return generator, save_generator(generator, tmp_path / "new" / "generator.safetensors")


def test_the_same_pictures_to_float16_precision(saved):
    generator, path = saved
    restored = load_generator(path)
    assert restored.config == CONFIG and not restored.training
    assert not any(p.requires_grad or p.dtype != torch.float32 for p in restored.parameters())
    z = torch.randn(2, 8)
    with torch.no_grad():
        expected = generator(z)
        assert float((restored(z) - expected).abs().max() / expected.std()) < 0.02
    assert [file.name for file in path.parent.iterdir()] == ["generator.safetensors"]


def test_what_float16_cannot_hold_stays_float32(tmp_path):
    generator = Generator(CONFIG)
    with torch.no_grad():
        generator.mapping.fc0.weight[0, 0] = 1e6
    assert load_generator(save_generator(generator, tmp_path / "g")).mapping.fc0.weight[0, 0] == 1e6


def test_truncated(saved):
    _, path = saved
    data = path.read_bytes()
    for length in (0, 5, 100, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match="damaged"):
            load_generator(path)


def write_pickle(path):
    path.write_bytes(pickle.dumps({"G_ema": 1}))


def write_pytorch(path):
    torch.save({"g_ema": torch.zeros(2)}, path)


def write_foreign(path):
    save_file({"weight": torch.zeros(2)}, path)


def write_unknown_setting(path):
    save_file({"weight": torch.zeros(2)}, path, {"format": FORMAT, "config": json.dumps({"depth": 3})})


def write_lacking(path):
    save_file({"weight": torch.zeros(2)}, path, {"format": FORMAT, "config": json.dumps(CONFIG.to_dict())})


def write_misshapen(path):
    state = {name: tensor.contiguous() for name, tensor in Generator(CONFIG).state_dict().items()}
    state["mapping.w_avg"] = torch.zeros(9)
    save_file(state, path, {"format": FORMAT, "config": json.dumps(CONFIG.to_dict())})


@pytest.mark.parametrize("write, sentence", [
    (write_pickle, "pickle"), (write_pytorch, "PyTorch archive"), (write_foreign, "no generator of ours"),
    (write_unknown_setting, "depth"), (write_lacking, "lacks the tensor"), (write_misshapen, r"\[9\]; accepted: \[8\]")])
def test_foreign_files(tmp_path, write, sentence):
    path = tmp_path / "file"
    write(path)
    with pytest.raises(ValueError, match=sentence):
        load_generator(path)


def test_no_file(tmp_path):
    with pytest.raises(OSError):
        load_generator(tmp_path / "none")
