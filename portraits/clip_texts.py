"""What the built-in CLIP reads in training: captions and what they say, and prompts that ask for one topic or deny it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from portraits.captions import compose
from portraits.clip_evaluation import NEUTRAL, prompts_for
from portraits.dataset import PortraitCache
from portraits.phrases import FILLERS
from portraits.topics import TOPICS


class Captions:
    """Captions of a cache's pictures, composed anew each time, so that a sentence is hardly ever read twice."""

    def __init__(self, cache: PortraitCache):
        self.truth, self.columns = np.array(cache.truth), {name: i for i, name in enumerate(cache.topic_names)}

    def pick(self, indices: np.ndarray, rng: np.random.Generator, filler_rate: float) -> tuple[list[str], Tensor]:
        """One caption for each picture, half of them as people tell, half of all there is evenly, some with harmless words put
        in; and int8 [B, T] of what they say: 1 that a topic holds, -1 that it does not, 0 nothing."""
        said, texts = np.zeros((len(indices), len(self.columns)), np.int8), []
        for row, index in zip(said, indices):
            caption = compose(self._known(index), rng, evenly=rng.random() < 0.5)
            for topic, value in caption.facts.items():
                row[self.columns[topic]] = 1 if value else -1
            texts.append(with_fillers(caption.text, rng) if rng.random() < filler_rate else caption.text)
        return texts, torch.from_numpy(said)

    def _known(self, index: int) -> dict[str, bool | None]:
        return {topic: None if value < 0 else bool(value) for topic, value in zip(self.columns, self.truth[index].tolist())}


class PromptTable:
    """Prompts in training words for every topic that has some: those that ask for it, and those that deny it."""

    def __init__(self):
        self.prompts = {topic: (prompts_for(topic, True, limit=30), prompts_for(topic, False, limit=30) or [NEUTRAL]) for topic in TOPICS}
        self.topics = [topic for topic, (wanted, _) in self.prompts.items() if wanted]

    def pick(self, count: int, rng: np.random.Generator) -> tuple[list[int], list[str]]:
        """Columns of `TOPICS` for `count` random topics (or all), and one prompt each that asks, then one each that denies."""
        topics = [str(topic) for topic in rng.choice(self.topics, min(count, len(self.topics)), replace=False)]
        texts = [str(rng.choice(self.prompts[topic][side])) for side in (0, 1) for topic in topics]
        return [TOPICS.index(topic) for topic in topics], texts


def with_fillers(text: str, rng: np.random.Generator) -> str:
    """One to three harmless words, near the beginning or at the end."""
    words = text.split()
    for filler in rng.choice(FILLERS, int(rng.integers(1, 4))):
        place = len(words) if rng.random() < 0.25 else int(rng.integers(0, min(3, len(words)) + 1))
        words.insert(place, str(filler))
    return " ".join(words)
