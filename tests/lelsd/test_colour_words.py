"""Words for colours: which prompts ask for nothing else, which colours they name, and whether a picture has one."""
from __future__ import annotations

import pytest
import torch

from lelsd.colour_words import COLOURS, TOLERANCE, NamedColour, colours_in, named_colour
from lelsd.prompt import parse_prompt


@pytest.mark.parametrize("text, part, rgb", [
    ("a person with pink hair", "hair", (235, 120, 170)), ("dye her hair turquoise", "hair", (60, 190, 190)), ("a pink-haired woman", "hair", (235, 120, 170)),
    ("a person in a dark blue shirt", "clothes", (33, 55, 116)), ("a man in front of a light green background", "background", (144, 192, 150)), ("a person whose hat is dark red", "hat", (110, 22, 25)),
])
def test_prompts_that_name_a_colour(text, part, rgb):
    found = named_colour(parse_prompt(text))
    assert (found.part, found.rgb) == (part, rgb)


@pytest.mark.parametrize("text", [
    "a person with red hair",  # which faces have, and not as a fire engine has it
    "a person with a red hat", "a person whose hat is big", "a person whose glasses are red",  # a thing, and maybe its colour
    "a person with pink curly hair", "a person with purple hair and glasses", "a person with pink and blue hair",  # more than one thing
    "a person without pink hair", "a person with pink lips", "a person with blue eyes", "a person with curly hair", "a person", "pink",
])
def test_prompts_that_do_not(text):
    assert named_colour(parse_prompt(text)) is None


def test_words_for_colours():
    assert colours_in("A pale PINK shirt, deep blue jeans") == [(243, 174, 204), (33, 55, 116)] and colours_in("a shirt") == []


def test_whether_a_picture_has_the_colour():
    """By hand: there, half the tolerance away, further, and not there at all, where the colour of nothing happens to be near."""
    pink = NamedColour("hair", (235, 120, 170))
    colours = pink.values + torch.tensor([[0.0, 0.0, 0.0], [0.5 * TOLERANCE, 0.0, 0.0], [0.0, 0.0, -2 * TOLERANCE], [0.0, 0.0, 0.0]])
    assert pink.score(colours, torch.tensor([True, True, True, False])).tolist() == pytest.approx([1.0, 0.5, -1.0, -1.0])


@pytest.mark.parametrize(("text", "rgb"), [("crimson hair", "crimson"), ("a woman with maroon hair", "maroon"), ("a navy suit", "navy"), ("charcoal hair", "charcoal")])
def test_a_colour_that_clip_was_never_taught_is_not_taken_for_a_plainer_one(portraits, text, rgb):
    prompt = parse_prompt(text, portraits)
    assert named_colour(prompt).rgb == COLOURS[rgb] and not prompt.read_as and not prompt.unknown_words


def test_what_cannot_have_any_colour_has_the_plainer_one(portraits):
    assert parse_prompt("scarlet lips", portraits).read_as == {"scarlet": "red"}


def test_words_that_join_are_none_that_a_text_model_must_know(portraits):
    assert parse_prompt("bald but bearded", portraits).unknown_words == ()
