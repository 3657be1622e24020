"""What is there already of something that nobody has learned, found among the ready-made directions of the built-in pack."""

from __future__ import annotations

import pytest

from lelsd.direction import load_direction
from lelsd.near import near
from lelsd.prompt import parse_prompt
from lelsd.wishes import by_meaning, served


@pytest.fixture(scope="module")
def known(portraits):
    return by_meaning((load_direction(path) for path in portraits.directions()), portraits)


@pytest.mark.parametrize("text, expected", [
    ("a person with round wire spectacles", {"a person with glasses": 1.0}),
    ("a person with long wavy reddish-green hair", {"a person with long hair": 1.0, "a person with wavy hair": 1.0}),
    ("Wavy hair falling past the shoulders, and dangly earrings if that's possible", {"a person with wavy hair": 1.0, "a person with earrings": 1.0}),
    ("no hair, no beard, nothing, smooth like an egg", {"a person with a beard": -1.0}),
    ("Mi hermana has green eyes and wavy brown hair, make like her",
     {"a person with green eyes": 1.0, "a person with wavy hair": 1.0, "a person with brown hair": 1.0}),
    ("a person without pinker hair", {}),
    ("he is too pale he look like ghost give him color", {}),
    ("a person with thin ears", {}),
])
def test_phrases_are_served_with_as_few_words_left_out_as_can_be(text, expected, portraits, known):
    prompt = parse_prompt(text, portraits)
    assert served(prompt, portraits, known) is None, "it need not be learned"
    found = near(prompt, portraits, known)
    assert {known[service.meant].prompt: service.alpha for service in found} == expected


def test_what_the_words_deny_is_near_as_it_is_denied(portraits, known):
    [service] = near(parse_prompt("a person without round wire glasses", portraits), portraits, known)
    assert known[service.meant].prompt == "a person with glasses" and service.alpha == -1.0
