"""The command that measures a run, on an untrained one: every figure of the contract, and the same as counted by hand."""

from __future__ import annotations

import json

import pytest
import torch

from baselines.data.attributes import ATTRIBUTES
from baselines.data.faces import draw_faces
from baselines.secgan import evaluate
from baselines.secgan.config import SecganConfig
from baselines.secgan.editor import load_editor
from baselines.secgan.networks import rgb_generator
from baselines.secgan.weights import save_generator
from evaluation.editor import Request, Samples
from evaluation.reversals import REVERSED
from packs.attributes import ATTRIBUTES as CLASSIFIED

COUNT = 16  # of which the last six are for testing


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """The drawn set and its folder."""
    folder = tmp_path_factory.mktemp("faces")
    return draw_faces(folder, 1, COUNT, 64), folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    torch.manual_seed(0)
    config = SecganConfig(size=64, width=1 / 16, method="baseline")
    return save_generator(rgb_generator(config), config, tmp_path_factory.mktemp("run") / "generator.safetensors").parent


def test_every_figure_of_a_run(faces, run, tiny_pack, tiny_models, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "BATCH", 4)
    words = ["--run", run, "--data", faces[1], "--pack", tiny_pack, "--weights", tmp_path, "--out", tmp_path / "report.json", "--device", "cpu"]
    report = evaluate.main([str(word) for word in words])
    assert json.loads((tmp_path / "report.json").read_text()) == {name: value for name, value in report.items() if name != "out"}
    assert report["editor"] == "baseline-stargan" and report["pictures"] == len(faces[0].test_indices) == 6 and REVERSED == ATTRIBUTES
    assert report["fid"] >= 0 < report["ssfid"] and 1 <= report["inception_score"] <= 2  # an untrained classifier hardly tells two pictures apart
    assert report["features"] == {"tarr": "the pack's attribute classifier", "fid": "the pack's attribute classifier", "ssfid": "the pack's CLIP",
                                  "inception_score": "the pack's attribute classifier"}
    assert report["tarr_by_attribute"]["Bald"] == pytest.approx(by_hand(faces[0], run, tiny_models), abs=1e-5)
    assert report["tarr"] == pytest.approx(sum(report["tarr_by_attribute"].values()) / 13, abs=1e-4)
    page = (tmp_path / "report.md").read_text()
    assert f"| TARR (%) | {100 * report['tarr']:.2f} | the pack's attribute classifier |" in page and "| Mouth_Slightly_Open | " in page


def by_hand(faces, run, pack) -> float:
    """The share of test pictures that the pack's classifier sees turned round, one by one."""
    editor, hits = load_editor(run), []
    for index in faces.test_indices:
        image = torch.from_numpy(faces.images[index].copy()).permute(2, 0, 1)[None] / 127.5 - 1
        bald = bool(faces.labels[index, 0])
        hits.append(bool(pack.classifier(editor.edit(Samples(image), Request("", "Bald", not bald)))[0, CLASSIFIED.index("Bald")] > 0) != bald)
    return sum(hits) / len(hits)


def test_what_is_wrong_is_one_sentence(faces, run, tiny_pack, tmp_path):
    for words, sentence in (
        (["--run", tmp_path / "none", "--data", faces[1]], "No such file"),
        (["--run", run, "--data", tmp_path], "holds no faces"),
        (["--run", run, "--data", faces[1], "--count", "1"], "at least 2"),
        (["--run", run, "--data", faces[1], "--out", tmp_path], "is a folder"),
        (["--run", run, "--data", faces[1], "--out", tmp_path / "report.md"], "report.md is where the tables go; accepted for --out: the JSON"),
    ):
        with pytest.raises((ValueError, OSError), match=sentence):
            evaluate.main([str(word) for word in [*words, "--pack", tiny_pack, "--device", "cpu"]])
