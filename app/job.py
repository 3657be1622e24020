"""One job: what was asked for, and what its run folder says of it now."""

from __future__ import annotations

import re
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from app import processes
from app.files import read_json, read_json_lines
from lelsd.config import TrainConfig
from packs.cli import describe
from packs.fetch import offered

ACTIVE = ("queued", "running", "stopping")
SILENT_SECONDS = 600.0


@dataclass(frozen=True)
class JobRequest:
    """What to train: the options of `train_eclipsed.py` that the page offers. None and "auto" leave the choice to it."""

    prompt: str
    pack: str
    part: str = "auto"
    layers: str = "auto"
    steps: int | None = None
    localization_weight: float | None = None
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    visit: str = ""  # who asked: the page that gets the direction on its stack; no option of the command line
    kind: str = "train"
    result: ClassVar[str] = "direction.safetensors"

    def options(self) -> list[str]:
        """The command line without the prompt."""
        words = ["--pack", self.pack, "--part", self.part, "--layers", self.layers, "--device", self.device]
        words += ["--seed", str(self.seed)]
        if self.steps is not None:
            words += ["--steps", str(self.steps)]
        if self.localization_weight is not None:
            words += ["--localization-weight", str(self.localization_weight)]
        if self.batch_size is not None:
            words += ["--batch-size", str(self.batch_size)]
        return words

    @property
    def title(self) -> str:
        """What the job is called."""
        return self.prompt

    def check(self) -> None:
        """Raises ValueError for a request that no process need be started for."""
        if not self.prompt.strip():
            raise ValueError("the prompt is empty; say what should change, such as \"a person with curly hair\"")

    def with_less_memory(self) -> JobRequest | None:
        """The same with half as many pictures a step; None where it is one picture already."""
        batch = self.batch_size or TrainConfig().batch_size
        return replace(self, batch_size=batch // 2) if batch > 1 else None


@dataclass(frozen=True)
class FetchRequest:
    """A pack to download, whose licence somebody has accepted. Downloads stand in a queue of their own."""

    pack: str
    visit: str = ""
    kind: str = "fetch"
    device: str = "network"
    steps: None = None
    result: ClassVar[None] = None  # its files go elsewhere

    @property
    def title(self) -> str:
        return f"Download {self.pack}"

    def check(self) -> None:
        """Raises ValueError for a pack that is not to be had."""
        offered(self.pack)


@dataclass(frozen=True)
class InvertRequest:
    """A picture whose face is looked for. `name`: what its file was called; the square to be found is `picture` in the job's folder."""

    name: str
    pack: str
    steps: int = 200
    visit: str = ""
    device: str = "auto"
    kind: str = "invert"
    picture: ClassVar[str] = "picture.png"
    result: ClassVar[str] = "picture_inverted.png"

    @property
    def title(self) -> str:
        return self.name

    def check(self) -> None:
        """Raises ValueError for a number of steps that nobody can take."""
        if self.steps < 0:
            raise ValueError(f"{self.steps} steps cannot be taken; accepted: 0, for the encoder alone, or more")

    def with_less_memory(self) -> None:
        """One picture is as few as there can be."""
        return None


@dataclass(frozen=True)
class CompareRequest:
    """A wish that every editor of the pack gets on the same pictures, as `baselines.side_by_side.outcomes.Wish` and `baselines.side_by_side.sources.Chosen` say it.

    words: what the pictures are. uploaded: how many of them lie in the job's folder, as `pictures` calls them.
    """

    prompt: str
    attribute: str
    value: bool
    pack: str
    words: str
    strength: float = 1.0
    source: str = "sampled"
    number: int = 0
    count: int = 1
    truncation: float = 1.0
    uploaded: int = 0
    visit: str = ""
    device: str = "auto"
    kind: str = "compare"
    steps: ClassVar[None] = None
    result: ClassVar[str] = "compared.json"

    @property
    def title(self) -> str:
        return f"“{self.prompt}” on {self.words}"

    @property
    def pictures(self) -> list[str]:
        """The names of the uploaded pictures in the job's folder."""
        return [f"picture_{place:02d}.png" for place in range(self.uploaded)]

    def options(self, folder: Path) -> list[str]:
        """The command line without what concerns the run's folder; `folder`: where the uploaded pictures lie."""
        wish = [f"--prompt={self.prompt}", *(["--attribute", self.attribute] if self.attribute else []), *([] if self.value else ["--without"])]
        made = {"sampled": ["--sampled", str(self.number), "--count", str(self.count), "--truncation", str(self.truncation)],
                "drawn": ["--drawn", str(self.number), "--count", str(self.count)]}
        pictures = made.get(self.source) or [str(folder / name) for name in self.pictures]
        return [*pictures, *wish, "--strength", str(self.strength), "--pack", self.pack, "--device", self.device]

    def check(self) -> None:
        """Raises ValueError for a request that no process need be started for."""
        if self.source == "uploaded" and not self.uploaded:
            raise ValueError("there is no picture yet; choose a file, or let one be sampled or drawn")

    def with_less_memory(self) -> None:
        """How many pictures are compared is the visitor's choice."""
        return None


Request = JobRequest | FetchRequest | InvertRequest | CompareRequest
KINDS = {request.kind: request for request in (JobRequest, FetchRequest, InvertRequest, CompareRequest)}


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
        """Progress, 0 to 1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0

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
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise ValueError(f"{self.request.title} could not be deleted: {describe(error)}") from error

    def metrics(self) -> list[dict]:
        """The lines of metrics.jsonl; a last line that is still being written is left out."""
        return read_json_lines(self.folder / "metrics.jsonl")

    def previews(self) -> list[Path]:
        """Preview pictures, oldest first."""
        return sorted((self.folder / "previews").glob("*.png"), key=lambda path: _numbers(path.stem))


# --- reading a run folder ---------------------------------------------------------------------------------------------


def read_job(folder: Path) -> Job | None:
    """The job in `folder`; None if there is none (or a half-made one)."""
    record = read_json(folder / "job.json")
    if not isinstance(record.get("request"), dict):
        return None
    request = _request(record["request"])
    status = read_json(folder / "status.json")
    state = _state(folder, record, status, request.result)
    step, steps = int(status.get("step") or 0), int(status.get("steps") or request.steps or 0)
    message = _sentence(folder, status) if state == "failed" else str(status.get("note") or "")
    return Job(
        folder, request, state, float(record.get("created", 0.0)), step, steps,
        eta=_eta(status, step, steps) if state == "running" else None, phase=str(status.get("phase") or status.get("state") or ""),
        message=message, rate=status.get("rate"), out_of_memory=_ran_out_of_memory(folder, state, message), pid=record.get("pid"),
    )


def _request(values: dict) -> Request:
    """What was asked for; entries of a later version are left out."""
    kind = KINDS.get(values.get("kind"), JobRequest)
    return kind(**{key: values[key] for key in kind.__dataclass_fields__ if key in values})


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
