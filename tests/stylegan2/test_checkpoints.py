"""A generator survives its file, exactly or in float16; every other file is refused with a sentence; two commands."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from stylegan2.checkpoints import FORMAT, inspect, load_discriminator, load_generator, main, save_generator
from stylegan2.generator import Generator, GeneratorConfig
from tests.stylegan2.published_files import CONFIG, networks, nvidia_pickle


@pytest.fixture
def saved(tmp_path):
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


def test_float32_keeps_every_bit(saved):
    generator, path = saved
    restored = load_generator(save_generator(generator, path, "float32"))
    assert all(torch.equal(value, restored.state_dict()[name]) for name, value in generator.state_dict().items())


def test_what_float16_cannot_hold_stays_float32(tmp_path):
    generator = Generator(CONFIG)
    with torch.no_grad():
        generator.mapping.fc0.weight[0, 0] = 1e6
    assert load_generator(save_generator(generator, tmp_path / "g")).mapping.fc0.weight[0, 0] == 1e6


def test_loading_draws_no_random_numbers_and_keeps_nothing_open(saved):
    before = torch.get_rng_state()
    restored = load_generator(saved[1])
    saved[1].write_bytes(b"\xff" * saved[1].stat().st_size)
    assert torch.equal(before, torch.get_rng_state())
    assert all(value.isfinite().all() for value in restored.state_dict().values())


def write_foreign(path):
    save_file({"weight": torch.zeros(2)}, path)


def write_config(text):
    return lambda path: save_file({"weight": torch.zeros(2)}, path, {"format": FORMAT, "config": text})


def write_changed(name, value):
    def write(path):
        state = {key: tensor.contiguous() for key, tensor in Generator(CONFIG).state_dict().items()}
        save_file(state | {name: value}, path, {"format": FORMAT, "config": json.dumps(CONFIG.to_dict())})

    return write


def config(**changes):
    return write_config(json.dumps(CONFIG.to_dict() | changes))


def write_header(text):
    return lambda path: path.write_bytes(len(text).to_bytes(8, "little") + text.encode() + bytes(4))


def write_picture(path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, "png")


def write_bytes(data):
    return lambda path: path.write_bytes(data)


FOREIGN = {
    "another safetensors": (write_foreign, "no generator of ours"),
    "an unknown setting": (config(depth=3), "depth"),
    "no config": (write_config("[]"), "unusable config"),
    "no JSON": (write_config("{"), "unusable config"),
    "deep JSON": (write_config("[" * 100_000), "unusable config"),
    "a setting that is text": (config(w_dim="8"), "unusable config"),
    "a fraction": (config(w_dim=8.5), "w_dim"),
    "a huge resolution": (config(resolution=2**40), "resolution 1099511627776; accepted: up to 4096"),
    "a number of many digits": (config(resolution=2**4000), "accepted: up to 4096"),
    "a mapping network of a billion layers": (config(num_mapping_layers=10**9), "num_mapping_layers 1000000000; accepted: up to 64"),
    "a large network": (config(resolution=4096, channel_base=2**26, channel_max=16384), "million parameters; accepted"),
    "a clamp that is no number": (config(conv_clamp=float("nan")), "conv_clamp"),
    "a setting in colour": (config(**{"\x1b[31m" * 99: 1}), r"unknown generator setting '.*x1b\[31m"),
    "a number format in colour": (write_header('{"w":{"dtype":"\\u001b[31m","shape":[],"data_offsets":[0,4]}}'), r"no safetensors file: .*x1b\[31m"),
    "a number format of eight bits": (write_changed("mapping.w_avg", torch.zeros(8).to(torch.float8_e4m3fn)), "float8_e4m3fn; accepted"),
    "nothing of it": (config(), "lacks the tensor 'mapping.fc0.bias'"),
    "a tensor too many": (write_changed("extra\x1b[31m", torch.zeros(1)), r"surplus tensor extra\\x1b\[31m"),
    "another shape": (write_changed("mapping.w_avg", torch.zeros(9)), r"\[9\]; accepted: \[8\]"),
    "NaN": (write_changed("mapping.w_avg", torch.full((8,), torch.nan)), "'mapping.w_avg' that are not finite"),
    "infinity": (write_changed("mapping.w_avg", torch.full((8,), torch.inf, dtype=torch.float16)), "not finite"),
    "whole numbers": (write_changed("mapping.w_avg", torch.zeros(8, dtype=torch.int32)), "int32; accepted: floating point"),
    "another filter": (write_changed("synthesis.b8.resample_filter", torch.ones(4, 4) / 16), "resampling filter"),
    "nothing": (write_bytes(b""), "is empty; accepted: NVIDIA's StyleGAN2 .pkl"),
    "text": (write_bytes(b"A generator of faces, {really}.\n"), "is no network file; accepted"),
    "a web page": (write_bytes(b"\n<!DOCTYPE html><html>404</html>"), "is a web page"),
    "a pointer": (write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "Git LFS pointer"),
    "a compressed file": (write_bytes(b"\x1f\x8b\x08\0"), "gzip"),
    "a picture": (write_picture, "is a PNG picture; accepted"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files(tmp_path, kind):
    write, sentence = FOREIGN[kind]
    path = tmp_path / "file"
    write(path)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_generator(path)
    assert str(caught.value).startswith(f"{path} ") and str(caught.value).isprintable()


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        for read in (load_generator, load_discriminator, inspect):
            with pytest.raises(OSError):
                read(path)


@pytest.fixture
def published(tmp_path):
    generator, discriminator = networks()
    return generator, nvidia_pickle(tmp_path / "faces.pkl", G=generator, D=discriminator, G_ema=generator, augment_pipe=None)


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_convert(published, tmp_path, precision, capsys):
    generator, source = published
    target = tmp_path / "made" / "here" / "faces.safetensors"
    result = main(["convert", str(source), str(target), "--precision", precision])
    assert sorted(path.name for path in target.parent.iterdir()) == ["faces.json", "faces.safetensors"]
    described = json.loads(target.with_suffix(".json").read_text())
    assert described["config"] == CONFIG.to_dict() and described["precision"] == precision
    assert described["sha256"] == result["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert described["source"] == {"file": "faces.pkl", "network": "G_ema", "bytes": source.stat().st_size,
                                   "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    assert load_file(target)["mapping.fc0.weight"].dtype == getattr(torch, precision)
    restored = load_generator(target).state_dict()
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(restored[name], value, rtol=0 if precision == "float32" else 1e-3, atol=0)


def test_inspect(published):
    generator, source = published
    report = main(["inspect", str(source)])
    assert report["kind"] == "NVIDIA's pickle" and report["resolution"] == 16 and report["loadable"]
    assert report["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest() and report["bytes"] == source.stat().st_size
    assert list(report["networks"]) == ["G_ema", "G", "D"]
    state = generator.state_dict()
    assert report["networks"]["G_ema"] == {
        "loadable": True, "config": CONFIG.to_dict(), "filled_in": [], "tensors": len(state),
        "parameters": sum(tensor.numel() for tensor in state.values())}


def test_inspect_ours(saved):
    report = inspect(saved[1])
    assert report["kind"] == "ours" and report["loadable"] and report["networks"]["G_ema"]["config"] == CONFIG.to_dict()


def test_inspect_builds_no_network(published, monkeypatch):
    monkeypatch.setattr("torch.nn.Module.load_state_dict", lambda *_, **__: pytest.fail("a network was filled"))
    assert inspect(published[1])["loadable"]


@pytest.mark.parametrize("wrong, sentence", [
    (["convert", "faces.pkl", "faces.pt"], "faces.pt; accepted: a name that ends in .safetensors"),
    (["convert", "faces.pkl", "new.safetensors", "--precision", "int8"], "int8"),
    (["convert", "faces.pkl", "new.safetensors", "--network", "D"], "'D'"),
    (["convert", "none.pkl", "new.safetensors"], "none.pkl"),
    (["convert", "torn.pkl", "new.safetensors"], "torn.pkl"),
    (["convert", "faces.pkl"], "DST"),
    (["inspect", "torn.pkl"], "torn.pkl ends early"),
    (["inspect", "."], "."),
    (["explain", "faces.pkl"], "explain"),
    ([], "inspect|convert"),
])
def test_bad_input_leaves_nothing_behind(published, tmp_path, monkeypatch, capsys, wrong, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torn.pkl").write_bytes(published[1].read_bytes()[:30_000])
    try:
        main(wrong)
    except (ValueError, OSError) as error:
        said = str(error)
    except SystemExit as stop:
        assert stop.code == 2
        said = capsys.readouterr().err
    else:
        pytest.fail("it was accepted")
    assert sentence in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.pkl", "torn.pkl"]


def test_a_file_is_not_converted_onto_itself(saved):
    before = saved[1].read_bytes()
    with pytest.raises(ValueError, match="the source itself"):
        main(["convert", str(saved[1]), str(saved[1])])
    assert saved[1].read_bytes() == before


def test_the_command_line_keeps_the_contract(command, published, tmp_path):
    (tmp_path / "evil.pkl").write_bytes(b"\x80\x03cos\nsystem\nX\x0c\0\0\0touch canary\x85R.")
    outcome = command("stylegan2.checkpoints", "inspect", "evil.pkl", expect=2)
    assert "evil.pkl names os.system" in outcome.sentence and not (tmp_path / "canary").exists()
    assert command("stylegan2.checkpoints", "convert", published[1], "g.safetensors").result["precision"] == "float16"


def test_the_generator_of_a_pack_is_read_without_its_description(tiny_pack, tiny_models):
    generator = load_generator(tiny_pack / "generator.safetensors")
    assert generator.config == tiny_models.generator.config
    z = torch.randn(1, generator.z_dim)
    torch.testing.assert_close(generator(z), tiny_models.generator.synthesis(tiny_models.generator.mapping(z), dtype=torch.float32))
