"""What every benchmark needs: a fair clock, peak memory, and the machine it ran on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Callable

import torch

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def machine() -> dict:
    """Processor, cores, threads and versions: what a figure means nothing without."""
    cuda = torch.cuda.is_available()
    return {
        "processor": _processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "system": platform.platform(), "python": platform.python_version(), "torch": torch.__version__,
    }


def in_turn(functions: list[Callable[[], object]], repeats: int, device: torch.device) -> list[float]:
    """Median seconds of each function, run one after the other `repeats` times.

    In turn, because a machine's speed drifts by half from hour to hour and by more from neighbour
    to neighbour: what happens to one then happens to all. One round before the clock starts.
    """
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, times in zip(functions, seconds):
            start = _now(device)
            function()
            if turn:
                times.append(_now(device) - start)
    return [statistics.median(times) for times in seconds]


def peak_mb(function: Callable[[], object], device: torch.device) -> float | None:
    """Megabytes in use at the worst moment of one call: of the GPU, or of this whole process.

    None where the system cannot say (it takes Linux's /proc).
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        function()
        return torch.cuda.max_memory_allocated(device) / 2**20
    if not CLEAR_REFS.exists():
        return None
    CLEAR_REFS.write_text("5")  # proc(5): resets the high-water mark VmHWM
    function()
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _processor() -> str:
    """The processor's name as Linux knows it, or as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
