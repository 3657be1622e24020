"""A prompt that asks for several things is taken apart into prompts for each."""

from __future__ import annotations

import pytest

from lelsd.prompt import parse_prompt
from lelsd.wishes import meaning, opposite, wishes
from packs.pack import Pack


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("an old man with glasses and a white beard", ["an older person", "a person with glasses", "a person with a white beard"]),
        ("long curly red hair", ["a person with long hair", "a person with curly hair", "a person with red hair"]),
        ("a woman with long light blue hair and a yellow shirt",
         ["a person with long hair", "a person with light blue hair", "a person with a yellow shirt"]),
        ("a man in a dark red cap", ["a person with a hat", "a person whose hat is dark red"]),
        ("a smiling person without a hat and with no glasses", ["a person with a smile", "a person with no hat", "a person with no glasses"]),
        ("not smiling, with sunglasses", ["a person with no smile", "a person with sunglasses"]),
        ("a clean-shaven old man", ["a person with no beard", "an older person"]),
        ("make her smile and give her curly hair", ["a person with a smile", "a person with curly hair"]),
        ("a jubilant bloke in specs", ["a person with a smile", "a person with glasses"]),
        ("a person with bangs, glases and spectacles", ["a person with bangs", "a person with glasses"]),
        ("a person with quokka hair and knobbly glasses", ["a person with quokka hair", "a person with knobbly glasses"]),
        ("freckles on the nose and a scar over the left eye", ["a person with freckles", "a person with a scar over the left eye"]),
        ("a curly haired boy with a heart-shaped face and freckles", ["a person with curly hair", "a person with a heart-shaped face", "a person with freckles"]),
        ("a beautiful newborn baby who wears glasses", ["a person who is beautiful newborn baby", "a person with glasses"]),
        ("without glasses but a hat", ["a person with no glasses", "a person with a hat"]),
        ("woman without makeup, freckles, red hair", ["a person with no makeup", "a person with freckles", "a person with red hair"]),
        ("shave off his beard and add glasses", ["a person with no beard", "a person with glasses"]),
        ("a burgundy hat and scarlet hair", ["a person with a hat", "a person whose hat is burgundy", "a person with scarlet hair"]),
        ("a beard on a blue background", ["a person with a beard", "a person with a blue background"]),
        ("a pink dress, in a field of daisies", ["a person with a pink dress", "a person with a field of daisies"]),
        ("round face with glasses", ["a person with a chubby face", "a person with glasses"]),
        ("a woman with a ponytail and a crown", ["a person with a ponytail", "a person with a crown"]),
        ("a zeppelin with curly hair and glasses", ["a person with curly hair", "a person with glasses"]),
        ("pink hair and glasses, goth girl vibes", ["a person with pink hair", "a person with glasses"]),
    ],
)
def test_each_thing_is_a_prompt_of_its_own(portraits, prompt, expected):
    assert [wish.text for wish in wishes(parse_prompt(prompt, portraits), portraits)] == expected


@pytest.mark.parametrize("prompt", ["a person with curly hair", "remove the glasses", "a man", "a red scarf", "a person whose hat is red", "a bowl-shaped red hat", "no red hat", "pink hair", "crimson hair", "dye her hair platinum blonde", "a truck", "glasses on the nose", "freckles on the cheeks", "a dark green shirt",
                                    "hair without curls", "biting her lip", "a newborn baby", "a shirt with an open collar", "a round face"])
def test_a_prompt_for_one_thing_stays_as_it_was_typed(portraits, prompt):
    parsed = parse_prompt(prompt, portraits)
    assert wishes(parsed, portraits) == (parsed,)


def test_a_word_that_belongs_to_no_thing_keeps_a_prompt_whole_if_clip_knows_it(portraits, monkeypatch):
    monkeypatch.setattr(Pack, "unknown_words", lambda self, text: [])
    parsed = parse_prompt("a zeppelin with curly hair and glasses", portraits)
    assert wishes(parsed, portraits) == (parsed,)


@pytest.mark.parametrize(("times", "things"), [(33, 2), (45, 1)])
def test_a_long_prompt_stays_whole(portraits, times, things):
    parsed = parse_prompt(f"{'quite ' * times}curly hair and glasses", portraits)
    assert len(wishes(parsed, portraits)) == things


def test_a_wish_knows_its_part_and_what_the_text_model_does_not(portraits):
    crown, glasses = wishes(parse_prompt("a person with a crown and glasses", portraits), portraits)
    assert (crown.part, crown.unknown_words, glasses.part, glasses.unknown_words) == ("hat", ("crown",), "eyeglasses", ())


def meant(text: str, pack: Pack):
    return meaning(parse_prompt(text, pack), pack)


@pytest.mark.parametrize(("one", "other"), [("a person wearing glasses", "spectacles"), ("remove his hat", "a person without a hat"), ("a joyful woman", "smiling"), ("someone bald", "a bald man"), ("he's bald", "a bald person"), ("a person that looks happy", "a smiling person"),
                                            ("magenta hair", "a woman with magenta hair"), ("Dark  skin", "a person with dark skin")])
def test_the_same_in_other_words_means_the_same(portraits, one, other):
    assert meant(one, portraits) == meant(other, portraits)


@pytest.mark.parametrize(("one", "other"), [("glasses", "red glasses"), ("a hat", "no hat"), ("pink hair", "a pink shirt"), ("a hat", "a person whose hat is red"), ("pink hair", "purple hair"),
                                            ("a beard", "a goatee"), ("dark skin", "pale skin")])
def test_something_else_means_something_else(portraits, one, other):
    assert meant(one, portraits) != meant(other, portraits)


def test_the_opposite_of_a_single_attribute(portraits):
    assert opposite(meant("a person with glasses", portraits)) == meant("no glasses", portraits)
    assert opposite(meant("a young person", portraits)) == meant("an elderly person", portraits)
    assert [opposite(meant(text, portraits)) for text in ("red glasses", "pink hair", "dark skin", "a smiling person with glasses")] == [None] * 4


def test_the_verb_of_an_order_is_no_word_that_the_text_model_must_know(portraits):
    assert parse_prompt("remove the glasses", portraits).unknown_words == ()
    assert parse_prompt("remove the zeppelin", portraits).unknown_words == ("zeppelin",)
