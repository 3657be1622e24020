"""What only a kind of another thing can be: sunglasses are glasses, and dark.

The score for sunglasses is far from linear in w (a place by it alone reached 0.32 of the faces): where there are no glasses, nothing tells how
dark they would be. Two readings are nearly linear each: whether there are glasses, on samples as they come, and how dark they are, on samples that
all wear some (`lelsd.dressing`). So the prompt is a place, as a colour is one: every face goes there from where it is.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.colour import AWAY, EXAMPLES, RADII, ColourTarget, are_places_meant, colour_target
from lelsd.dressing import dressing_of
from lelsd.sensitivity import ridge
from lelsd.space import spread_rows
from lelsd.survey import LEARN

if TYPE_CHECKING:
    from lelsd.objective import Objective

KINDS = {"Sunglasses": ("Eyeglasses", "eyeglasses")}
"""By attribute: the one that it is a kind of, in pictures that have it otherwise, and the part that wears both."""
SURE = 6.0  # a classifier's logit: beyond, it only grows surer


def place_target(objective: "Objective", layers: Sequence[int]) -> ColourTarget | None:
    """The place of a prompt that is one, a colour or a kind of a worn thing, if it asks for no more; else None. layers: the rows to edit. Deterministic."""
    return colour_target(objective, layers) or kind_target(objective, layers)


def kind_target(objective: "Objective", layers: Sequence[int]) -> ColourTarget | None:
    """The place of what is a kind of a worn thing, on two axes: whether the thing is there, and whether it is of that kind; None for any other prompt, and
    where too few samples have it. Looks at samples that wear the thing, once a pack."""
    asked = objective.effect.asked
    if len(asked) != 1 or not set(asked) <= set(KINDS) or not all(asked.values()) or not are_places_meant(objective.config):
        return None
    (attribute, _), = asked.items()
    survey, dressing = objective.survey.part(LEARN), dressing_of(objective.pack, KINDS[attribute][1])
    worn, kind = (column(survey.logits, name) for name in (KINDS[attribute][0], attribute))
    is_kind, is_there = kind > 0, torch.maximum(worn, kind)
    of_kind = column(dressing.logits, attribute)
    if min(int(is_kind.sum()), int((of_kind > 0).sum())) < EXAMPLES:
        return None
    axes = torch.cat([ridge(survey.w, is_there.clamp(-SURE, SURE)[:, None]), ridge(dressing.w, of_kind.clamp(-SURE, SURE)[:, None])], dim=1).double()
    told = survey.w.double() @ axes
    middle, spread = told[is_kind].mean(dim=0), told[is_kind].std(dim=0)
    readout = axes / spread
    others = (told[is_there <= 0].mean(dim=0) - middle) / spread
    basis = spread_rows(torch.linalg.pinv(readout).float()[:, None].expand(-1, len(layers), -1), list(layers), objective.generator.num_ws)
    return ColourTarget(readout.float(), (-middle / spread).float(), basis, (others * (AWAY / others.norm()).clamp_min(1.0)).float(), RADII[0])


def column(logits: Tensor, attribute: str) -> Tensor:
    """Of logits [N, A], those of an attribute -> [N]."""
    from packs.attributes import ATTRIBUTES
    return logits[:, ATTRIBUTES.index(attribute)]
