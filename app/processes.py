"""Is that process still the one we started? Answers that hold after the server has been restarted."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

PROC = Path("/proc")
PATIENT = 5  # niceness of a job: where both want a core, the studio has three quarters of it


def birth(pid: int) -> str | None:
    """What tells this process from a later one with the same number: its start time (Linux); None where unknown."""
    fields = _stat_fields(pid)
    return fields[19] if fields else None


def is_alive(pid: int, born: str | None = None) -> bool:
    """True while process `pid` runs, and is the one born then. One that has ended and waits to be reaped is not alive."""
    fields = _stat_fields(pid)
    if fields is not None:
        return fields[0] not in "ZX" and born in (None, fields[19])
    if PROC.joinpath("self").exists():
        return False
    try:
        os.kill(pid, 0)  # no /proc (macOS): the number is all there is to go by
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def send(pid: int, kind: signal.Signals) -> None:
    """Signal a job's whole process group (it leads its own), or the process alone where that fails."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, kind)
        else:
            os.kill(pid, kind)
    except (ProcessLookupError, PermissionError):
        pass  # it ended on its own in this moment


def make_patient(pid: int) -> None:
    """Let a process that has just started work in the time that others leave: who moves a slider meanwhile is answered first."""
    with contextlib.suppress(OSError, AttributeError):  # it has ended already; a system that knows no niceness
        os.setpriority(os.PRIO_PROCESS, pid, max(PATIENT, os.getpriority(os.PRIO_PROCESS, pid)))


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name, state first (man 5 proc: state is 3, start time is 22)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
