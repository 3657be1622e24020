"""From the tensors of a published network to a network of ours: its config, whether all of it is what ours computes, its values.

The config follows from shapes alone, so that it is the same for every kind of file; what shapes cannot tell (a clamp, an
activation, a learning rate multiplier) is read from the attributes that NVIDIA's files keep for each module.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.ops import setup_filter
from stylegan2.published.contents import Network
from stylegan2.published.extents import shown
from stylegan2.seeds import latents_from_seeds

MAX_RESOLUTION = 4096
MAX_SIZE = 16384  # of z, w, a feature map's channels
MAX_CLAMP = 1e9  # NVIDIA's is 256
MAX_LAYERS = 64  # of the mapping network
MAX_PARAMETERS = 1 << 28  # of a network; a 1024-pixel generator has 2^25
AVERAGED = 10_000  # latents in a mean latent that a file lacks, as in NVIDIA's projector
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
# Attributes of modules that ours have under the same names and must have the same values, and those that ours know one value of.
SHARED = ("activation", "up", "down", "conv_clamp", "bias_gain", "weight_gain", "group_size")
FIXED = {"c_dim": 0, "cmap_dim": 0, "img_channels": 3, "use_noise": True}
AnyNetwork = TypeVar("AnyNetwork", Generator, Discriminator)


class _Undrawn(TorchFunctionMode):
    """Networks built inside draw no random weights: memory is reserved but neither filled nor, on most systems, taken."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return (torch.empty if function is torch.randn else function)(*args, **(kwargs or {}))


def generator_config(network: Network) -> GeneratorConfig:
    """Raises ValueError if the tensors are none of a StyleGAN2 generator with skip outputs."""
    _refuse_other_kinds(network)
    shape, blocks = _shape_of(network), _blocks(network, r"synthesis\.b(\d{1,20})\.")
    layers = len({name for name in network.tensors if re.fullmatch(r"mapping\.fc\d{1,3}\.weight", name)})
    channels = {r: shape(f"synthesis.b{r}.conv1.weight", 4)[0] for r in blocks}
    channel_base, channel_max = _widths(channels)
    return checked(GeneratorConfig(
        resolution=max(blocks), z_dim=shape("mapping.fc0.weight", 2)[1], w_dim=shape("synthesis.b4.conv1.affine.weight", 2)[1],
        num_mapping_layers=layers, channel_base=channel_base, channel_max=channel_max,
        conv_clamp=_clamp(network, "synthesis.b4.conv1")))


def discriminator_config(network: Network) -> DiscriminatorConfig:
    """Raises ValueError if the tensors are none of a residual StyleGAN2 discriminator."""
    _refuse_other_kinds(network)
    shape, blocks = _shape_of(network), _blocks(network, r"b(\d{1,20})\.")
    channels = {r: shape(f"b{r}.conv0.weight" if r > 4 else "b4.conv.bias", 4 if r > 4 else 1)[0] for r in blocks}
    channel_base, channel_max = _widths(channels)
    statistics = network.modules.get("b4.mbstd", {"group_size": 4})
    if type(statistics.get("group_size")) is not int or statistics.get("num_channels", 1) != 1:
        raise ValueError(f"has minibatch statistics in {network.role} over other groups or channels than ours: accepted are groups of a fixed"
                         " size, and one channel")
    return checked(DiscriminatorConfig(max(blocks), channel_base, channel_max, statistics["group_size"], _clamp(network, "b4.conv")))


def checked(config: Any) -> Any:
    """The config, if a network of that size can be meant. Raises ValueError."""
    limits = {"resolution": MAX_RESOLUTION, "num_mapping_layers": MAX_LAYERS, "z_dim": MAX_SIZE, "w_dim": MAX_SIZE,
              "channel_max": MAX_SIZE, "channel_base": MAX_SIZE * MAX_RESOLUTION, "group_size": MAX_SIZE}
    for name, value in config.to_dict().items():
        if name == "conv_clamp":
            if value is not None and (type(value) not in (int, float) or not 0 < value <= MAX_CLAMP):
                raise ValueError(f"has the conv_clamp {shown(value)}; accepted: none, or a number above 0 and up to {MAX_CLAMP:g}")
        elif type(value) is not int or value > limits[name]:
            raise ValueError(f"has the {name} {shown(value)}; accepted: up to {limits[name]}")
    return config


def _refuse_other_kinds(network: Network) -> None:
    """Name what is foreign before any tensor is missed."""
    modules, role = network.modules, network.role
    expected = "Discriminator" if role == "D" else "Generator"
    if "synthesis.input" in modules:
        raise ValueError("holds a StyleGAN3 network; accepted: StyleGAN2, from stylegan2-ada-pytorch or the stylegan3 repository")
    if network.name not in (expected, None):
        raise ValueError(f"has a {shown(network.name)} as {role}; accepted: NVIDIA's {expected} of StyleGAN2")
    wanted = FIXED | {"architecture": "resnet" if role == "D" else "skip"}
    for path, attributes in modules.items():
        for name, value in wanted.items():
            _check_attribute(network, path, attributes, name, value)


def _check_attribute(network: Network, path: str, attributes: dict, name: str, value: Any) -> None:
    """Raises ValueError if a module of the file's has the attribute with another value than ours."""
    if name in attributes and not _same(attributes[name], value):
        kind = {"c_dim": " (it is conditional)", "cmap_dim": " (it is conditional)"}.get(name, "")
        raise ValueError(f"has {name} {shown(attributes[name])} in {network.role} at {shown(path) or 'the top'}{kind}; accepted: {value}")


def _shape_of(network: Network) -> Callable[[str, int], tuple[int, ...]]:
    """A function from a name, and the number of dimensions it should have, to the shape."""

    def shape(name: str, dimensions: int) -> tuple[int, ...]:
        if name not in network.tensors:
            raise ValueError(f"has no StyleGAN2 as {network.role}: it lacks the tensor {name!r}")
        found = network.tensors[name].shape
        if len(found) != dimensions or 0 in found:
            raise ValueError(f"has {name!r} of shape {list(found)}; accepted: {dimensions} dimensions")
        return found

    return shape


def _blocks(network: Network, pattern: str) -> list[int]:
    """The resolutions of a network's blocks: 4, 8, ... without a gap."""
    found = sorted({int(match[1]) for name in network.tensors if (match := re.match(pattern, name))})
    if len(found) < 2 or found != [4 << i for i in range(len(found))]:
        listed = ", ".join(str(r) for r in found[:16]) or "none"
        raise ValueError(f"has no StyleGAN2 as {network.role}: blocks at {listed} pixels; accepted: 4, 8, ... without a gap")
    return found


def _widths(channels: dict[int, int]) -> tuple[int, int]:
    """The smallest channel base, and the channel maximum, that give these channels where any do."""
    return max(width * resolution for resolution, width in channels.items()), max(channels.values())


def _clamp(network: Network, path: str) -> Any:
    return network.modules.get(path, {}).get("conv_clamp")


def assemble(model_class: type[AnyNetwork], config: Any, network: Network) -> AnyNetwork:
    """A network of ours with the values of a file's: float32, frozen, in evaluation mode, on the CPU.

    Memory: the network's own, and a tensor at a time. Raises ValueError: something does not fit, or is no finite number.
    """
    model = fitting(model_class, config, network)
    values = {name: value(network, name, parameter.shape) for name, parameter in model.state_dict().items()}
    model.load_state_dict(values, assign=True)
    if model_class is Generator and "mapping.w_avg" not in network.tensors:
        model.mapping.w_avg = _mean_latent(model)
    return model.eval().requires_grad_(False)


def fitting(model_class: type[AnyNetwork], config: Any, network: Network) -> AnyNetwork:
    """An empty network of ours that every tensor and every attribute of a file's fits. Raises ValueError that names what does not."""
    _check_size(config)
    with _Undrawn():
        model = model_class(config)
    expected, found = model.state_dict(), network.tensors
    for name in sorted(expected.keys() | found.keys()):
        if name not in expected:
            raise ValueError(f"has a surplus tensor {shown(name)} in {network.role}")
        if name not in found and not name.endswith(network.missing):
            raise ValueError(f"lacks the tensor {name!r} in {network.role}")
        if name in found and tuple(found[name].shape) != tuple(expected[name].shape):
            raise ValueError(f"has {name!r} of shape {list(found[name].shape)}; accepted: {list(expected[name].shape)}, by its config")
    _check_attributes(model, network)
    return model


def _check_size(config: GeneratorConfig | DiscriminatorConfig) -> None:
    """Raises ValueError for a config that asks for unreasonable memory, whatever the file has of it: tensors may share theirs."""
    widths = {4 << i: config.channels(4 << i) for i in range((config.resolution // 4).bit_length())}
    parameters = 2 * config.resolution**2 + 16 * widths[4] ** 2
    parameters += sum(9 * width * (width + widths.get(resolution // 2, 0)) for resolution, width in widths.items())
    if isinstance(config, GeneratorConfig):
        parameters += (config.z_dim + config.num_mapping_layers * config.w_dim) * config.w_dim + 3 * config.w_dim * sum(widths.values())
    if parameters > MAX_PARAMETERS:
        raise ValueError(f"has a network of some {parameters >> 20} million parameters; accepted: up to {MAX_PARAMETERS >> 20} million")


def _check_attributes(model: nn.Module, network: Network) -> None:
    """Raises ValueError that names the first attribute that ours computes otherwise."""
    for path, module in model.named_modules():
        for name in SHARED:
            if hasattr(module, name) or name == "activation":  # a synthesis layer of ours has just the one activation
                _check_attribute(network, path, network.modules.get(path, {}), name, getattr(module, name, "lrelu"))


def _same(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, float) or isinstance(ours, float):
        return isinstance(theirs, Real) and isinstance(ours, Real) and math.isclose(theirs, ours, rel_tol=1e-6)
    return type(theirs) in (int, bool, str, type(None)) and theirs == ours


def value(network: Network, name: str, shape: torch.Size) -> Tensor:
    """A tensor's values, float32 and finite, or what stands in where the kind of file has none. Raises ValueError."""
    if name not in network.tensors:
        return _substitute(name, shape)
    tensor = network.tensors[name].read()
    if tensor.dtype not in FLOATS:
        raise ValueError(f"has {name!r} as {str(tensor.dtype).removeprefix('torch.')}; accepted: floating point numbers")
    tensor = tensor.float()
    if not tensor.isfinite().all():
        raise ValueError(f"has numbers in {name!r} that are not finite")
    if name.endswith("resample_filter"):
        if not torch.allclose(tensor, network.filter_sum * setup_filter(), rtol=1e-4, atol=1e-6):
            raise ValueError(f"has a resampling filter in {name!r} that is not the outer product of [1, 3, 3, 1]")
        return setup_filter()
    return tensor


def _substitute(name: str, shape: torch.Size) -> Tensor:
    """What rosinality's files may lack: filters are always the same, noise that was never kept is drawn from the name."""
    if name.endswith("resample_filter"):
        return setup_filter()
    if name.endswith("w_avg"):
        return torch.zeros(shape)  # until the mapping network is there to average
    return torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))


@torch.no_grad()
def _mean_latent(model: Generator) -> Tensor:
    """[w_dim], the mean of w over the same latents each time. Raises ValueError if it is not finite."""
    latents = latents_from_seeds([0], AVERAGED * model.z_dim).reshape(AVERAGED, model.z_dim)
    mean = model.mapping.w(latents).mean(dim=0)
    if not mean.isfinite().all():
        raise ValueError("has a mapping network whose latents are not finite")
    return mean
