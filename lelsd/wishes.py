"""A prompt that asks for several things, taken apart: "an old man with glasses and long red hair" is four edits.

Learned as one, they get one strength, and the weaker of them drown in the loss. Each alone is what directions are good at, may be
there already, and has a slider of its own: the sequential editing of eCLIPsed, from one sentence. Whom a prompt is about ("man") is
no wish, unless it names nothing else.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import copysign
from typing import TYPE_CHECKING, Callable, Hashable, Iterable, Iterator, Mapping

from lelsd.collection import key
from lelsd.colour_words import COLOURS, DARKER, LIGHTER, OF_ANY_COLOUR, WORN, colours_in, named_colour
from lelsd.degrees import COMPARATIVES, DEGREE, begins_at, degree_of, degrees_in, ends_at, more_in
from lelsd.kept import clauses as kept_clauses
from lelsd.lexicon import (AWAY, BARE, DETERMINERS, GONE, MAX_PROMPT_CHARACTERS, NEGATORS, PEOPLE, PLACING, REMOVALS, SCOPE_ENDS, TAKES,
                           says_where)
from lelsd.prompt import Prompt, parse_prompt
from lelsd.spoken import plainly

if TYPE_CHECKING:
    from lelsd.direction import Direction
    from lelsd.matching import Mention
    from packs.pack import Pack

LONGEST = MAX_PROMPT_CHARACTERS - 50
ARTICLES, ADJECTIVES = ("a", "an"), ("attribute", "general")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
SMALL_WORDS = PLACING | DETERMINERS | SCOPE_ENDS | NEGATORS | REMOVALS | TAKES | AWAY | GONE | PEOPLE | frozenset(
    "and or is are be being look looks looking turn turns turning change changes dye cut paint colour color wear wears by into him them also please grow rid isn't aren't doesn't don't".split())
"""Words that hold a prompt together and say nothing of the face."""
ALL_OR_NOTHING = frozenset(("eyeglasses", "hat", "earrings", "necklace", "clothes"))
"""Parts that are there or not: half a hat is the haze of one."""
NOTABLE = 0.15
"""Of all that an edit changes, the share in a part that anybody sees."""
COLOURED = re.compile(rf"\b(?:(?:{'|'.join(LIGHTER + DARKER)})[\s-]+)?(?:{'|'.join(COLOURS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Thing:
    """The characters [start, end) of a prompt that ask for one thing, and the mention that they are about."""

    start: int
    end: int
    mention: "Mention"

    @property
    def part(self) -> str:
        """The part that it is about most."""
        return self.mention.part


def wishes(prompt: Prompt, pack: "Pack") -> tuple[Prompt, ...]:
    """What a prompt asks for, each thing a prompt of its own, in the order of the text; the prompt itself where that is one thing,
    where some word belongs to none of them, or where a sentence about one of them might be too long for a prompt."""
    plain, found, said = prompt.plain, {}, 0
    for thing in _things(plain, pack) if len(plain.text) <= LONGEST else ():
        for text in _facts(_sentence(plain.text, thing, pack), thing, pack):
            wish = parse_prompt(_compared(text, plain.text[thing.start:thing.end], prompt.read_as), pack)
            if thing.mention.kind == "noun" or _can_be_known(wish, pack):
                found.setdefault(meaning(wish, pack), wish)
                said += 1
    return tuple(found.values()) if said > 1 else (prompt,)


def _can_be_known(wish: Prompt, pack: "Pack") -> bool:
    """Whether a wish has a word that the pack's CLIP knows, or a colour with a name, which it need not know."""
    from packs.attributes import asked_attributes, unsaid
    text = wish.target_text(pack.neutral_text)
    left = set(unsaid(text))
    return bool(named_colour(wish) or asked_attributes(text)) or not left or not left <= set(pack.unknown_words(text))


def meaning(prompt: Prompt, pack: "Pack") -> Hashable:
    """What a prompt comes to: the same for two that ask for the same thing in other words, as far as attributes and colours tell."""
    from packs.attributes import asked_attributes, other_end, unsaid
    if named := named_colour(prompt):
        return named
    text = prompt.target_text(pack.neutral_text)
    lacked = other_end(text)
    asked = {lacked: False} if lacked else asked_attributes(text)
    unknown = set(pack.unknown_words(text)) if prompt.decided_by == "lexicon" else ()  # no learning could make anything of these
    return (frozenset(asked.items()), frozenset(word for word in unsaid(text) if word not in unknown)) if asked else key(text)


def unheard(prompt: Prompt, pack: "Pack") -> tuple[str, ...]:
    """The words of a prompt that mean nothing to the pack's CLIP, but for those that say how much."""
    text = " ".join(DEGREE.sub(" ", plainly(prompt.text)).split())
    return tuple(word for word in (parse_prompt(text, pack) if text else prompt).unknown_words if word not in SMALL_WORDS)


def opposite(meant: Hashable) -> Hashable | None:
    """The meaning of what undoes a single attribute: of "with glasses" for "without glasses"; None for anything else."""
    match meant:
        case (asked, words) if len(asked) == 1 and not words:
            (attribute, value), = asked
            return frozenset({(attribute, not value)}), frozenset()
    return None


def by_meaning(directions: "Iterable[Direction]", pack: "Pack") -> "dict[Hashable, Direction]":
    """Directions by what their prompts mean; of several that mean the same, the first."""
    found: "dict[Hashable, Direction]" = {}
    for direction in directions:
        found.setdefault(meaning(parse_prompt(direction.prompt, pack), pack), direction)
    return found


@dataclass(frozen=True)
class Service:
    """Which direction, by its meaning, does what is asked, and at what strength: 1, or -1 for one that does the opposite and has an end there; a part
    of that where a prompt says how much. further: so much more than it does already. more: so much further than it does already, if it does ("older")."""

    meant: Hashable
    alpha: float
    further: bool = False
    more: float = 0.0

    def strength(self, present: float = 0.0) -> float:
        """The strength to edit with where it is `present`; beyond 1 only where that is."""
        step = copysign(self.more, self.alpha) if self._goes_on(present) else self.alpha if self.further else None
        limit = max(1.0, abs(present))
        return self.alpha if step is None else max(-limit, min(limit, present + step))

    def is_done(self, present: float, begun: float = 0.0) -> bool:
        """Whether `present` is as was asked when it was `begun`: exactly where a prompt says how much, else any strength on that side, and as far as it goes on."""
        alpha = self.strength(begun)
        if self.further or abs(self.alpha) != 1:
            return present == alpha
        return present * alpha > 0 and (not self._goes_on(begun) or abs(present) >= abs(alpha))

    def _goes_on(self, present: float) -> bool:
        return self.more > 0 and present * self.alpha > 0


def served(wish: Prompt, pack: "Pack", directions: "Mapping[Hashable, Direction]") -> Service | None:
    """What does one thing that a prompt asks for, of directions by meaning; None if none does."""
    whole = _served(meaning(wish, pack), directions)
    if wish.part in ALL_OR_NOTHING:
        return whole
    said = plainly(wish.text)
    degree, more = degree_of(said), more_in(said)
    found = _served(meaning(parse_prompt(degree.text, pack), pack), directions) if degree and degree.text else None
    if degree and degree.amount > 0:  # "slightly parted lips" are known as a whole
        found = found or whole
    if found and (degree.amount > 0 or directions[found.meant].has_ends):
        return Service(found.meant, found.alpha * degree.amount, degree.further, more if degree.amount == 1 else 0.0)
    return whole and replace(whole, more=more)


def _served(meant: Hashable, directions: "Mapping[Hashable, Direction]") -> Service | None:
    if meant in directions:
        return Service(meant, 1.0)
    against = opposite(meant)
    return Service(against, -1.0) if against in directions and directions[against].has_ends else None


def changes_kept(prompt: Prompt, direction: "Direction", alpha: float) -> tuple[str, ...]:
    """The parts that a prompt says shall stay, and that what serves it changes notably at the end where `alpha` leads, by its report card: hair greys
    with age. Not the part that it is for: "curly hair, same hair colour" is about hair. Raises ValueError for a damaged card."""
    from lelsd.matching import find_mentions
    kept = {mention.part for clause in kept_clauses(prompt.text) for mention in find_mentions(clause)} - {direction.part}
    measured = direction.card if kept else None
    strength = measured.at(copysign(1.0, alpha)) if measured else None
    return tuple(part for part, share in strength.by_part.items() if part in kept and share >= NOTABLE) if strength else ()


def directions_for(prompt: Prompt, pack: "Pack", known: "Mapping[Hashable, Direction]",
                   learn: "Callable[[Prompt], Direction]") -> "list[tuple[Direction, float]]":
    """A direction and a strength for each thing that a prompt asks for. known: directions by meaning. learn: called for what none of them does."""
    found = []
    for wish in wishes(prompt, pack):
        does = served(wish, pack, known)
        found.append((known[does.meant], does.strength()) if does else (learn(wish), 1.0))
    return found


def _things(prompt: Prompt, pack: "Pack") -> list[Thing]:
    """What a prompt speaks of, in order; nothing if it says more than that which the pack's CLIP could know."""
    text, things = prompt.text, []
    words = [(match.start(), match.end(), match.group().lower()) for match in WORD.finditer(text)]
    for mention in prompt.counted if prompt.decided_by == "lexicon" else ():
        start = _with_its_adjectives(text, words, begins_at(text, mention.start), [other.end for other in prompt.mentions])
        thing = Thing(start, ends_at(text, _with_its_face(prompt, mention)), mention)
        between = [word for first, _, word in words if things and things[-1].end <= first < start]
        if things and (says_where(between) and (thing.part != "background" or things[-1].part == thing.part) or _goes_on(text, things[-1], thing)):
            things[-1] = replace(things[-1], end=thing.end)
        else:
            things.append(thing)
    told = [(thing.start, thing.end) for thing in things] + [(mention.start, mention.end) for mention in prompt.mentions]
    unknown = set(pack.unknown_words(text))
    is_told = all(word in SMALL_WORDS or word in unknown or any(start <= first and last <= end for start, end in told) for first, last, word in words)
    return [thing for thing in things if thing.mention.negated or not BARE.issuperset(text[thing.start:thing.end].lower().split())] if is_told else []


def _with_its_adjectives(text: str, words: list[tuple[int, int, str]], start: int, ends: list[int]) -> int:
    """Where what is said of a thing begins that is first named at `start`: words that no table knows are its adjectives."""
    for first, last, word in reversed(words):
        if first < start and (word in SMALL_WORDS or text[last:start].strip(" -") or any(last <= end <= start for end in ends)):
            break
        start = min(start, first)
    return start


def _with_its_face(prompt: Prompt, mention: "Mention") -> int:
    """Where a mention ends, with the face that it is said of: "an oval face"."""
    after = next((other for other in prompt.mentions if other.start >= mention.end), None)
    is_next = after is not None and after.kind == "whole" and not prompt.text[mention.end:after.start].strip()
    return after.end if is_next and mention.kind in ADJECTIVES else mention.end


def _goes_on(text: str, before: Thing, thing: Thing) -> bool:
    """Whether two things that no attribute says are one, adjectives side by side or of the same part: "a newborn baby", "a shirt with a collar"."""
    from packs.attributes import asked_attributes
    between = text[before.end:thing.start].lower()
    alike = before.part == thing.part and set(between.split()) <= DETERMINERS | {"with"}
    adjacent = not between.strip() and before.mention.kind in ADJECTIVES and thing.mention.kind in ADJECTIVES
    return (alike or adjacent) and not any(asked_attributes(text[one.start:one.end]) for one in (before, thing))


def _sentence(text: str, thing: Thing, pack: "Pack") -> str:
    """What is said of a thing, as a sentence about somebody."""
    phrase, mention, before = text[thing.start:thing.end], thing.mention, text[:thing.start].lower().split()
    degree = degree_of(phrase)
    if degree and degree.amount < 0:  # as it stands: as a sentence about somebody it would be without the thing
        return f"{pack.neutral_text} {'with' if mention.kind == 'noun' else 'who is'} {phrase}"
    if mention.negated != (mention.kind == "absent"):
        phrase = f"without {phrase}" if mention.kind == "noun" else f"not {phrase}"
    elif before and before[-1] in ARTICLES and mention.kind == "noun":
        phrase = f"{before[-1]} {phrase}"
    return parse_prompt(phrase).target_text(pack.neutral_text)


def _facts(sentence: str, thing: Thing, pack: "Pack") -> Iterator[str]:
    """A sentence about one thing, for each attribute that it names and for a colour beside them; itself where that is one."""
    from packs.attributes import asked_attributes, asking, unsaid
    asked, left, part = asked_attributes(sentence), unsaid(sentence), thing.part
    colour = COLOURED.search(sentence).group().lower() if len(colours_in(sentence)) == 1 else ""
    if colour and part in WORN and asked and not thing.mention.negated and set(left) <= set(WORD.findall(colour)):
        yield from (f"{pack.neutral_text} with {WORN[part][0]}", f"{pack.neutral_text} {WORN[part][1]} {colour}")
        return
    colour = colour if part in OF_ANY_COLOUR and not asked else ""
    asked = asked_attributes(" ".join(COLOURED.sub("", sentence).split())) if colour else asked
    if len(asked) + bool(colour) < 2 and (left or not asked or degree_of(sentence)):
        yield sentence
        return
    degrees = _degrees(sentence, colour, pack)
    for attribute, value in asked.items():
        yield degrees.get(attribute) or asking(attribute, value)
    if colour:
        yield degrees.get(colour) or f"{pack.neutral_text} with {colour} hair"


def _degrees(sentence: str, colour: str, pack: "Pack") -> dict[str, str]:
    """Of a sentence that says several things of one, what it says by degrees, each as a sentence of its own: "slightly" is said of what follows it, so of
    "slightly curly red hair" {"Curly_Hair": "a person with slightly curly hair"}. A colour goes by its name."""
    found = {}
    for degree, rest in degrees_in(sentence):
        named = COLOURED.match(rest) if colour else None
        fact, said = (colour, f"{colour} hair") if named else _first_fact(rest)
        if said:
            found.setdefault(fact, f"{pack.neutral_text} with {degree} {said}")
    return found


def _first_fact(text: str) -> tuple[str, str]:
    """The first attribute of a text, and the words that ask for it alone, with the noun that ends the text; ("", "") for none."""
    from packs.attributes import asked_attributes
    ends = [match.end() for match in WORD.finditer(text)]
    noun = text[ends[-2]:].strip() if len(ends) > 1 else ""
    for end in ends:
        said = text[:end] if end == ends[-1] else f"{text[:end]} {noun}"
        if asked := asked_attributes(said):
            return next(iter(asked)), said
    return "", ""


def _compared(wish: str, said: str, reading: Mapping[str, str]) -> str:
    """A wish with the words of the thing `said` that compare as they were typed: CLIP is told "long", but "longer" is more than there is."""
    for typed, plain in reading.items():
        if typed in COMPARATIVES and re.search(rf"\b{plain}\b", said):
            wish = re.sub(rf"\b{plain}\b", typed, wish)
    return wish
