"""From the way people ask to the way captions are worded: CLIP knows descriptions of pictures, not orders.

eCLIPsed (section 3.3) found imperative prompts ("make the hair blond") to work very badly, and lengthening a prompt not
to help; so orders are turned into descriptions, bare words into a sentence about somebody, and nothing else is changed.
"""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Mapping

from lelsd.colour_words import named_colour
from lelsd.lexicon import AFTER_NOUN, GONE, NEGATORS, PEOPLE, PLACING, REMOVALS, SCOPE_ENDS, concepts

if TYPE_CHECKING:
    from lelsd.matching import Mention
    from lelsd.prompt import Prompt

WHOSE, WHOM = r"(?:his|her|their|the|my|its)", r"(?:him|her|them|it|me|the person|the man|the woman)"
ORDERS: tuple[tuple[str, str], ...] = (
    (r"(?:remove|take off|take away|lose|get rid of|delete) (.+)", "{neutral} without {0}"),
    (rf"(?:give {WHOM}|add|put on|put) (.+?)(?: (?:on|to) {WHOM})?", "{neutral} with {0}"),
    (rf"(?:open|close|shut) {WHOSE} (eyes|mouth)", "{neutral} with the {0} {verb}"),
    (rf"(?:make|turn|change) the colou?r of {WHOSE} (.+?) (?:to |into )?(.+)", "{neutral} with {1} {0}"),
    (rf"(?:make|turn) {WHOM} (?:look )?(?:into )?(.+)", "{neutral} who is {0}"),
)
CHANGE = re.compile(rf"(?:please )?(?:make|turn|dye|cut|colour|color|paint|change) (?:(?:{WHOSE}|{WHOM}) )?(?!look )", re.IGNORECASE)
"""An order about a part follows: "make his hair", then how it should be."""
FORBIDS = re.compile(r"(?:please )?(?:do not|don't|dont|never|stop) ", re.IGNORECASE)
"""An order of its own: "don't add glasses"."""
MOST_TOLD = 4  # mentions in an explanation
AREA_WORDS = {"beard": "below the nose", "moustache": "between nose and mouth", "chin": "at the chin", "cheeks": "on the cheeks"}
STATES = {"open": "open", "close": "closed", "shut": "closed"}


def target_text(prompt: "Prompt", neutral: str) -> str:
    """The sentence the edited picture should fit: "curly hair" -> "a person with curly hair"."""
    if told := _taken_away(prompt, neutral) or _part_changed(prompt, neutral):
        return told
    for pattern, template in ORDERS:
        order = re.fullmatch(rf"(?:please )?{pattern}[.!]?", prompt.text, flags=re.IGNORECASE)
        if order:
            return template.format(*order.groups(), neutral=neutral, verb=STATES.get(prompt.text.split()[0].lower(), "open"))
    words = set(re.findall(r"[a-z]+", prompt.text.lower()))
    if words & PEOPLE or any(mention.kind == "subject" for mention in prompt.mentions):
        return prompt.text
    first = prompt.mentions[0] if prompt.mentions else None
    if first and first.kind in ("attribute", "general", "absent"):
        said, rest = prompt.text[:first.end].lower(), prompt.text[first.end:].lower()
        return f"{neutral} with {_with_article(prompt.text)}" if first.kind == "general" and said.endswith(" face") or rest == " face" else f"{neutral} who is {prompt.text.removeprefix('is ')}"
    complete = prompt.text.lower().startswith(("with", "wearing", "not ", "in a "))
    return f"{neutral} {prompt.text}" if complete else f"{neutral} with {prompt.text}"


def _taken_away(prompt: "Prompt", neutral: str) -> str:
    """The sentence for a prompt that says by another word than captions do that something should go: "glasses off" -> "a person without
    glasses"; "" for any other."""
    text, told, said, subject = prompt.text, prompt.counted, "", ""
    for before, mention in zip((None, *prompt.mentions), prompt.mentions):
        said += f" {text[before.end if before else 0:mention.start]}"
        subject = subject or (text[mention.start:mention.end] if mention.kind == "subject" and mention not in told else "")
    words = set(re.findall(r"[a-z/]+", (said + text[prompt.mentions[-1].end:] if said else "").lower()))
    is_caption = words & NEGATORS or subject or words & PEOPLE and "n't" in said
    if not any(mention.negated and mention.kind != "absent" for mention in told) or is_caption and not words & (REMOVALS | GONE) and not FORBIDS.match(text):
        return ""
    facts = []
    for mention in told:
        phrase, noun = text[mention.start:mention.end], mention.kind == "noun"
        whose = re.search(rf"(?:(?:an?|any|{WHOSE}) +)?$", text[:mention.start], flags=re.IGNORECASE).group()
        denied = mention.negated and mention.kind != "absent"
        facts.append(f"{'without' if denied else 'with'} {whose}{phrase}" if noun else f"who is {'not ' if denied else ''}{phrase}")
    return f"{_with_article(subject.lower()) if subject else neutral} {' and '.join(facts)}"


def _part_changed(prompt: "Prompt", neutral: str) -> str:
    """The sentence for an order about a part: "dye her hair dark blue" -> "a person with dark blue hair"; "" for any other."""
    order = CHANGE.match(prompt.text)
    part = next((mention for mention in prompt.mentions if order and mention.kind in ("noun", "whole") and mention.start == order.end()), None)
    if part is None:
        return ""
    how = re.sub(r"^(?:to |into |look )", "", prompt.text[part.end:].strip(" .!"), flags=re.IGNORECASE)
    said, words = prompt.text[part.start:part.end], how.lower().split()
    if words and (len(words) == 1 or words[0] not in PLACING | {"with"}):
        return f"{neutral} with {how} {said}" if not (SCOPE_ENDS | REMOVALS | {"without"}).intersection(words) else ""
    thing = f"the {said}" if said.split()[-1] in AFTER_NOUN else said if said.endswith("s") else _with_article(said)
    return f"{neutral} with {thing} {how}".strip()


def _with_article(phrase: str) -> str:
    return phrase if phrase.lower().startswith(("a ", "an ")) else f"{'an' if phrase[0] in 'aeiouAEIOU' else 'a'} {phrase}"


def source_text(prompt: "Prompt", neutral: str) -> str:
    """The sentence the picture fits before the edit.

    The thing itself where the prompt denies it ("with a hat" for "without a hat"), the same kind of person where the
    prompt names one ("a woman" for "a woman with curly hair": the edit is the hair), the neutral text otherwise.
    """
    if prompt.negated:
        return affirmative(target_text(prompt, neutral))
    subject = next((mention for mention in prompt.mentions if mention.kind == "subject"), None)
    if subject and any(mention.kind != "subject" for mention in prompt.mentions):
        return f"a {prompt.text[subject.start:subject.end].lower()}"
    return neutral


def affirmative(text: str) -> str:
    """A sentence without its negation: "someone without a hat" -> "someone with a hat"."""
    for word, opposite in (pair for concept in concepts() for pair in concept.denied.items()):
        text = re.sub(rf"\b{re.escape(word)}\b", opposite, text, flags=re.IGNORECASE)
    text = re.sub(r"\bwithout\b", "with", text, flags=re.IGNORECASE)
    text = re.sub(r"n't\b|\b(not|never|no longer|no|neither|hardly|barely|lacking|missing|minus|any)\b", " ", text, flags=re.IGNORECASE)
    return " ".join(re.sub(r"\bnor\b", "and", text, flags=re.IGNORECASE).split())


def explanation(prompt: "Prompt") -> str:
    """Why these parts, in a line: "Because of “smiling” (mouth) and “hat” (hat, to go)."."""
    if prompt.decided_by == "user":
        return "Chosen by you."
    phrase = f"“{prompt.phrase}”" if prompt.phrase else "the prompt"
    told, goal = prompt.counted[:MOST_TOLD], " The colour itself is the goal." if named_colour(prompt) else ""
    if prompt.decided_by == "lexicon" and len(told) > 1:
        more = len(prompt.counted) - len(told)
        items = [f"{_said(prompt, mention)} ({_meant(mention)})" for mention in told] + ([f"{more} more"] if more else [])
        return f"Because of {', '.join(items[:-1])} and {items[-1]}.{goal}"
    reasons = {"lexicon": f"Because of {_said(prompt, told[0]) + _narrowed(told[0]) if told else phrase}.", "vectors": f"Because {phrase} is near to it in meaning.",
               "clip": f"Because the model of pictures and words connects {phrase} with it."}
    return reasons.get(prompt.decided_by, "No part was recognised, so the whole face may change.") + (" It is asked to go away." if prompt.negated else goal)


def reading(read_as: Mapping[str, str]) -> str:
    """Which words are taken for which, in a line: "“joyful” is read as “happy”, “specs” as “glasses”."; "" for none."""
    said = ", ".join(f"“{typed}” {'as' if index else 'is read as'} “{plain}”" for index, (typed, plain) in enumerate(read_as.items()))
    return said and f"{said}."


def _said(prompt: "Prompt", mention: "Mention") -> str:
    said = f"“{prompt.text[mention.start:mention.end]}”"
    return f"{said}, read as “{mention.read_as}”" if mention.read_as else said


def _meant(mention: "Mention") -> str:
    """The parts that a mention means for sure, and that it denies them."""
    sure = [name for name, weight in mention.parts.items() if weight >= 0.5 * max(mention.parts.values())]
    return ", ".join(sure + ([AREA_WORDS[mention.area]] if mention.area else [])) + (", to go" if mention.negated else "")


def _narrowed(mention: "Mention") -> str:
    """Where in its parts a mention means, if not in all of them: " (between nose and mouth)"."""
    return f" ({AREA_WORDS[mention.area]})" if mention.area else ""
