"""The tensors of a TorchScript archive, such as OpenAI's CLIP files, without running any of the code in it.

`torch.jit.load` compiles and runs what an archive says, and `torch.load(weights_only=True)` refuses such archives. But the
tensors of the module tree lie in plain sight: `data.pkl` describes the objects, `data/N` are raw numbers. Here the
description is read by an unpickler that knows five kinds of names, and turns every object into an inert record; the
`code/` of the archive is never opened.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16,
    "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
MAX_DESCRIPTION = 16_000_000  # bytes; CLIP's has less than a tenth of it
MAX_OBJECTS = 100_000  # met on the way through the module tree, each as often as it is met
MAX_DEPTH = 50  # of modules in modules


class Module:
    """An object of the archive: its attributes, and nothing of its class."""

    def __init__(self) -> None:
        self.attributes: dict = {}

    def __setstate__(self, state: Any) -> None:
        self.attributes = state if isinstance(state, dict) else {}


@dataclass(frozen=True)
class Storage:
    """Raw numbers in the archive: `data/KEY`."""

    dtype: torch.dtype
    key: str
    length: int


@dataclass(frozen=True)
class Described:
    """A tensor as the description has it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class _Call:
    """Stands for a function of torch's that the description calls; it only notes what for."""

    name: str

    def __call__(self, *arguments: Any) -> Any:
        return Described(*arguments[:4]) if self.name == "_rebuild_tensor_v2" else list(*arguments)


class _Unpickler(pickle._Unpickler):  # the one in Python: a memo number of four thousand million makes the one in C take 32 GB
    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return Module
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2") or module == "torch.jit._pickle" and name.startswith("build_"):
            return _Call(name)
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise ValueError(f"it asks for {module}.{name}, which no weights need")

    def persistent_load(self, reference: Any) -> Storage:
        _, dtype, key, _, length = reference
        return Storage(dtype, key, length)


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """All tensors of the module tree, by their path in it ("visual.conv1.weight"): parameters, buffers, and what else the
    modules keep. Raises ValueError, which names the file, for anything that is not such an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(archive).tensors()
    except (zipfile.BadZipFile, pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
            OverflowError, MemoryError, RuntimeError, struct.error) as error:  # fmt: skip
        raise ValueError(f"{path} is not a TorchScript archive of weights: {str(error) or type(error).__name__}") from error


@dataclass
class _Reader:
    archive: zipfile.ZipFile
    root: str = ""  # the folder that everything in the archive lies in, "ViT-B-32/" say
    met: int = 0
    storages: dict[Storage, Tensor] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        names = [name for name in self.archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("it has no data.pkl")
        self.root = names[0].removesuffix("data.pkl")
        if f"{self.root}byteorder" in self.archive.namelist() and self._bytes(f"{self.root}byteorder", 8) != b"little":
            raise ValueError("its numbers are stored big end first")
        found: dict[str, Tensor] = {}
        whole = _Unpickler(io.BytesIO(self._bytes(names[0], MAX_DESCRIPTION))).load()
        if not isinstance(whole, Module):
            raise ValueError(f"it describes {type(whole).__name__} in place of a module")
        self._walk(whole, "", found)
        return found

    def _walk(self, item: Any, path: str, found: dict[str, Tensor]) -> None:
        """Collect the tensors of a module and the modules in it."""
        self.met += 1
        if path.count(".") > MAX_DEPTH or self.met > MAX_OBJECTS:
            raise ValueError("its modules nest too deep, or are too many")
        if isinstance(item, Described):
            found[path.lstrip(".")] = self._tensor(item)
        elif isinstance(item, Module):
            for name, value in item.attributes.items():
                self._walk(value, f"{path}.{name}", found)

    def _tensor(self, described: Described) -> Tensor:
        storage, shape, stride = described.storage, described.shape, described.stride
        numbers = (storage.length, described.offset, *shape, *stride)
        if len(shape) != len(stride) or not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"it describes a tensor of shape {shape} and stride {stride}")
        last = described.offset + sum((count - 1) * step for count, step in zip(shape, stride, strict=True))
        if 0 not in shape and last >= storage.length:
            raise ValueError(f"it describes a tensor of shape {shape} in {storage.length} numbers")
        return torch.as_strided(self._numbers(storage), shape, stride, described.offset)

    def _numbers(self, storage: Storage) -> Tensor:
        """The numbers of a storage, read once."""
        if storage not in self.storages:
            width = torch.empty((), dtype=storage.dtype).element_size()
            data = bytearray(self._bytes(f"{self.root}data/{storage.key}", storage.length * width))
            if len(data) != storage.length * width:
                raise ValueError(f"data/{storage.key} has {len(data)} bytes and should have {storage.length * width}")
            self.storages[storage] = torch.frombuffer(data, dtype=storage.dtype) if data else torch.empty(0, dtype=storage.dtype)
        return self.storages[storage]

    def _bytes(self, name: str, most: int) -> bytes:
        """An entry of the archive, stored as it is: a packed one could be far larger than the file."""
        entry = self.archive.getinfo(name)
        if entry.file_size > most or entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is packed, or larger than the {most} bytes that it may have")
        return self.archive.read(entry)
