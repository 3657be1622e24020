"""What a CLIP of the drawn world knows: zero-shot attributes, retrieval, and how steadily a score follows a quantity.

Everything here asks through two functions, `encode_images(images [N, 3, S, S] in [-1, 1])` and `encode_texts(list of
str)`, each returning normalised embeddings [N, E]; so any CLIP can be measured, at any time of its training.

Texts come in three splits:

    train       words of the training captions, in the plain form "a person with curly hair", which captions have too
    templates   the same words in sentence forms that no caption has: "an image of a person that has curly hair"
    heldout     words that are held out of the captions: "a person with ringleted hair"; a CLIP that begins at nothing can
                only know those of which it learned parts in other phrases
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from portraits.captions import Caption, sentence
from portraits.dataset import PortraitCache
from portraits.phrases import PHRASES
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, sample
from portraits.topics import NEVER_SAID, TOPICS

NEUTRAL = "a person"
_FORMS = {"adjective": "a {} person", "hair": "a person with {} hair", "having": "a person with {}", "wearing": "a person with {}",
          "after": "a person {}"}
_UNSEEN_FORMS = {"adjective": "an image of a {} person", "hair": "an image of a person that has {} hair", "having": "this is a person that has {}",
                 "wearing": "an image of a person who wears {}", "after": "this is a person {}"}  # no word of them is new, no caption begins so
AMONG = 100  # pictures that a retrieval chooses from
SAID = 5  # facts of a text that a picture is looked for with
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
    forms, words_of = (_UNSEEN_FORMS, "train") if split == "templates" else (_FORMS, split)
    by_place = [[form.format(words) for words in phrases.options(place, words_of)] for place, form in forms.items()]
    longest = max(map(len, by_place))
    return [prompts[i] for i in range(longest) for prompts in by_place if i < len(prompts)][:limit]


def area_under_curve(scores: np.ndarray, truth: np.ndarray) -> float:
    """Chance that a random positive scores above a random negative: scores [N], truth bool [N]."""
    ranks, positives = rankdata(scores), int(truth.sum())
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


@torch.no_grad()
def evaluate_clip(encode_images: Callable[[Tensor], Tensor], encode_texts: Callable[[list[str]], Tensor], cache: PortraitCache,
                  split: str = "heldout", limit: int = 1000) -> dict:
    """`score_texts` of one split, on at most `limit` held-out pictures."""
    indices = cache.validation_indices[:limit]
    return score_texts(embed(encode_images, cache, indices), np.asarray(cache.truth[indices]), encode_texts, split)


@torch.no_grad()
def embed(encode_images: Callable[[Tensor], Tensor], cache: PortraitCache, indices: np.ndarray) -> Tensor:
    """Embeddings [N, E] of the cache's pictures, on the CPU."""
    return torch.cat([encode_images(cache.read_images(indices[i : i + 100])).cpu() for i in range(0, len(indices), 100)])


@torch.no_grad()
def score_texts(images: Tensor, truth: np.ndarray, encode_texts: Callable[[list[str]], Tensor], split: str) -> dict:
    """Zero-shot scores of every attribute and retrieval: embeddings [N, E] of pictures, truth int8 [N, topics], words of `split`.

    An attribute is told from the pictures that show it, or show its absence, beyond doubt: present where the picture is nearer
    to "a person with X" than to "a person without X" (to "a person" where there are no such words), each a mean of up to four prompts.

    {"accuracy": mean over the attributes of balanced accuracy, "share_right": the same unbalanced, "auc", "auc_by_attribute",
    "accuracy_by_attribute", "gap_by_attribute" (how far the mean similarity of "a person with X" lies apart, in standard
    deviations), "recall_at_1" among 100, "true_at_1" (the first picture found is one that the text is true of)}

    Raises ValueError where the pictures show no attribute both ways.
    """
    told, neutral = {}, encode_texts([NEUTRAL]).cpu()
    for name in (name for name in ATTRIBUTES if name not in NEVER_SAID):
        known = truth[:, TOPICS.index(name)] >= 0
        present = truth[known, TOPICS.index(name)] == 1
        if not (2 <= present.sum() <= len(present) - 2):
            continue
        wanted, negative = encode_texts(prompts_for(name, True, split)).cpu().mean(0), prompts_for(name, False, split)
        unwanted = encode_texts(negative).cpu().mean(0) if negative else neutral[0]
        told[name] = _told((images[known] @ wanted).numpy(), (images[known] @ (wanted - unwanted)).numpy(), present)
    if not told:
        raise ValueError(f"{len(truth)} held-out pictures are too few to measure a CLIP by; a cache of some hundred samples is enough")
    means = {key: float(np.mean([scores[key] for scores in told.values()])) for key in ("accuracy", "share_right", "auc")}
    by_attribute = {f"{key}_by_attribute": {name: scores[key] for name, scores in told.items()} for key in ("auc", "accuracy", "gap")}
    return {**means, **by_attribute, **_retrieval(images, truth, encode_texts, split)}


def _told(similar: np.ndarray, contrast: np.ndarray, present: np.ndarray) -> dict[str, float]:
    """Scores of one attribute: similarity [N] to what asks for it, that less the similarity to what denies it [N], truth bool [N]."""
    hits = (contrast > 0) == present
    spread = (similar[present].std() + similar[~present].std()) / 2
    return {"auc": area_under_curve(contrast, present), "accuracy": float((hits[present].mean() + hits[~present].mean()) / 2),
            "share_right": float(hits.mean()), "gap": float((similar[present].mean() - similar[~present].mean()) / max(spread, 1e-6))}


def _retrieval(images: Tensor, truth: np.ndarray, encode_texts: Callable[[list[str]], Tensor], split: str) -> dict:
    """Five facts are said of each picture; is it found by them among its hundred? Mean over the whole hundreds (or what there is)."""
    rng, first, right = np.random.default_rng(0), [], []
    for start in range(0, max(len(truth) - AMONG, 0) + 1, AMONG):
        rows = truth[start : start + AMONG]
        captions = [_telling(row, rng, split) for row in rows]
        found = (encode_texts([caption.text for caption in captions]).cpu() @ images[start : start + AMONG].T).argmax(1).numpy()
        first.extend(found == np.arange(len(rows)))
        right.extend(all(rows[at, TOPICS.index(t)] == int(v) for t, v in caption.facts.items()) for at, caption in zip(found, captions))
    return {"recall_at_1": float(np.mean(first)), "true_at_1": float(np.mean(right))}


def _telling(row: np.ndarray, rng: np.random.Generator, split: str) -> Caption:
    """A sentence about the picture with the truth `row` [topics]; of "templates", words of training between clauses held out."""
    telling = [t for i, t in enumerate(TOPICS) if row[i] == 1 and (t, True) in PHRASES and t not in ("No_Beard", "clean_shaven")]
    said = {str(t): True for t in rng.choice(telling, min(SAID, len(telling)), replace=False)}
    return sentence(said, rng, split)


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
