"""How the C library hands out memory for feature maps on Linux."""

from __future__ import annotations

import ctypes
import sys

# Parameter numbers of mallopt(3), from malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8


def reuse_freed_memory() -> bool:
    """Let this process keep the memory it frees, instead of returning each large block at once.

    glibc asks the kernel for every block above 32 MB and gives it back when it is freed, so each pass
    over a large map first has to fault its pages in, which costs several times the pass itself: a
    tenth of a training step at 128 px, a fifth of a picture at 1024. The price is that memory once used stays with the process.

    For command lines and servers to call once, before the first network runs; a library does not.

    Returns: whether the C library could be told (glibc only).
    Source: mallopt(3).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**26, M_ARENA_MAX: 1}
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())
