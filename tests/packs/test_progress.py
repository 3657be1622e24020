"""Progress on a terminal and in a log."""

from __future__ import annotations

import io

import pytest

from packs import progress as module
from packs.files import size_words
from packs.progress import Meter, Printer, Progress, duration, sentence


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_rate_and_time_left_are_of_the_last_seconds(clock: list[float]) -> None:
    meter = Meter("one", 100_000)
    assert meter.at("file", 0).rate is None
    clock[0] += 2
    step = meter.at("file", 20_000)
    assert (step.rate, step.seconds_left, step.done, step.total) == (10_000, 8.0, 20_000, 100_000)
    clock[0] += 10
    assert meter.at("file", 25_000).rate == 500.0  # the fast beginning is forgotten
    assert meter.at("file", 0).rate is None  # begun anew


def test_a_log_gets_a_line_now_and_then(clock: list[float]) -> None:
    log = io.StringIO()
    printer = Printer(log)
    for second in range(40):
        clock[0] = 100.0 + second
        printer.show(Progress("one", "a.pt", second * 1000, 40_000))
    printer.show(Progress("one", "b.pt", 40_000, 40_000, note="a note"))
    printer.close()
    lines = log.getvalue().splitlines()
    assert len(lines) == 5 and lines[0].endswith("[a.pt]") and lines[3] == "a note" and lines[4].endswith("(100%) [b.pt]")


def test_a_terminal_gets_one_line_drawn_over(clock: list[float]) -> None:
    terminal = Terminal()
    printer = Printer(terminal)
    for step in range(10):
        clock[0] += 0.1
        printer.show(Progress("one", "a.pt", step * 1000, 10_000))
    printer.show(Progress("one", "a.pt", 10_000, 10_000, note="a note"))
    printer.close()
    printer.close()
    text = terminal.getvalue()
    assert 4 <= text.count("\r") <= 6 and text.count("\n") == 2 and text.endswith("a note\n")


def test_words() -> None:
    now = Progress("one", "a.pt", 186_000_000, 540_000_000, 5_200_000, 68.0)
    assert sentence(now) == "one: 186.0 MB of 540.0 MB (34%), 5.2 MB/s, 1 min 8 s left [a.pt]"
    assert [duration(seconds) for seconds in (0.4, 59, 60, 3599, 12_000)] == ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "3 h 20 min"]
    sizes = [size_words(size) for size in (0, 999, 1000, 132_719_017, 1_201_649_680)]
    assert sizes == ["0 bytes", "999 bytes", "1.0 kB", "132.7 MB", "1.20 GB"]
