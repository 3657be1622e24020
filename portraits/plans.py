"""How large the pack's models are and how long each is trained: "cpu" for two cores overnight, "gpu" for half an hour of a large one."""

from __future__ import annotations

from dataclasses import dataclass

SIZE = 256  # of the pictures that the generator and the parser learn from
SMALL_SIZE = 128  # of those that CLIP and the classifier look at


@dataclass(frozen=True)
class Plan:
    """One config of `build_pack`. Minutes and batch sizes by stage; a batch is that of each process."""

    samples: int
    minutes: dict[str, float]
    batch: dict[str, int]


PLANS = {
    # 47,500 pictures learned from fit a laptop's disk (12.6 GB) and are seen some ten times by the generator.
    "cpu": Plan(
        samples=50_000,
        minutes={
            "generator": 240.0, "sharpen": 45.0, "parser": 90.0, "second_parser": 60.0, "classifier": 35.0, "clip": 90.0,
            "see": 60.0, "align": 15.0, "encoder": 30.0,
        },
        batch={
            "generator": 16, "sharpen": 16, "parser": 16, "second_parser": 16, "classifier": 128, "clip": 256, "see": 128,
            "align": 384, "encoder": 64,
        },
    ),
    "gpu": Plan(
        samples=100_000,
        minutes={
            "generator": 9.0, "sharpen": 3.0, "parser": 3.0, "second_parser": 2.0, "classifier": 1.5, "clip": 5.0,
            "see": 2.0, "align": 1.0, "encoder": 2.0,
        },
        batch={
            "generator": 64, "sharpen": 64, "parser": 32, "second_parser": 32, "classifier": 512, "clip": 1024, "see": 512,
            "align": 1024, "encoder": 512,
        },
    ),
}
