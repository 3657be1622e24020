"""How well prompts are understood: the sets of prompts with accepted answers, and the command that counts."""
from __future__ import annotations

import json

import pytest

from evaluation.prompts import SETS, Accepted, evaluate, main, read_lines, suite_path
from lelsd.prompt import parse_prompt
from segmentation.parts import PARTS

GOAL = 0.97


@pytest.mark.parametrize("name", SETS)
def test_nearly_all_prompts_are_understood(name):
    report = evaluate(read_lines(suite_path(name)))
    assert report["share"] >= GOAL
    for part, text in report["by_part"].items():
        right, all_of_it = (int(number) for number in text.split(" of "))
        assert right / all_of_it >= 0.9 or all_of_it - right == 1, part
    assert report["right"] + len(report["wrong"]) == report["prompts"]


def test_the_sets_are_large_apart_and_about_every_part():
    lines = {name: read_lines(suite_path(name)) for name in SETS}
    prompts = [line.prompt for some in lines.values() for line in some]
    assert len(prompts) > 700 and len(set(prompts)) >= len(prompts) - 8
    assert not {line.prompt for line in lines["development"]} & {line.prompt for line in lines["sealed"]}
    for name in ("development", "sealed"):
        assert len(lines[name]) > 300
        assert {part for line in lines[name] for part in line.parts} == set(PARTS)


def test_what_an_answer_admits():
    beard = parse_prompt("a beard")  # skin, mouth, neck
    assert Accepted(frozenset({"skin"}), frozenset({"mouth", "neck"})).admits(beard)
    assert not Accepted(frozenset({"skin"}), frozenset({"mouth"})).admits(beard), "the neck is too much"
    assert not Accepted(frozenset({"skin", "hair"}), frozenset({"mouth", "neck"})).admits(beard), "the hair is missing"
    assert not Accepted(frozenset({"mouth"}), frozenset({"skin", "neck"})).admits(beard), "it is the skin first"


def test_the_command_counts_by_part_and_names_what_is_wrong(tmp_path):
    suite = tmp_path / "suite.jsonl"
    rows = [{"prompt": "curly hair", "accepted": ["hair"]}, {"prompt": "no hat", "accepted": ["hat"], "negated": False, "kind": "no"},
            {"prompt": "glasses and a tie", "accepted": ["nose", "eyeglasses clothes"]}, {"prompt": "a truck", "accepted": ["face"], "outside": True}]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = main(["--suite", str(suite)])
    assert (report["prompts"], report["right"], report["share"]) == (4, 3, 0.75)
    assert report["by_part"] == {"face": "1 of 1", "hair": "1 of 1", "hat": "0 of 1", "nose": "1 of 1"}
    assert report["by_kind"] == {"no": "0 of 1", "plain": "3 of 3"}
    assert [wrong["prompt"] for wrong in report["wrong"]] == ["no hat"]
    assert 0 < report["median_ms"] <= report["longest_ms"]


@pytest.mark.parametrize("text, said", [("", "is empty"), ("{", "line 1"), ('{"prompt": "x"}', "'accepted'"), ('{"prompt": "x", "accepted": []}', "nothing is accepted"), ('{"prompt": "x", "accepted": "hair"}', "nothing is accepted"), ('["x"]', "line 1"),
                                        ('{"prompt": "x", "accepted": ["beard"]}', "beard"), ('{"prompt": "x", "accepted": ["(hair)"]}', "needs no part")])
def test_bad_suites(text, said, tmp_path):
    (tmp_path / "suite.jsonl").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_lines(tmp_path / "suite.jsonl")
    with pytest.raises(ValueError, match="no suite file"):
        read_lines(tmp_path / "none.jsonl")
    (tmp_path / "suite.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="suite.jsonl is not a text file; accepted"):
        read_lines(tmp_path / "suite.jsonl")


def test_blank_lines_and_a_byte_order_mark_say_nothing(tmp_path):
    (tmp_path / "suite.jsonl").write_bytes(b'\xef\xbb\xbf{"prompt": "curly hair", "accepted": ["hair"]}\n\n')
    assert [line.prompt for line in read_lines(tmp_path / "suite.jsonl")] == ["curly hair"]
