"""The job queue, of trainings, downloads, pictures to be found and comparisons: one job at a time a device, each a subprocess of the command line that a person would type.

A job *is* its run folder; nothing about it is kept in memory that cannot be read from there again, so a reloaded page, a
second tab and a restarted server all see the same jobs. The folder holds what `train_eclipsed.py` writes (status.json,
metrics.jsonl, previews/, checkpoint, direction.safetensors) and beside it, from here,

    job.json    the request, and pid and birth of the process once it is started
    log.txt     its output
    cancel      somebody asked it to stop: the flag now, SIGTERM after a grace, SIGKILL at last
    exit.json   its exit status, when this server saw it end
    dismissed   somebody has seen how it ended
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from app import processes
from app.files import read_json, write_json
from app.job import Job, read_job
from app.job_request import CompareRequest, FetchRequest, InvertRequest, JobRequest, Request

TRAIN_SCRIPT = Path(__file__).resolve().parents[1] / "train_eclipsed.py"
POLL_SECONDS = 0.3
TERMINATE_AFTER = 1.0  # seconds after the flag; training checkpoints as it goes, so little is lost
KILL_AFTER = 8.0
CLAIM_SECONDS = 30.0


def job_command(request: Request, folder: Path, resume: bool) -> list[str]:
    """The command of a job, as one could type it."""
    if isinstance(request, InvertRequest):  # seconds of work: it begins anew
        return [sys.executable, "-m", "lelsd.invert", str(folder / request.picture), "--pack", request.pack, "--steps", str(request.steps),
                "--device", request.device, "--out", str(folder), "--run", str(folder)]
    if isinstance(request, FetchRequest):  # a download goes on where it was by itself
        return [sys.executable, "-m", "packs", "fetch", request.pack, "--accept-licence", "--status", str(folder / "status.json")]
    if isinstance(request, CompareRequest):
        return [sys.executable, "-m", "baselines.side_by_side", *request.options(folder), "--directions", str(folder.parent),
                "--out", str(folder), "--run", str(folder)]
    return train_command(request, folder, resume)


def train_command(request: JobRequest, folder: Path, resume: bool) -> list[str]:
    """The command of a training."""
    start = [sys.executable, str(TRAIN_SCRIPT), *request.options(), "--resume" if resume else "--out", str(folder)]
    return [*start, "--", request.prompt]  # last, where a prompt that begins with a dash is not taken for an option


class JobQueue:
    """The jobs of one runs folder. Any number may exist, in one process or several; the folder decides.

    A thread of its own starts the next job when one ends; it never touches Streamlit.
    """

    def __init__(self, runs: Path, command: Callable[[Request, Path, bool], Sequence[str]] = job_command) -> None:
        self.runs = Path(runs)
        self._command = command
        self._children: dict[str, subprocess.Popen] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._watch()

    def submit(self, request: Request, files: Mapping[str, bytes] = MappingProxyType({})) -> Job:
        """Put a job in the queue, with `files` by name in its folder. Raises ValueError for an empty prompt, an unknown pack or a folder that
        cannot be written."""
        request.check()
        folder = self.runs / run_name(request.title)
        try:
            folder.mkdir(parents=True)
            for name, data in files.items():
                (folder / name).write_bytes(data)
            write_json(folder / "job.json", {"request": asdict(request), "created": time.time()})
        except OSError as error:
            raise ValueError(f"cannot write in {self.runs}: {error.strerror}; choose another folder") from error
        self._watch()
        return read_job(folder)

    def resume(self, folder: Path) -> None:
        """Continue an interrupted, cancelled or failed job from its last checkpoint. Nothing where it goes on already, or was deleted."""
        with self._lock:
            job = read_job(folder)
            if job is None or job.active:
                return  # another tab was quicker
            for name in ("cancel", "exit.json", "claim", "dismissed"):
                (folder / name).unlink(missing_ok=True)
            record = read_json(folder / "job.json")
            write_json(folder / "job.json", {"request": record["request"], "created": record["created"], "resume": True})
        self._watch()

    def cancel(self, folder: Path) -> None:
        """Ask a job to stop; one that waits never starts, one that was deleted needs no asking. Returns at once."""
        with contextlib.suppress(FileNotFoundError):
            (folder / "cancel").touch()
        self._watch()

    def jobs(self) -> list[Job]:
        """All jobs of the folder, newest first."""
        found = [read_job(path.parent) for path in self.runs.glob("*/job.json")]
        return sorted((job for job in found if job), key=lambda job: -job.created)

    def tick(self) -> bool:
        """Reap, stop what was cancelled, start what may start. True while there is something to watch."""
        with self._lock:
            self._reap()
            active = [job for job in reversed(self.jobs()) if job.active]
            for job in active:
                if job.state == "stopping":
                    self._press(job)
            busy = {_device_of(job.request.device) for job in active if job.state in ("running", "stopping")}
            for job in active:
                device = _device_of(job.request.device)
                if job.state == "queued" and device not in busy and self._start(job):
                    busy.add(device)
            return bool(active)

    def close(self) -> None:
        """Stop watching. Jobs that run go on, and the next queue finds them."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        """Make sure that the thread runs while there is something to watch."""
        with self._lock:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="eclipsed-jobs", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            with self._lock:  # held to the end of the check, or a job put in at the wrong moment would wait for ever
                if not self._tick_safely():
                    self._thread = None
                    return
            time.sleep(POLL_SECONDS)

    def _tick_safely(self) -> bool:
        try:
            return self.tick()
        except OSError:  # a full disk, say: jobs that run go on, and the next look may find room
            return True

    def _start(self, job: Job) -> bool:
        """Start a queued job; False if another server was quicker."""
        try:
            os.close(os.open(job.folder / "claim", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            self._drop_old_claim(job.folder / "claim")
            return False
        record = read_json(job.folder / "job.json")
        resume = bool(record.get("resume")) and (job.folder / "run.json").exists()  # else it never began
        words = list(self._command(job.request, job.folder, resume))
        with (job.folder / "log.txt").open("ab") as log:
            # a session of its own: Ctrl-C on the server must not end a training, and cancelling ends all its processes
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        processes.make_patient(child.pid)
        self._children[job.folder.name] = child
        write_json(job.folder / "job.json", {**record, "pid": child.pid, "born": processes.birth(child.pid)})
        return True

    def _drop_old_claim(self, claim: Path) -> None:
        """A server that ended between its claim and the start must not keep the job from the others for ever."""
        if time.time() - claim.stat().st_mtime > CLAIM_SECONDS:
            claim.unlink(missing_ok=True)

    def _reap(self) -> None:
        for name, child in list(self._children.items()):
            if child.poll() is not None:
                if (self.runs / name / "job.json").exists():  # else it was deleted meanwhile, and writing would bring its folder back
                    with contextlib.suppress(FileNotFoundError):  # or just now, which must not hold up the others
                        write_json(self.runs / name / "exit.json", {"code": child.returncode})
                del self._children[name]

    def _press(self, job: Job) -> None:
        """One more push to a job that was asked to stop."""
        waited = time.time() - (job.folder / "cancel").stat().st_mtime
        if waited > TERMINATE_AFTER and job.pid:
            processes.send(job.pid, signal.SIGKILL if waited > KILL_AFTER else signal.SIGTERM)


def run_name(prompt: str) -> str:
    """A new folder's name: the date, a few words of the prompt, and something no other run has."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:40].strip("-") or "direction"
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{words}-{secrets.token_hex(2)}"


def _device_of(name: str) -> str:
    """The queue a device name stands in: "auto" is the GPU where there is one."""
    if name != "auto":
        return name
    import torch  # seconds of import that listing the jobs need not pay

    return "cuda" if torch.cuda.is_available() else "cpu"
