"""A training run on disk, the only thing that a page, a command line and a restarted process share.

    run.json                what is being trained; written first, never changed
    status.json             state, step, steps, eta, pid, heartbeat, error; replaced as a whole
    metrics.jsonl           one line a step
    previews/step_00025.png strips as it learns
    checkpoint.safetensors  tensors, optimiser and step in one file, so that it is whole or not there
    direction.safetensors   the result
    cancel                  written by whoever wants the run to stop
"""
from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from packs.files import write_atomically

CHECKPOINT = "eclipsed-checkpoint"


@dataclass
class RunFolder:
    """The files of one run. Methods raise OSError when the disk refuses, ValueError when a file is not ours."""

    path: Path
    _status: dict = field(default_factory=dict, repr=False)

    def create(self, description: dict) -> None:
        """Begin a run. Raises ValueError if the folder holds one already: nothing is ever overwritten."""
        if (self.path / "run.json").exists():
            raise ValueError(f"{self.path} already holds a run; accepted: a new folder, or --resume {self.path} to go on with it")
        check_folder(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path / "run.json", _encode(description))

    def description(self) -> dict:
        """What `create` was given. Raises ValueError if the folder is no run."""
        try:
            description = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(f"{self.path} is not a training run (it has no run.json); accepted for --resume: a folder written by train_eclipsed.py") from None
        except (ValueError, OSError) as error:
            raise ValueError(f"{self.path / 'run.json'} cannot be read: {error}") from None
        if not isinstance(description, dict):
            raise ValueError(f"{self.path / 'run.json'} is not the description of a run")
        return description

    def status(self, **changes: object) -> None:
        """Replace status.json: the fields so far, the given ones, and a heartbeat."""
        self._status.update(changes, pid=os.getpid(), heartbeat=round(time.time(), 3))
        write_atomically(self.path / "status.json", _encode(self._status))

    def leave(self, state: str, error: str | None = None) -> None:
        """Note how a run ended early. A finished run stays done; a disk that refuses must not hide the first error."""
        if self._status.get("state") != "done":
            with contextlib.suppress(OSError):
                self.status(state=state, error=error, eta=None)

    @contextlib.contextmanager
    def noting_its_end(self) -> Iterator[None]:
        """Around the work of a run: an exception that ends it is noted, and goes on to whoever began it."""
        try:
            yield
        except (KeyboardInterrupt, GeneratorExit):
            self.leave("cancelled")
            raise
        except Exception as error:
            self.leave("failed", str(error))
            raise

    def cancelled(self) -> bool:
        """Whether somebody asked for a stop."""
        return (self.path / "cancel").exists()

    def forget_old_cancel(self) -> None:
        """Take away the flag that an earlier try has obeyed. One that is newer than its last word was meant for this try, which has yet to see it."""
        flag, status = self.path / "cancel", self.path / "status.json"
        if flag.exists() and status.exists() and flag.stat().st_mtime_ns <= status.stat().st_mtime_ns:
            flag.unlink()

    def add_metrics(self, step: int, values: dict[str, float]) -> None:
        """Append a line to metrics.jsonl."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")

    def truncate_metrics(self, step: int) -> None:
        """Drop the lines beyond `step`, which a resumed run will write again, and a last one that was cut short."""
        path = self.path / "metrics.jsonl"
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                kept += [line] if json.loads(line)["step"] <= step else []
            except (ValueError, KeyError, TypeError):
                break
        write_atomically(path, "".join(line + "\n" for line in kept).encode())

    def save_checkpoint(self, step: int, tensors: dict[str, Tensor], state: dict) -> None:
        """Write tensors, a JSON-able state and the step, in one file that is never half there."""
        header = json.dumps({"step": step, "state": state}, sort_keys=True)
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_atomically(self.path / "checkpoint.safetensors", save(plain, metadata={CHECKPOINT: header}))

    def load_checkpoint(self) -> tuple[int, dict[str, Tensor], dict] | None:
        """(step, tensors, state), or None before the first checkpoint. Raises ValueError for a damaged file."""
        path = self.path / "checkpoint.safetensors"
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                header = json.loads((file.metadata() or {})[CHECKPOINT])
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
            return int(header["step"]), tensors, dict(header["state"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}); remove it to begin this run again from its first step") from error

    def preview_path(self, step: int) -> Path:
        """Where the strip of a step goes."""
        return self.path / "previews" / f"step_{step:05d}.png"

    def direction_path(self) -> Path:
        return self.path / "direction.safetensors"


def check_folder(path: Path) -> None:
    """Raises ValueError for what cannot be a folder, since it, or one of those that it lies in, is a file."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not there.is_dir():
        raise ValueError(f"{there} is a file; accepted there for --out: a folder that can be written")


def check_report(path: Path) -> None:
    """Raises ValueError for what cannot be the JSON file of a report."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; accepted for --out: the JSON file to write")
    check_folder(path.parent)


def _encode(value: dict) -> bytes:
    """In the order given: the first of several parts that count the same is the main one."""
    return (json.dumps(value, indent=2) + "\n").encode()
