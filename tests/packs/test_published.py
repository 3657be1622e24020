"""A small world in the formats that the real one is published in: from a server to a direction that was learned with it."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from lelsd.config import TrainConfig
from lelsd.direction import load_direction
from lelsd.prompt import parse_prompt
from lelsd.train import train_direction
from packs.__main__ import main
from packs.pack import load_pack
from segmentation.bisenet import BiSeNet
from segmentation.parser import FaceParser
from stylegan2.generator import Generator, GeneratorConfig, compute_dtype
from tests.stylegan2.published_files import nvidia_pickle

CONFIG = GeneratorConfig(resolution=32, z_dim=16, w_dim=16, num_mapping_layers=2, channel_base=512, channel_max=32)
CLIP = {
    "embed_dim": 32, "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    "mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28],
}  # fmt: skip
KINDS = {"parser": "state-dict", "clip": "torchscript"}
PARSER = {"kind": "bisenet", "num_classes": 19, "width": 0.125, "input_size": 64}
INFO = {"generator": {"kind": "stylegan2"}, "parser": PARSER, "clip": CLIP}


def rosinality(generator: Generator) -> bytes:
    """A generator as rosinality's converter writes it (names: convert_weight.py of rosinality/stylegan2-pytorch)."""
    ours = generator.state_dict()
    state = OrderedDict({"input.input": ours["synthesis.b4.const"][None]})
    for index in range(CONFIG.num_mapping_layers):
        state |= {f"style.{index + 1}.{kind}": ours[f"mapping.fc{index}.{kind}"] for kind in ("weight", "bias")}
    layers = ["b4.conv1", *(f"b{resolution}.{name}" for resolution in CONFIG.resolutions[1:] for name in ("conv0", "conv1"))]
    for index, layer in enumerate(layers):
        target, source = f"convs.{index - 1}" if index else "conv1", f"synthesis.{layer}"
        state |= convolution(ours, source, target)
        state[f"{target}.noise.weight"] = ours[f"{source}.noise_strength"][None]
        state[f"{target}.activate.bias"] = ours[f"{source}.bias"]
        state[f"noises.noise_{index}"] = ours[f"{source}.noise_const"][None, None]
        if layer.endswith("conv0"):
            state[f"{target}.conv.blur.kernel"] = 4 * ours[f"{source}.resample_filter"]
    for index, resolution in enumerate(CONFIG.resolutions):
        target, source = f"to_rgbs.{index - 1}" if index else "to_rgb1", f"synthesis.b{resolution}.torgb"
        state |= convolution(ours, source, target) | {f"{target}.bias": ours[f"{source}.bias"].view(1, 3, 1, 1)}
        if index:
            state[f"{target}.upsample.kernel"] = 4 * ours[f"synthesis.b{resolution}.resample_filter"]
    return saved({"g_ema": state, "latent_avg": ours["mapping.w_avg"]})


def convolution(ours: dict, source: str, target: str) -> dict:
    """Weight and modulation of one convolution under rosinality's names."""
    modulation = {f"{target}.conv.modulation.{kind}": ours[f"{source}.affine.{kind}"] for kind in ("weight", "bias")}
    return {f"{target}.conv.weight": ours[f"{source}.weight"][None], **modulation}


def saved(value: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def nvlabs(generator: Generator) -> bytes:
    """A generator as stylegan2-ada-pytorch pickles it."""
    with tempfile.TemporaryDirectory() as folder:
        return nvidia_pickle(Path(folder, "network.pkl"), G=None, D=None, G_ema=generator).read_bytes()


class Tree(nn.Module):
    """A module that only holds parameters, under names with dots in them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def put(self, name: str, tensor: torch.Tensor) -> None:
        first, _, rest = name.partition(".")
        if not rest:
            return self.register_parameter(first, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
        if not hasattr(self, first):
            self.add_module(first, Tree())
        getattr(self, first).put(rest, tensor)


def torchscript(clip: nn.Module) -> bytes:
    """A CLIP as OpenAI publishes it: an archive of code and of weights, the matrices in half precision."""
    tree = Tree()
    for name, tensor in clip.state_dict().items():
        tree.put(name, tensor.half() if tensor.ndim > 1 else tensor)
    for name, value in (("input_resolution", 32), ("context_length", 32), ("vocab_size", 49408)):
        tree.register_buffer(name, torch.tensor(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = io.BytesIO()
        torch.jit.save(torch.jit.script(tree), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def models() -> dict[str, nn.Module]:
    """The models whose files are served: small, untrained, from a fixed seed."""
    from open_clip import CLIP as Model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        generator, parser = Generator(CONFIG), BiSeNet(19, 0.125)
        generator.mapping.track_average(generator.mapping.w(torch.randn(1000, 16)), decay=0.0)
        clip = Model(**{key: value for key, value in CLIP.items() if key not in ("mean", "std")})
    return {name: model.eval().requires_grad_(False) for name, model in (("generator", generator), ("parser", parser), ("clip", clip))}


@pytest.fixture(params=[rosinality, nvlabs], ids=["rosinality", "nvlabs"])
def fetched(request: pytest.FixtureRequest, offering: Callable, models: dict, server) -> str:
    """The name of a pack of published files, fetched through a connection that breaks."""
    legacy = saved(models["parser"].state_dict(), _use_new_zipfile_serialization=False)  # as 79999_iter.pth was written
    files = {"generator": request.param(models["generator"]), "parser": legacy, "clip": torchscript(models["clip"])}
    offering({"faces": files}, {**KINDS, "generator": request.param.__name__}, **INFO)
    for path, data in server.files.items():
        server.plans[path] = [server.does.breaking_after(len(data) // 2)]
    main(["fetch", "faces", "--accept-licence"])
    return "faces"


@pytest.mark.usefixtures("impatient")
def test_published_files_make_a_pack_that_works(fetched: str, models: dict, tmp_path: Path) -> None:
    pack, own = load_pack(fetched), models["generator"]
    own.synthesis.dtype = pack.generator.synthesis.dtype
    z = torch.randn(2, 16)
    w_plus = pack.generator.mapping(z, truncation=0.7)
    assert torch.allclose(w_plus, own.mapping(z, truncation=0.7), atol=1e-5)
    images = pack.generator.synthesis(w_plus)
    assert torch.allclose(images, own.synthesis(w_plus), atol=1e-3)

    own_parser = FaceParser(models["parser"], input_size=64, dtype=compute_dtype("cpu"))
    assert torch.allclose(pack.parser(images), own_parser(images), atol=1e-3)

    pictures, words = torch.randn(2, 3, 32, 32), pack.tokenizer(["a zeppelin", "a person"])
    for clip in (pack.clip_model, models["clip"]):
        assert next(clip.parameters()).dtype == torch.float32
    for found, expected in (
        (pack.clip_model.encode_image(pictures), models["clip"].encode_image(pictures)),
        (pack.clip_model.encode_text(words), models["clip"].encode_text(words)),
    ):
        assert torch.allclose(found, expected, rtol=0.01, atol=0.01 * float(expected.std()))  # stored in float16
    for model in (pack.generator, pack.parser, pack.clip_model):
        assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())

    assert pack.unknown_words("a zeppelin with a quokka") == [] and pack.directions() == [] and pack.classifier is None
    assert pack.clip_preprocess == {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "size": 32} and pack.truncation == 0.7
    assert len(pack.hash) == 64 and pack.hash == load_pack(pack.path).hash and main(["verify", fetched])["intact"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fetched", [rosinality], ids=["rosinality"], indirect=True)
def test_a_direction_is_learned_with_published_files(fetched: str, tmp_path: Path) -> None:
    pack = load_pack(fetched)
    prompt = parse_prompt("a person with curly hair", pack)
    config = TrainConfig(steps=1, batch_size=2, layers="3,4")
    assert list(train_direction(pack, prompt, config, tmp_path / "run"))[-1].state == "done"
    load_direction(tmp_path / "run" / "direction.safetensors").check_pack(pack)


def test_a_file_of_another_resolution_does_not_fit(offering: Callable, models: dict) -> None:
    files = {"generator": rosinality(models["generator"]), "parser": b"parser", "clip": b"clip"}
    offering({"faces": files}, {"generator": "rosinality"}, **{**INFO, "resolution": 1024})
    main(["fetch", "faces", "--accept-licence"])
    with pytest.raises(ValueError, match="makes pictures of 32 pixels, its pack.json says 1024"):
        load_pack("faces").generator


class Touch:
    """Makes a file when it is unpickled by an unpickler that trusts it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
def test_files_that_are_more_than_weights_run_nothing(options: dict, offering: Callable, models: dict, tmp_path: Path) -> None:
    """Even if they had the hash that the catalogue names."""
    bad = saved({"conv.weight": torch.ones(1), "more": Touch(tmp_path / "ran")}, **options)
    offering({"faces": {"generator": bad + b"1", "parser": bad, "clip": bad + b"2"}}, {**KINDS, "generator": "rosinality"}, **INFO)
    main(["fetch", "faces", "--accept-licence"])
    pack = load_pack("faces")
    for role in ("generator", "parser", "clip_model"):
        with pytest.raises(ValueError, match=r"packs/faces/\w+-\w+ "):
            getattr(pack, role)
    assert not (tmp_path / "ran").exists()


def test_parsers_that_do_not_fit(offering: Callable, models: dict) -> None:
    state = models["parser"].state_dict()
    cases = {
        "cut": (saved(state)[:-5000], "is damaged"),
        "text": (b"hello", "is damaged"),
        "list": (saved([1, 2]), "is no state dict"),
        "other": (saved({"weight": torch.ones(1)}), "does not fit"),
        "kind": (saved(state), "is of kind 'onnx'; accepted for the parser: safetensors, state-dict, torchscript"),
    }
    for name, (data, said) in cases.items():
        kinds = {**KINDS, "parser": "onnx"} if name == "kind" else KINDS
        offering({name: {"generator": b"g", "parser": data, "clip": b"c"}}, kinds, **INFO)
        main(["fetch", name, "--accept-licence"])
        with pytest.raises(ValueError, match=said):
            load_pack(name).parser
