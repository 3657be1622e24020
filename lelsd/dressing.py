"""Samples of a pack that all wear something: what colour w gives to a hat can only be seen where there is one.

A fifth of the built-in pack's samples wear hats, and their colours are told by a regression on w with 0.77, 0.52 and 0.39 of the variance of red,
green and blue. Given to everybody, by the step that the survey finds for it, hats of 320 samples tell 0.97, 0.96 and 0.90.
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lelsd.colour_words import WORN, named_colour
from lelsd.config import TrainConfig
from lelsd.direction import Direction
from lelsd.objective import Objective
from lelsd.predicted import predicted_step
from lelsd.prompt import parse_prompt
from lelsd.survey import BATCH, RESOLUTION, class_colours, in_half, kept, part_colour, survey_key, survey_of

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack

VERSION, COUNT = 1, 320
THINGS = {"eyeglasses": "glasses", **{part: thing for part, (thing, _) in WORN.items()}}  # by part, what is worn there

_open: "WeakKeyDictionary[Pack, dict[str, Dressing]]" = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Dressing:
    """direction: what puts it on. w [M, D]: samples that wear it. colours [M, 3] in [-1, 1]: its mean colour on them. there: bool [M], whether it shows.
    logits [M, A] of the classifier, None without one."""

    direction: Direction
    w: Tensor
    colours: Tensor
    there: Tensor
    logits: Tensor | None

    def put_on(self, w_plus: Tensor) -> Tensor:
        """w_plus [N, L, D] of faces that wear it; those that do already stay as they are."""
        return w_plus + self.direction.step_from(w_plus, 1.0).to(w_plus)


def objective_for(pack: "Pack", prompt: "Prompt", config: TrainConfig) -> Objective:
    """The objective of a prompt; if all that it asks for is the colour of what is worn, on faces that wear it. Raises ValueError as `Objective`."""
    named = named_colour(prompt) if config.use_colours else None
    return Objective(pack, prompt, config, dressing_of(pack, named.part) if named and named.is_worn else None)


def dressing_of(pack: "Pack", part: str) -> Dressing:
    """The samples of a pack that wear `part`, one of `THINGS`: looked at once a process, and kept in the cache folder. Deterministic.

    Raises ValueError for a pack whose CLIP cannot tell it from the neutral text."""
    made = _open.setdefault(pack, {})
    if part not in made:
        objective = Objective(pack, parse_prompt(f"{pack.neutral_text} with {THINGS[part]}", pack), TrainConfig().updated(pack.defaults))
        direction = predicted_step(objective, range(objective.rows_seen))
        w_plus = survey_of(pack).w[:COUNT, None].expand(-1, pack.generator.num_ws, -1)
        w_plus = w_plus + direction.step_from(w_plus, 1.0).to(w_plus)
        key = hashlib.sha256(f"{VERSION} {COUNT} {RESOLUTION} {part} {survey_key(pack)} ".encode() + direction.deltas.numpy().tobytes()).hexdigest()
        seen = kept(pack, key, lambda: _look(pack, w_plus, part))
        seen = {name: values.to(pack.device).float() for name, values in seen.items()}
        made[part] = Dressing(direction, w_plus.mean(dim=1), seen["colours"], seen["there"] > 0, seen.get("logits"))
    return made[part]


@torch.no_grad()
def _look(pack: "Pack", w_plus: Tensor, part: str) -> dict[str, Tensor]:
    """What the pack's models see of `part` in pictures of w_plus, float16 on the CPU."""
    return in_half(_seen(pack, some, part) for some in w_plus.split(BATCH))


def _seen(pack: "Pack", w_plus: Tensor, part: str) -> dict[str, Tensor]:
    images = pack.generator.synthesis(w_plus, resolution=min(RESOLUTION, pack.resolution)).float().clamp(-1, 1)
    colours, there = part_colour(**class_colours(images, pack.parser(images).argmax(dim=1)), part=part)
    return {"colours": colours, "there": there, **({} if pack.classifier is None else {"logits": pack.classifier(images)})}
