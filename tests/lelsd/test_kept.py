"""Clauses of a prompt that ask for nothing: what is left of it, which parts count, and what the studio says of them."""
from __future__ import annotations

import pytest

from lelsd.kept import kept_spans, told, without_kept
from lelsd.prompt import parse_prompt


@pytest.mark.parametrize("prompt, left", [
    ("make him bald but keep the beard", "make him bald"),
    ("older but keep the hair as it is", "older"),
    ("make her smile without changing the hair", "make her smile"),
    ("add glasses, leave the rest alone", "add glasses"),
    ("Keep her hair, make her smile", "make her smile"),
    ("keep everything else unchanged, add a hat", "add a hat"),
    ("add a beard and keep the rest", "add a beard"),
    ("blonde hair, same face", "blonde hair"),
    ("same hair but older", "older"),
    ("same person with curly hair", "person with curly hair"),
    ("make the hair red but don't touch the eyebrows", "make the hair red"),
    ("make the hair red but don’t touch the eyebrows", "make the hair red"),
    ("remove the hat, the glasses but not the earrings", "remove the hat, the glasses"),
    ("only change the hair to red", "change the hair to red"),
    ("Just a smile", "a smile"),
])  # fmt: skip
def test_what_shall_stay_as_it_is_is_left_out(prompt, left):
    assert without_kept(prompt) == left


@pytest.mark.parametrize("prompt", [
    "don't change the eyes", "keep the glasses", "don't keep the beard", "leave out the glasses", "keep the hat off, add a beard", "leaves in her hair",
    "a beard but no moustache", "no beard but not bald", "don't remove the hat but make it red", "rest your head", "a person with the same", "",
])  # fmt: skip
def test_all_else_stays_as_it_was_typed(prompt):
    assert without_kept(prompt) == prompt and kept_spans(prompt) == [] and told(prompt) == ""


def test_only_what_is_asked_for_counts(portraits):
    prompt = parse_prompt("make him bald but keep the beard", portraits)
    assert prompt.parts == {"hair": 1.0} and prompt.target_text() == "a person who is bald" and prompt.unknown_words == ()
    assert prompt.text == "make him bald but keep the beard", "as it was typed"
    assert prompt.explanation == "Because of “bald”. “keep the beard” asks for nothing."


def test_what_is_spared_is_not_taken_away(portraits):
    prompt = parse_prompt("shave the beard but not the moustache", portraits)
    assert prompt.negated and prompt.target_text() == "a person without the beard"


def test_several_clauses_are_told(portraits):
    prompt = parse_prompt("a hat, same face, and leave the hair alone", portraits)
    assert prompt.parts == {"hat": 1.0} and prompt.explanation.endswith("“same face” and “leave the hair alone” ask for nothing.")
