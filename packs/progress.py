"""How far a download is, and how that reads on a terminal and in a log."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from packs.files import size_words, write_atomically

REDRAW = 0.2  # seconds between two states of a terminal's line
LINE = 15.0  # seconds between two lines of a log
NOTE = 0.5  # seconds between two states of a status file
WINDOW = 10.0  # seconds over which the rate is measured


@dataclass(frozen=True)
class Progress:
    """file: the one in work, "" for none. done, total: bytes of the whole pack, here and in all. rate: bytes a second and
    seconds_left: None as long as nobody can tell. note: what happened, where that is worth a line."""

    pack: str
    file: str
    done: int
    total: int
    rate: float | None = None
    seconds_left: float | None = None
    note: str = ""


class Meter:
    """Makes Progress out of byte counts, with the rate over the last seconds."""

    def __init__(self, pack: str, total: int) -> None:
        self.pack, self.total = pack, total
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, file: str, done: int, note: str = "") -> Progress:
        """The state now. `done` may fall, where a file begins anew."""
        now = time.monotonic()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        seconds, grown = now - self._seen[0][0], done - self._seen[0][1]
        rate = grown / seconds if seconds > 0.5 and grown else None
        left = (self.total - done) / rate if rate else None
        return Progress(self.pack, file, done, self.total, rate, left, note)


class Printer:
    """Shows Progress: one line that is drawn over on a terminal, now and then a line elsewhere, and a status file if asked."""

    def __init__(self, stream: TextIO | None = None, status: Path | None = None) -> None:
        self.stream, self.status, self._noted = stream or sys.stderr, status, 0.0
        self.terminal = self.stream.isatty()
        self._shown, self._file, self._open = 0.0, "", False

    def show(self, progress: Progress) -> None:
        """Take notice; print if it is time, if another file begins, or if there is a note."""
        if progress.note:
            self._line(progress.note)
        if self.status and (progress.note or time.monotonic() - self._noted >= NOTE):
            self._noted = time.monotonic()
            write_status(self.status, "running", progress)
        now, new_file = time.monotonic(), progress.file != self._file
        if progress.file and (new_file or now - self._shown >= (REDRAW if self.terminal else LINE)):
            self._shown, self._file = now, progress.file
            self._draw(sentence(progress))

    def close(self) -> None:
        """End the line that is being drawn over."""
        if self._open:
            self.stream.write("\n")
        self._open = False

    def _draw(self, text: str) -> None:
        if not self.terminal:
            return self._line(text)
        self.stream.write(f"\r\x1b[K{text}")  # to the line's start, and clear it
        self.stream.flush()
        self._open = True

    def _line(self, text: str) -> None:
        self.close()
        self.stream.write(f"{text}\n")
        self.stream.flush()


def write_status(path: Path, state: str, progress: Progress | None = None) -> None:
    """Say in a JSON file, for another process, how far a download is: state, step and steps (bytes), eta, rate, note, heartbeat.

    state: "running" or "done"; the names are those of a training run's status.json.
    """
    status = {"state": state, "heartbeat": round(time.time(), 3)}
    if progress is not None:
        status |= {"step": progress.done, "steps": progress.total, "eta": progress.seconds_left, "rate": progress.rate, "note": progress.note}
    write_atomically(path, json.dumps(status).encode())


def sentence(progress: Progress) -> str:
    """Such as "ffhq-1024: 186.0 MB of 540.0 MB (34%), 5.2 MB/s, 1 min 8 s left [ffhq.pt]"."""
    share = f"{progress.done / progress.total:.0%}" if progress.total else "100%"
    text = f"{progress.pack}: {size_words(progress.done)} of {size_words(progress.total)} ({share})"
    if progress.rate is not None and progress.seconds_left is not None:
        text += f", {size_words(progress.rate)}/s, {duration(progress.seconds_left)} left"
    return f"{text} [{progress.file}]"


def duration(seconds: float) -> str:
    """Such as "45 s", "2 min 5 s" or "3 h 20 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
