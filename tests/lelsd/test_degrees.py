"""Words of degree: what they come to, what is left of the prompt, and which things have none."""
from __future__ import annotations

import pytest

from lelsd.degrees import Degree, degree_of
from lelsd.direction import load_direction
from lelsd.prompt import parse_prompt
from lelsd.wishes import Service, by_meaning, changes_kept, meaning, served, wishes


@pytest.mark.parametrize("prompt, degree", [
    ("a bit older", Degree("older", 0.5, True)),
    ("a person with a bit of a beard", Degree("a person with a beard", 0.5, False)),
    ("a person with a slight smile", Degree("a person with a smile", 0.5, False)),
    ("make the hair a little bit longer", Degree("make the hair longer", 0.5, True)),
    ("Slightly more freckles", Degree("more freckles", 0.5, True)),
    ("half closed eyes", Degree("closed eyes", 0.5, False)),
    ("lots of freckles", Degree("freckles", 1.0, False)),
    ("much older", Degree("older", 1.0, False)),
    ("less curly hair", Degree("curly hair", -0.5, True)),
    ("make it a bit less curly", Degree("make it curly", -0.5, True)),
    ("less of a smile", Degree("a smile", -0.5, True)),
    ("smile less", Degree("smile", -0.5, True)),
    ("a lot less makeup", Degree("makeup", -1.0, True)),
    ("not so old", Degree("old", -0.5, True)),
    ("less", Degree("", -0.5, True)),
    ("half-closed eyes", Degree("closed eyes", 0.5, False)),
    ("a person with a few freckles", Degree("a person with freckles", 0.5, False)),
    ("light makeup", Degree("makeup", 0.5, False)),
    ("not very curly hair", Degree("curly hair", -0.5, True)),
])  # fmt: skip
def test_what_is_said_of_how_much(prompt, degree):
    assert degree_of(prompt) == degree


@pytest.mark.parametrize("prompt", ["a kind old man", "sleeveless shirt", "toothless", "orbit", "a person with curly hair", "a half-shaved head", "unless", "light hair", "a small nose", ""])
def test_other_words_are_no_degrees(prompt):
    assert degree_of(prompt) is None


@pytest.fixture(scope="module")
def shipped(portraits):
    """The pack's own directions, by meaning."""
    return by_meaning(map(load_direction, sorted(portraits.path.glob("directions/*.safetensors"))), portraits)


def strengths(text, pack, directions):
    """What serves each thing of a prompt: its prompt and the strength."""
    done = [served(wish, pack, directions) for wish in wishes(parse_prompt(text, pack), pack)]
    return [(directions[one.meant].prompt, one.alpha) if one else None for one in done]


@pytest.mark.parametrize("prompt, expected", [
    ("a bit older", [("an elderly person", 0.5)]),
    ("a little younger", [("an elderly person", -0.5)]),
    ("not so old", [("an elderly person", -0.5)]),
    ("no makeup", [("a person wearing heavy makeup", -1.0)]),
    ("less makeup", [("a person wearing heavy makeup", -0.5)]),
    ("a bit older, slightly paler, and with lots of freckles", [("an elderly person", 0.5), ("a pale person", 0.5), ("a person with freckles", 1.0)]),
    ("a man with a touch of makeup and a smile", [("a person wearing heavy makeup", 0.5), ("a smiling person", 1.0)]),
    ("a man smiling a little, with slightly curly hair", [("a smiling person", 0.5), ("a person with curly hair", 0.5)]),
    ("a kind old man", [None]),
    ("glasses, less makeup and a hat", [("a person with glasses", 1.0), ("a person wearing heavy makeup", -0.5), ("a person with a hat", 1.0)]),
    ("half glasses", [None]),
    ("a little necklace", [None]),
    ("slightly blue hair", [("a person with blue hair", 0.5)]),
    ("slightly curly red hair", [("a person with curly hair", 0.5), ("a person with red hair", 1.0)]),
    ("a woman with long, slightly wavy brown hair", [("a person with long hair", 1.0), ("a person with wavy hair", 0.5), ("a person with brown hair", 1.0)]),
    ("curly, slightly pink hair", [("a person with curly hair", 1.0), ("a person with pink hair", 0.5)]),
    ("slightly short curly hair", [("a person with short hair", 0.5), ("a person with curly hair", 1.0)]),
    ("less curly red hair", [("a person with curly hair", -0.5), ("a person with red hair", 1.0)]),
    ("very long curly hair", [("a person with long hair", 1.0), ("a person with curly hair", 1.0)]),
    ("make her hair slightly curly", [("a person with curly hair", 0.5)]),
    ("a person with slightly parted lips", [("a person with the mouth open", 0.5)]),
    ("partly closed eyes and a small smile", [("a person with closed eyes", 0.5), ("a smiling person", 0.5)]),
])  # fmt: skip
def test_a_degree_is_a_strength_of_what_is_there(portraits, shipped, prompt, expected):
    assert strengths(prompt, portraits, shipped) == expected


@pytest.mark.parametrize("prompt, expected", [
    ("older", {"an elderly person": 0.75}), ("make her look older", {"an elderly person": 0.75}), ("much older", {"an elderly person": 1.0}),
    ("old", {"an elderly person": 1.0}), ("younger", {"an elderly person": -1.0}), ("more makeup", {"a person wearing heavy makeup": 0.75}),
    ("an older man with longer curly hair", {"an elderly person": 1.0, "a person with long hair": 0.75, "a person with curly hair": 1.0}),
    ("slightly longer curly hair", {"a person with long hair": 0.75, "a person with curly hair": 1.0}), ("no longer sad", {"a sad person": -1.0}),
])  # fmt: skip
def test_what_compares_goes_on_from_what_is_there(portraits, shipped, prompt, expected):
    """From 0.25: "older" by half a way, "much older" by all of it; whoever is called "an older man" is old."""
    done = [served(wish, portraits, shipped) for wish in wishes(parse_prompt(prompt, portraits), portraits)]
    assert {shipped[one.meant].prompt: one.strength(0.25) for one in done} == expected


@pytest.mark.parametrize("prompt, told", [
    ("less wrinkles", "a person without wrinkles"), ("less old", "a person who is not old"), ("fewer wrinkles and freckles", "a person without wrinkles and with freckles"),
])  # fmt: skip
def test_what_less_of_a_thing_is_learned_as(portraits, prompt, told):
    assert parse_prompt(prompt, portraits).target_text() == told


def test_more_or_less_of_it_begins_where_it_is_and_ends_where_faces_end():
    bit, less, twice = Service("x", 0.5, True), Service("x", -0.5, True), Service("x", 0.5)
    assert [bit.strength(), bit.strength(0.25), bit.strength(0.75)] == [0.5, 0.75, 1.0]
    assert [less.strength(), less.strength(1.0), less.strength(-0.75)] == [-0.5, 0.5, -1.0]
    assert twice.strength(0.9) == 0.5
    older, younger = Service("x", 1.0, more=0.5), Service("x", -1.0, more=0.5)
    assert [older.strength(), older.strength(0.25), older.strength(0.75), older.strength(-0.5), older.strength(1.5)] == [1.0, 0.75, 1.0, 1.0, 1.5]
    assert [younger.strength(-0.25), younger.strength(0.25)] == [-0.75, -1.0] and bit.strength(1.5) == 1.5


def test_what_is_asked_for_is_done():
    old, older, bit = Service("x", 1.0), Service("x", 1.0, more=0.5), Service("x", 0.5, True)
    assert old.is_done(0.25) and not old.is_done(-0.25) and not old.is_done(0.0)
    assert older.is_done(0.25), "where there was nothing, any strength is more"
    assert not older.is_done(0.25, begun=0.25) and older.is_done(0.75, begun=0.25) and older.is_done(0.9, begun=0.25) and older.is_done(1.0, begun=1.0)
    assert bit.is_done(0.75, begun=0.25) and not bit.is_done(0.9, begun=0.25)


@pytest.mark.parametrize("prompt, direction, changed", [
    ("older but keep the hair", "elderly", ("hair",)), ("older, same hair and nose", "elderly", ("hair",)), ("older", "elderly", ()), ("older but keep the mouth", "elderly", ()),
    ("curly hair but keep the hair colour", "curly_hair", ()), ("a smile without changing the hair", "smile", ()),
])  # fmt: skip
def test_what_shall_stay_and_is_changed_all_the_same(portraits, prompt, direction, changed):
    found = load_direction(portraits.path / "directions" / f"{direction}.safetensors")
    assert changes_kept(parse_prompt(prompt, portraits), found, 1.0) == changed


def test_less_than_nothing_takes_a_direction_that_ends_there(portraits, shipped):
    from dataclasses import replace

    wish = parse_prompt("less curly hair", portraits)
    meant = meaning(parse_prompt("curly hair", portraits), portraits)
    assert served(wish, portraits, {meant: shipped[meant]}) == Service(meant, -0.5, True)
    assert served(wish, portraits, {meant: replace(shipped[meant], stops=None)}) is None
