"""Prompts for several things, both ways: what is measured, and the command on the built-in pack."""

from __future__ import annotations

import json

import pytest
import torch

from evaluation.composed import Composer, Faces, main
from evaluation.suite import SEVERAL, read_asked
from packs.attributes import ATTRIBUTES, others_of_all
from packs.pack import load_pack


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return Composer(load_pack("portraits"), 4, tmp_path_factory.mktemp("runs"))


def test_apart_every_thing_takes_the_direction_that_is_there(composer):
    stack = composer.stack("an old man with glasses, no earrings and grey hair", "apart")
    assert [(edit.direction.prompt, edit.alpha) for edit in stack.edits] == [
        ("an elderly person", 1.0), ("a person with glasses", 1.0), ("a person with earrings", -1.0), ("a person with grey hair", 1.0)]
    assert not torch.equal(composer.look(stack).attributes, composer.before.attributes)


def test_what_is_measured_of_faces_that_are_made_up(composer):
    hat, beard, smile = (ATTRIBUTES.index(name) for name in ("Wearing_Hat", "No_Beard", "Smiling"))
    before = torch.zeros(4, len(ATTRIBUTES), dtype=torch.bool)
    before[:, beard] = True
    before[3, hat], before[3, beard] = True, False  # who has both already
    after = before.clone()
    after[:2, hat], after[0, beard], after[2, smile] = True, False, True
    features = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    composer.before, kept = Faces(before, features), composer.before
    try:
        found = composer.measure({"Wearing_Hat": True, "No_Beard": False}, Faces(after, features))
    finally:
        composer.before = kept
    assert found["all_as_asked"] == pytest.approx(1 / 3) and found["each"] == {"Wearing_Hat": pytest.approx(2 / 3), "No_Beard": pytest.approx(1 / 3)}
    assert found["as_asked"] == pytest.approx(0.5) and found["identity"] == pytest.approx(1.0)
    assert found["avoidable_side_effect_rate"] == pytest.approx(1 / 4 / int(others_of_all({"Wearing_Hat": True, "No_Beard": False}, avoidable=True).sum()))


def test_what_one_of_several_things_forces_is_no_side_effect():
    both = others_of_all({"Blond_Hair": True, "Smiling": True}, avoidable=True)
    assert not any(both[ATTRIBUTES.index(name)] for name in ("Blond_Hair", "Smiling", "Black_Hair", "Sad")) and both[ATTRIBUTES.index("Eyeglasses")]


def test_command(tmp_path):
    suite = tmp_path / "suite.jsonl"
    suite.write_text('{"prompt": "a smiling person without glasses", "asked": {"Smiling": true, "Eyeglasses": false}}\n')
    done = main(["--suite", str(suite), "--ways", "apart", "--samples", "6", "--out", str(tmp_path / "composed.json"), "--device", "cpu"])
    report = json.loads((tmp_path / "composed.json").read_text())
    assert report["mean"] == done["mean"] and done["mean"]["apart"]["all_as_asked"] == 1.0
    assert report["prompts"][0]["edits"] == [["a smiling person", 1.0], ["a person with glasses", -1.0]]


def test_a_prompt_that_is_learned_whole_is_one_edit(composer, monkeypatch):
    class Learned:
        direction = composer.stack("glasses", "apart").edits[0].direction

    monkeypatch.setattr(composer.trained, "get", lambda prompt: Learned)
    assert [edit.alpha for edit in composer.stack("a smiling person with glasses", "together").edits] == [1.0]


@pytest.mark.parametrize(("line", "words"), [('{"prompt": "x"}', "has no 'asked'"), ('{"prompt": "x", "asked": {}}', "has asked"), ('{"prompt": "x", "asked": {"Bald": 1}}', "has value '1'"),
                                             ('{"prompt": "x", "asked": {"Hairy": true}}', "has attribute 'Hairy'"), ('{"prompt": " ", "asked": {"Bald": true}}', "has prompt"), ("", "is empty")])
def test_a_wrong_suite_is_one_sentence(tmp_path, line, words):
    path = tmp_path / "suite.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=words) as caught:
        read_asked(path)
    assert "\n" not in str(caught.value)


def test_wrong_options_are_one_sentence(tmp_path, tiny_pack):
    assert json.loads(SEVERAL)
    with pytest.raises(ValueError, match="'sideways' is no way; accepted"):
        main(["--ways", "apart,sideways", "--out", str(tmp_path / "x.json")])
    with pytest.raises(ValueError, match="is a folder"):
        main(["--out", str(tmp_path)])
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is a file; accepted there for --out"):
        main(["--suite", "none", "--out", str(tmp_path / "file" / "x.json")])
