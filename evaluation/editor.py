"""The one protocol through which every system that edits pictures is measured, and the answer to it that has directions.

An editor sees samples and a request and returns pictures; how it got there (a direction, an optimisation a picture at a
time, a picture-to-picture network) is its own business, so that all are measured by the same code on the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Mapping, Protocol

import torch
from torch import Tensor

from stylegan2.steps import edited
from stylegan2.synthesis import Synthesis


@dataclass(frozen=True)
class Samples:
    """What is edited: images [N, 3, R, R] in about [-1, 1], and their latents w_plus [N, L, D] where they have any."""

    images: Tensor
    w_plus: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def split(self, size: int) -> Iterator["Samples"]:
        """Batches of at most `size`, in order."""
        latents = [None] * len(self) if self.w_plus is None else self.w_plus.split(size)
        return (Samples(*pair) for pair in zip(self.images.split(size), latents))

    def pick(self, indices: Tensor) -> "Samples":
        """Those samples alone."""
        return Samples(self.images[indices], None if self.w_plus is None else self.w_plus[indices])


@dataclass(frozen=True)
class Request:
    """What is asked for: the words, the attribute that they are about, its wanted value, and how strong the edit is.

    alpha: 1 is what the editor itself holds for the typical edit, 0 changes nothing. Editors that read words look at
    `prompt`, editors that were trained on labels look at `attribute` and `value`.
    """

    prompt: str
    attribute: str
    value: bool = True
    alpha: float = 1.0


class CannotServe(ValueError):
    """A prompt that an editor finds nothing for, though there is nothing wrong with it: a result, not a mistake."""


class Editor(Protocol):
    """Anything that edits pictures. `name` is what reports call it."""

    name: str

    def edit(self, samples: Samples, request: Request) -> Tensor:
        """The edited pictures, [N, 3, R, R], in the order of the samples; the samples stay as they are.

        Raises ValueError for a request that it cannot serve, or samples without latents if it needs them.
        """
        ...


class PromptEditor(Editor, Protocol):
    """An editor that has to learn what a prompt means, before it is measured.

    One whose strength ends somewhere says where, as `strongest`: there is no alpha beyond it.
    """

    def prepare(self, request: Request, samples: Samples) -> dict:
        """Learn what the request needs; what was done goes into the report.

        Returns: `seconds` that it took, `source` ("trained", "resumed" or "loaded"), `layers` of w+ that are moved (None
        where they are no rows of it), training `steps` (or None), and what else the editor holds worth telling.
        Raises CannotServe for a prompt that it finds nothing for.
        """
        ...


class Step(Protocol):
    """What `DirectionEditor` needs of a direction; `lelsd.direction.Direction` has it."""

    def step_from(self, w_plus: Tensor, alpha: float) -> Tensor:
        """What to move pictures of w_plus [N, L, D] by at a strength: [L, D] or [N, L, D] in W+, or [S] in StyleSpace."""
        ...


class DirectionEditor:
    """Latents move along the direction that was learned for the prompt, to the strength asked for."""

    name = "ours"

    def __init__(self, synthesis: Synthesis, directions: Mapping[str, Step]) -> None:
        """directions: by prompt, in the latent spaces of `synthesis`."""
        self.synthesis, self.directions = synthesis, dict(directions)

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises ValueError for a prompt without a direction, and for samples without latents."""
        if request.prompt not in self.directions:
            known = ", ".join(repr(prompt) for prompt in self.directions) or "none, no direction was given"
            raise ValueError(f"there is no direction for {request.prompt!r}; accepted: {known}")
        w_plus = latents_of(samples, self.name)
        return edited(self.synthesis, w_plus, self.directions[request.prompt].step_from(w_plus, request.alpha))


def latents_of(samples: Samples, name: str) -> Tensor:
    """The latents that an editor called `name` needs, [N, L, D]. Raises ValueError where there are none."""
    if samples.w_plus is None:
        raise ValueError(f"editor {name!r} was given pictures without latents; accepted: samples of the generator")
    return samples.w_plus
