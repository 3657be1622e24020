"""The compiled operations: built on first use, loaded once, and optional.

    library = native.library(x, bias)           # None: use the reference
    native.run(library, x, "bias_act", "ipppl", native.FORMATS[x.dtype], x.data_ptr(), ...)

Where they cannot be built there is one warning that names the cause and the remedy, and the references in PyTorch do
all the work. `ECLIPSED_OPS=reference`, or `with native.reference():`, has them do it anywhere.
"""

from __future__ import annotations

import ctypes
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

from stylegan2.ops.build import BuildError, Recipe, built
from stylegan2.ops.compilers import cpu_recipe
from stylegan2.ops.cuda_compiler import cuda_recipe

VARIABLE = "ECLIPSED_OPS"
CHOICES = ("compiled", "reference")
FORMATS = {torch.float32: 0, torch.bfloat16: 1, torch.float64: 2, torch.float16: 3}  # as the C sources number them
KINDS = {"p": ctypes.c_void_p, "l": ctypes.c_int64, "i": ctypes.c_int, "f": ctypes.c_float, "d": ctypes.c_double}


class Library(ctypes.CDLL):
    """A loaded library. `gpu`: its functions take a CUDA stream last, those of the others the number of threads."""

    gpu = False


_lock = threading.Lock()
_libraries: dict[str, Library | None] = {}
_only_reference: ContextVar[bool] = ContextVar("only_reference", default=False)


def cpu() -> Library | None:
    """The compiled operations for the CPU, or None where the reference is to be used."""
    return _library("cpu", cpu_recipe)


def cuda() -> Library | None:
    """The compiled operations for NVIDIA GPUs, or None where the reference is to be used."""
    found = _library("cuda", cuda_recipe)
    if found is not None:
        found.gpu = True
    return found


def library(x: Tensor, *others: Tensor | None) -> Library | None:
    """The compiled operations for where `x` is, or None where the reference is to be used.

    That is also where C code cannot read the tensors: formats that it does not know or that differ, subclasses of Tensor,
    tensors that torch.compile or torch.func stand in for, and those that carry forward-mode derivatives.
    """
    tensors = [x, *(tensor for tensor in others if tensor is not None)]
    alike = x.dtype in FORMATS and all(tensor.dtype == x.dtype and tensor.device == x.device for tensor in tensors)
    if not alike or not all(type(tensor) in (Tensor, torch.nn.Parameter) for tensor in tensors) or _transformed():
        return None
    if x.device.type == "cuda":
        return cuda()
    return cpu() if x.device.type == "cpu" and x.dtype != torch.float16 else None


def _transformed() -> bool:
    functorch = getattr(torch._C, "_are_functorch_transforms_active", None)
    return torch.compiler.is_compiling() or forward_ad._current_level >= 0 or (functorch is not None and functorch())


@contextmanager
def reference() -> Iterator[None]:
    """Within this, and in this thread, nothing but the references in PyTorch runs."""
    token = _only_reference.set(True)
    try:
        yield
    finally:
        _only_reference.reset(token)


def run(library: Library, x: Tensor, name: str, kinds: str, *arguments: object) -> None:
    """Call a function of the library, with `torch.get_num_threads()` or the current stream of the device of `x` as last argument.

    Raises: RuntimeError: the function reports an error.
    """
    if library.gpu:
        code = _on_stream(library, x, name, kinds, arguments)
    else:
        code = function(library, name, kinds + "i")(*arguments, torch.get_num_threads())
    if code:
        raise RuntimeError(f"{name} fails for {list(x.shape)} {x.dtype} on {x.device}: {_meaning(library, code)}")


def function(library: ctypes.CDLL, name: str, kinds: str) -> Callable[..., int]:
    """A C function that returns an int.

    Args:
        kinds: a letter an argument: p pointer (`data_ptr()`, or None), l int64_t, i int, f float, d double.
    """
    result = getattr(library, name)
    if result.argtypes is None:
        result.argtypes = [KINDS[kind] for kind in kinds]
    return result


def _on_stream(library: Library, x: Tensor, name: str, kinds: str, arguments: tuple) -> int:
    call = function(library, name, kinds + "p")
    if not x.is_cuda:  # a test that runs the GPU's code on the CPU
        return call(*arguments, None)
    with torch.cuda.device(x.device):
        return call(*arguments, torch.cuda.current_stream().cuda_stream)


def _meaning(library: Library, code: int) -> str:
    if not library.gpu:
        return f"code {code}"
    library.error_text.restype = ctypes.c_char_p
    return library.error_text(code).decode()


def _library(name: str, recipe: Callable[[], Recipe]) -> Library | None:
    if _only_reference.get():
        return None
    if name not in _libraries:
        with _lock:  # pages call from many threads
            if name not in _libraries:
                _libraries[name] = _load(name, recipe) if _wanted() else None
    return _libraries[name]


def _wanted() -> bool:
    choice = os.environ.get(VARIABLE) or CHOICES[0]
    if choice not in CHOICES:
        raise ValueError(f"{VARIABLE} is {choice!r}; accepted: {', '.join(CHOICES)}")
    return choice == "compiled"


def _load(name: str, recipe: Callable[[], Recipe]) -> Library | None:
    """Build and load; what cannot be loaded is built once more. A failure is told once and is final for this process."""
    try:
        made = recipe()
        try:
            return Library(str(built(made)))
        except OSError:
            path = built(made, anew=True)
        try:
            return Library(str(path))
        except OSError as error:
            raise BuildError(f"{error}; set ECLIPSED_CACHE to a folder that programs may be loaded from") from None
    except BuildError as error:
        place = {"cpu": "this processor", "cuda": "the GPU"}[name]
        warnings.warn(f"the fast operations for {place} are not in use: {error}. Until then the same results take longer.",
                      RuntimeWarning, stacklevel=2)
        return None
