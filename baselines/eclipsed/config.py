"""The published settings of eCLIPsed, and those that its table 1 varies."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from spacy.lang.en.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from lelsd.prompt import Prompt

SPACES = ("W+", "W")
REPEATS = 5  # of the noun chunk in an expanded prompt; the published notebook's
TYPICAL_ALPHA = 6.0  # section 3.3: "6 or 7, depending on the aesthetics of the image"


@dataclass(frozen=True)
class EclipsedConfig:
    """Section 3.3 and the published notebook. Lengths are the paper's, in units of W itself. Raises ValueError."""

    steps: int = 200
    batch_size: int = 2
    learning_rate: float = 0.001
    lr_halvings: int = 3
    clip_weight: float = 1.0
    localization_weight: float = 0.05
    alpha_min: float = 0.1
    alpha_max: float = 1.0
    truncation: float = 0.7
    space: str = "W+"  # "W": one row for all layers
    expanded: bool = False  # whether the noun chunk is repeated in the prompt
    single: bool = False  # whether one picture is trained on, and not random ones
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ValueError(f"space is {self.space!r}; accepted: {', '.join(SPACES)}")
        if self.steps < 1 or self.batch_size < 1:
            raise ValueError(f"steps are {self.steps} and batch_size is {self.batch_size}; accepted: whole numbers from 1")

    def to_dict(self) -> dict:
        """All fields, JSON-able."""
        return {"method": "eclipsed", **asdict(self)}


def expand(prompt: "Prompt") -> str:
    """Section 3.2: stop words dropped, and the noun chunk about the part many times where it stood once."""
    before, chunk, after = prompt.text.partition(prompt.phrase) if prompt.phrase else (prompt.text, "", "")
    words = [*_told(before), *([chunk] * REPEATS if chunk else []), *_told(after)]
    return " ".join(words) or prompt.text


def _told(text: str) -> list[str]:
    """The words that are no stop words."""
    return [word for word in text.split() if word.lower().strip(".,!") not in STOP_WORDS]
