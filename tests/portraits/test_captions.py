import re

import numpy as np
import pytest

from portraits.captions import SPLITS, captions, compose, describe, sentence
from portraits.facts import OPEN_MOUTH
from portraits.phrases import NOUNS, PHRASES
from portraits.scene import ATTRIBUTES, attributes, sample
from portraits.topics import NEVER_SAID, TOPICS, topics

SCENES = [sample(11, i) for i in range(400)]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("split", SPLITS)
def test_no_caption_contradicts_the_picture(split):
    random = rng()
    for scene in SCENES:
        truth, exact = topics(scene), attributes(scene)
        for caption in describe(scene, random, split, 3):
            for topic, value in caption.facts.items():
                assert truth[topic] is value, caption
                assert exact.get(topic, value) is value, caption


def test_a_topic_that_is_an_attribute_is_never_another_thing():
    for scene in SCENES:
        exact = attributes(scene)
        assert all(value is None or exact[topic] == value for topic, value in topics(scene).items() if topic in exact)


def test_what_cannot_be_seen_is_not_known():
    face = SCENES[0].replace(bald=0.0, hat=0.0, glasses=0.0, hair_length=0.1, eye_open=0.9, hair_light=0.9, hair_red=0.0, hair_grey=0.0)
    assert topics(face)["Blond_Hair"] is True
    hatted = topics(face.replace(hat=1.0))
    assert hatted["Blond_Hair"] is None and hatted["Curly_Hair"] is None and hatted["Bald"] is None
    assert topics(face.replace(hat=1.0, hair_length=0.8))["Blond_Hair"] is True  # it comes down below the hat
    behind = topics(face.replace(glasses=1.0, glasses_tint=1.0))
    assert behind["Sunglasses"] is True and behind["Blue_Eyes"] is None and behind["Eyes_Closed"] is None
    assert topics(face.replace(eye_open=0.0))["Brown_Eyes"] is None


def test_hardly_decided_is_not_decided():
    face = SCENES[0].replace(hat=0.0, mouth_open=OPEN_MOUTH + 0.01)
    assert attributes(face)["Mouth_Slightly_Open"] and topics(face)["Mouth_Slightly_Open"] is None


def test_every_attribute_has_words_for_both_values():
    for name in ATTRIBUTES:
        for value in (True, False):
            found = (name, value) in PHRASES
            assert found == (name not in NEVER_SAID), (name, value)
    assert {topic for topic, _ in PHRASES} == set(TOPICS)


def test_every_attribute_is_mentioned():
    random, mentioned = rng(), set()
    for i in range(600):
        for caption in describe(sample(12, i), random, "train", 3):
            mentioned |= set(caption.facts)
    assert set(TOPICS) - mentioned <= {"grey_beard"}  # one face in fifty has it


def test_one_to_five_facts_or_only_the_kind_of_picture():
    random = rng()
    counts = [len(c.facts) for scene in SCENES[:200] for c in describe(scene, random, "train", 3)]
    assert min(counts) == 0 and max(counts) <= 5 + 1  # a noun such as "woman" states one more
    assert np.mean(np.array(counts) == 0) < 0.15


def test_the_facts_are_those_of_the_words():
    """Words that mean one thing alone must come with the fact that they state."""
    clues = {r"\bfreckle": ("Freckles", True), r"\bno glasses\b": ("Eyeglasses", False), r"\b(man|guy|boy|gentleman)\b": ("Male", True),
             r"\b(woman|lady|girl)\b": ("Male", False), r"\bnot smiling\b": ("Smiling", False), r"\bsunglasses\b": ("Sunglasses", True),
             r"\bno beard\b": ("No_Beard", True), r"\bgoatee\b": ("Goatee", True), r"\bgr[ea]y hair\b": ("Gray_Hair", True)}
    random, checked = rng(5), 0
    for scene in SCENES:
        for caption in describe(scene, random, "train", 3):
            for pattern, (topic, value) in clues.items():
                if re.search(pattern, caption.text) and not re.search("without |not wearing|no freckles|no sunglasses|no goatee", caption.text):
                    assert caption.facts.get(topic) == value, caption
                    checked += 1
    assert checked > 100


def test_both_spellings_occur():
    random = rng()
    text = " ".join(t for scene in SCENES for t in captions(scene, random, "train", 8))
    for word in ("blonde", "blond ", "grey", "gray", "moustache", "mustache", "glasses", "spectacles", "curls", "without", "slightly"):
        assert word in text, word


@pytest.mark.parametrize("topic, prompt", [
    ("Curly_Hair", "a person with curly hair"), ("Blond_Hair", "a person with blonde hair"),
    ("Mouth_Slightly_Open", "a person with the mouth open"), ("Eyeglasses", "a person with glasses"),
])
def test_the_prompts_of_the_issue_are_among_them(topic, prompt):
    assert prompt in {sentence({topic: True}, rng(seed)).text for seed in range(300)}


def test_held_out_words_stay_out_of_training():
    for phrases in PHRASES.values():
        for place, table in phrases._asdict().items():
            train, _, held = table.partition("//")
            if held:
                assert not set(phrases.options(place, "train")) & set(phrases.options(place, "heldout")), table
    random = rng()
    train = {t for scene in SCENES for t in captions(scene, random, "train", 4)}
    text = " ".join(train)
    for word in ("specs", "individual", "a snapshot of", "corkscrew", "grin"):
        assert word not in text, word


def test_captions_read_as_english():
    random = rng()
    for scene in SCENES:
        for text in captions(scene, random, "train", 3) + captions(scene, random, "heldout", 3):
            assert text == text.strip() and "  " not in text and "|" not in text and "/" not in text, text
            assert not re.search(r"\ba [aeio]|\ban [^aeiou]|,,| ,|and and|,$", text), text


def test_captions_follow_from_the_seed():
    assert captions(SCENES[0], rng(4), "train", 5) == captions(SCENES[0], rng(4), "train", 5)
    assert captions(SCENES[0], rng(4), "train", 5) != captions(SCENES[0], rng(5), "train", 5)


def test_nothing_known_gives_the_kind_of_picture():
    assert compose(dict.fromkeys(TOPICS), rng()).facts == {}


def test_a_given_fact_is_stated_and_no_other():
    for seed in range(20):
        caption = sentence({"Curly_Hair": True}, rng(seed))
        assert caption.facts == {"Curly_Hair": True} and re.search("curl|frizz|ringlet", caption.text)


def test_bad_arguments():
    with pytest.raises(ValueError, match="'test'.*train"):
        captions(SCENES[0], rng(), "test")
    with pytest.raises(ValueError, match="count is 0"):
        captions(SCENES[0], rng(), count=0)


def test_nouns_exist_for_what_they_are_chosen_by():
    assert set(NOUNS) == {(None, None), (True, None), (False, None), (True, True), (False, True)}
