"""One job, as its run folder tells of it now."""

from __future__ import annotations

import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from app import processes
from app.files import changed, read_json, read_json_lines
from app.job_request import KINDS, JobRequest, Request
from lelsd.config import PHASES
from packs.cli import describe

ACTIVE = ("queued", "running", "stopping")
SILENT_SECONDS = 600.0


@dataclass(frozen=True)
class Job:
    """A run folder as it is now. `state` is one of queued, running, stopping, done, failed, cancelled, interrupted."""

    folder: Path
    request: Request
    state: str
    created: float
    step: int = 0
    steps: int = 0
    eta: float | None = None
    phase: str = ""  # what the training itself says it is doing: running, calibrating, ...
    message: str = ""
    rate: float | None = None  # bytes a second, of a download
    out_of_memory: bool = False  # it ended for want of memory, as far as anybody can tell
    pid: int | None = None

    @property
    def active(self) -> bool:
        """Waiting, running or being stopped."""
        return self.state in ACTIVE

    @property
    def kind(self) -> str:
        """What it does: "train", "fetch", "invert" or "compare"."""
        return self.request.kind

    @property
    def fetches(self) -> bool:
        """Whether it is a download."""
        return self.kind == "fetch"

    @property
    def direction(self) -> Path:
        """Where the direction of a training is, once it is done."""
        return self.folder / JobRequest.result

    @property
    def fraction(self) -> float:
        """Progress, 0 to 1. Where there is nothing to learn, what comes after is all there is."""
        return min(self.step / self.steps, 1.0) if self.steps else float(self.phase in PHASES)

    @property
    def changed(self) -> float:
        """When it was last heard of, in seconds since 1970."""
        return max(self.created, *(changed(self.folder / name) for name in ("status.json", "exit.json", "cancel")))

    @property
    def dismissed(self) -> bool:
        """Somebody has seen how it ended and does not want to see it again."""
        return (self.folder / "dismissed").exists()

    def dismiss(self) -> None:
        """Show it no more. The folder stays, and its direction in the library."""
        (self.folder / "dismissed").touch()

    def delete(self) -> None:
        """Take its folder from this machine. Raises ValueError while it is at work, or if the disk refuses."""
        if self.active:
            raise ValueError(f"{self.request.title} is not over yet; cancel that first")
        for last in (False, True):  # the queue may just be writing how it ended, into a folder that is half gone
            try:
                return shutil.rmtree(self.folder)
            except OSError as error:
                if last:
                    raise ValueError(f"{self.request.title} could not be deleted: {describe(error)}") from error

    def metrics(self) -> list[dict]:
        """The lines of metrics.jsonl; a last line that is still being written is left out."""
        return read_json_lines(self.folder / "metrics.jsonl")

    def previews(self) -> list[Path]:
        """Preview pictures, oldest first."""
        return sorted((self.folder / "previews").glob("*.png"), key=lambda path: _numbers(path.stem))


# --- reading a run folder ---------------------------------------------------------------------------------------------


def read_job(folder: Path) -> Job | None:
    """The job in `folder`; None if there is none, a half-made one, or one of a kind that only a later version knows."""
    record = read_json(folder / "job.json")
    if not isinstance(record.get("request"), dict):
        return None
    request = _request(record["request"])
    if request is None:
        return None
    status = read_json(folder / "status.json")
    state = _state(folder, record, status, request.result)
    step, steps = int(status.get("step") or 0), int(status.get("steps", request.steps) or 0)
    message = _sentence(folder, status) if state == "failed" else str(status.get("note") or "")
    return Job(
        folder, request, state, float(record.get("created", 0.0)), step, steps,
        eta=_eta(status, step, steps) if state == "running" else None, phase=str(status.get("phase") or status.get("state") or ""),
        message=message, rate=status.get("rate"), out_of_memory=_ran_out_of_memory(folder, state, message), pid=record.get("pid"),
    )


def _request(values: dict) -> Request | None:
    """What was asked for; entries of a later version are left out, and nothing where one is missing."""
    kind = KINDS.get(values.get("kind", JobRequest.kind))
    try:
        return kind and kind(**{key: values[key] for key in kind.__dataclass_fields__ if key in values})
    except TypeError:
        return None


def _ran_out_of_memory(folder: Path, state: str, message: str) -> bool:
    """A process that asks for too much says so; one whose memory the system took away ends by a signal that nobody here sent."""
    if state == "failed":
        return any(words in message.lower() for words in ("out of memory", "can't allocate memory", "cannot allocate memory", "memoryerror"))
    return state == "interrupted" and read_json(folder / "exit.json").get("code") == -signal.SIGKILL


def _state(folder: Path, record: dict, status: dict, result: str | None) -> str:
    cancelled = (folder / "cancel").exists()
    pid = record.get("pid")
    if pid and processes.is_alive(pid, record.get("born")) and not _is_silent(record, status):
        return "stopping" if cancelled else "running"
    if status.get("state") == "done" and (result is None or (folder / result).exists()):
        return "done"
    if cancelled or (pid and status.get("state") == "cancelled"):  # without a process it waits to begin again, whatever the last one said
        return "cancelled"
    if not pid:
        return "queued"
    if status.get("state") == "failed" or read_json(folder / "exit.json").get("code", 0) > 0:
        return "failed"
    return "interrupted"


def _is_silent(record: dict, status: dict) -> bool:
    """Where a process cannot be told from a later one of the same number (no /proc), its heartbeat decides."""
    return record.get("born") is None and time.time() - float(status.get("heartbeat") or record["created"]) > SILENT_SECONDS


def _eta(status: dict, step: int, steps: int) -> float | None:
    """Seconds to go, from the mean pace so far; None before the first step."""
    if status.get("eta") is not None:
        return float(status["eta"])
    seconds = status.get("seconds")
    return float(seconds) / step * (steps - step) if seconds and step else None


def _sentence(folder: Path, status: dict) -> str:
    """Why a job failed: its own words, or the last line it printed."""
    if status.get("error") or status.get("message"):
        return str(status.get("error") or status["message"])
    try:
        lines = (folder / "log.txt").read_text(errors="replace").split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")
    return re.sub(r"^(python (-m )?\S+|train_eclipsed\.py): ", "", last)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers in a file name, so that step 100 sorts after step 50."""
    return tuple(int(number) for number in re.findall(r"\d+", text))
