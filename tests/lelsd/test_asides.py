"""Reasons, similes and moods beside a request go; what is asked for stays, and so does a text that would be nothing without them."""
import pytest

from lelsd.asides import without_asides


@pytest.mark.parametrize("text, asked", [
    ("thinner eyebrows. They look like caterpillars.", "thinner eyebrows."), ("not so pale, she looks ill", "not so pale"),
    ("Can you add a hat? Summer look", "Can you add a hat?"), ("curly hair like a poodle", "curly hair"), ("her hair was golden like the sun", "her hair was golden"),
    ("mouth wide open like at the dentist, and a hat", "mouth wide open, and a hat"), ("rosy cheeks as if she'd come in from the snow", "rosy cheeks"),
    ("as bald as an egg, but with a moustache", "bald, but with a moustache"), ("a summer look: freckles and sunglasses", "freckles and sunglasses"),
    ("Make this person look like my grandpa: grey hair, glasses", "grey hair, glasses"), ("a bit of makeup, nothing too heavy", "a bit of makeup"),
    ("hair a bit shorter, say an inch or so", "hair a bit shorter"), ("without the earrings it'd be perfect", "without the earrings"),
    ("the beard needs to go, my wife hates it. Straighten her hair", "the beard needs to go. Straighten her hair"),
    ("a paler face, almost like a vampire", "a paler face"), ("nobody wears a hat indoors. take it off", "nobody wears a hat indoors. take it off"),
])
def test_what_asks_for_nothing_goes(text, asked):
    assert without_asides(text) == asked


@pytest.mark.parametrize("text", [
    "hair like a lion", "hair like a lion and a toothless grin", "a person with curly hair", "she looks like a queen", "make her look like a queen",
    "I'd like the lady to have a beard", "i dont like the lipstick, take it off", "my hair should be red", "Hello there. How are you?", "like a vampire",
    "smiling, but she keeps the glasses", "a man with a hat, it is red, and a beard", "",
])
def test_the_rest_stays(text):
    assert without_asides(text) == text
