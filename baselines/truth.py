"""An editor that is told what no user tells: how far does a straight step in W come at all?

It reads no words. It regresses the attribute classifier's own verdict on w, so it begins where every editor that moves all
faces by the same step wants to arrive, with the judge's knowledge in place of CLIP's. It is no rival: where an editor changes
as little else as this one, what is left is the generator's own entanglement and no fault of the words.
"""
from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from evaluation.editor import CannotServe, DirectionEditor, Request, Samples
from lelsd.sensitivity import ridge
from lelsd.survey import LEARN, survey_of

if TYPE_CHECKING:
    from packs.pack import Pack

DISTANCE = 0.3  # of alpha 1, in spreads of W


@dataclass(frozen=True, eq=False)
class EqualStep:
    """delta [L, D]: the edit at alpha 1, of every face."""

    delta: Tensor

    def step_from(self, w_plus: Tensor, alpha: float) -> Tensor:
        """As `evaluation.editor.Step` says."""
        return alpha * self.delta


class TruthEditor(DirectionEditor):
    """The regression of the classifier's verdict on w: one step for all rows and all faces."""

    name = "truth"

    def __init__(self, pack: "Pack") -> None:
        """Raises ValueError for a pack without a classifier."""
        if pack.classifier is None:
            raise ValueError(f"editor 'truth' asks the classifier, and pack {pack.name!r} has none; accepted: a pack that has one")
        super().__init__(pack.generator.synthesis, {})
        self.pack = pack

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As the protocol says. Raises CannotServe for a request without an attribute that the classifier knows."""
        started = monotonic()
        self.directions[request.prompt] = EqualStep(self._delta(request))
        return {"source": "trained", "seconds": round(monotonic() - started, 6), "layers": None, "steps": None}

    def _delta(self, request: Request) -> Tensor:
        from packs.attributes import ATTRIBUTES

        if request.attribute not in ATTRIBUTES:
            raise CannotServe(f"editor 'truth' knows no attribute {request.attribute!r}; accepted are those of the pack's classifier")
        survey = survey_of(self.pack).part(LEARN)
        logits = survey.logits[:, ATTRIBUTES.index(request.attribute)]
        verdict = torch.sigmoid(logits if request.value else -logits)
        direction = torch.nn.functional.normalize(ridge(survey.w, verdict[:, None])[:, 0], dim=0)
        spread = (survey.w - survey.w.mean(dim=0)).square().sum(dim=1).mean().sqrt()
        return (DISTANCE * spread * direction).expand(self.pack.generator.num_ws, -1)
