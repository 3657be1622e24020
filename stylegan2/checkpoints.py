"""Generators in files: ours in one safetensors file, NVIDIA's pickles and rosinality's state dicts read as they are published.

Reading any of them can run no code: see `published/unpickle.py`. Ours holds the weights, and the config as JSON in the header. Matrices
and maps are stored as float16, which for a network with equalized learning rates costs nothing visible; vectors and what
float16 cannot hold stay float32.

    python -m stylegan2.checkpoints inspect ffhq.pkl
    python -m stylegan2.checkpoints convert ffhq.pkl ffhq.safetensors
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from packs import cli
from packs.files import sha256, write_atomically
from packs.weights import halved
from stylegan2.published.architecture import assemble, checked, discriminator_config, fitting, generator_config, value
from stylegan2.discriminator import Discriminator
from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.published.contents import Contents, Network, read_contents
from stylegan2.published.extents import shown

FORMAT = "eclipsed-stylegan2-generator"
PRECISIONS = ("float16", "float32")
MAX_REASON = 200  # characters of another library's sentence, which may quote the file


def save_generator(generator: Generator, path: str | os.PathLike, precision: str = "float16") -> Path:
    """Write weights and config; the file appears under its name only when it is complete.

    Args:
        precision: float16 halves the file, float32 keeps every bit.

    Returns: the path. Raises: OSError.
    """
    path = Path(path)
    keep = halved if precision == "float16" else lambda tensor: tensor.detach().cpu().contiguous()
    tensors = {name: keep(tensor) for name, tensor in generator.state_dict().items()}
    data = save(tensors, {"format": FORMAT, "config": json.dumps(generator.config.to_dict())})
    write_atomically(path, data)
    return path


def load_generator(path: str | os.PathLike, device: torch.device | str = "cpu", role: str = "G_ema") -> Generator:
    """The generator of any file of a known kind: float32, frozen, in evaluation mode.

    Args:
        path: what `save_generator` wrote, a pack's generator.safetensors, a pickle of stylegan2-ada-pytorch or a StyleGAN2 one of the stylegan3 repository,
            or a checkpoint or state dict of rosinality's.
        role: G_ema is the averaged generator, whose pictures are better; G the one that was in training.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, hostile or of another kind, or its network is not one of ours.
    """
    with opened(path) as contents:
        network = _network(contents, role)
        return assemble(Generator, network.config or generator_config(network), network).to(device)


def load_discriminator(path: str | os.PathLike, device: torch.device | str = "cpu") -> Discriminator:
    """The discriminator of a published file that has one; otherwise as `load_generator`."""
    with opened(path) as contents:
        network = _network(contents, "D")
        return assemble(Discriminator, discriminator_config(network), network).to(device)


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Contents]:
    """The contents of a file of any known kind, readable while inside. Every ValueError inside becomes a sentence about the file."""
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(9)
        try:
            # A safetensors file begins with the length of its header, below 100 MB, in eight bytes.
            yield _ours(path) if start[4:] == b"\0\0\0\0{" else read_contents(file)
        except ValueError as error:
            raise ValueError(f"{path} {error}") from error


def _network(contents: Contents, role: str) -> Network:
    if role not in contents.networks:
        raise ValueError(f"holds no {role}; it holds {', '.join(contents.networks)}")
    return contents.networks[role]()


class _SafeTensor:
    """A tensor in an open safetensors file."""

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name = file, name
        self.shape = tuple(file.get_slice(name).get_shape())
        self.elements = math.prod(self.shape)

    def read(self) -> Tensor:
        try:
            return self.file.get_tensor(self.name).clone()  # the file may be overwritten while its memory is in use
        except SafetensorError as error:
            raise ValueError(f"has a tensor {shown(self.name)} that cannot be read: {shown(str(error), MAX_REASON)}") from error


def _ours(path: Path) -> Contents:
    """What `save_generator` wrote, or a plain state dict of a generator. Raises ValueError for other safetensors files."""
    try:
        file = safe_open(path, "pt")
        tensors = {name: _SafeTensor(file, name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"is damaged or no safetensors file: {shown(str(error), MAX_REASON)}") from error
    metadata = file.metadata() or {}
    if metadata.get("format") != FORMAT and "synthesis.b4.const" in tensors:
        return Contents("a generator's state dict", {"G_ema": lambda: Network("G_ema", tensors)})  # as in a pack, which has the config
    if metadata.get("format") != FORMAT:
        raise ValueError(f"holds no generator of ours; accepted: safetensors with format {FORMAT!r} in the header")
    try:
        config = checked(GeneratorConfig.from_dict(json.loads(metadata["config"])))
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
        raise ValueError(f"has an unusable config: {shown(str(error), MAX_REASON)}") from error
    return Contents("ours", {"G_ema": lambda: Network("G_ema", tensors, config=config)})


def convert(source: Path, target: Path, precision: str = "float16", role: str = "G_ema") -> dict:
    """Write the generator of any known file as ours, and next to it a JSON file that says what it is and where it is from.

    Raises: ValueError, OSError.
    """
    if target.suffix != ".safetensors":
        raise ValueError(f"the target is {target}; accepted: a name that ends in .safetensors")
    if target.exists() and target.samefile(source):
        raise ValueError(f"the target {target} is the source itself; accepted: another name")
    generator = load_generator(source, role=role)
    save_generator(generator, target, precision)
    description = {
        "format": FORMAT, "precision": precision, "config": generator.config.to_dict(), "sha256": sha256(target),
        "source": {"file": source.name, "network": role, "bytes": source.stat().st_size, "sha256": sha256(source)},
    }
    beside = target.with_suffix(".json")
    write_atomically(beside, (json.dumps(description, indent=2) + "\n").encode())
    return {"out": target, "json": beside, "bytes": target.stat().st_size, **description}


def inspect(source: Path) -> dict:
    """What a file holds, network by network, and whether it can be loaded, without building one. Raises ValueError, OSError."""
    with opened(source) as contents:
        networks = {role: _assess(role, network) for role, network in contents.networks.items()}
    main = networks.get("G_ema", {})
    return {"file": source, "kind": contents.kind, "bytes": source.stat().st_size, "sha256": sha256(source), "networks": networks,
            "resolution": main.get("config", {}).get("resolution"), "loadable": main.get("loadable", False)}


def _assess(role: str, find: Any) -> dict:
    """Count what a network holds, and read all of it once."""
    report: dict[str, Any] = {"loadable": False}
    try:
        network = find()
        report |= {"tensors": len(network.tensors), "parameters": sum(tensor.elements for tensor in network.tensors.values())}
        config = network.config or (discriminator_config if role == "D" else generator_config)(network)
        model = fitting(Discriminator if role == "D" else Generator, config, network)
        report |= {"config": config.to_dict(), "filled_in": sorted(model.state_dict().keys() - network.tensors.keys())}
        for name, parameter in model.state_dict().items():
            value(network, name, parameter.shape)
    except ValueError as error:
        return {**report, "reason": str(error)}
    return {**report, "loadable": True}


def main(argv: Sequence[str]) -> dict:
    """Look into a network file, or convert it. Raises ValueError and OSError."""
    parser = cli.ArgumentParser(description="Look into a network file, or write its generator as safetensors. No code in it is run.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="inspect|convert")
    command = commands.add_parser("inspect", help="print what a file holds", description="Print what a file holds.")
    command.add_argument("source", type=Path, metavar="SRC", help="NVIDIA's .pkl, rosinality's .pt, or our .safetensors")
    command = commands.add_parser("convert", help="write a generator as safetensors", description="Write a generator as safetensors and JSON.")
    command.add_argument("source", type=Path, metavar="SRC", help="NVIDIA's .pkl, rosinality's .pt, or our .safetensors")
    command.add_argument("target", type=Path, metavar="DST", help="a name that ends in .safetensors; DST with .json comes beside it")
    command.add_argument("--precision", choices=PRECISIONS, default="float16", help="float32 keeps every bit, float16 half the file (float16)")
    command.add_argument("--network", choices=("G_ema", "G"), default="G_ema", help="the averaged generator, or the one in training (G_ema)")
    options = parser.parse_args(argv)
    if options.command == "inspect":
        return inspect(options.source)
    return convert(options.source, options.target, options.precision, options.network)


if __name__ == "__main__":
    cli.run(main)
