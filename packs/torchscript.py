"""The tensors of a TorchScript archive, such as OpenAI's CLIP files, without running any of the code in it.

`torch.jit.load` compiles and runs what an archive says, and `torch.load(weights_only=True)` refuses such archives. But the
tensors of the module tree lie in plain sight: `data.pkl` describes the objects, `data/N` are raw numbers. The description
is read as data (see `stylegan2.published.unpickle`): any class of the archive's own becomes a record of its attributes, any
name that weights do not need is refused, and the `code/` of the archive is never opened.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

from torch import Tensor

from stylegan2.published.extents import Extent, Reader, shown
from stylegan2.published.torch_files import ADMITTED, STORAGES, Storage, StoredTensor
from stylegan2.published.unpickle import Machine, Name, Record

LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist")
MAX_OBJECTS = 100_000  # met on the way through the module tree, each as often as it is met
MAX_PATH = 500  # characters of "visual.conv1.weight"


class Module(Record):
    """An object of the archive: its attributes, and nothing of its class."""

    def __init__(self, arguments: tuple) -> None:
        self.attributes: dict = {}


class Names(dict):
    """What stands for each name that a description may use; the archive's own classes are all modules to us."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or str(name).startswith("__torch__.")

    def __missing__(self, name: str) -> type[Module]:
        return Module


class ModuleMachine(Machine):
    """Reads a description; an object's state, which other pickles' readers drop, is where a module has its tensors."""

    def _step(self, code: bytes) -> None:
        if code == pickle.BUILD and len(self.stack) > 1 and isinstance(self.stack[-2], Module):
            state = self.stack.pop()
            self.stack[-1].attributes = state if type(state) is dict else {}
        else:
            super()._step(code)


class Archive:
    """The parts of an open archive that are read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.archive, self.size = archive, path.stat().st_size
        roots = [name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(roots) != 1:
            raise ValueError("has no data.pkl, as archives of torch.jit have")
        self.root = roots[0]
        if f"{self.root}byteorder" in archive.namelist() and self.entry("byteorder").read() != b"little":
            raise ValueError("was written by a processor of another byte order")

    def entry(self, name: str) -> Extent:
        """A member, unread. Raises ValueError for one that is packed: it could be far larger than the file."""
        entry = self.archive.getinfo(self.root + name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size > self.size:
            raise ValueError(f"has a member {shown(name)} that is compressed, encrypted or larger than the file")
        return Extent(self.archive.open(entry), 0, entry.file_size)

    def storage(self, identity: Any) -> Storage:
        """The numbers of a persistent id ("storage", kind, key, device, count)."""
        if type(identity) is not tuple or len(identity) != 5:
            raise ValueError("uses a persistent id that is no storage; nothing in the file was run")
        _, kind, key, _, count = identity
        if type(kind) is not Name or kind.text not in STORAGES or type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("is damaged: a storage's kind, key or size is none")
        storage = Storage(STORAGES[kind.text], count, checksum=self.archive.getinfo(f"{self.root}data/{key}").CRC)
        storage.locate(self.entry(f"data/{key}"))
        return storage

    def description(self) -> Module:
        """The tree of modules."""
        names = Names(ADMITTED | {f"torch.jit._pickle.{name}": list for name in LISTS})
        whole = ModuleMachine(Reader(self.entry("data.pkl")), names, self.storage).run()
        if not isinstance(whole, Module):
            raise ValueError("describes something else than a module")
        return whole


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """All tensors of the module tree, by their path in it ("visual.conv1.weight"): parameters, buffers, and what else the
    modules keep. Raises ValueError, which names the file, for anything that is not such an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: tensor.read() for name, tensor in tensors_in(Archive(path, archive).description()).items()}
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, KeyError, EOFError) as error:
        raise ValueError(f"{path} is damaged, or no archive of torch.jit: {shown(str(error))}") from error
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error


def tensors_in(root: Module) -> dict[str, StoredTensor]:
    """The tensors of a module and of those in it. Raises ValueError for a tree that does not end."""
    found: dict[str, StoredTensor] = {}
    waiting: list[tuple[str, Any]] = [("", root)]
    for _ in range(MAX_OBJECTS):
        if not waiting:
            return found
        path, item = waiting.pop()
        if type(item) is StoredTensor:
            found[path] = item
        elif isinstance(item, Module):
            if any(len(path) + len(str(name)) >= MAX_PATH for name in item.attributes):
                break
            waiting += [(f"{path}.{name}" if path else str(name), value) for name, value in item.attributes.items()]
    raise ValueError("has modules that nest too deep, or too many of them")
