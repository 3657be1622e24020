"""Fallbacks for prompts outside the lexicon: word vectors when a spaCy model that has them is installed, then CLIP."""
from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import spacy
import torch
from spacy.language import Language

from lelsd.lexicon import DETERMINERS, PEOPLE, PLACING, SCOPE_ENDS

if TYPE_CHECKING:
    from packs.pack import Pack

SMALL = DETERMINERS | PEOPLE | PLACING | SCOPE_ENDS | frozenset("and or is are wearing".split())
MIN_VECTOR_SIMILARITY = 0.5
MIN_CLIP_SIMILARITY = 0.3
MIN_CLIP_MARGIN = 0.05
MIN_CLIP_MOVE = 0.4  # of what the examples move a text's embedding in the mean: "nice" moves it by a fifth of that, and in any direction
EXAMPLES: dict[str, tuple[str, ...]] = {
    "hair": ("curly hair", "straight hair", "long hair", "short hair", "blonde hair", "black hair", "brown hair", "red hair", "grey hair", "a bald head"),
    "eyes": ("blue eyes", "brown eyes", "green eyes", "closed eyes"), "eyebrows": ("bushy eyebrows", "thick eyebrows"),
    "eyeglasses": ("glasses", "sunglasses"), "ears": ("big ears",), "earrings": ("earrings",), "nose": ("a big nose", "a pointy nose"),
    "mouth": ("the mouth open", "a smile"), "lips": ("lipstick", "big lips"), "skin": ("pale skin", "dark skin", "freckles", "a beard", "rosy cheeks"),
    "neck": ("a long neck",), "necklace": ("a necklace",), "clothes": ("a tie", "a red shirt", "a blue shirt"), "hat": ("a hat",),
    "background": ("a blue background", "a dark background"), "face": ("a chubby face", "an old face", "a young face", "a sad face", "an angry face")}
"""What is typically said of each part; the nearest of them names the part."""


@lru_cache(maxsize=1)
def vector_model() -> Language | None:
    """The first installed spaCy model with word vectors (en_core_web_md or _lg, say), or None."""
    for name in spacy.util.get_installed_models():
        model = spacy.load(name, exclude=["parser", "ner", "lemmatizer", "tagger", "attribute_ruler"])
        if model.vocab.vectors_length:
            return model
    return None


def by_vectors(text: str) -> tuple[str, str, str] | None:
    """("vectors", part, word): the word of the prompt nearest to a part's examples; None without vectors or a near word."""
    model = vector_model()
    if model is None:
        return None
    names = {part: [token for phrase in phrases for token in model(f"{part} {phrase}") if not token.is_stop] for part, phrases in EXAMPLES.items()}
    words = [token for token in model(text) if token.has_vector and not token.is_stop and not token.is_punct]
    scored = [(word.similarity(name), part, word.text) for word in words for part, tokens in names.items() for name in tokens if name.has_vector]
    best = max(scored, default=(0.0, "", ""))
    return ("vectors", best[1], best[2]) if best[0] >= MIN_VECTOR_SIMILARITY else None


def by_clip(text: str, pack: "Pack | None") -> tuple[str, str, str] | None:
    """("clip", part, text): the part whose examples move CLIP's text embedding the same way as the prompt does.

    None without a pack, when CLIP knows none of the words that say something, when these hardly move it, or when no part stands out.
    """
    words = [word for word in re.findall(r"\w+", text.lower()) if word not in SMALL]
    if pack is None or set(words) <= set(pack.unknown_words(text)):
        return None
    from lelsd.clip_guide import ClipGuide
    guide, neutral = ClipGuide(pack), pack.neutral_text
    phrases = [(part, phrase) for part, group in EXAMPLES.items() for phrase in group]
    texts = [neutral, text] + [f"{neutral} with {phrase}" for _, phrase in phrases]
    embedded = guide.encode_text(texts)
    lengths = (embedded[1:] - embedded[:1]).norm(dim=1)
    if lengths[0] < MIN_CLIP_MOVE * lengths[1:].mean():
        return None
    moves = torch.nn.functional.normalize(embedded[1:] - embedded[:1], dim=1)
    best_by_part: dict[str, float] = {}
    for (part, _), similarity in zip(phrases, (moves[1:] @ moves[0]).tolist()):
        best_by_part[part] = max(similarity, best_by_part.get(part, -1.0))
    (part, best), (_, second) = sorted(best_by_part.items(), key=lambda item: -item[1])[:2]
    return ("clip", part, text) if best >= MIN_CLIP_SIMILARITY and best - second >= MIN_CLIP_MARGIN else None
