"""Several people in the studio at once, while it trains: how long a slider move takes, whether memory stays, whether they mix.

    python -m benchmarks.studio_load --json                 8 visitors, 500 moves, one training
    python -m benchmarks.studio_load --moves 50 --no-training

Starts the studio on a free port with a runs folder of its own. Each visitor has a face and a direction of their own and moves
its slider again and again, resting in between as people do. A move counts from letting go to the exact picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import machine
from benchmarks.studio_client import Visitor, visit
from packs import cli

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 300
ALPHAS = (-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0)  # where directions with ends have theirs
TRAINING = {"prompt": "a person with curly hair", "steps": 2000}
WARM_MOVES = 5  # of each visitor, before memory is looked at


@dataclass
class Seen:
    """What the visitors met. moves: seconds each. mixed: sentences about pictures that belong to somebody else."""

    moves: list[float] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    pictures: dict[tuple[int, str, float], str] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


@contextlib.contextmanager
def studio(runs: Path, **environment: str) -> Iterator[tuple[int, int]]:
    """The studio as `make studio` starts it; gives its port and the number of its process. Raises ValueError if it does not start."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/sequential_editing.py", "--server.headless", "true", "--server.port", str(port)]
    with (runs.parent / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ECLIPSED_RUNS": str(runs), **environment}, stdout=log, stderr=log)
    try:
        _wait_until_open(port, server, runs.parent / "server.log")
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_open(port: int, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("localhost", port), 1).close()
            return
        time.sleep(0.2)
    raise ValueError(f"the studio did not start: {log.read_text()[-500:]}")


async def together(port: int, pid: int, sessions: int, moves: int, pause: float, training: bool) -> Seen:
    """All visitors at once, `moves` between them."""
    seen = Seen()
    first = await visit(port)
    directions = ready_made(first)
    if training:
        await learn(first)
    everyone = [first, *await asyncio.gather(*(visit(port) for _ in range(sessions - 1)))]
    each = max(1, moves // sessions)
    await asyncio.gather(*(edit(visitor, n, directions[n % len(directions)], each, pause, seen, pid) for n, visitor in enumerate(everyone)))
    await alone(await visit(port), seen)
    return seen


def ready_made(visitor: Visitor) -> list[str]:
    """The keys of the directions that can be added. Raises ValueError where there is none."""
    found = sorted(name[name.index("-add-") + 1:] for name in visitor.widgets if "-add-" in name)
    if not found:
        raise ValueError("the pack has no ready-made directions; accepted: one that has, or a runs folder with some")
    return found


async def learn(visitor: Visitor) -> None:
    """Start a training that outlasts the measurement."""
    await visitor.set("prompt", string_value=TRAINING["prompt"])
    await visitor.set("steps", int_value=TRAINING["steps"])
    await visitor.press("learn")
    if visitor.errors:
        raise ValueError(f"the training did not start: {visitor.errors[-1]}")


async def edit(visitor: Visitor, number: int, direction: str, moves: int, pause: float, seen: Seen, pid: int) -> None:
    """One visitor: a face, a direction, and `moves` of its slider."""
    seed = 100 + number
    await visitor.set("seed", int_value=seed)
    await visitor.press(direction)
    for turn in range(moves):
        alpha = ALPHAS[(turn + number) % len(ALPHAS)]
        seen.moves.append(await visitor.move(alpha))
        check(visitor, (seed, direction, alpha), seen)
        if turn >= WARM_MOVES:
            seen.memory.append(resident_mb(pid))
        await asyncio.sleep(pause)


def check(visitor: Visitor, asked: tuple[int, str, float], seen: Seen) -> None:
    """Note a picture that is not what was asked for, or that differs from the same one seen before."""
    seed, _, alpha = asked
    described, shown = visitor.picture["alt"], visitor.picture["after"]
    if f"seed {seed} with" not in described or not described.endswith(f"{alpha:+.2f}") or described.count("+") + described.count("-") != 1:
        seen.mixed.append(f"asked for seed {seed} at {alpha:+.2f}, shown: {described}")
    if seen.pictures.setdefault(asked, shown) != shown:
        seen.mixed.append(f"{described} is another picture than before")
    seen.mixed += visitor.errors


async def alone(visitor: Visitor, seen: Seen) -> None:
    """Everything once more by a visitor who is alone: the pictures must be those that were seen in the crowd."""
    expected, seen.pictures = seen.pictures, {}
    last = None
    for asked in sorted(expected):
        if asked[:2] != last:
            await visitor.set("seed", int_value=asked[0])
            if last is not None:
                await visitor.press("reset")
            await visitor.press(asked[1])
            last = asked[:2]
        await visitor.move(asked[2])
        check(visitor, asked, seen)
    seen.mixed += [f"seed {asked[0]} at {asked[2]:+.2f} was another picture in the crowd" for asked in expected if seen.pictures.get(asked) != expected[asked]]


def resident_mb(pid: int) -> float:
    """Memory of a process in MB; 0 where the system cannot say (it takes Linux's /proc)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def summary(seen: Seen, sessions: int, pause: float, training: bool) -> dict:
    """The figures; memory is compared between the first and the last tenth of the moves. training: one ran all the while."""
    tenth = max(1, len(seen.memory) // 10)
    begin, end = (statistics.median(some or [0.0]) for some in (seen.memory[:tenth], seen.memory[-tenth:]))
    ordered = sorted(seen.moves)
    return {"sessions": sessions, "moves": len(ordered), "pause_s": pause, "training": training, "median_s": round(statistics.median(ordered), 4),
            "p95_s": round(ordered[int(0.95 * (len(ordered) - 1))], 4), "worst_s": round(ordered[-1], 4), "mixed": len(seen.mixed),
            "memory_first_mb": round(begin, 1), "memory_last_mb": round(end, 1)}


def main(argv: Sequence[str]) -> dict:
    """Start, load, stop."""
    parser = cli.ArgumentParser(description="Several people editing at once, with one training: seconds a slider move, memory, mix-ups.")
    parser.add_argument("--sessions", type=cli.positive_int, default=8, metavar="N", help="people (8)")
    parser.add_argument("--moves", type=cli.positive_int, default=500, metavar="N", help="slider moves of all of them together (500)")
    parser.add_argument("--pause", type=float, default=1.0, metavar="S", help="seconds that each rests between two moves (1)")
    parser.add_argument("--no-training", dest="training", action="store_false", help="without a training beside")
    parser.add_argument("--pack", default="portraits", help="a pack with ready-made directions (portraits)")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON line")
    options = parser.parse_args(argv)
    if not 0 <= options.pause <= 60:
        raise ValueError(f"the pause is {options.pause} s; accepted: 0 to 60")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        runs = Path(folder) / "runs"
        with studio(runs, ECLIPSED_PACK=options.pack) as (port, pid):
            try:
                seen = asyncio.run(together(port, pid, options.sessions, options.moves, options.pause, options.training))
                learned_on = options.training and not list(runs.glob("*/exit.json"))
            finally:
                for job in runs.glob("*/job.json"):
                    (job.parent / "cancel").touch()
                _wait_for_the_end(runs)
    result = summary(seen, options.sessions, options.pause, learned_on)
    if options.training and not learned_on:
        cli.say("the training ended before the measurement did: these are not the figures beside a training")
    if not options.json:
        cli.say("{sessions} people, {moves} moves: median {median_s:.3f} s, worst {worst_s:.3f} s; memory {memory_first_mb} to {memory_last_mb} MB".format(**result))
        for line in seen.mixed[:10]:
            cli.say(line)
    return {"benchmark": "studio_load", "machine": machine(), "results": [result]}


def _wait_for_the_end(runs: Path) -> None:
    """Give the server the time to stop the training that was cancelled; it ends trainings, not we."""
    end = time.monotonic() + 15
    while time.monotonic() < end and len(list(runs.glob("*/exit.json"))) < len(list(runs.glob("*/job.json"))):
        time.sleep(0.2)


if __name__ == "__main__":
    cli.run(main)
