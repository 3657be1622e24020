"""Several editors on the same bench, cell by cell: one for each editor and prompt, kept in a file as soon as it is measured.

    OUT/comparison.json        what is measured on; written first, must agree when a comparison goes on
    OUT/cells/EDITOR/*.json    a line of the report, the same editor and prompt at other target rates, and its FID at one
    OUT/cells/EDITOR/weights.json   of an editor that was trained beforehand: the SHA-256 of its files
    OUT/runs/                  what editors learned
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from evaluation.editor import PromptEditor
from evaluation.line import Asked, measure_at, measure_line
from evaluation.measure import Judge
from evaluation.strength import MATCHED_RATE, Strengths, common_rate
from packs.files import write_atomically

if TYPE_CHECKING:
    from evaluation.distance import Distance


@dataclass(eq=False)
class Comparison:
    """editors: makers by name, called when a cell of theirs has to be measured. out: the folder. distance: called when a FID has to be."""

    out: Path
    judge: Judge
    asked: list[Asked]
    editors: dict[str, Callable[[], PromptEditor]]
    distance: "Callable[[], Distance] | None" = None
    _made: dict[str, PromptEditor] = field(default_factory=dict)

    def line(self, name: str, asked: Asked) -> dict:
        """An editor's line for a request, measured unless its cell is there."""
        return self._cell(name, asked, "", lambda: measure_line(self.judge, self._editor(name), asked))

    def at(self, name: str, asked: Asked, rate: float) -> dict:
        """Every metric at the smallest strength that reaches a target rate, which the editor's line must have reached."""
        line = self.line(name, asked)
        if rate == MATCHED_RATE:
            return line["matched"]
        return self._cell(name, asked, f"-at-{rate:.4f}", lambda: self._measure_at(name, asked, rate, line))

    def fid(self, name: str, asked: Asked, rate: float | None) -> float | None:
        """FID at the strength of `at`, or without a rate at the request's own, by what `distance` looks with; None without one."""
        if self.distance is None:
            return None
        looked = self.distance()
        eyes = hashlib.sha256(looked.eyes.name.encode()).hexdigest()[:8]
        suffix = f"-fid-{looked.described['pictures']}-{eyes}-at-{'its-own' if rate is None else f'{rate:.4f}'}"
        return self._cell(name, asked, suffix, lambda: self._measure_fid(name, asked, rate, looked))["fid"]

    def serving(self, asked: Asked) -> list[str]:
        """The editors that do not refuse a request, in order."""
        return [name for name in self.names if not self.line(name, asked).get("refused")]

    def common(self, names: list[str], asked: Asked) -> float | None:
        """The target rate at which these editors can be compared for a request, or None."""
        return common_rate([self.line(name, asked)["best_rate"] for name in names])

    def shown(self, name: str, asked: Asked) -> tuple[float | None, str]:
        """The strength at which an editor's pictures are drawn, and what to write beside them.

        At the rate that all editors reach, else at its own best, or at 1 if it never does what is asked. None where there
        is nothing to draw.
        """
        line, common = self.line(name, asked), self.common(self.serving(asked), asked)
        if line["best_rate"] is None:
            return None, line.get("refused") or "cannot be told"
        if common is None and line["matched"]:
            common = MATCHED_RATE
        if common is not None:
            found = self.at(name, asked, common)
            return found["alpha"], f"{found['target_rate']:.0%} at {found['alpha']:.3g}"
        if line["best_rate"] == 0:
            return 1.0, "never; here at 1"
        alpha = min(float(strength) for strength, rate in line["rates"].items() if rate == line["best_rate"])
        return alpha, f"at most {line['best_rate']:.0%}, at {alpha:.3g}{', its strongest' if alpha == line.get('strongest') else ''}"

    def editor(self, name: str, asked: Asked) -> PromptEditor:
        """An editor that has learned a request, for drawing."""
        editor = self._editor(name)
        editor.prepare(asked.request, self.judge.samples)
        return editor

    def _measure_at(self, name: str, asked: Asked, rate: float, line: dict) -> dict:
        editor = self.editor(name, asked)
        known = {float(alpha): found for alpha, found in line["rates"].items()}
        return measure_at(self.judge, editor, asked, Strengths(self.judge, editor, asked.request, known).smallest(rate))

    def _measure_fid(self, name: str, asked: Asked, rate: float | None, looked: "Distance") -> dict:
        request = asked.request if rate is None else replace(asked.request, alpha=self.at(name, asked, rate)["alpha"])
        return {**looked.described, "alpha": request.alpha, "fid": looked.after(self.editor(name, asked), request)}

    def _cell(self, name: str, asked: Asked, suffix: str, measure: Callable[[], dict]) -> dict:
        request = asked.request
        whole = json.dumps([request.prompt, request.attribute, request.value])
        path = self.out / "cells" / name / f"{hashlib.sha256(whole.encode()).hexdigest()[:16]}{suffix}.json"
        if not path.is_file():
            write_json(path, measure())
        return read_json(path)

    def _editor(self, name: str) -> PromptEditor:
        if name not in self._made:
            self._made[name] = self.editors[name]()
        return self._made[name]

    @property
    def names(self) -> list[str]:
        """The editors', in order."""
        return list(self.editors)


def claim(out: Path, file: str, described: dict) -> None:
    """Begin in a folder, or go on in it. Raises ValueError if it holds measurements of another kind, and OSError."""
    path = out / file
    if out.is_file():
        raise ValueError(f"{out} is a file; accepted for --out: a folder")
    if not path.is_file():
        return write_json(path, described)
    before = read_json(path)
    other = sorted(name for name in {*described, *before} if described.get(name) != before.get(name))
    if other:
        raise ValueError(f"{out} holds measurements with {other[0]} {before.get(other[0])!r}, not {described.get(other[0])!r}; "
                         "accepted for --out: a new folder, or the settings that it was begun with")


def write_json(path: Path, value: dict) -> None:
    """Whole or not at all. Raises OSError."""
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def read_json(path: Path) -> dict:
    """Raises ValueError for a file that is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it, and it is made anew") from error
