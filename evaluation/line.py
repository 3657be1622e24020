"""One line of a report: what an editor did for one request, at the strength asked for and at matched strength."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from evaluation.editor import CannotServe, PromptEditor, Request, Samples
from evaluation.measure import BATCH, NAMES, Judge
from evaluation.strength import MATCHED_RATE, Strengths
from stylegan2.seeds import latents_from_seeds

if TYPE_CHECKING:
    from packs.pack import Pack

HELD_OUT_SEEDS = 1_000_000  # the first one; training draws from another generator altogether, people try small numbers


@dataclass(frozen=True)
class Asked:
    """A request, the part that it is about, the prompt's CLIP embedding, [E], and all parts that it is as much about."""

    request: Request
    part: str
    text: Tensor
    parts: tuple[str, ...] = ()

    @property
    def where(self) -> dict[str, float]:
        """Where an edit should stay: "surprised" is brows, eyes and mouth."""
        return dict.fromkeys(self.parts or (self.part,), 1.0)


def held_out_samples(pack: "Pack", count: int, truncation: float) -> Samples:
    """The same samples for every editor, prompt and run: seeds from 1,000,000 on."""
    z = latents_from_seeds(range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + count), pack.generator.z_dim).to(pack.device)
    with torch.no_grad():
        w_plus = pack.generator.mapping(z, truncation=truncation)
        return Samples(torch.cat([pack.generator.synthesis(rows) for rows in w_plus.split(BATCH)]), w_plus)


def measure_line(judge: Judge, editor: PromptEditor, asked: Asked) -> dict:
    """The report's line. `matched` is None, and `best_rate` says why, where no strength reaches the rate; `refused` holds
    the sentence of an editor that found nothing for the prompt."""
    request = asked.request
    told = {"prompt": request.prompt, "attribute": request.attribute, "value": request.value, "part": asked.part, "alpha": request.alpha,
            "samples": len(judge.samples), "eligible": judge.eligible(request)}
    try:
        prepared = editor.prepare(request, judge.samples)
    except CannotServe as error:
        return {**told, **dict.fromkeys((*NAMES, "seconds", "matched", "best_rate")), "rates": {}, "most_changed": {}, "refused": str(error)}
    after = judge.edit(editor, request)
    strengths = Strengths(judge, editor, request)
    matched = strengths.smallest(MATCHED_RATE)
    return {**told, **judge.measure(after, request, asked.where, asked.text), "matched": matched and measure_at(judge, editor, asked, matched),
            "best_rate": strengths.best, "rates": {f"{alpha:g}": rate for alpha, rate in sorted(strengths.rates.items())},
            "most_changed": judge.most_changed(after, request), **prepared}


def measure_at(judge: Judge, editor: PromptEditor, asked: Asked, alpha: float) -> dict:
    """Every metric at a strength, and the strength."""
    request = replace(asked.request, alpha=alpha)
    return {**judge.measure(judge.edit(editor, request), request, asked.where, asked.text), "alpha": alpha}


def rounded(value: object) -> object:
    """Numbers with the digits that mean something."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value
