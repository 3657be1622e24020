"""Parts and then how they should be, as descriptions: "hair longer, eyes blue" is "longer hair with blue eyes".

Captions say what a part is like before they name it, and so do the phrases by which directions are found. Orders for a part come to the same:
"make her hair long and curly" is "long and curly hair".
"""
from __future__ import annotations

import re
from functools import lru_cache

from lelsd.colour_words import COLOURS
from lelsd.degrees import COMPARATIVES, LITTLE, MUCH
from lelsd.lexicon import AFTER_NOUN, DETERMINERS, MODIFIERS, PLACING
from lelsd.matching import find_mentions
from lelsd.orders import CHANGE, MODAL, ORDER, WHOSE

MAX_JOINTS = 6  # between clauses; each doubles what is tried
NOT_BEFORE_NOUNS = PLACING | {"looking", "facing", "showing"}
JOINT = re.compile(r" *(?:,? and\b|[,;.]) *", re.IGNORECASE)
GOES_ON = re.compile(rf"{ORDER}|(?:with|without|wearing|no|an?) ", re.IGNORECASE)
BEGINS_ANEW = re.compile(rf"{CHANGE.pattern}|{WHOSE} ", re.IGNORECASE)
SHOULD_BE = re.compile(rf"^(?::|,|(?:{MODAL} )?(?:be|is|are|was|were|looks?|become)\b|(?:to be|to|into|look)\b)? *", re.IGNORECASE)
NOTHING_YET = re.compile(rf"(?:only |just )?change {WHOSE} \w+", re.IGNORECASE)
REMOVED = re.compile(r"[^,.;!?]*[,.;!?]+ *(?:(?:please|so|and|now) )*(?:(?:take|get|pull) (?:it|them|that) (?:off|away|out)|(?:remove|lose|delete|ditch|drop|get rid of) (?:it|them|that))(?!\w)", re.IGNORECASE)
PRONOUN = re.compile(r"\b(make|turn|dye|cut|colou?r|paint|change) (?:it|them)\b", re.IGNORECASE)
DEGREE = re.compile(rf"(?:{LITTLE}|{MUCH}|more|less|fewer)\b", re.IGNORECASE)


def without_pronouns(text: str) -> str:
    """With the part that was named before in place of "it" and "them": "change the eyebrows, make them bushy"."""
    if gone := REMOVED.search(text):
        named = [mention for mention in find_mentions(gone.group()) if mention.kind == "noun"]
        if named:
            text = f"{text[:gone.start()]}no {gone.group()[named[-1].start:named[-1].end]}{text[gone.end():]}"
    found = PRONOUN.search(text)
    named = [mention for mention in find_mentions(text[:found.start()]) if mention.kind == "noun" and not mention.negated] if found else []
    return f"{text[:found.end(1)]} the {text[named[-1].start:named[-1].end]}{text[found.end():]}" if named else text


def parts_last(text: str) -> str:
    """A text with its parts last, clause by clause; itself where that makes none.

    >>> parts_last("hair blonde, eyes blue")
    'blonde hair with blue eyes'
    """
    described, joints = _part_last(text), list(JOINT.finditer(text))
    for joint in reversed(joints) if described == text and len(joints) <= MAX_JOINTS else ():
        first, rest = text[:joint.start()], text[joint.end():]
        before, after = parts_last(first), _part_last(rest)
        if after != rest and NOTHING_YET.fullmatch(first):
            return after
        if (before != first and (after != rest or GOES_ON.match(rest) or _is_description(rest))) or (
                after != rest and (GOES_ON.match(first) and BEGINS_ANEW.match(rest) or _is_description(first))):
            return f"{before} {'and' if after == rest else 'with'} {after}"  # past "with" nothing denied before it reaches
    return described


def _is_description(text: str) -> bool:
    """Whether a text is of one part and says what it is like before it names it: "a huge nose"."""
    match [mention for mention in find_mentions(text) if mention.kind == "noun"]:
        case [part] if part.end == len(text) and not part.negated:
            return len([word for word in text.lower().split() if word not in DETERMINERS]) > 1
    return False


@lru_cache(maxsize=512)
def _part_last(text: str) -> str:
    """Of a part and then how it should be, or of an order for that, a description: "nose a bit smaller" is "a bit smaller nose"."""
    order, mentions = CHANGE.match(text), find_mentions(text)
    part = mentions[0] if mentions else None
    named = text[part.start:part.end] if part else ""
    if part is None or part.kind not in ("noun", "whole") or part.negated or "," in named or AFTER_NOUN.intersection(named.lower().split()[1:]):
        return text
    is_ordered = order is not None and order.end() == part.start
    if not is_ordered and not (DETERMINERS - {"a", "an"}).issuperset(text[:part.start].lower().split()):
        return text
    how = SHOULD_BE.sub("", text[part.end:].strip())
    each = re.split(r",? and |, ", how)
    hows = each if any(DEGREE.match(one) for one in each) else [how]
    return " and ".join(f"{one} {named}" for one in hows) if _is_how(how) else text


def _is_how(text: str) -> bool:
    """Whether words say nothing but how a part should be."""
    if NOT_BEFORE_NOUNS.intersection(text.lower().split()[:1]):
        return False
    mentions = find_mentions(text)
    for mention in reversed(mentions):
        text = f"{text[:mention.start]} {text[mention.end:]}"
    left = re.findall(r"[\w-]+", DEGREE.sub(" ", text.lower()))
    adjectives = all(word in MODIFIERS or word in COLOURS or word in COMPARATIVES or word == "and" for word in left)
    states = all(mention.kind in ("attribute", "general") and not (mention.negated or mention.read_as) for mention in mentions)
    return adjectives and states and bool(mentions or left)
