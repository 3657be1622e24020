"""What a prompt comes to: weights of parts, texts for CLIP, explanations, bad input and the command line."""

from __future__ import annotations

import json

import pytest

from lelsd import prompt as prompt_module, similarity
from lelsd.prompt import main, parse_prompt, read_prompts
from packs.pack import load_pack

def test_several_parts_and_weights():
    prompt = parse_prompt("a smiling woman with short curly red hair and glasses")
    assert prompt.part == "mouth"
    assert prompt.parts["hair"] == prompt.parts["eyeglasses"] == 1.0
    assert parse_prompt("an old man with a red hat").parts == {"hat": 1.0, "face": 0.5, "hair": 0.25, "neck": 0.2}


def test_texts_for_clip():
    assert parse_prompt("curly hair").target_text("a person") == "a person with curly hair"
    assert parse_prompt("smiling").target_text("a person") == "a person who is smiling"
    assert parse_prompt("a woman with curly hair").source_text("a person") == "a woman"
    assert parse_prompt("a person with curly hair").source_text("a person") == "a person"
    assert parse_prompt("a woman").source_text("a person") == "a person"


@pytest.mark.parametrize("text, word", [("", "empty"), ("  \n ", "empty"), ("hair " * 2000, "300"), ("\0", "empty")])
def test_bad_prompts(text, word):
    with pytest.raises(ValueError, match=word) as caught:
        parse_prompt(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("text", ["!!!", "🙂", "x" * 300, "'; DROP TABLE", "ein Mensch", "-", "and and and", "no"])
def test_odd_prompts_fall_back_to_the_face(text):
    assert parse_prompt(text).part == "face"


def test_vectors_decide_when_installed(monkeypatch):
    monkeypatch.setattr(similarity, "by_vectors", lambda text: ("vectors", "hair", "thatch"))
    prompt = parse_prompt("a man with a thatch")
    assert prompt.decided_by in ("vectors", "lexicon")
    prompt = parse_prompt("somebody's thatch")
    assert (prompt.decided_by, prompt.part, prompt.phrase) == ("vectors", "hair", "thatch")


def test_pack_tells_unknown_words_and_its_encoder_may_decide(tiny_pack, monkeypatch):
    pack = load_pack(tiny_pack)
    prompt = parse_prompt("somebody qwertyish", pack)
    assert prompt.decided_by in ("clip", "default") and prompt.part in similarity.EXAMPLES
    monkeypatch.setattr(similarity, "MIN_CLIP_SIMILARITY", -1.0)
    monkeypatch.setattr(similarity, "MIN_CLIP_MARGIN", 0.0)
    monkeypatch.setattr(type(pack), "unknown_words", lambda self, text: ["qwertyish"])
    assert parse_prompt("somebody qwertyish", pack).decided_by == "default", "the encoder knows nothing that was said"
    prompt = parse_prompt("somebody qwertyish and zorbing", pack)
    assert prompt.decided_by == "clip" and prompt.unknown_words == ("qwertyish",)


@pytest.mark.parametrize("text", ["nice", "two dogs playing", "head of lettuce", "clock"])
def test_words_that_hardly_move_the_encoder_decide_nothing(portraits, text):
    """The little that they do move it is as near to clothes as to anything."""
    assert parse_prompt(text, portraits).decided_by == "default"


def test_command_line(capsys, tmp_path):
    result = main(["a person with curly hair"])
    assert result == {"prompt": "a person with curly hair", "part": "hair", "parts": {"hair": 1.0}, "phrase": "curly hair",
                      "negated": False, "decided_by": "lexicon", "unknown_words": [], "read_as": {}, "region": {}, "areas": {},
                      "explanation": "Because of “curly hair”."}
    file = tmp_path / "prompts.txt"
    file.write_text("curly hair\n\nno beard\n")
    assert main(["--file", str(file)]) is None
    assert [json.loads(line)["part"] for line in capsys.readouterr().out.splitlines()] == ["hair", "skin"]
    with pytest.raises(ValueError, match="either"):
        main([])


def test_files_of_prompts(tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_bytes("curly hair\n\nno beard\n".encode("utf-8-sig"))
    assert read_prompts(file) == ["curly hair", "no beard"]
    for data, said in ((b"curly \xff hair", "is not a text file; accepted"), (b"\n \n", "is empty; accepted")):
        file.write_bytes(data)
        with pytest.raises(ValueError, match=f"prompts.txt {said}"):
            main(["--file", str(file)])


def test_same_answer_twice():
    assert parse_prompt("curly hair and a hat") == parse_prompt("curly hair and a hat")
    assert prompt_module.WEIGHT_BY_KIND["noun"] == 1.0


ORDERS = [[cell.strip() for cell in line.split("|")] for line in """
remove the glasses | a person without the glasses | a person with the glasses
take off his hat | a person without his hat | a person with his hat
give him a beard | a person with a beard | a person
put a hat on her | a person with a hat | a person
make her hair blonde | a person with blonde hair | a person
colour her hair dark blue | a person with dark blue hair | a person
make hair curly | a person with curly hair | a person
cut her hair short | a person with short hair | a person
change the colour of her hair to red | a person with red hair | a person
make the face thinner | a person with a thinner face | a person
make the mouth open | a person with the mouth open | a person
make her very old | a person who is very old | a person
make her look tired | a person who is tired | a person
make her smile with teeth | a person with a smile with teeth | a person
make him smile | a person with a smile | a person
an oval face | a person with an oval face | a person
round face with glasses | a person with a round face with glasses | a person
blue in the face | a person who is blue in the face | a person
glasses off | a person without glasses | a person with glasses
take the hat off | a person without the hat | a person with the hat
a woman with her glasses removed | a woman without her glasses | a woman with her glasses
make-up free | a person without make-up | a person with make-up
non-smiling | a person who is not smiling | a person who is smiling
don't add glasses | a person without glasses | a person with glasses
do not make him bald | a person who is not bald | a person who is bald
lose the beard and add a hat | a person without the beard and with a hat | a person with the beard and with a hat
make him sad | a person who is sad | a person
open the mouth | a person with the mouth open | a person
close his eyes | a person with the eyes closed | a person
a person with glasses | a person with glasses | a person
with glasses | a person with glasses | a person
""".strip().splitlines()]


@pytest.mark.parametrize("text, target, source", ORDERS)
def test_orders_become_descriptions(text, target, source):
    prompt = parse_prompt(text)
    assert (prompt.target_text("a person"), prompt.source_text("a person")) == (target, source)


EXPLANATIONS = [line.split(" | ") for line in """
curly hair | Because of “curly hair”.
no hat | Because of “hat”. It is asked to go away.
surprised | Because of “surprised”.
a hiar clip | Because of “hiar clip”, read as “hair clip”.
glasses and no beard | Because of “glasses” (eyeglasses) and “beard” (skin, mouth, neck, below the nose, to go).
a beard on his face | Because of “beard” (below the nose).
hat, tie, beard, nose, ears, lips | Because of “hat” (hat), “tie” (clothes), “beard” (skin, mouth, neck, below the nose), “nose” (nose) and 2 more.
a truck | No part was recognised, so the whole face may change.
""".strip().splitlines()]


@pytest.mark.parametrize("text, line", EXPLANATIONS)
def test_explanations_are_one_line(text, line):
    assert parse_prompt(text).explanation == line


def test_the_choice_of_a_user_is_said_to_be_one():
    assert parse_prompt("curly hair").with_parts("hat").explanation == "Chosen by you."
