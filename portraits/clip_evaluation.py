"""What a CLIP of the drawn world knows: zero-shot attributes, retrieval, and how steadily a score follows a quantity.

Everything here asks through two functions, `encode_images(images [N, 3, S, S] in [-1, 1])` and `encode_texts(list of
str)`, each returning normalised embeddings [N, E]; so any CLIP can be measured, at any time of its training.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from portraits.captions import sentence
from portraits.dataset import PortraitCache
from portraits.phrases import PHRASES
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, sample
from portraits.topics import NEVER_SAID, TOPICS

NEUTRAL = "a person"
_FORMS = {"adjective": "a {} person", "hair": "a person with {} hair", "having": "a person with {}", "wearing": "a person with {}",
          "after": "a person {}"}
# Prompt -> (quantity that it asks for, values from "not at all" to "fully").
RESPONSES = {
    "a person with glasses": ("glasses", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "a person with curly hair": ("curl", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "a person with blonde hair": ("hair_light", (0.2, 0.4, 0.6, 0.8, 0.95)),
    "a person with the mouth open": ("mouth_open", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "a person with a hat": ("hat", (0.0, 0.25, 0.5, 0.75, 1.0)),
    "a smiling person": ("smile", (-0.6, -0.2, 0.2, 0.6, 0.95)),
}


def prompts_for(topic: str, value: bool, split: str = "train", limit: int = 4) -> list[str]:
    """Sentences such as "a person with curly hair" that say (topic, value) and nothing else; [] where there are no words."""
    phrases = PHRASES.get((topic, value))
    if phrases is None:
        return []
    by_place = [[form.format(words) for words in phrases.options(place, split)] for place, form in _FORMS.items()]
    longest = max(map(len, by_place))
    return [prompts[i] for i in range(longest) for prompts in by_place if i < len(prompts)][:limit]


def area_under_curve(scores: np.ndarray, truth: np.ndarray) -> float:
    """Chance that a random positive scores above a random negative: scores [N], truth bool [N]."""
    ranks, positives = rankdata(scores), int(truth.sum())
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


@torch.no_grad()
def evaluate_clip(encode_images: Callable[[Tensor], Tensor], encode_texts: Callable[[list[str]], Tensor], cache: PortraitCache,
                  split: str = "heldout", limit: int = 1000) -> dict:
    """Zero-shot scores of every attribute and retrieval, on held-out pictures with the words of `split`.

    {"auc": mean, "accuracy": mean balanced accuracy of "X" against "not X", "auc_by_attribute", "gap_by_attribute"
    (how far the mean similarity of "a person with X" lies apart, in standard deviations), "recall_at_1" among 100,
    "true_at_1" (the first picture found is one that the text is true of)}
    """
    indices = cache.validation_indices[:limit]
    images = torch.cat([encode_images(cache.read_images(indices[i : i + 100])).cpu() for i in range(0, len(indices), 100)])
    truth = np.asarray(cache.truth[indices])
    auc, accuracy, gap = {}, {}, {}
    neutral = encode_texts([NEUTRAL]).cpu()
    for name in (name for name in ATTRIBUTES if name not in NEVER_SAID):
        known = truth[:, TOPICS.index(name)] >= 0
        present = truth[known, TOPICS.index(name)] == 1
        if not (2 <= present.sum() <= len(present) - 2):
            continue
        wanted = encode_texts(prompts_for(name, True, split)).cpu().mean(0)
        negative = prompts_for(name, False, split)
        unwanted = encode_texts(negative).cpu().mean(0) if negative else neutral[0]
        similar = (images[known] @ wanted).numpy()
        contrast = (images[known] @ (wanted - unwanted)).numpy()
        auc[name] = area_under_curve(contrast, present)
        accuracy[name] = float(((contrast[present] > 0).mean() + (contrast[~present] <= 0).mean()) / 2)
        spread = (similar[present].std() + similar[~present].std()) / 2
        gap[name] = float((similar[present].mean() - similar[~present].mean()) / max(spread, 1e-6))
    if not auc:
        raise ValueError(f"{len(indices)} held-out pictures are too few to measure a CLIP by; a cache of some hundred samples is enough")
    return {"auc": float(np.mean([*auc.values()])), "accuracy": float(np.mean([*accuracy.values()])), "auc_by_attribute": auc,
            "accuracy_by_attribute": accuracy, "gap_by_attribute": gap, **_retrieval(images[:100], truth[:100], encode_texts, split)}


def _retrieval(images: Tensor, truth: np.ndarray, encode_texts: Callable[[list[str]], Tensor], split: str) -> dict:
    """Five facts are said of each picture; is it found by them?"""
    rng = np.random.default_rng(0)
    texts, facts = [], []
    for row in truth:
        telling = [t for i, t in enumerate(TOPICS) if row[i] == 1 and (t, True) in PHRASES and t not in ("No_Beard", "clean_shaven")]
        chosen = {str(t): True for t in rng.choice(telling, min(5, len(telling)), replace=False)}
        caption = sentence(chosen, rng, split)
        texts.append(caption.text)
        facts.append(caption.facts)
    first = (encode_texts(texts).cpu() @ images.T).argmax(1).numpy()
    right = [all(truth[found, TOPICS.index(t)] == int(v) for t, v in said.items()) for found, said in zip(first, facts)]
    return {"recall_at_1": float(np.mean(first == np.arange(len(first)))), "true_at_1": float(np.mean(right))}


@torch.no_grad()
def responses(encode_images: Callable[[Tensor], Tensor], encode_texts: Callable[[list[str]], Tensor], size: int = 128,
              scenes: int = 8, seed: int = 77) -> dict[str, dict]:
    """How the score "prompt" - "a person" follows the quantity that the prompt asks for, over the same few faces.

    {prompt: {"curve": mean score at each value, "monotone": share of the steps that go up}}; a score that edits are
    learned with must rise all the way, or the edit gets stuck half-way.
    """
    renderer, answer = Renderer(size), {}
    for prompt, (quantity, values) in RESPONSES.items():
        faces = _plain_faces(seed, scenes, quantity)
        pixels = np.stack([renderer.draw(face.replace(**{quantity: value}))[0] for face in faces for value in values])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        direction = encode_texts([prompt]) - encode_texts([NEUTRAL])
        scores = (encode_images(images).cpu() @ direction[0].cpu()).reshape(len(faces), len(values))
        answer[prompt] = {"curve": scores.mean(0).tolist(), "monotone": float((scores.diff(dim=1) > 0).float().mean())}
    return answer


def _plain_faces(seed: int, count: int, quantity: str) -> list:
    """Faces on which the quantity can be seen: with hair, without a hat (unless that is what is asked for)."""
    plain = {"bald": 0.0, "hat": 0.0, "hair_red": 0.0, "hair_grey": 0.0, "glasses_tint": 0.0}
    return [sample(seed, i).replace(**{k: v for k, v in plain.items() if k != quantity}) for i in range(count)]
