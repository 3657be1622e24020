"""A comparison: cells that are kept, tables with the right means, pictures, and the command as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from baselines.editors import Settings
from evaluation import compare, pictures, tables
from evaluation.comparison import Comparison, claim, read_json, write_json
from evaluation.directions import named_weights, settings_of
from evaluation.distance import Distance
from evaluation.editor import CannotServe, Request, Samples
from evaluation.features import Eyes
from evaluation.line import Asked, held_out_samples
from evaluation.measure import NAMES, Judge
from evaluation.strength import Strengths
from lelsd.clip_guide import ClipGuide

CURLY = Asked(Request("a person with curly hair", "Curly_Hair"), "hair", torch.ones(32) / 32**0.5)
HAT = Asked(Request("a person wearing a hat", "Wearing_Hat"), "clothes", torch.ones(32) / 32**0.5)


def cell(rate: float, side: float, alpha: float) -> dict:
    return {**dict.fromkeys(NAMES, 0.5), "target_rate": rate, "side_effect_rate": side, "alpha": alpha}


def line(best: float | None, side: float, seconds: float = 1.0) -> dict:
    matched = cell(0.9, side, 1.0) if best is not None and best >= 0.9 else None
    return {**cell(best or 0.0, side, 1.0), "matched": matched, "best_rate": best, "rates": {"1": best}, "seconds": seconds}


class Written(Comparison):
    """A comparison whose cells are given, not measured: {editor: {prompt: line}}."""

    def __init__(self, lines: dict[str, dict[str, dict]]) -> None:
        super().__init__(Path("nowhere"), None, [CURLY, HAT], {name: None for name in lines})
        self.lines = lines

    def line(self, name, asked):
        return self.lines[name][asked.request.prompt]

    def at(self, name, asked, rate):
        own = self.line(name, asked)
        return own["matched"] if rate == 0.9 else cell(rate, 0.1 * own["side_effect_rate"], 0.5)


@pytest.fixture
def written() -> Written:
    return Written({"ours": {CURLY.request.prompt: line(1.0, 0.02), HAT.request.prompt: line(0.95, 0.04)},
                    "stylemc": {CURLY.request.prompt: line(0.92, 0.06, 3.0), HAT.request.prompt: line(0.6, 0.2)},
                    "eclipsed": {CURLY.request.prompt: line(0.9, 0.01), HAT.request.prompt: line(0.3, 0.5)}})


def test_editors_are_compared_where_all_of_them_do_what_is_asked(written):
    ours, stylemc, eclipsed = tables.editor_rows(written)
    assert (ours["compared"], ours["reached"], stylemc["reached"], eclipsed["reached"]) == (1, 2, 1, 1)
    assert (ours["side_effect_rate"], stylemc["side_effect_rate"], eclipsed["side_effect_rate"]) == (0.02, 0.06, 0.01)
    assert stylemc["seconds"] == 2.0 and ours["typical"]["side_effect_rate"] == pytest.approx(0.03)


def test_pairs_are_compared_at_what_the_two_reach(written):
    stylemc, eclipsed = tables.pair_rows(written)
    assert stylemc["compared"] == 2 and stylemc["rate"] == pytest.approx(0.75) and stylemc["fewer_side_effects"] == 2 and stylemc["as_many"] == 0
    assert stylemc["ours"]["side_effect_rate"] == pytest.approx(0.5 * (0.02 + 0.004)) and stylemc["stylemc"]["side_effect_rate"] == pytest.approx(0.04)
    assert eclipsed["compared"] == 1 and eclipsed["fewer_side_effects"] == 0 and eclipsed["rate"] == pytest.approx(0.9)


@pytest.fixture
def refusing() -> Written:
    """As `written`, of two, and a third that reaches everything but refuses hats."""
    refused = {**dict.fromkeys((*NAMES, "seconds", "matched", "best_rate")), "rates": {}, "refused": "no hat was found"}
    return Written({"ours": {CURLY.request.prompt: line(1.0, 0.02), HAT.request.prompt: line(0.95, 0.04)},
                    "stylemc": {CURLY.request.prompt: line(0.92, 0.06), HAT.request.prompt: line(0.6, 0.2)},
                    "maae": {CURLY.request.prompt: line(0.9, 0.08), HAT.request.prompt: refused}})


def test_a_refusal_is_counted_and_takes_nothing_from_the_others(refusing):
    ours, stylemc, maae = tables.editor_rows(refusing)
    assert (ours["compared"], ours["refused"], maae["compared"], maae["refused"]) == (2, 0, 1, 1)
    assert ours["side_effect_rate"] == pytest.approx(0.5 * (0.02 + 0.004)) and maae["side_effect_rate"] == 0.08
    assert [row["refused"] for row in tables.pair_rows(refusing)] == [0, 1] and refusing.serving(HAT) == ["ours", "stylemc"]
    text = tables.markdown([ours, stylemc, maae], tables.pair_rows(refusing), tables.prompt_rows(refusing))
    assert "| a person wearing a hat | 0.60 | 0.004 | 0.020 | refused |" in text and "means over the 2 of 2 prompts" in text
    assert "| maae | 1 of 2 | 1 | 1 | 0.900 |" in text and "only pair by pair" in text and "FID" not in text
    assert refusing.shown("ours", HAT) == (0.5, "60% at 0.5") and refusing.shown("maae", HAT) == (None, "no hat was found")


def test_the_tables_have_the_distance_where_it_was_measured(refusing):
    def fid(name, asked, rate):
        return {"ours": 1.0, "stylemc": 2.0, "maae": 4.0}[name] + (0.01 if rate is None else rate)

    rows, pairs = tables.editor_rows(refusing, fid), tables.pair_rows(refusing, fid)
    assert rows[0]["fid"] == pytest.approx(1.75) and rows[2]["fid"] == pytest.approx(4.9) and pairs[1]["maae"]["fid"] == pytest.approx(4.9)
    assert rows[0]["typical"]["fid"] == pytest.approx(1.01)
    text = tables.markdown(rows, pairs, tables.prompt_rows(refusing), {"pictures": 4, "features": "somebody"})
    assert "between 4 samples and the same after the edit, seen by somebody" in text and "| 1.900, 4.900 |" in text
    assert "| maae | 1 | 0.900 | 0.080 | 0.500 | 0.500 | 0.500 | 0.500 | 4.010 |" in text, "at its own strength, over what it serves"
    assert all(row.count("|") == block.splitlines()[0].count("|") for block in text.split("\n\n") for row in block.splitlines() if row.startswith("|"))


def test_the_page_says_what_was_not_reached(written):
    text = tables.markdown(tables.editor_rows(written), tables.pair_rows(written), tables.prompt_rows(written))
    assert "means over the 1 of 2 prompts" in text and "| stylemc | 1 of 2 | 0.900 | 0.060 |" in text
    assert "| a person wearing a hat | - | (0.95) | (0.60) | (0.30) |" in text and "| a person with curly hair | 0.90 | 0.020 | 0.060 | 0.010 |" in text
    assert all(row.count("|") == block.splitlines()[0].count("|") for block in text.split("\n\n") for row in block.splitlines() if row.startswith("|"))


@pytest.mark.parametrize(("rates", "shown"), [
    ({"1": 0.3, "2": 0.4, "4": 0.4}, (2.0, "at most 40%, at 2")), ({"0.5": 0.0, "1": 0.0}, (1.0, "never; here at 1")),
    ({"1": 0.95}, (1.0, "90% at 1"))])
def test_pictures_show_an_editor_at_its_best_where_it_cannot_be_compared(rates, shown):
    alone = {**line(max(rates.values()), 0.1), "rates": rates}
    found = Written({"ours": {CURLY.request.prompt: line(0.2, 0.02)}, "other": {CURLY.request.prompt: alone}})
    assert found.shown("other", CURLY) == shown


class Brightener:
    """Adds its strength to the pictures; refuses hats."""

    name = "brightener"

    def __init__(self) -> None:
        self.prepared = []

    def prepare(self, request, samples):
        self.prepared.append(request.prompt)
        if "hat" in request.prompt:
            raise CannotServe("no hat was found")
        return {"seconds": 0.5, "source": "trained", "layers": None, "steps": None}

    def edit(self, samples: Samples, request: Request) -> torch.Tensor:
        return samples.images + 0.2 * request.alpha


@pytest.fixture(scope="module")
def judge(tiny_models) -> Judge:
    return Judge(tiny_models, held_out_samples(tiny_models, 4, 1.0), ClipGuide(tiny_models).encode_image)


def test_cells_are_measured_once_and_refusals_are_results(judge, tmp_path):
    editor = Brightener()
    comparison = Comparison(tmp_path, judge, [CURLY, HAT], {"brightener": lambda: editor})
    first, refused = comparison.line("brightener", CURLY), comparison.line("brightener", HAT)
    assert refused["refused"] == "no hat was found" and refused["target_rate"] is None and comparison.common(["brightener"], HAT) is None
    assert comparison.shown("brightener", HAT) == (None, "no hat was found")
    again = Comparison(tmp_path, judge, [CURLY, HAT], {"brightener": lambda: pytest.fail("made again")})
    assert again.line("brightener", CURLY) == first and again.line("brightener", HAT) == refused
    assert editor.prepared == [CURLY.request.prompt, HAT.request.prompt]


def test_another_rate_is_matched_from_the_rates_that_are_known(judge, tmp_path, monkeypatch):
    comparison = Comparison(tmp_path, judge, [CURLY], {"brightener": Brightener})
    rates = {"0.25": 0.0, "0.354": 0.4, "0.5": 0.7}
    monkeypatch.setattr(comparison, "line", lambda name, asked: {**line(0.7, 0.1), "rates": rates})
    monkeypatch.setattr(judge, "target_rate", lambda editor, request: 0.6 if request.alpha > 0.4 else 0.5)
    found = comparison.at("brightener", CURLY, 0.6)
    assert 0.4 < found["alpha"] < 0.42 and set(NAMES) <= set(found)
    monkeypatch.setattr(judge, "target_rate", lambda *a: pytest.fail("measured again"))
    assert comparison.at("brightener", CURLY, 0.6) == found


def test_the_distance_is_that_of_the_features_and_is_measured_once(judge, tmp_path):
    eyes = Eyes("means of colours", lambda images: images.mean(dim=(2, 3)))
    quiet = Samples(0.1 * judge.samples.images)
    distance = Distance(quiet, eyes)
    assert distance.between([quiet.images]) == pytest.approx(0.0, abs=1e-9)
    assert distance.after(Brightener(), Request("", "", alpha=0.5)) == pytest.approx(3 * 0.1**2, rel=1e-3)
    comparison = Comparison(tmp_path, judge, [CURLY], {"brightener": Brightener}, lambda: distance)
    comparison.at = lambda name, asked, rate: {"alpha": 0.5}
    found = comparison.fid("brightener", CURLY, 0.7)
    assert found == pytest.approx(0.03, rel=1e-3)
    comparison.editors["brightener"] = None
    assert Comparison(tmp_path, judge, [CURLY], {"brightener": None}, lambda: distance).fid("brightener", CURLY, 0.7) == found
    with pytest.raises(ValueError, match="at least 2"):
        Distance(Samples(quiet.images[:1]), eyes)


def test_an_editor_is_not_tried_beyond_its_strongest(judge, monkeypatch):
    tried = []
    monkeypatch.setattr(judge, "target_rate", lambda editor, request: tried.append(request.alpha) or 0.4)
    editor = Brightener()
    editor.strongest = 1.0
    strengths = Strengths(judge, editor, CURLY.request)
    assert strengths.smallest(0.9) is None and strengths.best == 0.4 and max(tried) == 1.0


def test_a_picture_has_a_row_for_each_editor(judge, tmp_path):
    comparison = Comparison(tmp_path, judge, [CURLY], {"brightener": Brightener, "other": Brightener})
    drawn = pictures.draw(comparison, CURLY)
    shown = len(pictures.samples_to_change(judge, CURLY))
    _, left, top = pictures.margins(32)
    assert drawn.size == (left + shown * 32, top + 3 * 32)
    rows = [drawn.crop((left, top + row * 32, drawn.width, top + 32 + row * 32)).tobytes() for row in range(3)]
    assert rows[0] != rows[1] == rows[2]


def test_a_heat_map_goes_from_black_over_red_and_yellow_to_white():
    before = torch.zeros(1, 3, 1, 4)
    after = torch.tensor([0.0, 1 / 6, 2 / 6, 1.0]).expand(1, 3, 1, 4)
    found = pictures.heat(before, after)[0, :, 0].T
    assert torch.allclose(found, torch.tensor([[-1.0, -1, -1], [1, -1, -1], [1, 1, -1], [1, 1, 1]]), atol=1e-5)
    assert torch.equal(found, pictures.heat(after, before)[0, :, 0].T)


def test_a_folder_belongs_to_its_settings(tmp_path):
    claim(tmp_path / "a", "comparison.json", {"samples": 8})
    claim(tmp_path / "a", "comparison.json", {"samples": 8})
    with pytest.raises(ValueError, match="samples 8, not 9.*new folder"):
        claim(tmp_path / "a", "comparison.json", {"samples": 9})
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        claim(tmp_path / "file", "comparison.json", {})
    write_json(tmp_path / "x.json", {"a": 1})
    (tmp_path / "x.json").write_text('{"a": ')
    with pytest.raises(ValueError, match="x.json is damaged"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize(("text", "said"), [("ours,hers", "'hers' is wrong"), ("ours,ours", "'ours' is wrong"), (" , ", "'none' is wrong")])
def test_wrong_names_of_editors(text, said):
    with pytest.raises(ValueError, match=said):
        compare.editor_names(text)


def test_who_takes_part(tiny_models, tmp_path, capsys):
    (tmp_path / "maae.safetensors").touch()
    given = Settings(tmp_path, weights=dict([named_weights(f"maae={tmp_path}")]))
    assert compare.chosen_editors(None, tiny_models, given)[-1] == "maae" and "left out: secgan" in capsys.readouterr().err
    for names, said in ((["ours", "maskgan"], "holds no maskgan.safetensors"), (["ours"], "--weights maae=... means nothing")):
        with pytest.raises(ValueError, match=said):
            compare.chosen_editors(names, tiny_models, given)
    for text, said in (("ours=x", "NAME one of secgan"), ("maae", "NAME=PATH"), (f"maae={tmp_path}/none", "there is no")):
        with pytest.raises(ValueError, match=said):
            named_weights(text)
    options = SimpleNamespace(steps=None, pictures=None, seed=0, weights=[("maae", tmp_path)] * 2)
    with pytest.raises(ValueError, match="there twice"):
        settings_of(options, tmp_path)


def test_from_training_to_tables_and_pictures(tiny_pack, tmp_path, monkeypatch):
    suite, out = tmp_path / "suite.jsonl", tmp_path / "out"
    suite.write_text(json.dumps({"prompt": CURLY.request.prompt, "attribute": "Curly_Hair", "value": True}))
    words = ["--pack", str(tiny_pack), "--suite", str(suite), "--samples", "4", "--steps", "1", "--pictures", "8", "--device", "cpu", "--out", str(out)]
    result = compare.main(["--editors", "eclipsed,styleclip-optimisation", *words])
    assert [row["editor"] for row in result["editors"]] == ["eclipsed", "styleclip-optimisation"]
    monkeypatch.setattr("baselines.editors.eclipsed_direction", lambda *a: pytest.fail("trained again"))
    monkeypatch.setattr(pictures, "draw", lambda comparison, asked: Image.new("RGB", (8, 8)))
    more = compare.main(["--editors", "eclipsed,styleclip-optimisation,stylemc", *words])
    assert more["editors"][0]["typical"] == result["editors"][0]["typical"] and len(more["editors"]) == 3 and len(more["pairs"]) == 2
    report = json.loads((out / "report.json").read_text())
    assert report["fid"] == {"pictures": 4, "features": "the pack's attribute classifier"} and "fid" in report["editors"][0]
    assert report["pack"] == "tiny" and report["samples"] == 4 and len(report["prompts"]) == 1
    assert (out / "report.md").read_text().startswith("At equal effect") and len(list((out / "pictures").glob("01-a-person-*.png"))) == 1
