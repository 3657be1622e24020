"""Requests as people speak them, said plainly: "could you make her smile, please?" is "make her smile", "what if she had red hair" "with red hair".

Many write to a machine as to a person. The words that only ask are taken off; what they ask for stays, as a description or as an
order of `lelsd.orders`. That is what CLIP is told, and what is looked for among the directions that are there.
"""
from __future__ import annotations

from functools import lru_cache

from lelsd.asides import without_asides
from lelsd.part_first import parts_last, without_pronouns
from lelsd.spoken_rules import RULES


@lru_cache(maxsize=512)
def plainly(text: str) -> str:
    """What a request asks for; a text that asks as captions do comes back as it is.

    >>> plainly("could you give him a beard, please?")
    'give him a beard'
    >>> plainly("his nose is too small")
    'bigger nose'
    """
    said = without_asides(text)
    for pattern, replacement in RULES:
        said = pattern.sub(replacement, said)
    return parts_last(without_pronouns(said.strip(" ,"))) or text
