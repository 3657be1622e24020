"""The command that builds the pack: a stage leaves what the next one reads, goes on where it was, and refuses nonsense."""

import argparse
import json

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from lelsd import survey
from lelsd.direction import Direction, load_direction
from packs.files import add_files
from packs.pack import load_pack
from portraits import assemble, build_pack
from portraits.dataset import PortraitCache
from portraits.encoder import PortraitEncoder, save_encoder
from portraits.shipped import APPEARANCE, Standard
from portraits.train_mapping import pairs

STANDARD = Standard(tuple("abcde"), torch.linspace(2, 4, 5).double(), torch.linspace(1, 3, 5).double())


def test_data_stage_renders_once(command, tmp_path):
    first = command("portraits.build_pack", "--stage", "data", "--count", "12", "--work", tmp_path)
    images = tmp_path / "cache" / "images.npy"
    written = images.stat().st_mtime_ns
    again = command("portraits.build_pack", "--stage", "data", "--count", "12", "--work", tmp_path)
    assert PortraitCache(tmp_path / "cache").images.shape == (12, 256, 256, 3)
    assert first.result["stage"] == again.result["stage"] == "data"
    assert images.stat().st_mtime_ns == written


def test_a_stage_without_its_data_says_so(command, tmp_path):
    outcome = command("portraits.build_pack", "--stage", "clip", "--work", tmp_path, expect=2)
    assert "holds no finished cache of portraits" in outcome.sentence


@pytest.mark.parametrize("minutes", ["0", "-5"])
def test_no_minutes_are_refused_and_not_the_plans(tmp_path, minutes):
    with pytest.raises(ValueError, match=f"^{minutes} minutes train nothing; accepted"):
        build_pack.main(["--stage", "clip", "--minutes", minutes, "--work", str(tmp_path / "work")])
    assert not (tmp_path / "work").exists()


def test_directions_are_learned_anew_for_other_models_and_go_on(copied_pack, tmp_path, monkeypatch):
    """Of the classifier a direction's own file says nothing; one that was begun is resumed."""
    begun = []

    def train(pack, prompt, config, run, resume):
        begun.append((run, resume))
        run.mkdir(parents=True, exist_ok=True)
        (run / "run.json").touch()
        if resume or len(begun) > 2:
            save_file({"deltas": torch.zeros(1)}, run / "direction.safetensors")
            yield argparse.Namespace(quality={})
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr("lelsd.train.train_direction", train)
    monkeypatch.setattr(build_pack, "READY_MADE", {"curly hair": "a person with curly hair"})
    options = argparse.Namespace(out=copied_pack, on=torch.device("cpu"))
    with pytest.raises(KeyboardInterrupt):
        build_pack.stage_directions(tmp_path, options)
    build_pack.stage_directions(tmp_path, options)
    build_pack.stage_directions(tmp_path, options)
    assert [resume for _, resume in begun] == [False, True] and begun[0][0] == begun[1][0]
    add_files(copied_pack, {"classifier.safetensors": save(load_file(copied_pack / "classifier.safetensors") | {"head.bias": torch.zeros(1)})})
    build_pack.stage_directions(tmp_path, options)
    assert len(begun) == 3 and not begun[2][1] and begun[2][0] != begun[0][0]


def test_unknown_stage_lists_the_known_ones(command, tmp_path):
    outcome = command("portraits.build_pack", "--stage", "paint", "--work", tmp_path, expect=2)
    assert "paint" in outcome.sentence and "assemble" in outcome.sentence


def assembled(tiny_pack, tmp_path, monkeypatch):
    """The pack that the stage `assemble` makes of the tiny pack's models, in a folder that held another one."""
    info = json.loads((tiny_pack / "pack.json").read_text())
    for name in ("generator", "parser", "clip", "classifier"):
        (tmp_path / f"{name}.safetensors").write_bytes((tiny_pack / f"{name}.safetensors").read_bytes())
    (tmp_path / "generator.json").write_text(json.dumps(info["generator"]))
    (tmp_path / APPEARANCE).write_bytes(STANDARD.to_json())
    monkeypatch.setattr(assemble, "PARSER", info["parser"])
    monkeypatch.setattr(assemble, "CLASSIFIER", info["classifier"])
    monkeypatch.setattr(assemble, "pack_entry", lambda: info["clip"])
    out = tmp_path / "pack"
    (out / "directions").mkdir(parents=True)
    save_file({"deltas": torch.zeros(1)}, out / "directions" / "old.safetensors")
    build_pack.stage_assemble(tmp_path, argparse.Namespace(out=out, draft=False, seed=0, start=None))
    return load_pack(out)


def test_assembled_pack_opens_and_old_directions_are_gone(tiny_pack, tmp_path, monkeypatch):
    pack = assembled(tiny_pack, tmp_path, monkeypatch)
    assert pack.generator.resolution == 32 and pack.directions() == [] and pack.encoder is None
    assert not (pack.path / "directions").exists()


def test_the_survey_comes_with_the_pack_and_goes_with_its_models(tiny_pack, tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "COUNT", 10)
    pack = assembled(tiny_pack, tmp_path, monkeypatch)
    build_pack.stage_survey(tmp_path, argparse.Namespace(out=pack.path, on=torch.device("cpu")))
    pack = load_pack(pack.path)
    monkeypatch.setattr(survey, "_look", lambda pack: pytest.fail("looked again"))
    assert len(survey.survey_of(pack).embeddings) == len(survey.survey_of(pack).logits) == 10
    assert survey.NAME not in assembled(tiny_pack, tmp_path, monkeypatch).info["files"]


def test_directions_are_measured_again_by_another_judge(copied_pack):
    """A judge to which nothing is ever as asked: the card says so, and the manifest fits the new file."""
    pack = load_pack(copied_pack)
    deltas = torch.zeros(1, pack.generator.num_ws, pack.generator.w_dim)
    deltas[:, 3:, 0] = 1
    Direction(deltas, tuple(range(3, pack.generator.num_ws)), "a person with curly hair", "hair", pack.name, pack.hash, (1.0,), {"hair": 1.0}).save(
        copied_pack / "curls.safetensors")
    state = load_file(copied_pack / "classifier.safetensors")
    state["head.weight"].zero_(), state["head.bias"].fill_(-1.0)
    add_files(copied_pack, {"directions/curls.safetensors": (copied_pack / "curls.safetensors").read_bytes(), "classifier.safetensors": save(state)})
    build_pack.stage_cards(copied_pack, argparse.Namespace(out=copied_pack, on=torch.device("cpu")))
    path, = load_pack(copied_pack).directions()
    found = load_direction(path)
    assert found.card.at(1.0).target_rate == 0 and found.quality["judge"] == "classifier"
    assert torch.equal(found.deltas, deltas) and found.prompt == "a person with curly hair"


def test_an_encoder_is_packed_in_the_terms_of_the_generator(tiny_pack, tmp_path, monkeypatch):
    size = {"width": 8, "num_features": 16}
    trained = PortraitEncoder(5, **size).eval()
    save_encoder(trained.state_dict(), tmp_path / "encoder.safetensors")
    monkeypatch.setattr(assemble, "ENCODER", size)
    pack, images = assembled(tiny_pack, tmp_path, monkeypatch), torch.rand(2, 3, 32, 32)
    w_plus = pack.encoder(images)
    assert w_plus.shape == (2, pack.generator.num_ws, pack.generator.w_dim)
    expected = pairs((trained.standardised(images) - STANDARD.mean.float()) / STANDARD.spread.float(), pack.generator.w_dim)
    assert torch.allclose(w_plus[:, 0], expected, atol=2e-2)  # float16 in the pack


def test_a_finished_pack_lacks_nothing(tiny_pack, tmp_path, monkeypatch):
    pack = assembled(tiny_pack, tmp_path, monkeypatch)
    assert Standard.of_pack(pack).names == STANDARD.names
    (tmp_path / "clip.safetensors").unlink()
    with pytest.raises(ValueError, match="no clip.safetensors; run the stage 'clip' first"):
        assemble.assemble(tmp_path, tmp_path / "other")
    (tmp_path / APPEARANCE).unlink()
    with pytest.raises(ValueError, match="no appearance.json; run the stage 'mapping' first"):
        assemble.assemble(tmp_path, tmp_path / "other")
