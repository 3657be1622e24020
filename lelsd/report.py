"""Makes the report card of a direction: edits samples that it was not trained or calibrated on, and looks at what happened.

    python -m lelsd.report --direction PATH [--pack portraits] [--calibrate] [--out PATH]
"""
from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.calibrate import calibrated
from lelsd.card import ReportCard, SideEffect, Strength
from lelsd.clip_guide import SAME_THING
from lelsd.config import TrainConfig
from lelsd.direction import Direction, load_direction
from lelsd.dressing import objective_for
from lelsd.effect import split_in_two
from lelsd.objective import Objective, pictures_at_once
from lelsd.prompt import Prompt, parse_prompt
from lelsd.survey import LEARN, REPORT
from packs import cli, metrics
from packs.seen import Seen, look
from segmentation.parts import CLASSES, PARTS, label_mask
from stylegan2.steps import edited

if TYPE_CHECKING:
    from packs.pack import Pack

ALPHAS, HELD_ALPHAS = (-2.0, -1.0, 1.0, 2.0), (-1.0, -0.5, 0.5, 1.0)  # the second of directions with ends, which do no more than at 1
LACKING, HAVING = 24, 12  # samples that are not as asked, and that are
RESOLUTION = 512  # pixels at most: parsers look at no more
WORST = 5
BOUND_TO_COLOURS = {"hair": ["Red_Hair"]}
"""What is no side effect of a named colour of a part: what none is of an attribute that is one. Hair that becomes pink is no longer black."""
REGIONS = ("background", "hair", "eyes", "eyebrows", "eyeglasses", "ears", "earrings", "nose", "mouth", "neck", "necklace", "clothes", "hat")
"""Parts that share no class; what is left of the face is called skin."""


def report_card(objective: Objective, direction: Direction) -> ReportCard:
    """The card of a direction for the objective's prompt and pack. Deterministic; `LACKING` + `HAVING` samples, if
    the survey has them, are edited at each of `ALPHAS` or `HELD_ALPHAS`. Raises ValueError for a direction of another pack."""
    direction.check_pack(objective.pack)
    reporter = Reporter(objective, max(8, LACKING // direction.num_directions), max(4, HAVING // direction.num_directions))
    alphas = HELD_ALPHAS if direction.has_ends else ALPHAS
    strengths = tuple(tuple(reporter.strength(direction, alpha, index) for alpha in alphas) for index in range(direction.num_directions))
    return ReportCard(objective.effect.judge, reporter.witness.judge, objective.effect.asked, reporter.inside, objective.config.truncation, strengths)


class Reporter:
    """Samples of one prompt's own, looked at once before any edit."""

    def __init__(self, objective: Objective, lacking: int, having: int) -> None:
        self.objective, self.pack, self.guide = objective, objective.pack, objective.guide
        self.parts, self.outside = tuple(objective.prompt.parts), objective.config.mask_mode == "outside"
        self.witness = Witness(objective)
        self.w_plus = objective.w_plus(report_latents(objective, lacking, having))
        self.before = self.look(torch.zeros_like(self.w_plus))

    @torch.no_grad()
    def look(self, step: Tensor, chosen: slice = slice(None)) -> Seen:
        """What the judges see in chosen samples after a step, [L, D], [n, L, D] or [S], whatever the size that training looked at."""
        synthesis, size = self.pack.generator.synthesis, min(RESOLUTION, self.pack.resolution)
        batches = self.w_plus[chosen].split(pictures_at_once(size))
        steps = step.split(pictures_at_once(size)) if step.ndim == 3 else [step] * len(batches)
        return look(self.pack, self.guide.encode_image, (edited(synthesis, *pair, resolution=size) for pair in zip(batches, steps)))

    def strength(self, direction: Direction, alpha: float, index: int = 0) -> Strength:
        """What one of the K directions does at a strength."""
        chosen = slice(None, None, 1 if abs(alpha) == 1 else 2)
        before, after = self.before.rows(chosen), self.look(direction.step_from(self.w_plus[chosen], alpha, index), chosen)
        asked_before, asked_after = self.as_asked(before), self.as_asked(after)
        flips = self.witness.flips(before, after)
        change = (after.images - before.images).square()
        return Strength(
            alpha, len(before.images),
            metrics.mean(metrics.target_rate(asked_before, asked_after, True)), int((~asked_before).sum()),
            metrics.mean(metrics.target_rate(asked_before, asked_after, False)), int(asked_before.sum()),
            flips.rate(self.witness.others), flips.rate(self.witness.avoidable), flips.worst(self.witness.avoidable, self.witness.names),
            metrics.mean(self.localization(before, after)), by_part(metrics.change_by_class(change, *self.counted_labels(before, after), len(CLASSES))),
            self.witness.identity(before, after), float(metrics.clip_gain(before.embeddings, after.embeddings, self.objective.target).mean()),
            float(change.mean().sqrt()))

    def as_asked(self, seen: Seen) -> Tensor:
        """bool [N]: whether each picture is as the prompt asks, in the opinion of its judge."""
        effect = self.objective.effect
        if effect.judge == "colour":
            return effect.by_colour(seen.images, seen.labels) > 0
        if not effect.asked:
            return effect.clip_score(seen.embeddings) > 0
        wanted = torch.tensor(list(effect.asked.values()), device=seen.attributes.device)
        return (seen.attributes[:, effect.columns] == wanted).all(dim=1)

    def counted_labels(self, before: Seen, after: Seen) -> tuple[Tensor, Tensor]:
        """The classes before and after [N, H, W] each; where either is a part of the prompt, both are: hair that grows over
        the background is a change of the hair."""
        inside = [self.mask(seen) for seen in (before, after)]
        return (torch.where(inside[1] & ~inside[0], after.labels, before.labels), torch.where(inside[0] & ~inside[1], before.labels, after.labels))

    def localization(self, before: Seen, after: Seen) -> Tensor:
        """As contracts.md has it, for all parts of the prompt together -> [N]."""
        masks = [self.mask(seen).unsqueeze(1) for seen in (before, after)]
        return metrics.localization(before.images, after.images, *masks, metrics.dilation_radius(before.images.shape[-1]))

    def mask(self, seen: Seen) -> Tensor:
        """bool [N, H, W]: where change belongs."""
        return label_mask(seen.labels, dict.fromkeys(self.parts, 1.0)) != self.outside

    @property
    def inside(self) -> tuple[str, ...]:
        """The parts where change belongs; in background mode those that share nothing with the prompt's."""
        taken = {index for name in self.parts for index in PARTS[name].classes}
        return tuple(name for name in (*REGIONS, "skin") if not taken & set(PARTS[name].classes)) if self.outside else self.parts


class Witness:
    """Sees what else changes: the pack's classifier, or CLIP with the phrases that are typically said of each part.

    names: of what it can tell. others, avoidable: bool, which of them should stay as they are, and could.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, self.centre = objective, None
        self.judge = "clip" if objective.pack.classifier is None else "classifier"
        if self.judge == "classifier":
            from packs.attributes import ATTRIBUTES, others_of_all
            self.names = ATTRIBUTES
            asked = list(objective.effect.asked) or BOUND_TO_COLOURS.get(objective.effect.named and objective.effect.named.part, [""])
            self.others, self.avoidable = (others_of_all(asked, avoidable) for avoidable in (False, True))
        else:
            self.names, self._moves = objective.guide.example_moves()
            self.others = self.avoidable = ((self._moves @ objective.text_move) < SAME_THING).cpu()

    def flips(self, before: Seen, after: Seen) -> "Flips":
        """What appeared and what disappeared."""
        return Flips(self._present(before).cpu(), self._present(after).cpu())

    def identity(self, before: Seen, after: Seen) -> float:
        """How much of what tells the faces from one another is left."""
        found = [seen.features if self.judge == "classifier" else seen.embeddings for seen in (before, after)]
        return float(metrics.identity(*found, found[0].mean(dim=0)).mean())

    def _present(self, seen: Seen) -> Tensor:
        return seen.attributes if self.judge == "classifier" else seen.embeddings @ self._moves.T > self._thresholds

    @cached_property
    def _thresholds(self) -> Tensor:
        """[M]: where CLIP's score for each phrase splits the survey's pictures in two."""
        scores = self.objective.survey.part(LEARN).embeddings @ self._moves.T
        return torch.tensor([split_in_two(column) for column in scores.T], device=scores.device)


class Flips:
    """Attributes before and after an edit, bool [N, A] each."""

    def __init__(self, before: Tensor, after: Tensor) -> None:
        self.before, self.after = before, after

    def rate(self, counted: Tensor) -> float:
        """Mean share of the counted attributes, bool [A], that flip."""
        return float(metrics.side_effect_rate(self.before, self.after, counted).mean())

    def worst(self, counted: Tensor, names: Sequence[str]) -> tuple[SideEffect, ...]:
        """The counted attributes that flip most often, `WORST` at most, none that never do."""
        appears, disappears = ((x & ~y).double().mean(dim=0) * counted for x, y in ((self.after, self.before), (self.before, self.after)))
        ranked = torch.sort(appears + disappears, descending=True, stable=True).indices[:WORST].tolist()
        return tuple(SideEffect(names[index], float(appears[index]), float(disappears[index])) for index in ranked
                     if appears[index] + disappears[index] > 0)


def report_latents(objective: Objective, lacking: int, having: int) -> Tensor:
    """z [n, Z] of samples kept for reports: as many as there are, up to `lacking` that are not as asked, but could be, and `having` that are."""
    survey = objective.survey.part(REPORT)
    already = objective.effect.of_survey(survey) > 0
    could = ~already & ~objective.effect.is_hidden(survey)
    rows = torch.cat([could.nonzero()[:lacking, 0], already.nonzero()[:having, 0]])
    return survey.z[rows]


def by_part(shares: Tensor) -> dict[str, float]:
    """Shares of the change by class [N, 19] -> means by region, largest first, those of half a percent or more."""
    mean = torch.nan_to_num(shares).mean(dim=0)
    found = {name: float(sum(mean[index] for index in PARTS[name].classes)) for name in REGIONS}
    found["skin"] = float(mean[CLASSES.index("skin")])
    return {name: share for name, share in sorted(found.items(), key=lambda item: -item[1]) if share >= 0.005}


def report_for(pack: "Pack", direction: Direction) -> ReportCard:
    """The card of a direction from a file, which says what it was learned for. Raises ValueError for one of another pack,
    or whose prompt this pack's CLIP cannot tell from its neutral text."""
    return report_card(objective_of(pack, direction), direction)


def measured_anew(pack: "Pack", direction: Direction) -> Direction:
    """The direction with the strength of alpha 1 and the card that the pack's judge of today gives it, as at the end of its training.

    Raises ValueError as `report_for`."""
    objective = objective_of(pack, direction)
    direction = calibrated(objective, direction)
    return replace(direction, report=report_card(objective, direction).to_dict())


def objective_of(pack: "Pack", direction: Direction) -> Objective:
    """What a direction from a file was learned for. Raises ValueError as `report_for`."""
    direction.check_pack(pack)
    prompt: Prompt = parse_prompt(direction.prompt, pack)
    prompt = prompt.with_parts({direction.part: 1.0, **direction.parts}) if direction.parts else prompt  # the file has them in order of name
    known = {name: direction.config.get(name) for name in ("truncation", "mask_mode", "use_areas")}  # what else it says is of no account here
    return objective_for(pack, prompt, TrainConfig().updated(pack.defaults).updated(known))


def main(argv: Sequence[str]) -> dict:
    """Write the direction's file again, with its card in it."""
    from packs.pack import load_pack
    parser = cli.ArgumentParser(description="Give a direction its report card: how often it works, what else it changes, and where.")
    parser.add_argument("--direction", type=Path, required=True, help="a direction.safetensors")
    parser.add_argument("--pack", default="portraits", help="the pack that it was learned with, by name or folder (portraits)")
    parser.add_argument("--calibrate", action="store_true", help="also find anew how far alpha 1 is: for a pack that has another judge now")
    parser.add_argument("--out", type=Path, help="where to write it (over --direction)")
    parser.add_device()
    options = parser.parse_args(argv)
    direction, pack = load_direction(options.direction), load_pack(options.pack, options.device)
    direction = measured_anew(pack, direction) if options.calibrate else replace(direction, report=report_for(pack, direction).to_dict())
    out = options.out or options.direction
    direction.save(out)
    return {"direction": out, "prompt": direction.prompt, "calibration": list(direction.calibration), "report": direction.report}


if __name__ == "__main__":
    cli.run(main)
