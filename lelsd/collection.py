"""Directions by prompt: those found in a folder, and those that are trained when somebody asks for them."""
from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Iterator, Mapping

from lelsd.direction import Direction, load_direction
from packs import cli

if TYPE_CHECKING:
    from lelsd.config import TrainConfig
    from lelsd.prompt import Prompt
    from packs.pack import Pack


@dataclass(frozen=True)
class Learned:
    """A direction and where it came from: seconds is what it took to have it, source "trained", "resumed" or "loaded"."""

    direction: Direction
    seconds: float
    source: str


class Directions:
    """Directions by prompt. folder: where to look first, or None. runs: where training runs go, and go on from."""

    def __init__(self, pack: "Pack", config: "TrainConfig", folder: Path | None, runs: Path) -> None:
        self.pack, self.config, self.runs = pack, config, runs
        self.found: dict[str, Learned] = {} if folder is None else load_directions(folder, pack)

    def get(self, prompt: "Prompt") -> Learned:
        """The direction of a prompt; trained once, whatever the number of lines that ask for it."""
        if key(prompt.text) not in self.found:
            self.found[key(prompt.text)] = self._train(prompt)
        return self.found[key(prompt.text)]

    def _train(self, prompt: "Prompt") -> Learned:
        from lelsd.train import train_direction

        folder = self.runs / run_name(prompt.text, self.config.to_dict(), self.pack)
        begun = (folder / "run.json").exists()
        started, progress = time.monotonic(), None
        for progress in train_direction(self.pack, prompt, self.config, folder, resume=begun):
            if progress.step % 25 == 0 and progress.state == "running":
                cli.say(f"{prompt.text}: step {progress.step}/{progress.steps}")
        return Learned(load_direction(progress.direction), time.monotonic() - started, "resumed" if begun else "trained")


def load_directions(folder: Path, pack: "Pack") -> dict[str, Learned]:
    """All directions in a folder and below it that fit the pack, by prompt; others are named on standard error.

    Raises ValueError if there is no such folder, or none in it fits.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; accepted for --directions: a folder with direction files")
    paths = sorted(path for path in folder.rglob("*.safetensors") if path.name != "checkpoint.safetensors")
    found = {key(learned.direction.prompt): learned for learned in fitting(paths, pack)}
    if not found:
        raise ValueError(f"{folder} holds no direction for pack {pack.name!r}; accepted for --directions: a folder with direction files of this pack")
    return found


def fitting(paths: Iterable[Path], pack: "Pack") -> Iterator[Learned]:
    """The directions of files that fit the pack, in order; others are named on standard error."""
    for path in paths:
        started = time.monotonic()
        try:
            direction = load_direction(path)
            direction.check_pack(pack)
        except ValueError as error:
            cli.say(f"left out: {cli.describe(error)}")
            continue
        yield Learned(direction, time.monotonic() - started, "loaded")


def key(prompt: str) -> str:
    """Prompts that differ in case or white space are the same."""
    return " ".join(prompt.lower().split())


def run_name(prompt: str, settings: Mapping, pack: "Pack") -> str:
    """The folder of a run: another one for other words, settings or packs, so that an evaluation that was stopped goes on."""
    whole = json.dumps([prompt, dict(settings), pack.hash], sort_keys=True)
    return f"{slug(prompt)}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def slug(prompt: str) -> str:
    """A prompt as part of a file name."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in key(prompt))[:50]
