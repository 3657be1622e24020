"""Scene -> sentences that a person might write about its picture, with the facts that each of them states.

    compose(scene, rng)     one Caption: text, and {topic: value} of everything it says
    captions(scene, rng)    a few texts

A caption names none to five facts that the picture shows (`portraits.topics`), in words of `portraits.phrases`. Words
and sentence forms of split "heldout" never occur in split "train".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from portraits.phrases import KINDS, NOUNS, OPENINGS, PHRASES, Phrases
from portraits.scene import Scene
from portraits.topics import HAIR_COLOURS, HAIR_LENGTHS, HAIR_TEXTURES, topics

SPLITS = ("train", "heldout")
PLACES = ("adjective", "hair", "having", "wearing", "after")
_PLAIN_CHANCE = 0.25  # of "a person with ..." and nothing before it, which is how people ask for an edit
_FACT_COUNTS = ((0, 0.06), (1, 0.44), (2, 0.22), (3, 0.15), (4, 0.09), (5, 0.04))
_MANY_FACTS = ((1, 0.2), (2, 0.2), (3, 0.2), (4, 0.2), (5, 0.2))

# Topics of which a caption names one at most: saying two is odd ("short medium-length hair") or says nothing more.
_GROUPS = {
    **dict.fromkeys(HAIR_COLOURS, "hair colour"), **dict.fromkeys(HAIR_TEXTURES, "hair texture"),
    **dict.fromkeys(HAIR_LENGTHS, "hair length"),
    **dict.fromkeys(("Mouth_Slightly_Open", "slightly_open_mouth", "wide_open_mouth"), "mouth"),
    **dict.fromkeys(("Smiling", "broad_smile", "Sad", "Angry", "Surprised"), "mood"),
    **dict.fromkeys(("Narrow_Eyes", "Eyes_Closed", "wide_open_eyes"), "lids"),
    **dict.fromkeys(("Blue_Eyes", "Green_Eyes", "Brown_Eyes"), "eye colour"),
    **dict.fromkeys(("Eyeglasses", "Sunglasses"), "glasses"), **dict.fromkeys(("Bushy_Eyebrows", "thin_eyebrows"), "brows"),
    **dict.fromkeys(("Big_Nose", "small_nose"), "nose"), **dict.fromkeys(("Big_Lips", "thin_lips"), "lips"),
    **dict.fromkeys(("Big_Ears", "small_ears"), "ears"), **dict.fromkeys(("Chubby", "slim_face", "Double_Chin"), "weight"),
    **dict.fromkeys(("No_Beard", "full_beard", "grey_beard", "clean_shaven", "Goatee"), "beard"),
    **dict.fromkeys(("Pale_Skin", "dark_skin", "tan_skin"), "skin"), **dict.fromkeys(("Young", "elderly", "wrinkles"), "age"),
}
# What people mention: features that are there; of those that are not, the ones that somebody might expect.
_ABSENT = {
    "Young": 0.5, "Male": 0.3, "Mouth_Slightly_Open": 0.7, "No_Beard": 1.0, "Eyeglasses": 0.4, "Wearing_Hat": 0.3,
    "Smiling": 0.3, "Eyes_Closed": 0.15, "Bald": 0.15, "Bangs": 0.15, "Wearing_Earrings": 0.15, "Freckles": 0.12,
    "Wearing_Lipstick": 0.15, "Heavy_Makeup": 0.15, "Wearing_Necklace": 0.12, "Mustache": 0.15, "Curly_Hair": 0.12,
}
_PRESENT = {"No_Beard": 0.12, "clean_shaven": 0.12, "Male": 0.3, "Young": 0.3, "Straight_Hair": 0.8, "Eyes_Closed": 3.0}
_WEIGHTS = {(topic, value): _PRESENT.get(topic, 1.0) if value else _ABSENT.get(topic, 0.05) for topic, value in PHRASES}
_EVEN_WEIGHTS = {(topic, value): 1.0 if value else 0.1 for topic, value in PHRASES}
# most people say "a person with curly hair" rather than "a curly-haired person"
_PLACE_WEIGHTS = {"adjective": 0.6, "hair": 2.0, "having": 1.2, "wearing": 2.0, "after": 0.8}


@dataclass(frozen=True)
class Caption:
    """A sentence and everything that it states: `facts[topic]` is True or False. No facts: true of every picture."""

    text: str
    facts: dict[str, bool]


def captions(scene: Scene, rng: np.random.Generator, split: str = "train", count: int = 3) -> list[str]:
    """`count` sentences about `scene` in the words of `split` ("train" or "heldout"). Raises ValueError for others."""
    return [caption.text for caption in describe(scene, rng, split, count)]


def describe(scene: Scene, rng: np.random.Generator, split: str = "train", count: int = 3) -> list[Caption]:
    """As `captions`, with the facts that each sentence states."""
    if count < 1:
        raise ValueError(f"count is {count}; accepted are whole numbers from 1")
    truth = topics(scene)
    return [compose(truth, rng, split) for _ in range(count)]


def compose(truth: dict[str, bool | None], rng: np.random.Generator, split: str = "train", evenly: bool = False) -> Caption:
    """One sentence about a picture of which `truth` (see `portraits.topics.topics`) is known.

    `evenly`: it names more facts than most people would, and whatever is there as often as anything else that is there.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; accepted are {', '.join(SPLITS)}")
    counts, weights = zip(*(_MANY_FACTS if evenly else _FACT_COUNTS))
    facts = _choose_facts(truth, _weighted(counts, weights, rng), rng, _EVEN_WEIGHTS if evenly else _WEIGHTS)
    if not facts:
        return Caption(_word(KINDS, split, rng), {})
    return sentence(facts, rng, split, truth)


def sentence(facts: dict[str, bool], rng: np.random.Generator, split: str = "train",
             truth: dict[str, bool | None] | None = None) -> Caption:
    """A sentence that states `facts`, and the sex and age of the person where the noun says them and `truth` allows."""
    parts: dict[str, list[str]] = {place: [] for place in PLACES}
    said = {"Male", "Young"} & facts.keys()
    unsaid = truth if truth and len(facts) <= 3 else {}
    plain = not said and rng.random() < _PLAIN_CHANCE
    noun, named = ("person", {}) if plain else _noun(facts if said else unsaid, 0.8 if said else 0.25, rng, split)
    for topic, value in facts.items():
        if topic not in named:
            place, words = _realise(PHRASES[topic, value], rng, split, parts)
            parts[place].append(words)
    opening = "" if plain else _word(OPENINGS, split, rng)
    return Caption(f"{opening} {_arrange(noun, parts, rng, split)}".strip(), {**facts, **named})


def _word(table: str, split: str, rng: np.random.Generator) -> str:
    train, _, heldout = table.partition("//")
    return _any((heldout if split == "heldout" and heldout else train).split("|"), rng).strip()


def _any(options: Sequence, rng: np.random.Generator):
    """One of the options: what `rng.choice` draws, without the array that it makes of them first."""
    return options[rng.integers(len(options))]


def _weighted(options: Sequence, weights: Sequence[float], rng: np.random.Generator):
    """One of the options, by weight: what `rng.choice(options, p=weights)` draws."""
    total = sum(weights)
    cumulative = list(accumulate(weight / total for weight in weights))
    return options[bisect_right([c / cumulative[-1] for c in cumulative], rng.random())]


def _choose_facts(truth: dict[str, bool | None], count: int, rng: np.random.Generator, likely: dict[tuple[str, bool], float]) -> dict[str, bool]:
    """`count` facts of different groups, in random order, each as likely as its weight in `likely`."""
    known = [fact for fact in truth.items() if fact in likely]
    weights = np.array([likely[fact] for fact in known])
    chosen: dict[str, bool] = {}
    groups = set()
    # exponential races: the order of independent exponential times is a draw without replacement by weight
    for i in np.argsort(rng.exponential(size=len(known)) / weights):
        if len(chosen) == count:
            break
        topic, value = known[i]
        group = _GROUPS.get(topic, topic)
        if group not in groups:
            chosen[topic] = value
            groups.add(group)
    return chosen


def _noun(known: dict[str, bool | None], chance: float, rng: np.random.Generator, split: str) -> tuple[str, dict[str, bool]]:
    """A noun, and the facts that it states: "woman" {Male: False}; "person" {}."""
    male, young = known.get("Male"), known.get("Young")
    key = (male, young) if young and male is not None and rng.random() < 0.5 else (male, None)
    if key not in NOUNS or rng.random() > chance:
        key = (None, None)
    named = {topic: value for topic, value in zip(("Male", "Young"), key) if value is not None}
    return _word(NOUNS[key], split, rng), named


def _realise(phrases: Phrases, rng: np.random.Generator, split: str, parts: dict[str, list[str]]) -> tuple[str, str]:
    """A place in the sentence and words for it; no third adjective, and hair's adjectives together."""
    options = {place: phrases.options(place, split) for place in PLACES if getattr(phrases, place)}
    if len(options) > 1 and len(parts["adjective"]) >= 2:
        options.pop("adjective", None)
    place = _weighted(list(options), [_PLACE_WEIGHTS[place] for place in options], rng)
    words = options[place]
    # the first words of a row of the table are the usual ones
    return place, words[0] if rng.random() < 0.2 else _any(words, rng)


_LENGTHS_FIRST = ("very", "extremely", "really", "long", "short", "medium", "chin", "shoulder", "mid", "flowing", "close", "cropped")


def _arrange(noun: str, parts: dict[str, list[str]], rng: np.random.Generator, split: str) -> str:
    """The sentence: opening, adjectives, noun, then what the person has, wears, and is."""
    having = list(parts["having"])
    if parts["hair"]:
        # "short curly red hair": length, then texture, then colour, as English puts them
        order = sorted(parts["hair"], key=lambda words: (not words.startswith(_LENGTHS_FIRST), not _is_texture(words)))
        having.append(" ".join(order) + " hair")
    wearing, after = parts["wearing"], list(parts["after"])
    if wearing and (having or rng.random() < 0.5):
        having, wearing = having + wearing, []
    having = [having[i] for i in rng.permutation(len(having))]
    adjectives = parts["adjective"]
    if having and not adjectives and not wearing and not after and noun == "person" and rng.random() < 0.12:
        return _bare(having, rng, split)
    if len(adjectives) == 1 and (having or after) and rng.random() < 0.15:
        return _clauses(f"{_article(noun)}, {adjectives[0]},", having, wearing, after, rng, split)
    return _clauses(_subject(noun, adjectives, rng), having, wearing, after, rng, split)


def _is_texture(words: str) -> bool:
    return any(stem in words for stem in ("curl", "wav", "straight", "sleek", "smooth", "frizz", "ringlet"))


def _subject(noun: str, adjectives: list[str], rng: np.random.Generator) -> str:
    if noun == "person" and not adjectives and rng.random() < 0.3:
        return _any(["someone", "somebody", "a face", "a human face"], rng)
    return _article(" ".join([*adjectives, noun]))


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _bare(having: list[str], rng: np.random.Generator, split: str) -> str:
    """Only the features, as people type into a search box."""
    listed = _listing(having)
    return f"with {listed}" if split == "train" and rng.random() < 0.3 else listed


def _clauses(subject: str, having: list[str], wearing: list[str], after: list[str], rng: np.random.Generator, split: str) -> str:
    who = ("with", "with", "with", "who has", "having") if split == "train" else ("with", "that has", "featuring")
    text = subject
    if after and (not having or rng.random() < 0.5):
        text += " " + after.pop(0)
        text += " and" if (having or wearing) and rng.random() < 0.5 else ""
    if having:
        text += f" {_any(who, rng)} {_listing(having)}"
    if wearing:
        text += (" and" if having else "") + f" {'wearing' if split == 'train' else 'who wears'} {_listing(wearing)}"
    for clause in after:
        text += f", {clause}"
    return text.rstrip(",")


def _listing(items: list[str]) -> str:
    """"a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
