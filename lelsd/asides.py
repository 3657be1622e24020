"""What stands beside a request and asks for nothing: reasons, similes, moods. "Thinner eyebrows. They look like caterpillars" is about eyebrows alone.

Such words are no part of what CLIP is told. Only what names no part of a face is taken for one of these, and only beside something that does.
"""
from __future__ import annotations

import re

from lelsd.colour_words import COLOURS
from lelsd.degrees import COMPARATIVES
from lelsd.lexicon import DETERMINERS, PLACING
from lelsd.matching import FILLERS, find_mentions
from lelsd.orders import ORDER

SENTENCE = re.compile(r"(?<=[.!?;])\s+")
CLAUSE = re.compile(r",\s+")
REASON = re.compile(r"(?:(?:and|but|because|since|as|so(?: that)?) )?(?:i|we|you|s?he|it|they|that|this|there|my|our|for (?:an?|my|our|the)|because|since)(?:\b|['’])", re.IGNORECASE)
ORDERS = re.compile(rf"(?:(?:please|so|and|now|just) )*(?:{ORDER}|take|get|pull|lose|ditch|drop|keep)\b", re.IGNORECASE)
MOOD = r"(?:look|style|vibes?|makeover|energy|aesthetic)"
ALIKE = r"(?:(?:almost|just|a bit) )?(?:like|as if|as though|as after)"
SIMILES = tuple(re.compile(pattern, re.IGNORECASE) for pattern in (
    rf"^(?:an? |the )?[\w' -]*\b{MOOD} *(?:\.\.+|…|[:,;]|-(?= )) *",
    r"^(?:make|turn|give|show|draw|let)\b[^:,.;]* like [^:,.;]*: *",
    rf",? *(?<=[,.] ){ALIKE} [^,.;!?]*",
    r"\b(?:as )(?=[\w-]+ as (?:an?|the|my) )|(?<=\w)(?<!\bbut) as (?:an?|the|my) \w+(?= *(?:$|[,.;!?]))",
    r",? (?:but )?nothing (?:too \w+|over the top)$",
    r",? (?:say|about|around) (?:an?|one|two|\d+) (?:inch(?:es)?|cm|centimet(?:re|er)s?)(?: or so)?(?!\w)",
    r",? (?:it'd|it would|that would|that'd) be (?:\w+ )?(?:perfect|great|nice|good|lovely|better|cool)(?!\w)",
))
SIMILE = re.compile(r"(?<=\w)(?:,? (?:almost|just|a bit))? (?:like|as if|as though) (?!th(?:at|is)\b)(?:an?|the|my|in|at|on|for|someone|(?:s?he|they|it|i)(?:['’]?(?:s|d|re|m))?) .*?(?=[,.;!?]| and | but |$)",
                    re.IGNORECASE)
NO_SIMILE_AFTER = re.compile(r"(?:look\w*|seem\w*|feel\w*|i|we|you|they|would|['’]d|really|not|n['’]?t|dont|to|also)$", re.IGNORECASE)
"""What somebody would like, or is to look like: no aside."""
SHADES = COLOURS.keys() | COMPARATIVES
OF_NO_MORE = DETERMINERS | PLACING | frozenset("give make put add with wearing has have and him them".split())


def without_asides(text: str) -> str:
    """A request alone; a text that names no part of a face comes back as it is.

    >>> without_asides("not so pale, she looks ill")
    'not so pale'
    """
    said = SIMILE.sub(lambda found: "" if _says_more(text[:found.start()]) else found.group(), text)
    for pattern in SIMILES:
        left = pattern.sub("", said)
        if left != said and (_names(left) or not _names(said)):
            said = left
    has_reasons = SENTENCE.search(said) or CLAUSE.search(said)
    return " ".join(filter(None, map(_without_reasons, SENTENCE.split(said)))) if has_reasons and _names(said) else said


def _without_reasons(sentence: str) -> str:
    """What a sentence asks for; nothing, where it names no part and orders nothing."""
    if not (_names(sentence) or ORDERS.match(sentence) or len(sentence.split()) < 2):
        return ""
    first, *others = CLAUSE.split(sentence)
    kept = [first, *(clause for clause in others if _names(clause) or not REASON.match(clause))]
    end = sentence[-1] if len(kept) <= len(others) and sentence[-1] in ".!?;" and kept[-1][-1:] != sentence[-1] else ""
    return ", ".join(kept) + end


def _says_more(text: str) -> bool:
    """Whether the last clause says of a part what it should be like: "curly hair", "a mouth wide open"; not "hair", of which a simile says it all."""
    if NO_SIMILE_AFTER.search(text):
        return False
    clause = re.split(r"[,.;!?]| and ", text)[-1]
    for mention in reversed(find_mentions(clause)):
        if mention.kind == "noun":
            clause = f"{clause[:mention.start]}{' '.join(clause[mention.start:mention.end].split()[:-1])} {clause[mention.end:]}"
    return not OF_NO_MORE.issuperset(clause.lower().split())


def _names(text: str) -> bool:
    """Whether words are about a part of a face, or what it should be like."""
    says = {word.strip(".!?;,").lower() for word in text.split()}
    return not SHADES.isdisjoint(says) or any(mention.kind not in FILLERS for mention in find_mentions(text))
