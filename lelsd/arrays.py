"""The numbers of a small array file, .npy, .pt or .safetensors, from anyone: nothing in it is run, and no length is believed.

What a file is, its first bytes say, not its name. NumPy's own reader evaluates the header and takes whatever memory that
claims; torch.load runs what it finds. Neither is called here.
"""
from __future__ import annotations

import io
import math
import re
import struct

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from stylegan2.published.extents import Extent, shown
from stylegan2.published.torch_files import MAGIC, StoredTensor, read_legacy, read_zip

MAX_BYTES = 64 * 2**20  # an 18 x 512 direction of float64 has 74 kB
NUMPY = b"\x93NUMPY"
LENGTHS = {b"\1\0": "<H", b"\2\0": "<I"}  # how the length of a header is written, by version
HEADER = re.compile(rb"\{'descr': '(?P<type>[<>|=]?(?:f[248]|[iu][1248]))', 'fortran_order': (?P<fortran>True|False), "
                    rb"'shape': \((?P<shape>(?:\d{1,9}L?,? ?){0,8})\),? ?\}\s*")
ACCEPTED = "accepted: one array of numbers, as np.save, torch.save or safetensors write it"


def read_array(data: bytes, name: str = "the upload") -> Tensor:
    """The contents of a file -> the one array in it, float32 of any shape; `name` is what errors call the file.

    Raises: ValueError, one sentence: too large, another kind of file, damaged, several arrays or none, no finite numbers.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} is {len(data)} bytes long; accepted: up to {MAX_BYTES}")
    try:
        array = _read(data)
    except (ValueError, SafetensorError, struct.error, EOFError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ValueError(f"{name} {_reason(error)}; {ACCEPTED}") from error
    if array.is_complex() or array.dtype == torch.bool or not array.numel():
        raise ValueError(f"{name} holds {array.dtype} {list(array.shape)}; {ACCEPTED}")
    array = array.float()
    if not torch.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite; {ACCEPTED}")
    return array


def _read(data: bytes) -> Tensor:
    if data.startswith(NUMPY):
        return _numpy(data)
    if data.startswith(b"PK\3\4"):
        return _only(read_zip(Extent(io.BytesIO(data), 0, len(data))))
    if data.startswith(MAGIC):
        return _only(read_legacy(Extent(io.BytesIO(data), 0, len(data))))
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:  # its first byte may be any
        return _only(load(data))
    if data.startswith(b"\x80"):
        raise ValueError("is a pickle that torch.save did not write; nothing in it was run")
    raise ValueError("is no array file")


def _numpy(data: bytes) -> Tensor:
    """A .npy file whose bytes are just those that its header announces. Format: numpy.lib.format, versions 1 and 2."""
    if data[6:8] not in LENGTHS:
        raise ValueError(f"is of version {tuple(data[6:8])} of NumPy's format")
    form = LENGTHS[data[6:8]]
    start = 8 + struct.calcsize(form)
    end = start + struct.unpack(form, data[8:start])[0]
    header = HEADER.fullmatch(data[start:end])
    if header is None:
        raise ValueError("has no header of plain numbers; nothing in it was run")
    dtype, shape = np.dtype(header["type"].decode()), [int(size) for size in re.findall(rb"\d+", header["shape"])]
    if end > len(data) or math.prod(shape) * dtype.itemsize != len(data) - end:
        raise ValueError(f"is damaged: its header announces {shown(str(shape))} of {dtype}, which is not what follows")
    array = np.frombuffer(data, dtype, offset=end).reshape(shape, order="F" if header["fortran"] == b"True" else "C")
    return torch.from_numpy(array.astype(np.float32))


def _only(value: object) -> Tensor:
    """The one tensor in what a file holds: the value itself, or the only one of a dict."""
    found = value if isinstance(value, dict) else {"": value}
    tensors = {key: item for key, item in found.items() if isinstance(item, (Tensor, StoredTensor))}
    if len(tensors) != 1:
        names = ", ".join(shown(key) for key in list(tensors)[:5])
        raise ValueError(f"holds {len(tensors) or 'no'} arrays{f' ({names})' if names else ''}")
    tensor = next(iter(tensors.values()))
    return tensor.read() if isinstance(tensor, StoredTensor) else tensor


def _reason(error: Exception) -> str:
    """Why a file cannot be read, as a sentence that goes on from its name."""
    text = (str(error) or type(error).__name__).splitlines()[0]
    return text if text.startswith(("is ", "has ", "holds ", "names ", "uses ", "was ", "ends ", "makes ")) else f"is damaged: {shown(text, 200)}"
