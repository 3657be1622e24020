"""The models of a pack, from its checked files: our own safetensors, and published checkpoints as they are published.

| role | kinds of file |
|---|---|
| generator | safetensors of the config in `pack.json`; "nvlabs" (.pkl), "rosinality" (.pt) and the like, see stylegan2.checkpoints |
| parser | safetensors; "state-dict": saved by torch, such as 79999_iter.pth |
| clip | safetensors; "torchscript": OpenAI's archives; the architecture is described in `pack.json`, or is one of open_clip's by name |
| classifier | safetensors |
| encoder | safetensors |

Published files are read where they lie rather than converted once: they open in about the time that checking their hash
takes, `verify` compares them with what their publishers hashed, and nothing lies on the disk twice.

No file can run code: all are read as data, by `stylegan2.published`. So open_clip's own loader is not used for OpenAI's
files, as it runs the code in them (`torch.jit.load`), nor its downloader, as that cannot resume and hashes what already
has the final name. What comes from open_clip are the architecture, the preprocessing and the tokenizer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from packs import files
from packs.torchscript import read_torchscript
from packs.weights import expand_rows, read_weights
from stylegan2.published.extents import Extent
from stylegan2.published.torch_files import StoredTensor, read_legacy, read_zip

if TYPE_CHECKING:
    from open_clip import CLIP

    from portraits.classifier import AttributeClassifier
    from portraits.encoder import PortraitEncoder
    from segmentation.parser import FaceParser
    from stylegan2.generator import Generator

SAFETENSORS, STATE_DICT, TORCHSCRIPT = "safetensors", "state-dict", "torchscript"


def build(role: str, folder: Path, info: dict, device: torch.device) -> nn.Module:
    """The model for a role, not yet on the device. Raises ValueError, which names the file, if it is damaged or does not
    fit what `pack.json` says of it."""
    name = files.file_of(info, role)
    path = files.checked(folder, info, name)
    try:
        return BUILDERS[role](folder, info, device)
    except (RuntimeError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[-1].strip()
        raise ValueError(f"{path} does not fit the {role!r} of its {files.MANIFEST}: {reason}") from error


def kind_of(info: dict, role: str) -> str:
    """How the file for a role is stored."""
    return info["files"].get(files.file_of(info, role), {}).get("kind", SAFETENSORS)


def read_state(folder: Path, info: dict, role: str) -> dict[str, Tensor]:
    """The tensors of the file for a role, on the CPU, as they are stored."""
    name = files.file_of(info, role)
    readers = {STATE_DICT: read_state_dict, TORCHSCRIPT: read_torchscript}
    kind = kind_of(info, role)
    if kind == SAFETENSORS:
        return read_weights(folder, info, name)
    if kind not in readers:
        raise ValueError(f"{folder / name} is of kind {kind!r}; accepted for the {role}: {', '.join((SAFETENSORS, *readers))}")
    return readers[kind](files.checked(folder, info, name))


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote, in either of its formats. Raises ValueError, which names the file, for
    one that is damaged or holds anything but tensors by name."""
    with path.open("rb") as file:
        extent = Extent(file, 0, path.stat().st_size)
        try:
            state = read_zip(extent) if file.read(2) == b"PK" else read_legacy(extent)
            if type(state) is not dict or not all(type(value) is StoredTensor for value in state.values()):
                raise ValueError("is no state dict; accepted: tensors by name")
            return {str(name): tensor.read() for name, tensor in state.items()}
        except ValueError as error:
            raise ValueError(f"{path} {error}") from error


def clip_settings(described: dict) -> dict:
    """The whole description of a CLIP: embed_dim, vision_cfg, text_cfg ..., mean and std of its pictures.

    described: that itself, or `architecture` and `tag` as open_clip names them. Raises ValueError for unknown names.
    """
    if "architecture" not in described:
        return described
    from open_clip import get_model_config
    from open_clip.pretrained import get_pretrained_cfg

    name, tag = described["architecture"], described.get("tag", "")
    model, trained = get_model_config(name), get_pretrained_cfg(name, tag)
    if model is None or not trained:
        raise ValueError(f"open_clip has no weights {tag!r} for an architecture {name!r}; accepted: the names in its list")
    return {**model, "mean": list(trained["mean"]), "std": list(trained["std"])}


def build_generator(folder: Path, info: dict, device: torch.device) -> Generator:
    """The generator, with the number format that is fast on the device."""
    from stylegan2.checkpoints import load_generator
    from stylegan2.generator import Generator, GeneratorConfig, compute_dtype

    path = folder / files.file_of(info, "generator")
    if kind_of(info, "generator") == SAFETENSORS:
        generator = Generator(GeneratorConfig.from_dict(info["generator"]))
        generator.load_state_dict(read_state(folder, info, "generator"))
    else:
        generator = load_generator(path)
    if generator.resolution != info["resolution"]:
        raise ValueError(f"{path} makes pictures of {generator.resolution} pixels, its {files.MANIFEST} says {info['resolution']}")
    generator.synthesis.dtype = compute_dtype(device)
    return generator


def build_parser(folder: Path, info: dict, device: torch.device) -> FaceParser:
    from segmentation.bisenet import BiSeNet
    from segmentation.parser import FaceParser
    from stylegan2.generator import compute_dtype

    settings = dict(info["parser"])
    settings.pop("kind", None)
    network = BiSeNet(settings.pop("num_classes"), settings.pop("width"))
    network.load_state_dict(read_state(folder, info, "parser"))
    return FaceParser(network, **settings, dtype=compute_dtype(device))


def build_clip(folder: Path, info: dict, device: torch.device) -> CLIP:
    """CLIP in float32."""
    from open_clip import CLIP

    settings = {key: value for key, value in clip_settings(info["clip"]).items() if key not in ("mean", "std")}
    model = CLIP(**settings)
    weights = read_state(folder, info, "clip")
    if "token_embedding.rows" in weights:
        weights = expand_rows(weights, model.vocab_size)
    if kind_of(info, "clip") == TORCHSCRIPT:  # modules keep other tensors too: the causal mask, the size of the pictures
        weights = {name: tensor for name, tensor in weights.items() if name in model.state_dict()}
    model.load_state_dict(weights)
    return model


def build_classifier(folder: Path, info: dict, device: torch.device) -> AttributeClassifier:
    from portraits.classifier import AttributeClassifier

    classifier = AttributeClassifier(**info.get("classifier", {}))
    classifier.load_state_dict(read_state(folder, info, "classifier"))
    return classifier


def build_encoder(folder: Path, info: dict, device: torch.device) -> PortraitEncoder:
    from portraits.encoder import PortraitEncoder
    from stylegan2.generator import GeneratorConfig

    generator, state = GeneratorConfig.from_dict(info["generator"]), read_state(folder, info, "encoder")
    encoder = PortraitEncoder(len(state["offset"]), **info.get("encoder", {}), num_ws=generator.num_ws, w_dim=generator.w_dim)
    encoder.load_state_dict(state)
    return encoder


BUILDERS = {"generator": build_generator, "parser": build_parser, "clip": build_clip, "classifier": build_classifier, "encoder": build_encoder}
