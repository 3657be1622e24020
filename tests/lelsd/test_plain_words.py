"""Words that CLIP was never taught, read as plainer ones: the table, what is replaced in a sentence, and what is left alone."""

from __future__ import annotations

from collections import Counter

import pytest

from lelsd import plain_words
from lelsd.plain_words import put, read_as, table, thesaurus
from lelsd.prompt import parse_prompt
from packs.pack import load_pack
from portraits.asked import asked_attributes
from portraits.clip_training import Vocabulary


@pytest.fixture(scope="module")
def taught():
    """Whether a text is all of words that training captions use."""
    vocabulary = Vocabulary.of_phrases(heldout=False)
    return lambda text: set(vocabulary.tokenizer.encode(text)) <= set(vocabulary.ids)


def rows():
    return [(section, plain, said) for section in table() for plain, some in table()[section].items() for said in some]


def test_what_is_read_is_what_captions_say(taught):
    assert [plain for section in table().values() for plain in section if not taught(plain)] == []
    assert [plain for plain in thesaurus().values() if not taught(plain)] == []


def test_no_phrase_has_two_meanings():
    said = Counter(plain_words._key(said) for _, _, said in rows())
    assert [phrase for phrase, count in said.items() if count > 1] == []
    plains = Counter(plain for section in table().values() for plain in section)
    assert max(plains.values()) == 1


def test_no_plain_word_is_read_as_another():
    assert {plain_words._key(plain) for section in table().values() for plain in section} & thesaurus().keys() == set()


def test_no_phrase_that_captions_use_for_something_else(taught):
    """Such a row would never be looked at, since the model knows the words."""
    assert [(said, plain) for _, plain, said in rows() if taught(said) and not asked_attributes(said).items() >= asked_attributes(plain).items() > set()] == []


def test_phrases_are_in_lower_case_and_no_longer_than_is_looked_for():
    assert all(said == said.lower() and plain_words._key(said) for _, _, said in rows())
    assert plain_words._longest(thesaurus()) == plain_words.MAX_WORDS
    assert len(rows()) > 1000


READ = [[cell.strip() for cell in line.split("|")] for line in """
a joyful woman | a happy woman
Joyful! | happy!
an overweight man | a chubby man
a livid man | an angry man
an OVERWEIGHT, jubilant bloke | a chubby, happy man
a woman with raven hair | a woman with black hair
a raven-haired woman | a black-haired woman
ebony eyebrows and ebony skin | black eyebrows and dark skin
an orange hat and orange hair | an orange hat and ginger hair
a cross woman with a cross | an angry woman with a cross
a monocle | glasses
two monocles | two glasses
a pair of specs | glasses
a pair of gold specs | a pair of golden glasses
with headgear, glasses | with a hat, glasses
glasses, headgear | glasses, a hat
no headgear | no hat
his headgear | his hat
with blokes | with a man
three blokes | three man
chubbier than her | chubby than her
thinner eyebrows | thin eyebrows
he is no longer bald | a person is not bald
she isn't overweight | a person isn't chubby
somebody who isn’t overweight | somebody who isn’t chubby
a man w/o specs | a man without glasses
crow’s feet | wrinkles
a mustachioed man, moustachioed as ever | a moustached man, moustached as ever
grey-coloured, steel-grey or steel gray hair | grey-coloured, grey or grey hair
bags underneath her eyes | bags under the eyes
a specsy zeppelin | a specsy zeppelin
curly hair | curly hair
""".strip().splitlines()]


@pytest.mark.parametrize("text, plain", READ)
def test_a_sentence_in_plainer_words(portraits, text, plain):
    reading = read_as(text, portraits)
    assert put(text, reading) == plain
    assert all(portraits.unknown_words(typed) and not portraits.unknown_words(meant) for typed, meant in reading.items())


@pytest.mark.parametrize("text", ["", "!!!", "ſpecs specs İ ẞ K", "specs" * 60, "\0specs\0", "joyful " * 42, "a a an an specs", "-specs-", "&amp; specs", "🙂 specs",
                                  "specs/specs'specs", "5 5 o'clock shadow"])
def test_odd_texts_do_no_harm(portraits, text):
    reading = read_as(text, portraits)
    assert set(read_as(put(text, reading), portraits)) == set()
    if text.strip("\0 "):
        parse_prompt(text, portraits)


def test_a_clip_that_knows_all_words_is_told_what_was_typed(tiny_pack):
    pack = load_pack(tiny_pack)
    pack._trained_tokens = frozenset(range(pack.tokenizer.vocab_size))  # as of a published one
    prompt = parse_prompt("an overweight bloke with specs", pack)
    assert (prompt.read_as, prompt.unknown_words, prompt.reading) == ({}, (), "")
    assert prompt.target_text() == "an overweight bloke with specs" and prompt.source_text() == "a bloke"


def test_only_words_that_the_pack_knows_are_put_in(tiny_models):
    assert read_as("a joyful person with specs", tiny_models) == {"specs": "glasses"}  # it was never taught "happy"


PROMPTS = [[cell.strip() for cell in line.split("|")] for line in """
jubilant | a person who is happy | a person | mouth
specs | a person with glasses | a person | eyeglasses
a chap with specs | a man with glasses | a man | eyeglasses
a bloke without whiskers | a man without facial hair | a man with facial hair | skin
an individual who isn't overweight | a person who isn't chubby | a person who is chubby | face
remove the specs | a person without the glasses | a person with the glasses | eyeglasses
make him livid | a person who is angry | a person | eyebrows
a person with curly hiar | a person with curly hair | a person | hair
joyfull | a person who is happy | a person | mouth
hatless | a person who is bareheaded | a person who is wearing a hat | hat
""".strip().splitlines()]


@pytest.mark.parametrize("text, target, source, part", PROMPTS)
def test_clip_is_told_plainer_words_and_the_prompt_stays_as_typed(portraits, text, target, source, part):
    prompt = parse_prompt(text, portraits)
    assert (prompt.target_text(), prompt.source_text(), prompt.part) == (target, source, part)
    assert prompt.text == text and prompt.phrase in text and prompt.phrase
    assert prompt.to_dict()["read_as"] == prompt.read_as != {}


def test_what_is_read_is_told_and_no_longer_unknown(portraits):
    prompt = parse_prompt("a joyful zeppelin with specs", portraits)
    assert prompt.read_as == {"joyful": "happy", "specs": "glasses"} and prompt.unknown_words == ("zeppelin",)
    assert prompt.reading == "“joyful” is read as “happy”, “specs” as “glasses”."
    assert prompt.with_parts("mouth").target_text() == "a person who is a happy zeppelin with glasses"


def test_the_judge_knows_what_plainer_words_ask_for(portraits):
    assert asked_attributes("a jubilant man with a schnoz") == {}
    assert asked_attributes(parse_prompt("a jubilant man with a schnoz", portraits).target_text()) == {"Smiling": True, "Big_Nose": True}
