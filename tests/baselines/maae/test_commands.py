"""The command lines: train, go on, evaluate, edit and the ablation of figure 5, and what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from baselines import ship
from baselines.maae import ablation, edit, evaluate, export, train
from baselines.maae.ablation import CLAIMS
from baselines.maae.identity import VGG_CONVS, load_vgg_face
from baselines.maae.store import load_networks
from baselines.shipped import shipped_editors
from packs.pack import load_pack
from stylegan2.images import save_png, to_pil


@pytest.fixture(scope="module")
def trained(cache: Path, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A run of two attributes, and what the command said of it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, train.main(words(cache, tiny_pack, out))


def words(cache: Path, pack: Path, out: Path, *more: str, attribute: str = "Male,Young", iterations: int = 2) -> list[str]:
    return ["--data", str(cache), "--attribute", attribute, "--size", "40", "--width", "2", "--iterations", str(iterations), "--batch-size", "4",
            "--pack", str(pack), "--device", "cpu", "--out", str(out), *more]


def test_training_leaves_networks_and_a_log(trained):
    out, said = trained
    assert said["attributes"] == ["Male", "Young"] and set(said["losses"]) == {"Male", "Young"}
    assert {path.name for path in out.iterdir()} == {f"{name}.{kind}" for name in said["attributes"]
                                                     for kind in ("checkpoint", "log.jsonl", "png", "safetensors")}
    assert json.loads((out / "Male.log.jsonl").read_text().splitlines()[-1])["step"] == 2


def test_a_run_goes_on_only_when_asked_to(trained, cache, tiny_pack, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "run")
    with pytest.raises(ValueError, match="holds a training of Male already; --resume"):
        train.main(words(cache, tiny_pack, out))
    with pytest.raises(ValueError, match="trained with seed 0, not 1"):
        train.main(words(cache, tiny_pack, out, "--resume", "--seed", "1"))
    before = (out / "Young.safetensors").read_bytes()
    assert train.main(words(cache, tiny_pack, out, "--resume"))["losses"] == {}
    said = train.main(words(cache, tiny_pack, out, "--resume", attribute="Male", iterations=3))
    assert set(said["losses"]) == {"Male"} and load_networks(out)["Male"].steps == 3
    assert (out / "Young.safetensors").read_bytes() == before


def test_a_run_begins_with_another_and_other_weights(trained, cache, tiny_pack, tmp_path):
    said = train.main(words(cache, tiny_pack, tmp_path / "run", "--weight", "gan=1", "--start", str(trained[0] / "Male.checkpoint"), attribute="Male", iterations=3))
    lines = (tmp_path / "run" / "Male.log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [3] and said["losses"]["Male"]
    network = load_networks(tmp_path / "run")["Male"]
    assert (network.steps, network.settings.weights.gan) == (3, 1.0)


def test_evaluation_has_every_figure(trained, cache, tiny_pack):
    said = evaluate.main(["--run", str(trained[0]), "--data", str(cache), "--pack", str(tiny_pack), "--samples", "6", "--device", "cpu"])
    found = said["by_attribute"]["Male"]
    assert found["pictures"] == 6 and list(found["by_strength"]) == ["-5", "-2.5", "0", "2.5", "5"]
    for name, low, high in (("side_effect_rate", 0, 1), ("identity", -1, 1), ("background_change", 0, 2), ("tone_change", 0, 2), ("fidelity", 0, 1)):
        assert low <= found[name] <= high, name
        assert said[name] == pytest.approx((found[name] + said["by_attribute"]["Young"][name]) / 2)
    assert found["fid"] >= 0 and said["features"]["fid"]
    assert found["reconstruction"] > 0.01
    keeping = evaluate.main(["--run", str(trained[0]), "--data", str(cache), "--pack", str(tiny_pack), "--samples", "6", "--device", "cpu", "--keep-detail"])
    assert keeping["reconstruction"] == pytest.approx(0, abs=1e-5)


def test_edits_are_written(trained, tmp_path):
    picture = save_png(tmp_path / "face.png", to_pil(torch.zeros(3, 60, 50)))
    common = ["--run", str(trained[0]), "--device", "cpu", str(picture), "--out", str(tmp_path / "out")]
    said = edit.main([*common, "--attribute", "Male"])
    assert [path.name for path in said["pictures"]] == ["face.png"] and said["strengths"] == {"Male": None}
    said = edit.main([*common, "--attribute", "Male=5", "--attribute", "Young=-2.5"])
    assert said["strengths"] == {"Male": 5.0, "Young": -2.5}
    for given, sentence in ((["Male=6"], "strength is 6.0; accepted: from -5 to 5"), (["Bald"], "trained for 'Bald'; accepted: Male, Young"),
                            (["Male", "Young=1"], "'Male' has no strength"), (["Male=much"], "'much' is not a number")):
        with pytest.raises(ValueError, match=sentence):
            edit.main([*common, *(word for name in given for word in ("--attribute", name))])


def test_networks_are_joined_for_a_pack(trained, tiny_pack, tmp_path):
    said = export.main(["--run", str(trained[0] / "Young.safetensors"), "--run", str(trained[0] / "Male.safetensors"), "--out", str(tmp_path / "both")])
    assert said["attributes"] == ["Young", "Male"] == list(load_networks(tmp_path / "both")) and said["bytes"] == said["out"].stat().st_size
    with pytest.raises(ValueError, match="holds another network for Male"):
        export.main(["--run", str(trained[0]), "--run", str(trained[0]), "--out", str(tmp_path / "twice")])
    assert not any(network.keep_detail for network in load_networks(tmp_path / "both").values())
    export.main(["--run", str(trained[0]), "--out", str(tmp_path / "keeping"), "--keep-detail"])
    assert all(network.keep_detail for network in load_networks(tmp_path / "keeping").values())
    folder = shutil.copytree(tiny_pack, tmp_path / "pack")
    ship.main(["maae", str(tmp_path / "both"), "--kind", "maae", "--title", "M-AAE", "--pack", str(folder)])
    pack = load_pack(folder)
    assert shipped_editors(pack)[-1].open(pack).attributes == ("Young", "Male")


def test_weights_are_those_asked_for(cache, tiny_pack, tmp_path):
    said = train.main(words(cache, tiny_pack, tmp_path, "--weight", "identity=0", "--weight", "gan=2.5", attribute="Male", iterations=1))
    weights = load_networks(tmp_path)["Male"].settings.weights
    assert (weights.identity, weights.gan, weights.cycle) == (0.0, 2.5, 80.0) and "identity" not in said["losses"]["Male"]


def test_the_ablation_goes_on_where_it_was(cache, tiny_pack, tmp_path, capsys):
    given = words(cache, tiny_pack, tmp_path, "--samples", "4", "--variants", "a,b", attribute="Male", iterations=1)
    first = ablation.main(given)
    assert set(first["variants"]) == {"a", "b"} and [claim["better"] for claim in first["claims"]] == ["b"]
    assert first["claims"][0]["of"] == 1 and "| a: the entire feature map is changed |" in (tmp_path / "report.md").read_text()
    capsys.readouterr()
    cell = tmp_path / "cells" / "Male-a-0.json"
    known = json.loads(cell.read_text())
    cell.write_text(json.dumps({**known, "tone_change": 1.0}))
    again = ablation.main(given)
    assert again["variants"]["a"]["tone_change"] == 1.0 and again["claims"][0]["holds"] == 1
    assert capsys.readouterr().err == ""  # nothing was trained
    with pytest.raises(ValueError, match="holds measurements with iterations 1, not 2"):
        ablation.main(words(cache, tiny_pack, tmp_path, "--samples", "4", attribute="Male", iterations=2))
    for option, value, sentence in (("--variants", "a,q", "'a,q'; accepted: some of a,b,c,d,e,f"),
                                    ("--seeds", "1,1", "'1,1'; accepted: whole numbers")):
        with pytest.raises(ValueError, match=sentence):
            ablation.main([*given, option, value])


def test_claims_are_about_figures_that_are_measured():
    assert {claim.figure for claim in CLAIMS} <= set(ablation.COLUMNS)


@pytest.mark.parametrize(("more", "sentence"), [
    (["--attribute", "Male,Male"], "each once"), (["--attribute", "Wise"], "does not list Wise"), (["--size", "30"], "size is 30"),
    (["--size", "80"], "holds pictures of 40 pixels"), (["--batch-size", "5"], "batch_size 5"), (["--variant", "z"], "unknown variant 'z'"),
    (["--data", "nowhere"], "nowhere holds no faces"), (["--vgg-face", "nowhere.pth"], "there is no file 'nowhere.pth'"),
    (["--average", "2"], "average is 2.0"), (["--weight", "gan"], "weight is 'gan'; accepted: NAME=VALUE"),
    (["--weight", "style=1"], "unknown weight 'style'; accepted: vae, gan"), (["--weight", "gan=-1"], "weight gan is -1"),
])
def test_training_refuses(more, sentence, cache, tiny_pack, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        train.main([*words(cache, tiny_pack, tmp_path), *more])
    assert not list(tmp_path.iterdir())


def test_bad_input_is_one_sentence(command, cache):
    outcome = command("baselines.maae.train", "--data", cache, "--attribute", "Male", "--out", "run", "--size", "30", expect=2)
    assert outcome.sentence == "python -m baselines.maae.train: size is 30; accepted: multiples of 4 from 36 on"


def test_vgg_face_is_read_under_both_names(tmp_path):
    weights = {name: (torch.randn(outputs, inputs, 3, 3), torch.randn(outputs)) for name, _, inputs, outputs in VGG_CONVS}
    own = {f"{name}.{kind}": value for name, pair in weights.items() for kind, value in zip(("weight", "bias"), pair)}
    theirs = {f"features.{number}.{kind}": own[f"{name}.{kind}"] for name, number, _, _ in VGG_CONVS for kind in ("weight", "bias")}
    save_file(own, tmp_path / "a.safetensors")
    torch.save(theirs, tmp_path / "b.pth")
    first, second = load_vgg_face(tmp_path / "a.safetensors"), load_vgg_face(tmp_path / "b.pth")
    images = torch.rand(1, 3, 40, 40) * 2 - 1
    assert first(images).shape == (1, 256, 56, 56) and torch.equal(first(images), second(images))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "c.pth")
    with pytest.raises(ValueError, match="c.pth is no state dict of VGG16"):
        load_vgg_face(tmp_path / "c.pth")
