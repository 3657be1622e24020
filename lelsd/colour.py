"""A prompt that names a colour is a place, not a way: every face goes to that colour, from its own.

A step that turns brown hair blonde turns black hair green and blonde hair yellow: what has to be added depends on what is there.
The mean colour of a part is nearly linear in w (the built-in pack's hair: 0.97 of its variance), so the survey tells what colour
any w has, and which colours faces that have what is asked for have in common. An edit takes the colour of a face among those, or to the
one that is named, whether or not any face has it. Training refines what is added, row by row, and leaves the colours that it arrives at.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.colour_words import TOLERANCE
from lelsd.sensitivity import ridge
from lelsd.space import spread_rows, unit_rows
from lelsd.survey import LEARN, Survey

if TYPE_CHECKING:
    from lelsd.colour_words import NamedColour
    from lelsd.config import TrainConfig
    from lelsd.objective import Objective

EXAMPLES = 40  # samples of a kind: fewer do not tell which colours they have
MOSTLY = 0.5  # of the samples must show the part: what is worn has no colour in the others
PINNED = 0.35  # of the variance of all: on axes of colour on which samples that have what is asked for vary no more, it is what is asked
ALONE = 0.85  # of the samples of such a colour must have what is asked for, or more than a colour is asked
OUTSIDE = 3.0  # standard deviations from the middle: a face that far off has another colour
ROOM = 0.5  # standard deviations beyond where edits end in which nobody need move; in the next one, the nearer the less
FURTHEST = 1.0  # spreads of W: a named colour that is further from the middle of all is gone towards so far; beyond, pictures break
AWAY = 6.0  # standard deviations at least to where an edit against the prompt leads
RADII = (1.5, 1.0, 0.5, 0.0)  # standard deviations from the middle at which an edit may end; the usual face ends at about the first by itself


@dataclass(frozen=True, eq=False)
class ColourTarget:
    """The colours of a part that have what is asked for, on their C axes (1 to 3): those on which such faces are alike. Or any other readings of w that such
    faces have in common (`lelsd.worn`).

    A reading of a w, [C], is w @ readout + offset: 0 is the middle of such faces, 1 their standard deviation. readout: [D, C]. offset: [C].
    basis: [C, L, D], what to add to w+ for one more of each reading; zero in the rows that are not edited. away: [C], the reading of the
    middle of faces of other colours, or further from this one, to which an edit against the prompt leads. radius: how far from its middle an edit may end.
    """

    readout: Tensor
    offset: Tensor
    basis: Tensor
    away: Tensor
    radius: float = RADII[0]

    @cached_property
    def rows(self) -> Tensor:
        """bool [L]: the rows that are read and edited."""
        return self.basis.flatten(2).any(dim=2).any(dim=0)

    def read(self, w_plus: Tensor) -> Tensor:
        """The readings of w_plus [N, L, D], of the rows that are edited: [N, C]."""
        return w_plus[:, self.rows.to(w_plus.device)].mean(dim=1) @ self.readout.to(w_plus) + self.offset.to(w_plus)

    def room(self, w_plus: Tensor) -> tuple[Tensor, Tensor]:
        """What share of the way is left to faces [N, L, D] against and along the prompt: [N] each, from 0, nothing, to 1. A face that is about where edits
        end stays as it is."""
        distance = self.read(w_plus).norm(dim=1)
        has_another = (distance - self.radius - ROOM).clamp(0.0, 1.0)
        return (OUTSIDE - distance).clamp(0.0, 1.0), (1.0 - self.radius / distance.clamp_min(1e-6)).clamp_min(0.0) * has_another

    def lacks(self, w_plus: Tensor) -> Tensor:
        """Which faces [N, L, D] have another colour: bool [N]."""
        return self.read(w_plus).norm(dim=1) > OUTSIDE

    def step(self, w_plus: Tensor, alpha: float | Tensor) -> Tensor:
        """What to add to w_plus [N, L, D] for a strength from -1 to 1, a number, [N], or [A] for N = 1: [N, L, D] or [A, L, D]; 1 is all the way."""
        alpha = torch.as_tensor(alpha).to(w_plus).clamp(-1.0, 1.0)
        readings, (against, along) = self.read(w_plus), self.room(w_plus)
        towards, away = -along[:, None] * readings, against[:, None] * (self.away.to(w_plus) - readings)
        ways = torch.where(alpha.view(-1, 1) > 0, towards, away) * alpha.abs().view(-1, 1)
        return torch.einsum("nc,cld->nld", ways, self.basis.to(w_plus))

    def typical(self) -> Tensor:
        """The step of a face in the middle of the other colours, [L, D]: what comes nearest to one step for all."""
        return torch.einsum("c,cld->ld", -self.away, self.basis)


class ColourRows:
    """How the basis of a target is learned: parameters [C, n, D], the n edited rows of each axis in units of their length at the beginning.

    Whatever training does to them, one more of a reading stays one more of it, and of no other."""

    def __init__(self, target: ColourTarget) -> None:
        self.target, self.layers = target, target.rows.nonzero()[:, 0].tolist()
        self.start = target.basis[:, self.layers]
        self.size = self.start.square().sum(dim=2).mean(dim=1).sqrt()[:, None, None]

    def begin(self) -> Tensor:
        """The parameters of the target as it is."""
        return self.start / self.size

    def targeted(self, parameters: Tensor) -> ColourTarget:
        """The target with a learned basis; differentiable."""
        learned = parameters * self.size
        excess = learned.mean(dim=1) @ self.target.readout - torch.eye(len(self.start)).to(learned)
        basis = learned - torch.einsum("ca,and->cnd", excess, self.start)
        return replace(self.target, basis=spread_rows(basis, self.layers, self.target.basis.shape[1]))


def are_places_meant(config: "TrainConfig") -> bool:
    """Whether a training with these settings may learn a place, and not a step for all."""
    return (config.use_colours and config.num_directions == 1 and config.space != "style" and config.mask_mode != "outside"
            and config.initial == "regression")


def colour_target(objective: "Objective", layers: Sequence[int]) -> ColourTarget | None:
    """The target of a prompt that names a colour, or whose part has one of its own with what is asked for, if it asks for no more; else None.

    layers: the rows to edit. Deterministic; no picture is made."""
    if not are_places_meant(objective.config):
        return None
    survey, named = objective.survey.part(LEARN), objective.effect.named
    part = named.part if named else max(objective.prompt.parts, key=objective.prompt.parts.get)
    w, (colours, there) = survey.w, survey.part_colour(part)
    if objective.dressing:
        w, colours, there = objective.dressing.w, objective.dressing.colours, objective.dressing.there
    if part in objective.areas or there.float().mean() < MOSTLY:
        return None
    colour_of = ridge(w[there], colours[there]).double()
    told = w.double() @ colour_of
    region = _named_region(named, told[there], colours[there].double()) if named else _own_region(objective, survey, told, there)
    if region is None:
        return None
    axes, middle, others = region
    readout = colour_of @ axes
    shortest = torch.linalg.pinv(readout)  # [C, D]: one more of a reading, and no more of what only often goes with it
    if named:  # which may be far from any face: the nearest to it that is not
        distance = float(((middle - others) @ axes @ shortest).norm())
        middle = others + min(1.0, FURTHEST * objective.spread / max(distance, 1e-9)) * (middle - others)
    basis = spread_rows(shortest.float()[:, None].expand(-1, len(layers), -1), list(layers), objective.generator.num_ws)
    return ColourTarget(readout.float(), (-middle @ axes).float(), basis, ((others - middle) @ axes).float(), 0.0 if named else RADII[0])


def _own_region(objective: "Objective", survey: Survey, told: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """Axes [3, C] on which samples that have what is asked for are alike, the middle of them [3], and that of the others [3], of colours as w tells
    them, [N, 3]; None if they are not alike, or others look so too."""
    scores = objective.effect.of_survey(survey)
    having, lacking = there & (scores > max(0.0, objective.effect.clear)), there & (scores <= 0)
    if min(int(having.sum()), int(lacking.sum())) < EXAMPLES:
        return None
    axes, middle = pinned_axes(told[there], told[having]), told[having].mean(dim=0)
    distance = ((told - middle) @ axes).norm(dim=1)
    near = there & (distance <= distance[having].median())
    if not axes.shape[1] or not (scores[near] > 0).float().mean() >= ALONE:
        return None
    others = told[lacking].mean(dim=0) - middle  # of brown hair they are darker and lighter and redder, and brown in the middle
    return axes, middle, middle + others * (AWAY / (others @ axes).norm()).clamp_min(1.0)


def _named_region(named: "NamedColour", told: Tensor, colours: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same of a named colour, which all axes tell: told and colours [N, 3] of the samples that show the part. A regression tells less of a colour
    than there is, so its own word for the named one is asked for."""
    with_one = torch.cat([colours, torch.ones_like(colours[:, :1])], dim=1)
    word = torch.linalg.lstsq(with_one, told).solution
    middle = torch.cat([named.values.to(word), torch.ones_like(word[0, :1])]) @ word
    return torch.eye(3).to(word) / (TOLERANCE / OUTSIDE), middle, told.mean(dim=0)


def described_colour(target: ColourTarget, layers: Sequence[int]) -> tuple[ColourTarget, Tensor, float]:
    """What a direction's file holds of a target: itself on the CPU, and the typical step as one delta [1, L, D] of unit rows, and its distance."""
    target = replace(target, **{name: getattr(target, name).float().cpu() for name in ("readout", "offset", "basis", "away")})
    rows = target.typical()[None, list(layers)]
    return target, spread_rows(unit_rows(rows), list(layers), target.basis.shape[1]), float(rows.square().sum(dim=2).mean().sqrt())


def pinned_axes(colours: Tensor, having: Tensor) -> Tensor:
    """Colours [N, 3] of samples and [M, 3] of those that have what is asked for -> [3, C]: the axes on which the latter vary by at most `PINNED` of
    the variance of all, each scaled so that theirs is 1. The generalised eigenvectors of the two covariances."""
    of_all, of_having = torch.cov(colours.T), torch.cov(having.T)
    floor = (1e-6 * of_all.trace()).clamp_min(1e-12) * torch.eye(len(of_all)).to(of_all)  # grey pictures vary on one axis: on the others, nobody is alike
    root = torch.linalg.cholesky(of_all + floor)
    whitened = torch.linalg.solve_triangular(root, torch.linalg.solve_triangular(root, of_having + floor, upper=False).T, upper=False)
    shares, vectors = torch.linalg.eigh(whitened)
    kept = shares <= PINNED
    return torch.linalg.solve_triangular(root.T, vectors, upper=True)[:, kept] / shares[kept].clamp_min(1e-6).sqrt()
