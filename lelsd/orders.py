"""Orders as descriptions: "dye her hair dark blue" is "a person with dark blue hair", "glasses off" "a person without glasses".

CLIP knows captions of pictures, and no caption tells anybody what to do.
"""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lelsd.lexicon import AFTER_NOUN, GONE, NEGATORS, PEOPLE, PLACING, REMOVALS, SCOPE_ENDS

if TYPE_CHECKING:
    from lelsd.matching import Mention
    from lelsd.prompt import Prompt

SOMEBODY = r"(?:(?:the|this|that) (?:person|man|woman|boy|girl|face|guy|lady|gentleman|dude|kid|child|fellow|chap))"
WHOSE = r"(?:his|her|their|the|my|your|its)"
WHOM = rf"(?:him|her|them|it|me|{SOMEBODY})"
MODAL = r"(?:can|could|would|will|should|shall|may|might|must|ought to|needs? to|has to|have to)"
ORDER = (r"(?:make|give|add|put|remove|take|turn|change|dye|cut|colou?r|paint|open|close|shut|lose|get rid|delete|let|show|see|try|swap|replace|exchange|shave|grow|draw"
         r"|create|generate)\b")
ORDERS: tuple[tuple[str, str], ...] = (
    (r"(?:remove|take off|take away|lose|get rid of|delete) (.+)", "{neutral} without {0}"),
    (rf"(?:give {WHOM}|add|put on|put|grow(?: {WHOM})?) (.+?)(?: (?:on|to) {WHOM})?", "{neutral} with {0}"),
    (rf"shave (?:{WHOM}|yourself)", "a clean-shaven person"),
    (rf"(?:open|close|shut) {WHOSE} (eyes|mouth)", "{neutral} with the {0} {verb}"),
    (rf"(?:make|turn|change) the colou?r of {WHOSE} (.+?) (?:to |into )?(.+)", "{neutral} with {1} {0}"),
    (rf"(?:make|turn) {WHOM} (?:look )?(?:into )?(.+)", "{neutral} who is {0}"),
)
CHANGE = re.compile(rf"(?:please )?(?:make|turn|dye|cut|colour|color|paint|change|grow) (?:(?:{WHOSE}|{WHOM}) )?(?!look )", re.IGNORECASE)
"""A part follows, and how it should be: "make his hair" curly."""
FORBIDS = re.compile(r"(?:please )?(?:do not|don't|dont|never|stop) ", re.IGNORECASE)
STATES = {"open": "open", "close": "closed", "shut": "closed"}


def described(prompt: "Prompt", neutral: str) -> str:
    """The sentence about somebody that an order comes to; "" for a prompt that is none."""
    if told := _taken_away(prompt, neutral) or _part_changed(prompt, neutral):
        return told
    for pattern, template in ORDERS:
        order = re.fullmatch(rf"(?:please )?{pattern}[.!]?", prompt.text, flags=re.IGNORECASE)
        if order:
            return template.format(*order.groups(), neutral=neutral, verb=STATES.get(prompt.text.split()[0].lower(), "open"))
    return ""


def with_article(phrase: str) -> str:
    """ "oval face" -> "an oval face"."""
    return phrase if phrase.lower().startswith(("a ", "an ")) else f"{'an' if phrase[0] in 'aeiouAEIOU' else 'a'} {phrase}"


def _taken_away(prompt: "Prompt", neutral: str) -> str:
    """Of a prompt that says by another word than captions do that something should go, what it says of each thing in theirs."""
    if not any(_denied(mention) for mention in prompt.counted) or _is_a_caption(prompt):
        return ""
    subject = _subject(prompt)
    return f"{with_article(subject.lower()) if subject else neutral} {' and '.join(_fact(prompt.text, mention) for mention in prompt.counted)}"


def _is_a_caption(prompt: "Prompt") -> bool:
    """Whether it denies as captions do: "not smiling", "a woman without a hat"."""
    others = prompt.text.lower()
    for mention in reversed(prompt.mentions):
        others = f"{others[:mention.start]} {others[mention.end:]}"
    words = set(re.findall(r"[a-z/]+", others))
    if words & (REMOVALS | GONE) or FORBIDS.match(prompt.text):
        return False
    return bool(words & NEGATORS) or bool(_subject(prompt)) or bool(words & PEOPLE) and "n't" in others


def _subject(prompt: "Prompt") -> str:
    """Who it is about, where it says more: "woman" of "a woman with her glasses removed"."""
    return next((prompt.text[mention.start:mention.end] for mention in prompt.mentions if mention.kind == "subject" and mention not in prompt.counted), "")


def _denied(mention: "Mention") -> bool:
    """Whether words beside it deny it; some words do so by themselves."""
    return mention.negated and mention.kind != "absent"


def _fact(text: str, mention: "Mention") -> str:
    """ "without the glasses", "who is not bald"."""
    said = text[mention.start:mention.end]
    if mention.kind != "noun":
        return f"who is {'not ' if _denied(mention) else ''}{said}"
    whose = re.search(rf"(?:(?:an?|any|{WHOSE}) +)?$", text[:mention.start], flags=re.IGNORECASE).group()
    return f"{'without' if _denied(mention) else 'with'} {whose}{said}"


def _part_changed(prompt: "Prompt", neutral: str) -> str:
    """Of an order about a part, the part as it should be."""
    order = CHANGE.match(prompt.text)
    part = next((mention for mention in prompt.mentions if order and mention.kind in ("noun", "whole") and mention.start == order.end()), None)
    if part is None:
        return ""
    how = re.sub(r"^(?:to |into |look )", "", prompt.text[part.end:].strip(" .!"), flags=re.IGNORECASE)
    said, words = prompt.text[part.start:part.end], how.lower().split()
    if len(words) == 1 or words and words[0] not in PLACING | {"with"}:
        return f"{neutral} with {how} {said}" if not (SCOPE_ENDS | REMOVALS | {"without"}).intersection(words) else ""
    thing = f"the {said}" if said.split()[-1] in AFTER_NOUN else said if said.endswith("s") else with_article(said)
    return f"{neutral} with {thing} {how}".strip()
