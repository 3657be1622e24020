"""Files in NVIDIA's and rosinality's layouts load as what they are; networks that ours is not are refused by name."""

from __future__ import annotations

import argparse
import pickle
import pickletools
import re
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from stylegan2.checkpoints import inspect, load_discriminator, load_generator
from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.generator import Generator, GeneratorConfig
from tests.stylegan2 import golden
from tests.stylegan2.published_files import (
    Persistent, at, networks, nvidia_pickle, persistent, rosinality_discriminator)

# What NVIDIA's published files import (facts from stylegan2-afhqcat-512x512.pkl), in the words of this protocol.
NAMES = {"torch_utils.persistence _reconstruct_persistent_obj", "torch._utils _rebuild_parameter", "torch._utils _rebuild_tensor_v2",
         "torch.storage _load_from_bytes", "dnnlib.util EasyDict", "collections OrderedDict", "numpy dtype", "numpy.core.multiarray scalar"}


def same(ours: torch.nn.Module, theirs: torch.nn.Module) -> bool:
    left, right = ours.state_dict(), theirs.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_nvidias(tmp_path, protocol):
    (generator, discriminator), (training, _) = networks(), networks()
    path = nvidia_pickle(tmp_path / "network.pkl", protocol, G=training, D=discriminator, G_ema=generator, augment_pipe=None)
    if protocol == 3:
        names = {argument for operation, argument, _ in pickletools.genops(path.read_bytes()) if operation.name == "GLOBAL"}
        assert names - {"builtins set"} == NAMES
    loaded = load_generator(path)
    assert loaded.config == generator.config and same(loaded, generator)
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert same(load_generator(path, role="G"), training) and not same(training, generator)
    judge = load_discriminator(path)
    assert judge.config == discriminator.config and same(judge, discriminator)
    assert not {"dnnlib", "torch_utils"} & set(sys.modules)


@pytest.mark.parametrize("config", [
    GeneratorConfig(resolution=32, z_dim=4, w_dim=6, num_mapping_layers=1, channel_base=100, channel_max=16),
    GeneratorConfig(resolution=8, z_dim=3, w_dim=5, num_mapping_layers=3, channel_base=4096, channel_max=7, conv_clamp=256),
    GeneratorConfig(resolution=64, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=64, channel_max=4),
])
def test_any_size(tmp_path, config):
    """The config that comes back gives the same shapes; its channel base may be another one that gives them."""
    generator = Generator(config).eval()
    loaded = load_generator(nvidia_pickle(tmp_path / "network.pkl", G_ema=generator))
    assert same(loaded, generator) and loaded.config.conv_clamp == config.conv_clamp
    widths = [loaded.config.channels(r) for r in config.resolutions]
    assert widths == [config.channels(r) for r in config.resolutions] and loaded.z_dim == config.z_dim
    w_plus = generator.mapping(torch.randn(1, config.z_dim))
    torch.testing.assert_close(loaded.synthesis(w_plus), generator.synthesis(w_plus))


@pytest.mark.parametrize("change", [
    lambda x: x.half(), lambda x: x.bfloat16(), lambda x: x.double(), lambda x: x.to(memory_format=torch.channels_last),
    lambda x: torch.cat([torch.full_like(x, torch.nan), x])[len(x):]])
def test_formats_strides_and_offsets(tmp_path, change):
    """Half precision, channels last (as after float16 training), and a tensor that is the end of a larger one."""
    generator = networks()[0]
    tree = persistent(generator)
    at(tree, "synthesis.b8.conv1")["_parameters"]["weight"] = torch.nn.Parameter(change(generator.synthesis.b8.conv1.weight), False)
    loaded = load_generator(nvidia_pickle(tmp_path / "network.pkl", G_ema=tree)).synthesis.b8.conv1.weight
    assert loaded.dtype == torch.float32 and loaded.is_contiguous()
    torch.testing.assert_close(loaded, generator.synthesis.b8.conv1.weight, rtol=0.01, atol=1e-3)


def test_a_network_by_itself_and_a_shared_tensor(tmp_path):
    generator = networks()[0]
    generator.synthesis.b8.conv1.bias = generator.synthesis.b8.conv0.bias
    path = nvidia_pickle(tmp_path / "network.pkl", G_ema=generator)
    assert same(load_generator(path), generator)


DIFFERENT = {
    "conditional": ("", {"c_dim": 10}, "c_dim 10 in G_ema at the top .it is conditional.; accepted: 0"),
    "a conditional mapping": ("mapping", {"c_dim": 2}, "c_dim 2 in G_ema at mapping"),
    "grey": ("synthesis.b8", {"img_channels": 1}, "img_channels 1 in G_ema at synthesis.b8; accepted: 3"),
    "a residual generator": ("synthesis.b8", {"architecture": "resnet"}, "architecture resnet in G_ema at synthesis.b8; accepted: skip"),
    "the original generator": ("synthesis.b16", {"architecture": "orig"}, "architecture orig"),
    "no noise": ("synthesis.b8.conv0", {"use_noise": False}, "use_noise False"),
    "another activation": ("synthesis.b8.conv0", {"activation": "relu"}, "activation relu in G_ema at synthesis.b8.conv0; accepted: lrelu"),
    "another activation in mapping": ("mapping.fc0", {"activation": "swish"}, "activation swish"),
    "another learning rate": ("mapping.fc1", {"bias_gain": 0.02}, "bias_gain 0.02 in G_ema at mapping.fc1; accepted: 0.01"),
    "another gain": ("synthesis.b8.torgb", {"weight_gain": np.float64(1.5)}, "weight_gain 1.5"),
    "one clamp less": ("synthesis.b16.conv1", {"conv_clamp": None}, "conv_clamp None in G_ema at synthesis.b16.conv1; accepted: 2.5"),
    "a clamp that is no number": ("synthesis.b4.conv1", {"conv_clamp": "256"}, "conv_clamp 256"),
    "a negative clamp": ("synthesis.b4.conv1", {"conv_clamp": -1}, "conv_clamp -1"),
    "an attribute that is a dict": ("synthesis.b4.conv1", {"activation": {}}, "activation dict"),
    "no doubling": ("synthesis.b8.conv0", {"up": 4}, "up 4"),
    "another class": ("", {}, "has a ProjectedGenerator as G_ema"),
    "StyleGAN3": ("synthesis", {"_modules": {"input": Persistent("SynthesisInput", {})}}, "holds a StyleGAN3 network; accepted: StyleGAN2"),
    "no block": ("synthesis", {"_modules": {}}, "no StyleGAN2 as G_ema: blocks at none pixels"),
    "no mean": ("mapping", {"_buffers": {}}, "lacks the tensor 'mapping.w_avg' in G_ema"),
    "a tensor too many": ("mapping", {"_parameters": {"extra": torch.nn.Parameter(torch.ones(1))}}, "surplus tensor mapping.extra in G_ema"),
    "a filter of six": ("synthesis.b8", {"_buffers": {"resample_filter": torch.ones(6, 6)}}, r"of shape \[6, 6\]; accepted: \[4, 4\]"),
    "another filter": ("synthesis.b8", {"_buffers": {"resample_filter": torch.ones(4, 4) / 16}}, "resampling filter in 'synthesis.b8.resample_filter'"),
    "a filter of rosinality's": ("synthesis.b8", {"_buffers": {"resample_filter": torch.ones(4, 4) / 4}}, "resampling filter"),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_generator_that_is_not_ours(tmp_path, case):
    path, changes, sentence = DIFFERENT[case]
    tree = persistent(networks()[0])
    at(tree, path).update(changes)
    if case == "another class":
        tree.name = "ProjectedGenerator"
    file = nvidia_pickle(tmp_path / "network.pkl", G_ema=tree)
    with pytest.raises(ValueError, match=sentence):
        load_generator(file)
    report = inspect(file)
    assert not report["loadable"] and re.search(sentence, report["networks"]["G_ema"]["reason"])


@pytest.mark.parametrize("path, changes, sentence", [
    ("b8", {"architecture": "skip"}, "architecture skip in D at b8; accepted: resnet"),
    ("b4", {"cmap_dim": 8}, "cmap_dim 8 in D at b4 .it is conditional."),
    ("b4.mbstd", {"group_size": None}, "minibatch statistics in D"),
    ("b4.mbstd", {"num_channels": 2}, "minibatch statistics in D"),
    ("b16.conv1", {"down": 1}, "down 1 in D at b16.conv1; accepted: 2"),
    ("b8.conv0", {"activation": "linear"}, "activation linear in D at b8.conv0; accepted: lrelu"),
])
def test_a_discriminator_that_is_not_ours(tmp_path, path, changes, sentence):
    tree = persistent(networks()[1])
    at(tree, path).update(changes)
    with pytest.raises(ValueError, match=sentence):
        load_discriminator(nvidia_pickle(tmp_path / "network.pkl", D=tree))


def test_a_network_that_is_not_there(tmp_path):
    path = nvidia_pickle(tmp_path / "network.pkl", D=networks()[1])
    with pytest.raises(ValueError, match="holds no G_ema; it holds D"):
        load_generator(path)
    assert not inspect(path)["loadable"] and inspect(path)["networks"]["D"]["loadable"]


def test_tensorflow(tmp_path):
    """As NVIDIA's first StyleGAN2: three objects of a class that only TensorFlow's code has."""
    class Network:
        pass

    Network.__module__, Network.__qualname__ = "dnnlib.tflib.network", "Network"
    names = ["dnnlib", "dnnlib.tflib", "dnnlib.tflib.network"]
    modules = {name: ModuleType(name) for name in names}
    modules[names[-1]].Network = Network
    sys.modules.update(modules)
    try:
        network = Network()
        network.__dict__.update(version=4, build_module_src="raise SystemExit", variables=[("w", np.zeros((2, 2)))])
        data = pickle.dumps((network, network, network), 4)
    finally:
        for name in names:
            del sys.modules[name]
    path = tmp_path / "tf.pkl"
    path.write_bytes(data)
    for read in (load_generator, inspect):
        with pytest.raises(ValueError, match=r"TensorFlow networks of NVIDIA's \(dnnlib.tflib.network.Network\).*legacy.py --source=OLD.pkl"):
            read(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_training_checkpoint_of_rosinalitys(tmp_path, zipped):
    state, discriminator = golden.rosinality("tiny64"), networks()[1]
    weights = [torch.nn.Parameter(tensor.clone()) for tensor in state.values()]
    optimizer = torch.optim.Adam(weights)
    sum(weight.square().sum() for weight in weights).backward()
    optimizer.step()
    path = tmp_path / "550000.pt"
    torch.save({"g": state, "d": rosinality_discriminator(discriminator), "g_ema": state, "g_optim": optimizer.state_dict(),
                "args": argparse.Namespace(path="faces", lr=0.002, ckpt=None), "ada_aug_p": 0.1}, path,
               _use_new_zipfile_serialization=zipped)
    report = inspect(path)
    assert report["loadable"] and report["networks"]["D"]["loadable"] and report["networks"]["G"]["loadable"]
    assert "mapping.w_avg" in report["networks"]["G_ema"]["filled_in"]
    judge = load_discriminator(path)
    assert judge.config.group_size == 4 and judge.config.conv_clamp is None
    judge_state = judge.state_dict()
    assert all(torch.equal(judge_state[name], value) for name, value in discriminator.state_dict().items())


def test_a_bare_state_dict_gets_a_mean_latent(tmp_path):
    """rosinality samples the mean latent anew each time; here it is the same each time, and close to any other sample's."""
    torch.save(golden.rosinality("tiny64"), tmp_path / "g.pt")
    generator, again = load_generator(tmp_path / "g.pt"), load_generator(tmp_path / "g.pt")
    assert torch.equal(generator.mapping.w_avg, again.mapping.w_avg)
    w = generator.mapping.w(torch.randn(20_000, generator.z_dim))
    assert float((w.mean(dim=0) - generator.mapping.w_avg).abs().max() / w.std()) < 0.05
    assert float(generator.mapping.w_avg.abs().max()) > 0.1 * float(w.std())


def test_a_stored_mean_latent_is_kept(tmp_path):
    mean = torch.randn(32)
    torch.save({"g_ema": golden.rosinality("tiny64"), "latent_avg": mean}, tmp_path / "g.pt")
    assert torch.equal(load_generator(tmp_path / "g.pt").mapping.w_avg, mean)


def test_a_generator_without_noise_maps_gets_the_same_ones_each_time(tmp_path):
    """As of the first months of rosinality's code, which drew noise for every picture."""
    state = {name: tensor for name, tensor in golden.rosinality("tiny64").items() if "noises" not in name}
    torch.save({"g_ema": state}, tmp_path / "g.pt")
    generator, again = load_generator(tmp_path / "g.pt"), load_generator(tmp_path / "g.pt")
    assert same(generator, again)
    maps = [generator.synthesis.b8.conv0.noise_const, generator.synthesis.b8.conv1.noise_const]
    assert not torch.equal(*maps) and 0.5 < float(torch.stack(maps).std()) < 1.5


def test_a_state_dict_in_our_names(tmp_path):
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=64, channel_max=8))
    torch.save(generator.state_dict(), tmp_path / "g.pt")
    assert same(load_generator(tmp_path / "g.pt"), generator)
    judge = Discriminator(DiscriminatorConfig(16, 64, 8))
    torch.save({"d": judge.state_dict()}, tmp_path / "d.pt")
    assert same(load_discriminator(tmp_path / "d.pt"), judge)


@pytest.mark.parametrize("change, sentence", [
    (lambda s: s | {"input.input": torch.ones(2, 32, 4, 4)}, r"shape \[2, 32, 4, 4\], whose dimensions \[0\] should be 1"),
    (lambda s: s | {"input.input": torch.ones(())}, r"shape \[\], whose dimensions \[0\] should be 1"),
    (lambda s: s | {"style.1.weight": torch.ones(31, 32)}, r"'mapping.fc0.weight' of shape \[31, 32\]; accepted: \[32, 32\]"),
    (lambda s: s | {"encoder.weight": torch.ones(1)}, "a tensor encoder.weight, which no StyleGAN2 of rosinality's has"),
    (lambda s: s | {"convs.99999999.conv.weight": torch.ones(1)}, "a tensor convs.99999999.conv.weight, which"),
    (lambda s: s | {"convs.99.conv.weight": torch.ones(1, 1)}, "blocks at 4, 8, 16, 32, 64, "),
    (lambda s: s | {"convs.1.conv.blur.kernel": torch.ones(4, 4)}, "resampling filter"),
    (lambda s: s | {"to_rgbs.1.upsample.kernel": s["to_rgbs.1.upsample.kernel"] / 4}, "resampling filter"),
    (lambda s: s | {"conv1.activate.bias": torch.full((32,), torch.nan)}, "'synthesis.b4.conv1.bias' that are not finite"),
    (lambda s: s | {f"style.{i}.weight": torch.full((32, 32), 3e38) for i in (1, 2)}, "latents are not finite"),
    (lambda s: s | {"step": 7}, "something else than tensors in G_ema"),
    (lambda s: {k: v for k, v in s.items() if k != "conv1.activate.bias"}, "lacks the tensor 'synthesis.b4.conv1.bias' in G_ema"),
    (lambda s: {k: v for k, v in s.items() if not k.startswith("style")}, "lacks the tensor 'mapping.fc0.weight'"),
])
def test_a_state_dict_that_does_not_fit(tmp_path, change, sentence):
    torch.save({"g_ema": change(golden.rosinality("tiny64"))}, tmp_path / "g.pt")
    with pytest.raises(ValueError, match=sentence):
        load_generator(tmp_path / "g.pt")


def test_other_files_of_pytorchs(tmp_path):
    for value, sentence in [(torch.ones(2), "holds no state dict"), ({"epoch": 3}, "holds neither g_ema"), ({"w": torch.ones(2)}, "tensor w, which no StyleGAN2")]:
        torch.save(value, tmp_path / "x.pt")
        with pytest.raises(ValueError, match=sentence):
            load_generator(tmp_path / "x.pt")
    torch.save(networks()[0], tmp_path / "x.pt")  # a whole module, which names its class
    with pytest.raises(ValueError, match="names stylegan2.generator.Generator"):
        load_generator(tmp_path / "x.pt")
