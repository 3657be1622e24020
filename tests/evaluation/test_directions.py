"""The command line: the report of contracts.md, and what it says to bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evaluation import directions
from evaluation.suite import MEASURABLE, read_suite
from lelsd.lexicon import check_prompt
from lelsd.prompt import parse_prompt
from segmentation.parts import PARTS

SUITE = Path(directions.__file__).parent / "suites" / "portraits.jsonl"
CURLY = {"prompt": "a person with curly hair", "attribute": "Curly_Hair", "value": True}
NO_BEARD = {"prompt": "a person with a beard", "attribute": "No_Beard", "value": False}
FIELDS = {"prompt", "attribute", "value", "target_rate", "side_effect_rate", "localization", "identity", "clip_gain", "alpha", "seconds"}
QUICK = ["--steps", "2", "--samples", "6", "--device", "cpu"]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "suite.jsonl"
    path.write_text(json.dumps(CURLY) + "\n\n" + json.dumps(NO_BEARD) + "\n")
    return path


def evaluate(pack: Path, suite: Path, out: Path, *more: object) -> dict:
    return directions.main(["--pack", str(pack), "--suite", str(suite), "--out", str(out), *QUICK, *map(str, more)])


def test_trains_measures_and_reports(tiny_pack, suite, tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "new" / "report.json"
    result = evaluate(tiny_pack, suite, out, "--runs", runs)
    report = json.loads(out.read_text())
    assert report == json.loads(json.dumps({name: value for name, value in result.items() if name != "out"}))
    assert report["pack"] == "tiny" and report["editor"] == "ours" and [line["prompt"] for line in report["prompts"]] == [
        CURLY["prompt"], NO_BEARD["prompt"]]
    for line in report["prompts"]:
        assert FIELDS <= set(line) and line["alpha"] == 1 and line["seconds"] > 0 and line["samples"] == 6 and line["source"] == "trained"
    gains = [line["clip_gain"] for line in report["prompts"]]
    assert report["mean"]["clip_gain"] == pytest.approx(sum(gains) / 2, abs=1e-5)
    assert FIELDS - {"prompt", "attribute", "value"} <= set(report["mean"])

    loaded = evaluate(tiny_pack, suite, tmp_path / "again.json", "--directions", runs)
    resumed = evaluate(tiny_pack, suite, tmp_path / "third.json", "--runs", runs)
    for first, second, third in zip(report["prompts"], loaded["prompts"], resumed["prompts"]):
        assert second["source"] == "loaded" and third["source"] == "resumed"
        assert all(first[name] == second[name] == third[name] for name in FIELDS - {"seconds"})


def test_a_pack_without_a_classifier_measures_what_it_can(tiny_pack, suite, tmp_path, capsys):
    folder = shutil.copytree(tiny_pack, tmp_path / "pack")
    info = json.loads((folder / "pack.json").read_text())
    del info["files"]["classifier.safetensors"]
    (folder / "pack.json").write_text(json.dumps(info))
    suite.write_text(json.dumps(CURLY))
    line = evaluate(folder, suite, tmp_path / "report.json")["prompts"][0]
    assert line["target_rate"] is line["side_effect_rate"] is line["identity"] is line["matched"] is None
    assert line["clip_gain"] is not None and line["localization"] is not None
    assert "no attribute classifier" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "said"), [
    ("", "empty"), ("nonsense", "line 1 .*not JSON"), (json.dumps(CURLY) + "\n3\n", "line 2 .*'3'"), ("[" * 100_000, "not JSON"),
    (json.dumps({"prompt": "x", "attribute": "Curly_Hair"}), "no 'value'"), (json.dumps({**CURLY, "value": 1}), "value '1'"),
    (json.dumps({**CURLY, "prompt": " "}), "prompt ' '"), (json.dumps({**CURLY, "attribute": "Curley_Hair"}), "'Curley_Hair'.*Curly_Hair"),
    (json.dumps({**CURLY, "attribute": "Blurry"}), "'Blurry'"), (json.dumps({**CURLY, "attribute": ["Bald"]}), "Bald"),
])
def test_bad_suites(text, said, tmp_path):
    path = tmp_path / "suite"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_suite(path)


def test_suites_as_a_list_and_not_as_text(suite, tmp_path):
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([CURLY, NO_BEARD], indent=1))
    assert read_suite(listed) == read_suite(suite) and read_suite(listed)[1].value is False
    listed.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match="not a text file"):
        read_suite(listed)


@pytest.mark.parametrize(("words", "said"), [
    (["--suite", "nowhere.jsonl"], "no suite file"), (["--directions", "nowhere"], "no folder"), (["--directions", "."], "holds no direction"),
    (["--out", "."], "is a folder"), (["--out", "suite.jsonl/in.json"], "is a file"), (["--pack", "nowhere"], "nowhere")])
def test_bad_input_is_refused_before_any_training(words, said, tiny_pack, suite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lelsd.train.train_direction", lambda *a, **k: pytest.fail("trained"))
    with pytest.raises(ValueError, match=said):
        directions.main(["--pack", str(tiny_pack), "--suite", str(suite), "--out", "report.json", *QUICK, *words])


@pytest.mark.parametrize(("words", "said"), [(["--samples", "1"], "2 to"), (["--alpha", "99"], "alpha '99'"), (["--steps", "0"], "too small"), ([], "--out")])
def test_bad_arguments(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        directions.main([*words, *(["--out", "x.json"] if words else [])])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and said in error and error.count("\n") == 1


def test_as_a_user_types_it(command, tiny_pack, suite, tmp_path):
    suite.write_text(json.dumps(CURLY))
    outcome = command("evaluation.directions", "--pack", tiny_pack, "--suite", suite, *QUICK, "--steps", 1, "--samples", 2, "--out", "r.json",
                      timeout=900)
    assert outcome.result["out"] == "r.json" and json.loads((tmp_path / "r.json").read_text())["mean"] == outcome.result["mean"]
    assert len(outcome.stdout.splitlines()) == 1


def test_the_built_in_suite_covers_the_parts():
    requests = read_suite(SUITE)
    assert len(requests) >= 18 and {request.attribute for request in requests} <= set(MEASURABLE)
    parts = {parse_prompt(check_prompt(request.prompt)).part for request in requests}
    assert set(PARTS) - parts == {"neck", "background"}  # nothing is drawn whose presence could be asked for there
