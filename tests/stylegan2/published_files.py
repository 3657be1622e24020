"""Writes network files as NVIDIA's and rosinality's code does, and pickles as an attacker does, operation by operation."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.generator import Generator, GeneratorConfig

CONFIG = GeneratorConfig(resolution=16, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=64, channel_max=8, conv_clamp=2.5)
CLASSES = {"Generator": "Generator", "Mapping": "MappingNetwork", "Synthesis": "SynthesisNetwork", "SynthesisBlock": "SynthesisBlock",
           "SynthesisLayer": "SynthesisLayer", "ToRGB": "ToRGBLayer", "FullyConnected": "FullyConnectedLayer",
           "Discriminator": "Discriminator", "DiscriminatorBlock": "DiscriminatorBlock", "Conv2d": "Conv2dLayer",
           "DiscriminatorEpilogue": "DiscriminatorEpilogue"}


def networks() -> tuple[Generator, Discriminator]:
    """Two small ones, with all their parameters drawn at random."""
    pair = Generator(CONFIG), Discriminator(DiscriminatorConfig(16, 64, 8, conv_clamp=2.5))
    for network in pair:
        for parameter in network.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        network.eval().requires_grad_(False)
    pair[0].mapping.w_avg.normal_()
    return pair


class Raw(bytes):
    """Operations of a pickle that go into it as they are."""


class Pickler(pickle._Pickler):
    """Python's, but for `Raw`."""

    def save(self, value: Any, *more: Any) -> None:
        if isinstance(value, Raw):
            self.write(value)
        else:
            super().save(value, *more)


def pickled(value: Any, protocol: int) -> bytes:
    with io.BytesIO() as file:
        Pickler(file, protocol).dump(value)
        return file.getvalue()


class Persistent:
    """An object of a class that `torch_utils.persistence` decorates: pickled with its class's source code."""

    def __init__(self, name: str, state: dict, source: str = "raise SystemExit('run')\n") -> None:
        self.name, self.state, self.source = name, state, source

    def __reduce__(self) -> tuple:
        easy_dict = sys.modules["dnnlib.util"].EasyDict
        meta = easy_dict(type="class", version=6, module_src=self.source, class_name=self.name, state=self.state)
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


def persistent(module: nn.Module, source: str = "raise SystemExit('run')\n") -> Persistent:
    """A network of ours as NVIDIA's code pickles it: the same parameters, and the attributes that say how they are used."""
    theirs: dict[str, Any] = {"training": False, "_parameters": OrderedDict(module._parameters), "_buffers": OrderedDict(module._buffers),
                              "_non_persistent_buffers_set": set(), "_backward_hooks": OrderedDict()}
    children = {name: persistent(child, source) for name, child in module.named_children()}
    name = CLASSES[type(module).__name__]
    for attribute in ("up", "down", "activation", "conv_clamp", "bias_gain", "resolution"):
        if hasattr(module, attribute):
            theirs[attribute] = getattr(module, attribute)
    if hasattr(module, "weight_gain"):
        theirs["weight_gain"] = np.float64(module.weight_gain)  # NVIDIA's is a quotient with numpy.sqrt
    if name == "SynthesisLayer":
        theirs |= {"use_noise": True, "activation": "lrelu"}
    if name in ("SynthesisBlock", "DiscriminatorBlock"):
        theirs |= {"architecture": "skip" if name == "SynthesisBlock" else "resnet", "img_channels": 3, "use_fp16": True}
    if name in ("Generator", "Discriminator", "MappingNetwork"):
        theirs |= {"c_dim": 0, "_init_args": (), "_init_kwargs": {"c_dim": 0}}
    if name == "DiscriminatorEpilogue":
        children["mbstd"] = Persistent("MinibatchStdLayer", {"group_size": module.group_size, "num_channels": 1, "_modules": {}}, source)
        theirs["cmap_dim"] = 0
    return Persistent(name, theirs | {"_modules": OrderedDict(children)}, source)


def at(root: Persistent, path: str) -> dict:
    """The attributes of a module inside."""
    for part in path.split(".") if path else []:
        root = root.state["_modules"][part]
    return root.state


@contextlib.contextmanager
def nvidias_modules() -> Iterator[type]:
    """Registers, while pickling, what NVIDIA's pickles name. Yields EasyDict."""
    class EasyDict(dict):
        pass

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("called")

    names = {"dnnlib.util": EasyDict, "torch_utils.persistence": _reconstruct_persistent_obj}
    modules = {name: ModuleType(name) for name in ("dnnlib", "torch_utils", *names)}
    for name, value in names.items():
        value.__module__, value.__qualname__ = name, value.__name__
        setattr(modules[name], value.__name__, value)
    sys.modules.update(modules)
    try:
        yield EasyDict
    finally:
        for name in modules:
            del sys.modules[name]


def nvidia_pickle(path: Path, protocol: int = 3, **values: Any) -> Path:
    """A file as `stylegan2-ada-pytorch` writes it, of modules of ours and `Persistent`s by role."""
    with nvidias_modules() as easy_dict:
        values = {role: persistent(value) if isinstance(value, nn.Module) else value for role, value in values.items()}
        settings = easy_dict(class_name="training.dataset.ImageFolderDataset", use_labels=False, resolution=16)
        data = pickled({"training_set_kwargs": settings, **values}, protocol)
    # NVIDIA's were written with NumPy 1, which calls this module otherwise.
    path.write_bytes(data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    return path


def code(value: Any) -> Raw:
    """The operations that put a value on the stack."""
    with io.BytesIO() as file:
        pickler = Pickler(file, 3)
        pickler.fast = True  # no memo
        pickler.dump(value)
        return Raw(file.getvalue()[2:-1])


def name(text: str) -> Raw:
    """The operation that puts a name, "module name", on the stack."""
    return Raw(pickle.GLOBAL + text.replace(" ", "\n").encode() + b"\n")


def call(text: str, *arguments: Any) -> Raw:
    """A call of a name."""
    return Raw(name(text) + code(arguments) + pickle.REDUCE)


def by_hand(*values: Any) -> bytes:
    """A pickle of these values and operations; the last is what it holds."""
    return b"\x80\x04" + b"".join(code(value) for value in values) + b"."


def tensor(storage: Any, start: Any, shape: Any, strides: Any) -> Raw:
    return call("torch._utils _rebuild_tensor_v2", storage, start, shape, strides, False, {})


def storage(values: torch.Tensor) -> Raw:
    """The flat memory of a tensor as NVIDIA's pickles hold it."""
    return call("torch.storage _load_from_bytes", legacy_storage(values))


def module(class_name: str, **state: Any) -> Raw:
    """A persistent object."""
    return call("torch_utils.persistence _reconstruct_persistent_obj", {"class_name": class_name, "state": state})


def legacy_storage(values: torch.Tensor) -> bytes:
    with io.BytesIO() as file:
        flat = torch.storage.TypedStorage(wrap_storage=values.untyped_storage(), dtype=values.dtype, _internal=True)
        torch.save(flat, file, _use_new_zipfile_serialization=False)
        return file.getvalue()


def rosinality_discriminator(network: Discriminator) -> dict[str, torch.Tensor]:
    """Its parameters as rosinality's code names them."""
    state, size = network.state_dict(), network.config.resolution
    names = {f"b{size}.fromrgb.weight": "convs.0.0.weight", f"b{size}.fromrgb.bias": "convs.0.1.bias"}
    for number, resolution in enumerate(network.resolutions, 1):
        inside = {"conv0.weight": "conv1.0.weight", "conv0.bias": "conv1.1.bias", "conv1.resample_filter": "conv2.0.kernel",
                  "conv1.weight": "conv2.1.weight", "conv1.bias": "conv2.2.bias", "skip.resample_filter": "skip.0.kernel",
                  "skip.weight": "skip.1.weight"}
        names |= {f"b{resolution}.{ours}": f"convs.{number}.{theirs}" for ours, theirs in inside.items()}
    names |= {"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"}
    names |= {f"b4.{ours}.{kind}": f"final_linear.{i}.{kind}" for i, ours in enumerate(("fc", "out")) for kind in ("weight", "bias")}
    return OrderedDict((theirs, state[ours]) for ours, theirs in names.items())
