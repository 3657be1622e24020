"""How many portraits are drawn a second, on one core and on all: `python -m benchmarks.renderer --json`.

A sample is all that a cache of portraits holds of it (`portraits.dataset.draw_sample`): picture, mask, attributes, truths
and captions. The disk and the start of the processes are not counted.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Sequence

from packs import cli
from portraits.dataset import draw_sample, single_threaded
from portraits.render import Renderer
from portraits.scene import sample

PATIENCE_S = 600  # for the slowest process of a round
_together = None  # the barrier at which the processes of one measurement wait for each other


def one_core(size: int, count: int, repeats: int, seed: int) -> dict:
    """Samples 0 .. count-1 in this process: medians over `repeats` rounds, after one that is not counted.

    Processor time of a picture alone and of a whole sample (which neighbours disturb less than the clock), and samples a second.
    """
    renderer, scenes = Renderer(size), [sample(seed, index) for index in range(count)]

    def pictures() -> None:
        for scene in scenes:
            renderer.draw(scene)

    def samples() -> None:
        for index in range(count):
            draw_sample(renderer, seed, index)

    pictures()
    rounds = [(_timed(pictures), _timed(samples)) for _ in range(repeats)]
    middle = statistics.median
    return {
        "processes": 1, "picture_cpu_s": middle(picture[1] for picture, _ in rounds) / count,
        "sample_cpu_s": middle(whole[1] for _, whole in rounds) / count, "per_second": count / middle(whole[0] for _, whole in rounds),
    }


def many_cores(size: int, count: int, repeats: int, seed: int, processes: int) -> dict:
    """`count` samples in each of several processes at once: the median of the rounds, from the first start to the last end."""
    context = multiprocessing.get_context("spawn")
    tasks = [(size, count, repeats, seed, process * count) for process in range(processes)]
    with single_threaded(), context.Pool(processes, _wait_together, (context.Barrier(processes),)) as pool:
        # a process that waits for the others takes no second task, so that each gets one
        seconds = pool.starmap(_share, tasks, chunksize=1)
    return {"processes": processes, "per_second": processes * count / statistics.median(map(max, zip(*seconds)))}


def _wait_together(barrier) -> None:
    global _together
    _together = barrier


def _share(size: int, count: int, repeats: int, seed: int, first: int) -> list[float]:
    """One process' part of `many_cores`: seconds of each round, in which all begin at once."""
    renderer, seconds = Renderer(size), []
    for turn in range(repeats + 1):
        _together.wait(PATIENCE_S)
        elapsed, _ = _timed(lambda: [draw_sample(renderer, seed, index) for index in range(first, first + count)])
        if turn:
            seconds.append(elapsed)
    return seconds


def _timed(function) -> tuple[float, float]:
    """Seconds by the clock and of this process on a processor."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def main(argv: Sequence[str]) -> dict:
    """The benchmark line of contracts.md."""
    parser = cli.ArgumentParser(description="Count the portraits that are drawn in a second.")
    parser.add_argument("--size", type=int, default=128, help="pixels a side, 16 to 2048 (128)")
    parser.add_argument("--count", type=cli.positive_int, default=300, metavar="N", help="samples a process and round (300)")
    parser.add_argument("--repeats", type=cli.positive_int, default=5, metavar="N", help="rounds, of which the median counts (5)")
    parser.add_argument("--processes", type=cli.positive_int, default=os.cpu_count(), metavar="N", help="how many at once (one a core)")
    parser.add_argument("--json", action="store_true", help="the line only, without the summary on standard error")
    parser.add_seed(0)
    options = parser.parse_args(argv)
    case = {name: getattr(options, name) for name in ("size", "count", "repeats", "seed")}
    results = [one_core(**case)]
    if options.processes > 1:
        results.append(many_cores(**case, processes=options.processes))
    if not options.json:
        for line in results:
            cli.say("{per_second:.0f} samples a second in {processes} process(es)".format(**line))
    from benchmarks.measure import machine  # torch, which the processes that only draw need not load

    return {"benchmark": "renderer", "machine": machine(), **case, "results": results}


if __name__ == "__main__":
    cli.run(main)
