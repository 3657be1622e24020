"""Global directions: the channels whose move in CLIP's space agrees with the text's, each as far as it agrees.

Section 6 of the paper. Delta t is the move from the text of the picture as it is to the text asked for, each the mean over
prompt templates; a channel's relevance is its own move's cosine with it; channels below the threshold beta are left out,
the others move by relevance (the largest is 1) times their standard deviation times alpha.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from baselines.offsets import StyleOffset
from baselines.styleclip.relevance import Relevance
from evaluation.editor import CannotServe
from lelsd.clip_guide import ClipGuide
from lelsd.prompt import parse_prompt

if TYPE_CHECKING:
    from packs.pack import Pack

TYPICAL_ALPHA = 4.1  # where the published demo's slider stands
BETAS = tuple(round(0.29 - 0.01 * step, 2) for step in range(20))  # .29 to .10, as public demos of it try them
FEWEST_CHANNELS = 20


def global_offset(pack: "Pack", guide: ClipGuide, relevance: Relevance, text: str) -> StyleOffset:
    """The offset of a prompt. Raises CannotServe if no channel reaches the smallest beta."""
    scores = relevance.moves @ delta_t(pack, guide, text)
    beta, chosen = choose(scores)
    kept = scores * chosen
    offset = TYPICAL_ALPHA * relevance.deviation * kept / kept.abs().max()
    return StyleOffset(offset, {"beta": beta, "channels": int(chosen.sum()), "best_relevance": round(float(scores.abs().max()), 4),
                                "pictures": relevance.pictures})


def delta_t(pack: "Pack", guide: ClipGuide, text: str) -> Tensor:
    """The text's move, [E], of unit length. The two texts that its users type are the prompt and what it is before the edit."""
    prompt = parse_prompt(text, pack)
    target, source = prompt.target_text(pack.neutral_text), prompt.source_text(pack.neutral_text)
    return F.normalize(guide.encode_wordings(target) - guide.encode_wordings(source), dim=0)


def choose(scores: Tensor) -> tuple[float, Tensor]:
    """The largest beta that leaves enough channels, or the smallest one: beta, bool [S]. Raises CannotServe if none is left."""
    for beta in BETAS:
        chosen = scores.abs() >= beta
        if int(chosen.sum()) >= FEWEST_CHANNELS:
            return beta, chosen
    if not bool(chosen.any()):
        raise CannotServe(f"no style channel has a relevance of {BETAS[-1]} or more to this prompt, the largest is {float(scores.abs().max()):.3f}")
    return beta, chosen
