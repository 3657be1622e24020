"""Which attributes a text asks for: every phrase of the captions, the suite, and sentences that people write."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from portraits.asked import STANDS_FOR, asked_attributes, other_end, unsaid
from portraits.clip_evaluation import prompts_for
from portraits.phrases import PHRASES
from portraits.scene import ATTRIBUTES

SUITE = Path(__file__).parents[2] / "evaluation" / "suites" / "portraits.jsonl"


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_every_phrase_asks_for_its_own_attribute_and_for_nothing_else(split):
    wrong = {}
    for topic, value in PHRASES:
        attribute, stands_for = (topic, True) if topic in ATTRIBUTES else STANDS_FOR.get(topic, ("", True))
        expected = {attribute: stands_for == value} if attribute else {}
        for prompt in prompts_for(topic, value, split, limit=99):
            if asked_attributes(prompt) != expected and prompt != "a person with hair":
                wrong[prompt] = asked_attributes(prompt)
    assert not wrong


def test_the_suite_asks_for_what_it_says():
    for line in map(json.loads, SUITE.read_text().splitlines()):
        assert asked_attributes(line["prompt"]) == {line["attribute"]: line["value"]}, line["prompt"]


@pytest.mark.parametrize("text, expected", [
    ("a woman with long, wavy, very blonde hair and glasses", {"Long_Hair": True, "Wavy_Hair": True, "Blond_Hair": True, "Eyeglasses": True}),
    ("A person WITHOUT the glasses", {"Eyeglasses": False}), ("a person who isn’t smiling", {"Smiling": False}), ("not bald", {"Bald": False}),
    ("an old man with a beard", {"Young": False, "No_Beard": False}), ("a girl", {"Male": False, "Young": True}), ("bald", {"Bald": True}),
    ("a man with a beard and no glasses", {"No_Beard": False, "Eyeglasses": False}), ("without a hat, smiling", {"Wearing_Hat": False, "Smiling": True}),
    ("a person without glasses or a cap", {"Eyeglasses": False, "Wearing_Hat": False}),
    ("no earrings, or a necklace", {"Wearing_Earrings": False, "Wearing_Necklace": False}),
    ("no beard or glasses or a hat", {"No_Beard": True, "Eyeglasses": False, "Wearing_Hat": False}), ("glasses or a hat", {"Eyeglasses": True, "Wearing_Hat": True}),
])
def test_sentences(text, expected):
    assert asked_attributes(text) == expected


@pytest.mark.parametrize("text", ["a picture of a truck", "a person with green and blue hair", "a person with hair", "wearing a cross", "a grey beard",
                                  "thin lips and glasses", "smiling and not smiling", "a person", ""])
def test_nothing_is_judged_that_the_attributes_cannot_tell(text):
    assert asked_attributes(text) == {}


@pytest.mark.parametrize(("text", "attribute"), [
    ("a person with a small nose", "Big_Nose"), ("thin eyebrows", "Bushy_Eyebrows"), ("not thin lips", None), ("a small nose and glasses", None),
    ("a big nose", None), ("without a big nose", None), ("a person", None),
])
def test_the_other_end_of_an_attribute(text, attribute):
    assert other_end(text) == attribute and (attribute is None or asked_attributes(text) == {}), "it is served by the attribute, and not judged by it"


@pytest.mark.parametrize(("text", "words"), [("a person with curly hair", ()), ("a woman wearing red glasses", ("red",)), ("someone without a floppy hat", ("floppy",)),
                                             ("a truck", ("truck",)), ("red lipstick", ()), ("dark red lipstick", ("dark",)), ("a very curly haired person", ()), ("a smiling man in a striped shirt", ("striped", "shirt"))])
def test_the_words_that_no_attribute_says(text, words):
    assert unsaid(text) == words
