"""From a picture file to a face that can be edited: the command line, its recipe, packs with an encoder and without."""

import json
import os
import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import save

from lelsd.direction import Direction
from lelsd.edit_cli import edit_command
from lelsd.invert import invert_picture, parse_point, prepared, start_of
from lelsd.invert import main as invert_main
from lelsd.recipe import recipe_from_file
from packs.files import MANIFEST, add_files
from packs.pack import load_pack
from portraits.encoder import PortraitEncoder
from stylegan2.images import from_pil, to_pil
from stylegan2.inversion.optimise import Inversion

ENCODER = {"width": 8, "num_features": 16}


@pytest.fixture(scope="module")
def encoding_pack(tiny_pack, tmp_path_factory):
    """The tiny pack with an encoder, untrained as the rest, and pictures that show less than FFHQ's."""
    folder = tmp_path_factory.mktemp("packs") / "encoding"
    shutil.copytree(tiny_pack, folder)
    torch.manual_seed(1)
    info = json.loads((folder / MANIFEST).read_text()) | {"encoder": ENCODER, "framing": {"margin": 0.5}}
    (folder / MANIFEST).write_text(json.dumps(info))
    add_files(folder, {"encoder.safetensors": save(PortraitEncoder(6, **ENCODER).state_dict())})
    return folder


@pytest.fixture
def picture(tiny_models, tmp_path):
    """A sample of the generator as a file."""
    with torch.no_grad():
        image = tiny_models.generator(torch.randn(1, 16, generator=torch.Generator().manual_seed(4)))
    to_pil(image).resize((64, 64)).save(tmp_path / "face.png")
    return tmp_path / "face.png"


def run(main, *words) -> dict:
    """A command in this process: another one would spend seconds on importing torch."""
    return main([str(word) for word in words])


def test_a_picture_becomes_a_recipe_that_draws_it(tiny_pack, tiny_models, picture, tmp_path):
    result = run(invert_main, picture, "--pack", tiny_pack, "--steps", 25, "--out", tmp_path / "out", "--device", "cpu")
    assert result["start"] == "average" and result["steps"] == 25 and result["pack"] == "tiny"
    for name in ("feature_distance", "pixel_error"):
        assert 0 < result["after"][name] < result["before"][name]
    assert -1 <= result["after"]["identity"] <= 1
    found = tmp_path / "out" / "face_inverted.png"
    recipe = recipe_from_file(found)
    assert recipe.w_plus.shape == (1, tiny_models.generator.num_ws, 16)
    with Image.open(found) as saved:
        assert torch.equal(from_pil(to_pil(recipe.render(tiny_models))), from_pil(saved))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"face_target.png", "face_start.png", "face_inverted.png"}


def test_what_was_found_is_edited_further(tiny_pack, tiny_models, picture, tmp_path):
    out = tmp_path / "out"
    run(invert_main, picture, "--pack", tiny_pack, "--steps", 2, "--out", out, "--device", "cpu")
    deltas = torch.zeros(1, tiny_models.generator.num_ws, 16)
    deltas[:, 3] = 1.0
    direction = Direction(deltas, (3,), "a person with a hat", "hat", tiny_models.name, tiny_models.hash, (0.5,))
    direction.save(tmp_path / "hat.safetensors")
    for base in ("face_inverted", "face_inverted_after"):  # an edited one keeps its edits
        run(edit_command, "--pack", tiny_pack, "--direction", tmp_path / "hat.safetensors", "--alpha", "1", "--base", out / f"{base}.png",
            "--out", out, "--device", "cpu")
    inverted, once, twice = (recipe_from_file(out / f"face_inverted{after}.png") for after in ("", "_after", "_after_after"))
    assert [len(recipe.stack) for recipe in (inverted, once, twice)] == [0, 1, 2]
    assert torch.equal(inverted.w_plus, once.w_plus) and torch.equal(inverted.w_plus, twice.w_plus)
    assert not torch.equal(inverted.render(tiny_models), once.render(tiny_models))


def test_a_pack_with_an_encoder_begins_there(encoding_pack, tiny_models, picture, tmp_path):
    pack, target = load_pack(encoding_pack), torch.rand(2, 3, 32, 32) * 2 - 1
    start, said = start_of(pack, target)
    assert said == "encoder" and torch.equal(start, pack.encoder(target)) and not torch.equal(start[0], start[1])
    assert start_of(tiny_models, target)[1] == "average"
    first = next(invert_picture(pack, target, Inversion(steps=1)))
    assert torch.allclose(first.w_plus, start)
    result = run(invert_main, picture, "--pack", encoding_pack, "--steps", 0, "--out", tmp_path / "out", "--device", "cpu")
    assert result["start"] == "encoder" and result["steps"] == 0
    assert result["before"] == pytest.approx(result["after"], abs=1e-4)


def test_points_cut_the_face_out_in_the_packs_framing(encoding_pack, tiny_models):
    picture = Image.new("RGB", (200, 200))
    picture.paste((255, 255, 255), (70, 60, 130, 120))
    points = [(86, 80), (114, 80), (90, 110), (110, 110)]
    wide, narrow = prepared(tiny_models, picture, points), prepared(load_pack(encoding_pack), picture, points)
    assert wide.shape == narrow.shape == (1, 3, 32, 32)
    assert narrow.mean() > wide.mean() + 0.3  # only the white square is left
    assert prepared(tiny_models, picture).mean() < 0


@pytest.mark.parametrize("words, sentence", [
    (["none.png"], "none.png"), (["face.png", "--out", "face.png"], "face.png is a file"), (["face.png", "--out", "face.png/in"], "face.png is a file"), (["text.png"], "accepted: a PNG, JPEG or WebP picture"), (["face.png", "--steps", "-1"], "accepted: at least 0"),
    (["face.png", "--points", "1,1", "1,1", "1,1", "1,1"], "left eye"), (["face.png", "--points", "1;1", "1,1", "1,1", "1,1"], "accepted: x,y in pixels"),
    (["face.png", "--points", "900,900", "950,900", "910,960", "940,960"], "outside the picture")])
def test_bad_input_is_one_sentence(tiny_pack, picture, tmp_path, monkeypatch, capsys, words, sentence):
    (tmp_path / "text.png").write_text("a picture")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lelsd.invert.invert_picture", lambda *_: pytest.fail("the search began"))
    with pytest.raises((ValueError, OSError, SystemExit)) as refused:
        run(invert_main, words[0], "--pack", tiny_pack, "--out", tmp_path / "out", "--device", "cpu", *words[1:])
    assert sentence in f"{refused.value} {capsys.readouterr().err}" and not (tmp_path / "out").exists()


def test_points_from_the_command_line():
    assert parse_point("12,80.5") == (12.0, 80.5)
    for wrong in ("12", "12,80,3", "a,b", "nan,1"):
        with pytest.raises(ValueError):
            parse_point(wrong)


def test_a_run_folder_says_how_far_it_is(tiny_pack, picture, tmp_path):
    result = run(invert_main, picture, "--pack", tiny_pack, "--steps", 6, "--out", tmp_path / "out", "--run", tmp_path / "run", "--device", "cpu")
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert (status["state"], status["step"], status["steps"]) == ("done", result["steps"], 6)
    assert status["likeness"] == pytest.approx(result["after"]) and result["run"] == tmp_path / "run"
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(7)) and lines[-1]["pixels"] < lines[0]["pixels"]
    with Image.open(tmp_path / "run" / "previews" / "step_00006.png") as preview:
        assert preview.size == (32, 32)


def test_a_run_that_is_cancelled_or_fails_says_so(tiny_pack, picture, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "cancel").touch()
    words = ["--pack", tiny_pack, "--steps", 6, "--out", tmp_path / "out", "--run", tmp_path / "run", "--device", "cpu"]
    with pytest.raises(KeyboardInterrupt):
        run(invert_main, picture, *words)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "cancelled"
    with pytest.raises(ValueError, match="outside the picture"):
        run(invert_main, picture, *words, "--points", "900,900", "950,900", "910,960", "940,960")
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["state"] == "failed" and "outside the picture" in status["error"] and not (tmp_path / "out").exists()
    assert run(invert_main, picture, *words)["steps"] <= 6 and not (tmp_path / "run" / "cancel").exists(), "the flag was of an earlier try"
    (tmp_path / "run" / "cancel").touch()
    os.utime(tmp_path / "run" / "cancel", (4e9, 4e9))
    with pytest.raises(KeyboardInterrupt):  # before it has said a word
        run(invert_main, picture, *words)
