"""The command that measures a pack, on an untrained one: every figure is there and within its range."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from packs.pack import load_pack
from portraits import evaluate_pack
from portraits.scene import ATTRIBUTES


def test_every_figure_of_a_pack(tiny_pack, small_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_pack, "PAGE", 4)
    arguments = ["--pack", tiny_pack, "--cache", small_cache.folder, "--second", tiny_pack / "parser.safetensors", "--out", tmp_path / "out"]
    report = evaluate_pack.main([str(word) for word in arguments])
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    for name in ("generated", "renders"):
        assert report[name]["samples"] == 10 and report[name]["frechet"] > 0
        assert 0 <= report[name]["precision"] <= 1 and 0 <= report[name]["recall"] <= 1
    assert report["parser"]["agreement_mean_iou"] == report["parser"]["agreement_pixels"] == 1  # with itself
    assert 0 <= report["parser"]["mean_iou"] < 0.5 and 0 <= report["classifier"]["accuracy"] <= 1
    assert {"heldout", "train"} == set(report["clip"]) and len(report["attributes"]["by_attribute"]) == report["attributes"]["of"]
    with Image.open(tmp_path / "out" / "samples.png") as page:
        assert page.size == (4 * 32, 32)


def test_an_attribute_that_is_never_drawn_is_named():
    rendered, generated = torch.zeros(100, len(ATTRIBUTES), dtype=torch.bool), torch.zeros(100, len(ATTRIBUTES), dtype=torch.bool)
    hat, bald = ATTRIBUTES.index("Wearing_Hat"), ATTRIBUTES.index("Bald")
    rendered[:20, hat], generated[:9, hat] = True, True
    rendered[:20, bald], generated[:30, bald] = True, True
    report = evaluate_pack.frequencies(generated, rendered, np.asarray(rendered))
    assert report["off"] == ["Wearing_Hat"] and report["within_a_factor_of_two"] == report["of"] - 1


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
