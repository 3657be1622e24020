"""What a prompt wants to be gone: the ways to say no, those that only look like one, and how far a no reaches."""

from __future__ import annotations

import pytest

from lelsd.prompt import parse_prompt

NEGATED = [line.split(" | ") for line in """
someone without a hat | hat | someone with a hat
no beard | skin | a person with beard
a man with no beard | skin | a man with beard
not smiling | mouth | a person who is smiling
she isn't smiling | mouth | she is smiling
a clean-shaven man | skin | a bearded man
hatless | hat | a person who is wearing a hat
a woman who never wears glasses | eyeglasses | a woman who wears glasses
a person without a necklace or earrings | necklace | a person with a necklace or earrings
without glasses | eyeglasses | a person with glasses
not wearing a hat | hat | a person wearing a hat
""".strip().splitlines()]


@pytest.mark.parametrize("text, part, source", NEGATED)
def test_negation(text, part, source):
    prompt = parse_prompt(text)
    assert prompt.part == part and prompt.negated
    assert prompt.source_text("a person") == source


@pytest.mark.parametrize("text", [
    "un-smiling", "a face with the wrinkles removed", "wrinkle-free", "take the hat off", "get rid of the beard",
    "she removes her hat", "contact lenses rather than glasses", "no glasses, hat or beard", "remove the hat and the glasses",
    "shave off his beard", "doesnt wear a necklace", "free of freckles", "stop smiling", "don't add glasses", "do not give him a beard",
    "without glasses, hat or beard", "without glasses, hat and beard", "remove the hat, the glasses", "without glasses and a hat"])
def test_ways_to_say_no(text):
    assert [m for m in parse_prompt(text).mentions if m.kind != "whole"][-1].negated


@pytest.mark.parametrize("text", [
    "not only curly hair", "take a picture of blue eyes", "a hoodie off the shoulder", "no hat and long hair",
    "remove the hat and add glasses", "without makeup, freckles", "without glasses, long hair, blue eyes", "remove the hat, smile",
    "no glasses or earrings, red hair", "without glasses or earrings, red hair", "without glasses but a hat", "no hat plus a beard",
    "instead of a hat, glasses"])
def test_ways_that_only_look_like_no(text):
    assert not parse_prompt(text).mentions[-1].negated


@pytest.mark.parametrize("text", [
    "a man with no hat but a beard", "a person with no glasses and with long hair", "a smiling man without a hat"])
def test_negation_reaches_only_its_own_part(text):
    by_part = {next(iter(m.parts)): m.negated for m in parse_prompt(text).mentions if m.kind != "subject"}
    assert sorted(by_part.values()) == [False, True]
    assert by_part.get("hat", by_part.get("eyeglasses")) is True
