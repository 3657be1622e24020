"""The command that measures a pack, on an untrained one: every figure is there and within its range."""

import json
import shutil
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from packs.pack import load_pack
from portraits import evaluate_pack
from portraits.evaluate_inversion import evaluate_inversion
from portraits.redrawn import evaluate_redrawn
from portraits.scene import ATTRIBUTES
from segmentation.parts import CLASSES


def test_every_figure_of_a_pack(tiny_pack, small_cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate_pack, "PAGE", 4)
    monkeypatch.setattr(evaluate_pack, "evaluate_redrawn", partial(evaluate_redrawn, faces=1))
    monkeypatch.setattr(evaluate_pack, "evaluate_inversion", partial(evaluate_inversion, count=3, steps=8))
    arguments = ["--pack", tiny_pack, "--cache", small_cache.folder, "--second", tiny_pack / "parser.safetensors", "--out", tmp_path / "out"]
    report = evaluate_pack.main([str(word) for word in arguments])
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert report["pack"]["directions"] == 0 and report["held_out"] == {"seed": 3, "renders": 20} and set(report["seconds"]) == set(evaluate_pack.SECTIONS)
    for name in ("generated", "renders"):
        assert report[name]["samples"] == 10 and report[name]["frechet"] > 0
        assert 0 <= report[name]["precision"] <= 1 and 0 <= report[name]["recall"] <= 1
    assert report["parser"]["agreement_mean_iou"] == report["parser"]["agreement_pixels"] == 1  # with itself
    assert 0 <= report["parser"]["mean_iou"] < 0.5 and 0 <= report["classifier"]["accuracy"] <= 1
    assert set(report["parser"]["iou_by_class"]) == set(CLASSES) and report["parser"]["agreement_by_class"]["skin"] in (1, None)
    assert {"templates", "heldout", "read", "train"} == set(report["clip"]) and len(report["attributes"]["by_attribute"]) == report["attributes"]["of"]
    for name, size in (("samples", (4 * 32, 32)), ("inversion", (3 * 32, 3 * 32))):
        with Image.open(tmp_path / "out" / f"{name}.png") as page:
            assert page.size == size
    assert 0 <= report["redrawn"]["true_side_effect_rate"] < 0.1 and set(report["redrawn"]["by_attribute"]) <= set(ATTRIBUTES)
    inversion = report["inversion"]
    assert (inversion["renders"], inversion["steps"], inversion["start"]) == (3, 8, "average")
    assert 0 < inversion["after"]["pixel_error"] < inversion["before"]["pixel_error"] and -1 <= inversion["after"]["identity"] <= 1
    written = capsys.readouterr().err
    assert "| parser: mean IoU over 19 classes" in written and "at least 0.9: **no**" in written and "The parser's weakest classes" in written


def test_without_a_cache_renders_are_drawn_anew_and_one_section_leaves_the_others(tiny_pack, tmp_path):
    (tmp_path / "report.json").write_text(json.dumps({
        "pack": evaluate_pack.about(load_pack(tiny_pack)), "held_out": {"seed": evaluate_pack.FRESH_SEED, "renders": 12},
        "seconds": {"clip": 1.0, "classifier": 2.0}, "clip": {"train": {}}, "classifier": {"accuracy": -1}}))
    arguments = ["--pack", str(tiny_pack), "--count", "6", "--only", "classifier", "--out", str(tmp_path)]
    report = evaluate_pack.main(arguments)
    assert report["clip"] == {"train": {}} and 0 <= report["classifier"]["accuracy"] <= 1 and "parser" not in report
    assert report["seconds"]["clip"] == 1.0 and json.loads((tmp_path / "report.json").read_text()) == report
    assert evaluate_pack.main([*arguments[:3], "8", *arguments[4:]]).keys() == {"pack", "held_out", "classifier", "seconds"}  # of other renders


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pack": {}}'])
def test_what_was_measured_is_not_lost_to_a_damaged_report(tmp_path, capsys, text):
    (tmp_path / "report.json").write_text(text)
    report = {"pack": {"sha256": {}}, "held_out": {}, "seconds": {}}
    assert evaluate_pack._kept(tmp_path / "report.json", report) == report
    assert "report.json was no report" in capsys.readouterr().err


def test_an_attribute_that_is_never_drawn_is_named():
    rendered, generated = torch.zeros(100, len(ATTRIBUTES), dtype=torch.bool), torch.zeros(100, len(ATTRIBUTES), dtype=torch.bool)
    hat, bald = ATTRIBUTES.index("Wearing_Hat"), ATTRIBUTES.index("Bald")
    rendered[:20, hat], generated[:9, hat] = True, True
    rendered[:20, bald], generated[:30, bald] = True, True
    report = evaluate_pack.frequencies(generated, rendered, np.asarray(rendered))
    assert report["off"] == report["off_as_seen"] == ["Wearing_Hat"] and set(report["by_attribute"]) == {"Wearing_Hat", "Bald"}
    assert (report["within_a_factor_of_two"], report["of"], report["share_within"]) == (1, 2, 0.5)
    rendered[:18, hat] = False  # the classifier overlooks most hats in renders as well
    mistaken = evaluate_pack.frequencies(generated, rendered, np.asarray(rendered) | (np.arange(100) < 20)[:, None])
    assert "Wearing_Hat" in mistaken["off"] and "Wearing_Hat" in mistaken["off_as_seen"] and mistaken["by_attribute"]["Wearing_Hat"]["renders"] == 0.02


def test_a_second_parser_of_another_width_is_named(tiny_pack):
    with pytest.raises(ValueError, match="is no parser of the pack's width"):
        evaluate_pack._parser(load_pack(tiny_pack), tiny_pack / "generator.safetensors")


def test_a_pack_without_a_classifier_is_refused(tiny_pack, small_cache, tmp_path):
    folder = tmp_path / "pack"
    shutil.copytree(tiny_pack, folder)
    info = json.loads((folder / "pack.json").read_text())
    del info["files"]["classifier.safetensors"]
    (folder / "pack.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match="no classifier"):
        evaluate_pack.main(["--pack", str(folder), "--cache", str(small_cache.folder)])
