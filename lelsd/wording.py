"""From the way people ask to the way captions are worded: CLIP knows descriptions of pictures, not orders.

eCLIPsed (section 3.3) found imperative prompts ("make the hair blond") to work very badly, and lengthening a prompt not
to help; so orders are turned into descriptions, bare words into a sentence about somebody, and nothing else is changed.
"""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Mapping

from lelsd.colour_words import named_colour
from lelsd.lexicon import PEOPLE, concepts
from lelsd.orders import described, with_article

if TYPE_CHECKING:
    from lelsd.matching import Mention
    from lelsd.prompt import Prompt

MOST_TOLD = 4  # mentions in an explanation
AREA_WORDS = {"beard": "below the nose", "moustache": "between nose and mouth", "chin": "at the chin", "cheeks": "on the cheeks"}


def target_text(prompt: "Prompt", neutral: str) -> str:
    """The sentence the edited picture should fit: "curly hair" -> "a person with curly hair"."""
    if order := described(prompt, neutral):
        return order
    words = set(re.findall(r"[a-z]+", prompt.text.lower()))
    if words & PEOPLE or any(mention.kind == "subject" for mention in prompt.mentions):
        return prompt.text
    first = prompt.mentions[0] if prompt.mentions else None
    if first and first.kind in ("attribute", "general", "absent"):
        is_of_face = prompt.text[first.end:].lower() == " face" or first.kind == "general" and prompt.text[:first.end].lower().endswith(" face")
        return f"{neutral} with {with_article(prompt.text)}" if is_of_face else f"{neutral} who is {prompt.text.removeprefix('is ')}"
    complete = prompt.text.lower().startswith(("with", "wearing", "not ", "in a "))
    return f"{neutral} {prompt.text}" if complete else f"{neutral} with {prompt.text}"


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
