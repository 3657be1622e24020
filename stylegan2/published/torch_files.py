"""What `torch.save` writes, read without `torch.load`: tensors as a place in a file, a shape and strides.

Both formats are a pickle in which a storage (the flat memory behind tensors) is a persistent id, and the storages'
bytes. In the zip format each storage is a member of its own, in the legacy format they follow the pickle. NVIDIA's pickles
hold one small legacy file for each storage. Nothing is read but the pickle until a tensor's values are asked for, and
a tensor is read only if its storage has the bytes for it.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from stylegan2.published.extents import Extent, Reader, shown
from stylegan2.published.unpickle import MAX_STEPS, Machine, Name, Record
from stylegan2.published.zip_files import zip_members

MAX_ELEMENTS = 1 << 29  # of one tensor; the largest of a 1024-pixel network has 2^22
MAX_DIMENSIONS = 8
NESTED_STEPS = 1000  # operations in the pickle of a single storage, which takes 20
MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the first of the five pickles of the legacy format
LEGACY_VERSION = 1001
DTYPES = {
    "Float": torch.float32, "Double": torch.float64, "Half": torch.float16, "BFloat16": torch.bfloat16,
    "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool,
}
STORAGES = {f"{module}.{name}Storage": dtype for module in ("torch", "torch.cuda") for name, dtype in DTYPES.items()}
NUMPY = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i", "i2": "<h", "i1": "<b", "u8": "<Q", "u4": "<I", "u2": "<H", "u1": "<B", "b1": "<?"}


@dataclass
class Storage:
    """Numbers of one kind in a row, in a file. `extent` is None until it is known where."""

    dtype: torch.dtype
    count: int
    extent: Extent | None = None
    checksum: int | None = None  # CRC-32 of all bytes

    def locate(self, extent: Extent) -> None:
        """Raises ValueError unless these are just the bytes that the storage needs."""
        if extent.length != self.count * self.dtype.itemsize:
            raise ValueError(f"is damaged: a storage of {self.count} numbers has {extent.length} bytes")
        self.extent = extent

    def read(self, start: int, count: int) -> Tensor:
        """[count] numbers from the `start`-th on. Raises ValueError: they are not there or not what was written."""
        if self.extent is None:
            raise ValueError("is damaged: a storage is named and not there")
        size = self.dtype.itemsize
        part = self.extent.part(start * size, count * size)  # before any memory is taken
        numbers = torch.empty(count, dtype=self.dtype)
        memory = memoryview(numbers.view(torch.uint8).numpy())
        part.fill(memory)
        if self.checksum is not None and count == self.count and zlib.crc32(memory) != self.checksum:
            raise ValueError("is damaged: the checksum of a storage is wrong")
        return numbers


@dataclass
class NestedStorage:
    """A storage in a legacy file inside a pickle, opened when it is needed."""

    extent: Extent
    _storage: Storage | None = field(default=None, repr=False)

    def open(self) -> Storage:
        if self._storage is None:
            self._storage = read_legacy(self.extent, steps=NESTED_STEPS)
            if type(self._storage) is not Storage:
                raise ValueError("is damaged: there is something else where a storage should be")
        return self._storage


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that is still in its file.

    It has to fill its stretch of the storage without gaps or overlap, as a saved weight does: then no tensor can claim more
    than the file holds.
    """

    source: Storage | NestedStorage
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def storage(self) -> Storage:
        return self.source.open() if isinstance(self.source, NestedStorage) else self.source

    def without(self, dimensions: tuple[int, ...]) -> StoredTensor:
        """Without these dimensions, each of size 1. Raises ValueError if they are not."""
        if any(d >= len(self.shape) or self.shape[d] != 1 for d in dimensions):
            raise ValueError(f"has a tensor of shape {list(self.shape)}, whose dimensions {list(dimensions)} should be 1")
        kept = [d for d in range(len(self.shape)) if d not in dimensions]
        return replace(self, shape=tuple(self.shape[d] for d in kept), strides=tuple(self.strides[d] for d in kept))

    def read(self) -> Tensor:
        """The values, contiguous, in the format they are stored in."""
        flat = self.storage.read(self.start, self.elements)
        return flat.as_strided(self.shape, self.strides).contiguous()


def stored_tensor(arguments: tuple) -> StoredTensor:
    """What stands for `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)`."""
    source, start, shape, strides = (*arguments, None, None, None, None)[:4]
    numbers = [start, *(shape if type(shape) is tuple else [None]), *(strides if type(strides) is tuple else [None])]
    if not isinstance(source, (Storage, NestedStorage)) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("is damaged: a tensor's storage, shape or strides are none")
    if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS or max(math.prod(shape), *shape, 0) > MAX_ELEMENTS:
        raise ValueError(f"has a tensor of shape {shown_shape(shape)} with strides {shown_shape(strides)}, no weight is like that")
    strides = tuple(1 if size == 1 else stride for size, stride in zip(shape, strides))  # of one, any stride will do
    step = 1
    for stride, size in sorted((stride, size) for stride, size in zip(strides, shape) if size != 1):
        if stride != step:
            raise ValueError(f"has a tensor of shape {shown_shape(shape)} whose strides {shown_shape(strides)} leave gaps or overlap")
        step *= size
    return StoredTensor(source, start, shape, strides)


def shown_shape(numbers: tuple[int, ...]) -> str:
    """A shape from a file, short."""
    return shown(str([n if n < 1 << 63 else "huge" for n in numbers[:MAX_DIMENSIONS + 1]]))


def _parameter(arguments: tuple) -> StoredTensor:
    """What stands for `torch._utils._rebuild_parameter(data, requires_grad, hooks)`."""
    if not arguments or type(arguments[0]) is not StoredTensor:
        raise ValueError("is damaged: a parameter is no tensor")
    return arguments[0]


def _nested(arguments: tuple) -> NestedStorage:
    """What stands for `torch.storage._load_from_bytes(bytes)`."""
    if len(arguments) != 1 or type(arguments[0]) is not Extent:
        raise ValueError("is damaged: a storage is not made of bytes")
    return NestedStorage(arguments[0])


def new_dict(arguments: tuple) -> dict:
    """What stands for an empty `OrderedDict` or `EasyDict`; its items come one by one."""
    if arguments:
        raise ValueError("makes a dict out of something, only empty ones are made")
    return {}


class NumpyType(Record):
    """A `numpy.dtype`: of a number, as `NUMPY` lists them. Its state says little more than the order of bytes."""

    def __init__(self, arguments: tuple) -> None:
        code = arguments[0] if arguments else None
        if type(code) is not str or code not in NUMPY:
            raise ValueError(f"has a NumPy value of type {shown(code)}; accepted: plain numbers")
        self.form = NUMPY[code]


def _numpy_scalar(arguments: tuple) -> Any:
    """What stands for `numpy.core.multiarray.scalar(dtype, bytes)`: a Python number."""
    kind, data = arguments if len(arguments) == 2 else (None, None)
    if type(kind) is not NumpyType or type(data) is not Extent or data.length != struct.calcsize(kind.form):
        raise ValueError("has a NumPy value that is no plain number")
    return struct.unpack(kind.form, data.read())[0]


def _ignored(arguments: tuple) -> Record:
    """What stands for an object that no weight is in, such as the options of a training."""
    return Record()


ADMITTED = {
    "collections.OrderedDict": new_dict,
    "torch._utils._rebuild_tensor_v2": stored_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.storage._load_from_bytes": _nested,
    "numpy.dtype": NumpyType,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "numpy.core.multiarray._reconstruct": _ignored,  # arrays, which StyleGAN3 keeps beside its tensors
    "numpy._core.multiarray._reconstruct": _ignored,
    "numpy.ndarray": None,
    "builtins.set": _ignored,
    "argparse.Namespace": _ignored,
    **dict.fromkeys(STORAGES),
}


def _storage_of(identity: Any, parts: int) -> tuple[str, Storage]:
    """Key and storage of a persistent id ("storage", kind, key, device, number of numbers[, view])."""
    if type(identity) is not tuple or len(identity) != parts or identity[0] != "storage":
        raise ValueError("uses a persistent id that is no storage; nothing in the file was run")
    _, kind, key, _, count, *view = identity
    if type(kind) is not Name or kind.text not in STORAGES or type(key) is not str or type(count) is not int or count < 0 or any(view):
        raise ValueError("is damaged: a storage's kind, key or size is none")
    return key, Storage(STORAGES[kind.text], count)


def read_legacy(extent: Extent, steps: int = MAX_STEPS) -> Any:
    """What the legacy format of `torch.save` holds: five pickles, then for each key the count and bytes of a storage.

    Raises: ValueError.
    """
    if extent.part(0, min(len(MAGIC), extent.length)).read() != MAGIC:
        raise ValueError("is damaged: a storage in it is not what torch.save writes")
    reader = Reader(extent)
    reader.read(len(MAGIC))
    storages: dict[str, Storage] = {}

    def known(identity: Any) -> Storage:
        key, storage = _storage_of(identity, parts=6)
        first = storages.setdefault(key, storage)
        if (first.dtype, first.count) != (storage.dtype, storage.count):
            raise ValueError("is damaged: two storages share a key")
        return first

    version, system = (Machine(reader, {}, steps=steps).run() for _ in range(2))
    if version != LEGACY_VERSION or type(system) is not dict or system.get("little_endian") is not True:
        raise ValueError("is of a version of torch.save, or of a processor, that is not known here")
    value = Machine(reader, ADMITTED, known, steps).run()
    keys = Machine(reader, {}, steps=steps).run()
    if type(keys) is not list or any(type(key) is not str or key not in storages for key in keys):
        raise ValueError("is damaged: the list of its storages is none")
    for key in keys:
        count = reader.number("<q")
        if count != storages[key].count:
            raise ValueError(f"is damaged: a storage of {storages[key].count} numbers has {count}")
        storages[key].locate(reader.extent_of(count * storages[key].dtype.itemsize))
    return value


def read_zip(extent: Extent) -> Any:
    """What the zip format of `torch.save` holds. Raises ValueError."""
    members = zip_members(extent)
    roots = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        raise ValueError("is a zip file, but none of PyTorch's: it has no data.pkl")
    root = roots[0]
    order = members.get(f"{root}byteorder")
    if order is not None and (order[0].length != len("little") or order[0].read() != b"little"):
        raise ValueError("was written by a processor of another byte order")

    def known(identity: Any) -> Storage:
        key, storage = _storage_of(identity, parts=5)
        place, storage.checksum = members.get(f"{root}data/{key}", (None, None))
        if place is None:
            raise ValueError(f"is damaged: its storage {shown(key)} is missing")
        storage.locate(place)
        return storage

    return Machine(Reader(members[f"{root}data.pkl"][0]), ADMITTED, known).run()
