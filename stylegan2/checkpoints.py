"""A generator in one safetensors file: weights, and its config as JSON in the header.

Reading such a file can run no code. Matrices and maps are stored as float16, which for a network with
equalized learning rates costs nothing visible; vectors and what float16 cannot hold stay float32.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from packs.files import write_atomically
from packs.weights import halved
from stylegan2.generator import Generator, GeneratorConfig

FORMAT = "eclipsed-stylegan2-generator"
SIGNATURES = {b"\x80": "a Python pickle, such as NVIDIA's .pkl networks", b"PK": "a PyTorch archive, such as rosinality's .pt"}


def save_generator(generator: Generator, path: str | os.PathLike) -> Path:
    """Write weights and config; the file appears under its name only when it is complete.

    Returns: the path. Raises: OSError.
    """
    path = Path(path)
    tensors = {name: halved(tensor) for name, tensor in generator.state_dict().items()}
    data = save(tensors, {"format": FORMAT, "config": json.dumps(generator.config.to_dict())})
    write_atomically(path, data)
    return path


def load_generator(path: str | os.PathLike, device: torch.device | str = "cpu") -> Generator:
    """The generator of a file that `save_generator` wrote: float32, frozen, in evaluation mode.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, another kind of file, or its weights do not fit its config.
    """
    path = Path(path)
    metadata, tensors = _read(path)
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} holds no generator of ours; accepted: safetensors with format {FORMAT!r} in the header")
    try:
        generator = Generator(GeneratorConfig.from_dict(json.loads(metadata["config"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has an unusable config: {error}") from error
    _check_fit(path, generator, tensors)
    generator.load_state_dict(tensors)
    return generator.to(device).eval().requires_grad_(False)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header's metadata and all tensors of a safetensors file."""
    with path.open("rb") as file:
        start = file.read(9)
    for signature, kind in SIGNATURES.items():
        # A safetensors file begins with eight bytes of any value (a length), and then its JSON header.
        if start.startswith(signature) and start[8:] != b"{":
            raise ValueError(f"{path} is {kind}; accepted: safetensors that save_generator wrote")
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from error


def _check_fit(path: Path, generator: Generator, tensors: dict[str, Tensor]) -> None:
    """Raises ValueError that names the first tensor that is missing, surplus or of another shape."""
    expected = generator.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors or name not in expected:
            raise ValueError(f"{path} {'has a surplus' if name in tensors else 'lacks the'} tensor {name!r}")
        if tensors[name].shape != expected[name].shape:
            raise ValueError(f"{path} has {name!r} of shape {list(tensors[name].shape)}; "
                             f"accepted: {list(expected[name].shape)}, by its config")
