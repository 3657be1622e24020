"""The command lines: a training in small from data to edited pictures, its measurements, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.maskgan import edit, evaluate, train
from baselines.maskgan.bundle import load_bundle
from baselines.maskgan.material import Material
from portraits.export import write_dataset
from segmentation.parser import read_labels


@pytest.fixture(scope="module")
def run(data, tiny_pack, tmp_path_factory):
    """A run with all stages, two steps each."""
    out = tmp_path_factory.mktemp("maskgan") / "run"
    words = ["--data", data, "--out", out, "--pack", tiny_pack, "--size", "64", "--preset", "tiny", "--iterations", "2",
             "--batch-size", "2", "--report-every", "1", "--device", "cpu", "--features", "classifier"]
    report = train.main([str(word) for word in words])
    assert [stage["stage"] for stage in report["stages"]] == ["dense", "maskvae", "ebst"]
    assert report["features"] == "attribute classifier of tiny"
    train.main([str(word) for word in [*words, "--stage", "control"]])
    return out, [str(word) for word in words]


def test_a_run_holds_what_it_promises(run):
    out, words = run
    for stage in ("dense", "maskvae", "ebst", "control"):
        assert all((out / f"{stage}{end}").is_file() for end in (".pt", ".json", ".safetensors")), stage
        assert (out / "sheets" / f"{stage}_0000002.png").is_file()
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "ebst"] == [1, 2] and "blend_loss" in lines[-3]
    assert not list(out.glob("*.tmp")) and load_bundle(out / "maskgan.safetensors", "cpu", lambda images: images).painter.name == "ebst"
    again = train.main([*words, "--resume"])  # all is finished: nothing is trained
    assert [stage["steps"] for stage in again["stages"]] == [2, 2, 2]


def test_what_training_refuses(run, data, tmp_path):
    out, words = run
    other = [*words[:3], str(tmp_path / "new"), *words[4:]]
    for bad, named in ((words, "--resume"), ([*words, "--resume", "--learning-rate", "0.1"], "learning_rate 0.0, not 0.1"),
                       ([*words, "--resume", "--preset", "small"], "small"), ([*other, "--stage", "ebst"], "run --stage dense first"),
                       ([*other, "--size", "48"], "48"), ([*other, "--batch-size", "99"], "99"),
                       ([*other, "--data", str(tmp_path)], "holds no faces"), ([*other, "--features", "vgg19"], "vgg19")):
        with pytest.raises(ValueError, match=named):
            train.main(bad)


def test_evaluation_measures_with_and_without_ebst(run, data, tiny_pack):
    report = evaluate.main(["--run", str(run[0]), "--data", str(data), "--pack", str(tiny_pack), "--samples", "6", "--device", "cpu"])
    assert report["pairs"]["style_copy"] == 6 and 0 < report["pairs"]["transfer"] <= 6
    assert report["trained_with"] == dict.fromkeys(("dense", "ebst", "control"), "attribute classifier of tiny") and report["features"]
    for stage in ("dense", "ebst", "control"):
        copy = report[stage]["style_copy"]
        rates = copy["attribute_accuracy"]
        assert set(rates) == {"Male", "Heavy_Makeup", "No_Beard"} and all(0 <= rate <= 1 for rate in rates.values())
        assert 0 <= copy["segmentation_accuracy"] <= 1 and report[stage]["transfer"]["fid"] > 0
        assert report[stage]["reconstruction"]["l1"] > 0
    assert report["real"]["transfer"]["fid"] is None and set(report["real"]["transfer"]["attribute_accuracy"]) == {"Smiling"}


def test_edits_of_all_three_kinds_from_folders_of_pictures(run, tiny_pack, tmp_path):
    write_dataset(tmp_path / "set", 2, 64, seed=9, packed=True, image_format="png")
    first, second = (tmp_path / "set" / "CelebA-HQ-img" / f"{i}.png" for i in range(2))
    mask = tmp_path / "set" / "CelebAMask-HQ-mask-anno" / "0" / "00001.png"
    common = [str(first), "--run", str(run[0]), "--pack", str(tiny_pack), "--device", "cpu"]
    for wish, name in ((["--attribute", "Smiling"], "a"), (["--style-of", str(second)], "b"), (["--mask", str(mask)], "c")):
        report = edit.main([*common, *wish, "--out", str(tmp_path / name)])
        assert report["stage"] == "ebst" and all(report["images"][0][key].is_file() for key in ("edited", "mask"))
    images, masks = Material(train.open_data(tmp_path / "set", 64), 64).read(np.arange(2))  # the layout of CelebAMask-HQ is read too
    assert np.array_equal(masks[1], read_labels(mask)) and torch.equal(images[:1], edit.read_square(first, 64))
    assert np.array_equal(read_labels(tmp_path / "c" / "0_maskgan_mask.png"), read_labels(mask))
    for bad, named in ((["--attribute", "Blond_Hair"], "Blond_Hair"), (["--style-of", str(second), "--remove"], "--attribute only"),
                       (["--mask", str(first)], "is no mask"), (["--attribute", "Smiling", "--run", str(tmp_path)], "no trained")):
        with pytest.raises(ValueError, match=named):
            edit.main([*common, *bad, "--out", str(tmp_path / "d")])
    drawn = tmp_path / "c" / "0_maskgan_mask.png"
    before = drawn.read_bytes()
    report = edit.main([str(first), *common, "--mask", str(drawn), "--out", str(tmp_path / "c")])
    assert [Path(image["edited"]).name for image in report["images"]] == ["0-2_maskgan.png", "0-3_maskgan.png"]
    assert drawn.read_bytes() == before


def test_bad_input_is_one_sentence(command, tmp_path):
    assert "no-such-run" in command("baselines.maskgan.evaluate", "--run", "no-such-run", "--data", ".", expect=2).sentence
