"""What a prompt says shall stay as it is: "bald, but keep the beard", "a smile without changing the hair", "older, same hair".

Edits leave alone what they are not about, so such words ask for nothing; a CLIP that was told of the beard would draw one.
"""
from __future__ import annotations

import re

from lelsd.lexicon import REMOVALS

_JOINED = r"(?:[,;.]\s*|\s*\b)(?:(?:and|but|yet|while|just|please)\s+)*"
_ENDS = r"(?=[,;.]|\s+(?:and|but)\s+(?:make|give|add|change|turn|put|dye|remove|take)\b|\s+but\b|$)"
_KEEPS = (r"(?<!n't )(?<!not )(?<!dont )(?<!never )(?:(?:keep|keeping|leave|leaving|preserve|preserving|maintain|maintaining)(?![^,;.]* (?:off|out|away)\b)"
          r"|(?:do not|don't|dont|without|never) (?:touch|touching|change|changing|alter|altering|modify|modifying))")
_LISTS = r"[^,;.]*?"
_PERSON = r"(?:person|man|woman|girl|boy|guy|lady|one)\b"
KEPT = re.compile(rf"{_JOINED}(?:\b{_KEEPS} {_LISTS}|\b(?:with )?(?:(?:the |his |her |their )?same (?!{_PERSON})|the rest\b|(?:everything|all) else\b){_LISTS}){_ENDS}", re.IGNORECASE)
ALONE = re.compile(rf"^\s*(?:please )?(?:just|only)\s+|\b(?:the )?same (?={_PERSON})", re.IGNORECASE)
"""Words that only say that nothing else is meant."""
SPARED = re.compile(rf"\b(?:{'|'.join(sorted(REMOVALS))})\b[^;.]*?(?P<spared>,?\s+but not {_LISTS}){_ENDS}", re.IGNORECASE)
_LEFT_OVER = re.compile(r"^[\s,;.]*(?:(?:and|but|yet|while)\b)?[\s,;.]*|[\s,;]+$", re.IGNORECASE)


def kept_spans(text: str) -> list[tuple[int, int]]:
    """The characters [start, end) of a prompt that ask for nothing, in order; [] where nothing else would be left."""
    spans = _clauses(text) + [match.span() for match in ALONE.finditer(text)]
    return sorted(spans) if re.search(r"\w", _left_over(_cut(text, spans))) else []


def without_kept(text: str) -> str:
    """The rest of a prompt: "bald".

    >>> without_kept("bald, but keep the beard")
    'bald'
    """
    spans = kept_spans(text)
    return _left_over(_cut(text, spans)) if spans else text


def clauses(text: str) -> list[str]:
    """What a prompt says shall stay, clause by clause; [] where there is none, or where nothing else would be left."""
    return [_left_over(text[start:end]) for start, end in _clauses(text)] if kept_spans(text) else []


def told(text: str) -> str:
    """Which clauses ask for nothing, in a line; "" where there is none."""
    said = [f"“{clause}”" for clause in clauses(text)]
    return f"{' and '.join(said)} ask{'' if len(said) > 1 else 's'} for nothing." if said else ""


def _clauses(text: str) -> list[tuple[int, int]]:
    text = text.replace("’", "'")  # as phones type it
    return [match.span() for match in KEPT.finditer(text)] + [match.span("spared") for match in SPARED.finditer(text)]


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    said, done = "", 0
    for start, end in sorted(spans):
        said, done = said + text[done:start], max(done, end)
    return said + text[done:]


def _left_over(text: str) -> str:
    return " ".join(_LEFT_OVER.sub("", text).split())
