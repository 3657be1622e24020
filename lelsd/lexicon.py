"""The one vocabulary: what people type about a face, and which part of it they mean.

The words are in two tables beside this file, concepts.toml (each says how it is written) and lookalikes.toml; here they
are read, inflected and respelt, and here are the small words of English that hold a phrase together.
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Iterable

KINDS = ("noun", "attribute", "general", "whole", "subject", "absent")
MAX_PROMPT_CHARACTERS = 300


@dataclass(frozen=True)
class Concept:
    """parts {part name: weight in (0, 1]}, phrases by kind, for `absent` phrases what they deny, and the area of its parts that it is in."""
    name: str
    parts: dict[str, float]
    phrases: dict[str, tuple[str, ...]]
    denied: dict[str, str] = field(default_factory=dict)
    area: str = ""


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """The rows of concepts.toml, in order."""
    table = tomllib.loads(_table("concepts.toml"))
    return tuple(
        Concept(
            name,
            row["parts"],
            {kind: tuple(row["absent"]) if kind == "absent" else _phrases(row[kind]) for kind in KINDS if kind in row},
            row.get("absent", {}),
            row.get("area", ""),
        )
        for name, row in table.items()
    )


@lru_cache(maxsize=1)
def idioms() -> tuple[str, ...]:
    """Phrases that hold the name of a part and mean none."""
    return _phrases(tomllib.loads(_table("lookalikes.toml"))["idioms"])


@lru_cache(maxsize=1)
def things() -> frozenset[str]:
    """Nouns that take the meaning of a part's name away: the bank of "nose bank", in one and in many."""
    words = _phrases(tomllib.loads(_table("lookalikes.toml"))["things"])
    return frozenset(form for word in words for form in (word, *_plurals(word)))


def _table(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def forms(phrase: str, kind: str) -> set[str]:
    """A phrase as people write it: in the plural (nouns), in American spelling, without hyphens or apostrophes, about whomever."""
    found = {phrase, *(_plurals(phrase) if kind == "noun" else ())}
    for british, american in AMERICAN.items():
        found |= {form.replace(british, american) for form in found}
    found |= {form.replace("-", " ") for form in found}
    found |= {form.replace("'", "") for form in found}
    if " the " in phrase:
        found |= {form.replace(" the ", f" {whose} ".replace("  ", " ")) for form in found for whose in WHOSE}
    return found


def _plurals(phrase: str) -> tuple[str, ...]:
    if phrase.endswith("s"):
        return ()
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return (f"{phrase[:-1]}ies",)
    return (f"{phrase}es" if phrase.endswith(("x", "ch", "sh")) else f"{phrase}s",)


AMERICAN = {
    "colour": "color", "grey": "gray", "jewellery": "jewelry", "moustach": "mustach", "centre": "center", "armour": "armor",
    "make-up": "makeup", "mould": "mold", "pyjama": "pajama", "woollen": "woolen", "woolly": "wooly",
}
WHOSE = ("his", "her", "their", "my", "your", "its", "both", "each", "one", "")
"""What may stand for "the" in a phrase of the tables, or nothing."""

PEOPLE = frozenset(
    "person people someone somebody human individual portrait photo photograph picture image drawing illustration sketch he "
    "she they who model character".split())
"""Words that say there is somebody; they mean no part."""

MODIFIERS = frozenset(
    "red orange yellow green blue purple violet pink brown black white grey gray golden gold silver dark light bright pale "
    "deep fair hazel amber turquoise teal crimson scarlet beige navy colourful colorful coloured colored dyed natural rosy "
    "big bigger large larger huge small smaller little tiny long longer short shorter medium tall wide wider narrow narrower "
    "thick thicker thin thinner full fuller fine bushy bushier heavy light lighter darker very quite really slightly "
    "extremely rather super so too more round rounded square pointy pointed sharp flat straight crooked hooked button "
    "snub arched raised thick-rimmed rimmed open closed shut wide slight broad broader soft smooth shiny glossy messy neat "
    "tidy tight loose fluffy spiky greasy wet dry new old young funny nice pretty beautiful ugly cute elegant stylish fancy "
    "plain knitted woollen woolly leather wooden plastic metal striped patterned checked floral shaggy trimmed groomed "
    "luscious puffy droopy sparkling piercing shining smiling sad happy angry white-rimmed horn-rimmed full-length "
    "shoulder-length upturned double prominent strong weak high low sunken hollow chubby horn dangling hoop pearl diamond "
    "and-a-half natural-looking protruding sticking-out pursed parted wrinkled freckled tanned blurry blurred blank giant "
    "enormous massive sleek silky lush flowing roman greek almond-shaped hooded downturned slanted oval chunky velvet silk "
    "ginger blonde blond auburn hot chestnut copper platinum rainbow neon pastel".split())
"""Adjectives with no part of their own: they belong to the noun they stand before."""

AFTER_NOUN = frozenset("open closed shut wide parted raised dyed curled down up visible showing".split())
"""Adjectives that may follow their noun: "the mouth wide open"."""

ADVERBS = frozenset("slightly wide half fully partly completely very a bit little just barely".split())
"""What may stand between a noun and the adjective after it: "the mouth slightly open"."""

LIKENESSES = frozenset("shaped like round coloured colored sized style styled inspired themed esque ish".split())
"""After a hyphen, they make an adjective of any noun."""

PLACING = frozenset(
    "on over across around round under underneath beneath below above near beside behind along between through from in at "
    "down next to against of hanging dangling resting sitting pulled perched".split())
DETERMINERS = frozenset(
    "a an the his her their its my your our this that these those one each both either left right upper lower some any".split())
"""Between a thing and the place on the face where it is: "a scar across the left eye"."""

NEGATORS = frozenset("no not n't nt without w/o never lacking lacks minus neither nor hardly barely cannot less fewer".split())
REMOVALS = frozenset(
    "lose loses losing remove removes removing removed delete deletes deleting erase erases erasing eliminate eliminates "
    "shave shaves shaving hide hides hiding ditch ditches missing stop stops stopped hate hates dislike dislikes skip scrap omit exclude avoid".split())
"""Words after which something is not there, and words that take it away; these reach past "and": "remove the hat and the glasses"."""
TAKES, AWAY = frozenset("take takes taking took get gets getting pull pulls".split()), frozenset("off away out".split())
"""Together they take away: "take the hat off"."""
NEGATING_PAIRS = frozenset(
    {("instead", "of"), ("rather", "than"), ("rid", "of"), ("free", "of"), ("free", "from"), ("devoid", "of"), ("bare", "of"), ("clear", "of")})
GONE = frozenset("removed gone deleted erased missing absent off away free less fewer".split())
"""Words that deny what stands before them: "with the wrinkles removed", "make-up free"."""
SCOPE_ENDS = frozenset(
    "but plus with who whose that wearing having has instead yet while although though add adds give put make makes keep keeps "
    "then : ; .".split())
"""A negation reaches up to one of these; also past "or" and "nor", and past "and" only after "without" and removals; past a comma in a
list that one of them closes."""
FORBIDDEN = frozenset("wearing having has add give put make keep".split())
"""Those of them past which it reaches when it stands before them: "don't give him a beard"."""
JOINING = frozenset("and or nor neither but plus while yet though although however".split())
"""Words that a text model need not know."""
BARE = frozenset("hair haired head face skin brow brows eyebrows eye eyes ear ears nose mouth lip lips teeth cheek cheeks chin jaw forehead neck".split())
"""What everybody has: with nothing said of it, it is no wish, but where one is."""


VERBS = frozenset("dye cut colour color".split())
"""Nouns that are verbs before what somebody has: "dye her hair"."""


def says_where(between: Iterable[str]) -> bool:
    """Whether lower-case words between two mentions make the second the place of the first: just a preposition and an article."""
    between = list(between)
    return any(word in PLACING for word in between) and all(word in PLACING | DETERMINERS | MODIFIERS for word in between)


def check_prompt(text: str) -> str:
    """`text` with white space tidied; ValueError if nothing is left or it is longer than 300 characters."""
    tidy = " ".join(str(text).replace("\0", " ").split())
    if not tidy:
        raise ValueError("the prompt is empty: describe the face you want in up to 300 characters, such as 'a person with curly hair'")
    if len(tidy) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"the prompt '{tidy[:40]}…' has {len(tidy)} characters: at most {MAX_PROMPT_CHARACTERS} are accepted")
    return tidy
