"""Edits on a latent: an ordered stack of directions with strengths, and pictures of it that pay only for what changed.

    python -m lelsd.edit --direction PATH --alpha 1.5 [--direction … --alpha …] --seeds 0-7 --out DIR
    python -m lelsd.edit --direction PATH --alpha 1.5 --base PICTURE.png --out DIR
    python -m lelsd.edit --prompt "an old person with glasses and red hair" --seeds 0-7 --out DIR
    python -m lelsd.edit --recipe PICTURE.png --out DIR
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.direction import Direction
from stylegan2.seeds import latents_from_seeds

if TYPE_CHECKING:
    from packs.pack import Pack
    from stylegan2.generator import SynthesisState

MAX_ALPHA = 10.0
NOTHING = 0.01  # of a strength: nobody sees it


@dataclass(frozen=True, eq=False)
class Edit:
    """A direction with a strength. layers: the rows it touches, None for all those it was learned for. index: which of K. free: the same
    step for every face, which goes on where faces of the pack end (`lelsd.stops`).

    Raises ValueError for a strength beyond 10, an index beyond K or a layer that the direction does not move.
    """

    direction: Direction
    alpha: float = 1.0
    layers: tuple[int, ...] | None = None
    muted: bool = False
    index: int = 0
    free: bool = False

    def __post_init__(self) -> None:
        if not -MAX_ALPHA <= self.alpha <= MAX_ALPHA:
            raise ValueError(f"alpha is {self.alpha}; accepted: a number from -{MAX_ALPHA:g} to {MAX_ALPHA:g}")
        if not 0 <= self.index < self.direction.num_directions:
            raise ValueError(f"direction index {self.index} is out of range; accepted: 0 to {self.direction.num_directions - 1}")
        wrong = sorted(set(self.layers or ()) - set(self.direction.layers))
        if wrong:
            raise ValueError(f"layer {wrong[0]} is not moved by the direction for {self.direction.prompt!r}; "
                             f"accepted: {', '.join(map(str, self.direction.layers))}")

    def delta(self, w_plus: Tensor) -> Tensor:
        """What it adds to w_plus [N, L, D], by the edits before it: [L, D], or [N, L, D] where faces have ends; zero when muted."""
        alpha = 0.0 if self.muted else self.alpha
        if self.free:
            return self.direction.step(alpha, self.index, self.layers)
        return self.direction.step_from(w_plus, alpha, self.index, self.layers)


@dataclass(frozen=True, eq=False)
class EditStack:
    """Edits in order. A value: every change gives a new stack, so a history is a list of stacks."""

    edits: tuple[Edit, ...] = ()

    def __len__(self) -> int:
        return len(self.edits)

    def add(self, edit: Edit) -> "EditStack":
        return EditStack((*self.edits, edit))

    def change(self, position: int, **changes: object) -> "EditStack":
        """A stack whose edit at `position` has other values: `stack.change(0, alpha=2.0)`. Raises ValueError."""
        edit = replace(self._at(position), **changes)
        return EditStack((*self.edits[:position], edit, *self.edits[position + 1:]))

    def remove(self, position: int) -> "EditStack":
        self._at(position)
        return EditStack((*self.edits[:position], *self.edits[position + 1:]))

    def move(self, position: int, to: int) -> "EditStack":
        """A stack with the edit at `position` moved to place `to`."""
        edit, rest = self._at(position), list(self.remove(position).edits)
        self._at(to)
        rest.insert(to, edit)
        return EditStack(tuple(rest))

    def _at(self, position: int) -> Edit:
        if not 0 <= position < len(self.edits):
            raise ValueError(f"there is no edit {position}; accepted: 0 to {len(self.edits) - 1}")
        return self.edits[position]


def apply(w_plus: Tensor, stack: EditStack) -> Tensor:
    """w_plus [N, L, D] plus the edits of the stack in W+, in order -> [N, L, D]. Those in StyleSpace: `style_offset`.

    Raises ValueError for a direction of another shape.
    """
    for edit in stack.edits:
        if edit.direction.in_style_space:
            continue
        if tuple(edit.direction.deltas.shape[1:]) != tuple(w_plus.shape[1:]):
            raise ValueError(f"the direction for {edit.direction.prompt!r} has rows {list(edit.direction.deltas.shape[1:])}; "
                             f"accepted for this latent: {list(w_plus.shape[1:])}")
        w_plus = w_plus + edit.delta(w_plus).to(w_plus)
    return w_plus


def is_at_its_end(w_plus: Tensor, stack: EditStack, position: int) -> bool:
    """Whether the edit at `position` finds nothing left to change on the face w_plus [1, L, D], after the edits before it."""
    edit = stack.edits[position]
    if edit.free or edit.muted or edit.alpha == 0 or not edit.direction.has_ends:
        return False
    before = apply(w_plus, EditStack(stack.edits[:position]))
    return abs(float(edit.direction.strength_left(before, edit.alpha, edit.index))) < NOTHING


def style_offset(stack: EditStack) -> Tensor | None:
    """The edits of the stack in StyleSpace, added up: [S], or None where there are none."""
    offsets = [edit.direction.step(0.0 if edit.muted else edit.alpha, edit.index, edit.layers) for edit in stack.edits if edit.direction.in_style_space]
    return torch.stack(offsets).sum(dim=0) if offsets else None


class StackRenderer:
    """Pictures of one latent under changing stacks. The synthesis below the first row that changed since the last picture
    is kept, so a slider that moves layers 8 and up does not pay for 0 to 7. Not shared between threads."""

    def __init__(self, pack: "Pack", w_plus: Tensor) -> None:
        """w_plus [1, L, D]: the latent without edits."""
        self.pack, self.base = pack, w_plus
        self._last: Tensor | None = None
        self._state: "SynthesisState | None" = None

    @torch.no_grad()
    def render(self, stack: EditStack = EditStack()) -> Tensor:
        """The picture of the stack, [1, 3, R, R]: exactly that of a full pass. Raises ValueError for a foreign direction."""
        for edit in stack.edits:
            edit.direction.check_pack(self.pack)
        w_plus, offset = apply(self.base, stack), style_offset(stack)
        if offset is not None:  # the state that is kept knows nothing of styles
            return self.pack.generator.synthesis(w_plus, style_offset=offset[None].to(w_plus))
        first = self._first_change(w_plus)
        if self._state is None or self._state.layer > first or (self._last is not None and self._state.layer < first):
            self._state = self.pack.generator.synthesis.state_below(w_plus, first)
        self._last = w_plus
        return self.pack.generator.synthesis(w_plus, state=self._state)

    def _first_change(self, w_plus: Tensor) -> int:
        """The first row that differs from the last picture's."""
        if self._last is None:
            return 0
        changed = (w_plus != self._last).flatten(2).any(dim=2).any(dim=0)
        return int(changed.int().argmax()) if bool(changed.any()) else self._state.layer


def base_latent(pack: "Pack", seed: int, truncation: float) -> Tensor:
    """The latent of a seed, [1, L, D]: NVIDIA's seeds, one sample at a time, so that it does not depend on the batch."""
    z = latents_from_seeds([seed], pack.generator.z_dim)
    with torch.no_grad():
        return pack.generator.mapping(z.to(pack.device), truncation=truncation)


def main(argv: Sequence[str]) -> dict:
    """Write before and after pictures with their recipes inside, or make a picture again from its recipe."""
    from lelsd.edit_cli import edit_command
    return edit_command(argv)


if __name__ == "__main__":
    from packs import cli
    cli.run(main)
