"""The compiled operations: built on first use, loaded once, and optional.

    library = native.cpu()                      # None: use the reference
    forward = native.function(library, "bias_act", "pplf")
    forward(x.data_ptr(), bias.data_ptr(), x.numel(), 0.2)

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

from stylegan2.ops.build import BuildError, Recipe, built
from stylegan2.ops.compilers import cpu_recipe

VARIABLE = "ECLIPSED_OPS"
CHOICES = ("compiled", "reference")
KINDS = {"p": ctypes.c_void_p, "l": ctypes.c_int64, "i": ctypes.c_int, "f": ctypes.c_float, "d": ctypes.c_double}

_lock = threading.Lock()
_libraries: dict[str, ctypes.CDLL | None] = {}
_only_reference: ContextVar[bool] = ContextVar("only_reference", default=False)


def cpu() -> ctypes.CDLL | None:
    """The compiled operations for the CPU, or None where the reference is to be used."""
    return _library("cpu", cpu_recipe)


@contextmanager
def reference() -> Iterator[None]:
    """Within this, and in this thread, nothing but the references in PyTorch runs."""
    token = _only_reference.set(True)
    try:
        yield
    finally:
        _only_reference.reset(token)


def function(library: ctypes.CDLL, name: str, kinds: str) -> Callable[..., int]:
    """A C function that returns an int.

    Args:
        kinds: a letter an argument: p pointer (`data_ptr()`, or None), l int64_t, i int, f float, d double.
    """
    result = getattr(library, name)
    if result.argtypes is None:
        result.argtypes = [KINDS[kind] for kind in kinds]
    return result


def _library(name: str, recipe: Callable[[], Recipe]) -> ctypes.CDLL | None:
    if _only_reference.get():
        return None
    if name not in _libraries:
        with _lock:  # pages call from many threads
            if name not in _libraries:
                _libraries[name] = _load(recipe) if _wanted() else None
    return _libraries[name]


def _wanted() -> bool:
    choice = os.environ.get(VARIABLE) or CHOICES[0]
    if choice not in CHOICES:
        raise ValueError(f"{VARIABLE} is {choice!r}; accepted: {', '.join(CHOICES)}")
    return choice == "compiled"


def _load(recipe: Callable[[], Recipe]) -> ctypes.CDLL | None:
    """Build and load; what cannot be loaded is built once more. A failure is told once and is final for this process."""
    try:
        made = recipe()
        try:
            return ctypes.CDLL(str(built(made)))
        except OSError:
            path = built(made, anew=True)
        try:
            return ctypes.CDLL(str(path))
        except OSError as error:
            raise BuildError(f"{error}; set ECLIPSED_CACHE to a folder that programs may be loaded from") from None
    except BuildError as error:
        warnings.warn(f"the fast operations are not in use: {error}. Until then the same results take longer.",
                      RuntimeWarning, stacklevel=2)
        return None
