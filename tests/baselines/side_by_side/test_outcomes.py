"""One wish by every editor of a pack: who takes part, who cannot and why, what is measured of whom, and what is kept in files."""

from __future__ import annotations

import csv
import io
import json
import shutil

import numpy as np
import pytest
import torch

from baselines import shipped
from baselines.side_by_side import __main__ as side_by_side
from baselines.side_by_side import files, outcomes, sources
from baselines.side_by_side.outcomes import TEXT, Wish
from lelsd.direction import Direction
from lelsd.prompt import parse_prompt
from packs.files import add_files
from packs.pack import load_pack
from stylegan2.images import open_image

BANGS = "a person with bangs"


class Painter:
    """An editor that was taught labels, and paints the top half white for all of them but one."""

    name = "painter"

    def edit(self, samples, request):
        if request.attribute == "Young":
            raise ValueError("editor 'painter' was not taught 'Young'; accepted: Bangs")
        images = samples.images.clone()
        images[:, :, : images.shape[2] // 2] = 1.0 if request.value else -1.0
        return images


def open_painter(path, device, parser):
    if path.read_bytes() != b"paint":
        raise ValueError(f"{path} holds no paint")
    return Painter()


@pytest.fixture
def painted(tiny_pack, tmp_path, monkeypatch):
    """The tiny pack with a further editor of a further kind, opened."""
    monkeypatch.setitem(shipped.LOADERS, "painter", f"{__name__}:open_painter")
    folder = shutil.copytree(tiny_pack, tmp_path / "painted")
    add_files(folder, {"painter.bin": b"paint"})
    info = json.loads((folder / "pack.json").read_text())
    info["editors"] = [{"name": "painter", "title": "The painter", "file": "painter.bin", "kind": "painter"}]
    (folder / "pack.json").write_text(json.dumps(info))
    return load_pack(folder, "cpu")


def direction(pack, prompt: str) -> Direction:
    generator = pack.generator
    deltas = torch.randn(1, generator.num_ws, generator.w_dim, generator=torch.Generator().manual_seed(len(prompt)))
    return Direction(deltas, tuple(range(generator.num_ws)), prompt, "hair", pack.name, pack.hash, (1.0,))


def compared(pack, wish, count=2, strength=1.0, directions=()):
    samples = sources.sampled(pack, 3, count, 1.0)
    asked = outcomes.contenders(pack, wish, strength, directions)
    return outcomes.compare(pack, samples, wish, asked, "samples", parse_prompt(wish.prompt, pack), None)


def test_a_further_editor_of_the_pack_takes_part_by_itself(painted):
    found = compared(painted, Wish(BANGS, "Bangs"))
    by_name = {outcome.contender.name: outcome for outcome in found.outcomes}
    assert list(by_name) == [TEXT, "secgan", "secgan-baseline", "maskgan", "maae", "painter", "semantic-vae"]
    text, secgan, painter = by_name[TEXT], by_name["secgan"], by_name["painter"]
    assert painter.contender.title == "The painter" and (painter.images[:, :16] == 255).all()
    assert np.array_equal(painter.images[:, 16:], found.images[:, 16:])
    assert set(painter.measured) == set(outcomes.MEASURES) and 0 <= painter.measured["side_effect_rate"] <= 1
    assert painter.measured["identity"] is not None and painter.measured["fid"] > 0 and found.features == "the pack's attribute classifier"
    assert text.images is None is secgan.images and not text.measured and "no direction for" in text.trouble
    rows = list(csv.DictReader(io.StringIO(outcomes.as_csv(found))))
    assert [row["editor"] for row in rows][:3] == ["Text-driven direction", "SeCGAN", "SeCGAN's baseline"] and rows[5]["editor"] == "The painter"
    assert rows[5]["pictures"] == "2" and float(rows[5]["side_effect_rate"]) == pytest.approx(painter.measured["side_effect_rate"], abs=1e-5)
    assert float(rows[5]["fid"]) == pytest.approx(painter.measured["fid"], abs=1e-4) and rows[5]["fid_features"] == found.features
    assert rows[0]["side_effect_rate"] == "" != rows[0]["trouble"] and rows[5]["trouble"] == "" and rows[5]["attribute"] == "Bangs"


def test_one_picture_has_no_distance_and_no_edit_has_none(tiny_models):
    learned = [direction(tiny_models, BANGS)]
    alone = compared(tiny_models, Wish(BANGS, "Bangs"), 1, directions=learned)
    assert alone.outcomes[0].measured["fid"] is None and alone.features == "" and ",,," in outcomes.as_csv(alone)
    still, moved = (compared(tiny_models, Wish(BANGS, "Bangs"), 3, strength, learned).outcomes[0] for strength in (0.0, 2.0))
    assert still.measured["fid"] < 0.01 * moved.measured["fid"]


def test_an_editor_says_itself_what_it_cannot_do(painted):
    def trouble(pack, wish):
        return next(outcome.trouble for outcome in compared(pack, wish).outcomes if outcome.contender.name == "painter")

    assert "not taught 'Young'" in trouble(painted, Wish("a young person", "Young"))
    assert "none says what" in trouble(painted, Wish("a person with thin lips"))
    (painted.path / "painter.bin").write_bytes(b"Paint")  # same size, other contents
    assert "SHA-256" in trouble(painted, Wish(BANGS, "Bangs"))


def test_what_a_pack_says_of_its_editors_is_checked(tiny_models):
    def described(*editors):
        return type("Described", (), {"name": "mine", "info": {"files": {"a": {}}, "editors": list(editors)}})()

    entry = {"name": "a", "title": "A", "file": "a", "kind": "new"}
    assert "kind 'new'" in shipped.shipped_editors(described(entry))[-1].absence(described(entry))
    with pytest.raises(ValueError, match="'secgan' twice"):
        shipped.shipped_editors(described({**entry, "name": "secgan"}))
    for wrong in ("A", {"name": "a"}, {**entry, "kind": 3}):
        with pytest.raises(ValueError, match="describes an editor as"):
            shipped.shipped_editors(described(wrong))
    with pytest.raises(ValueError, match="holds no secgan.safetensors"):
        shipped.EXPECTED[0].open(tiny_models)


def test_the_direction_of_the_words_then_of_the_attribute_then_of_its_opposite(tiny_models):
    known = [direction(tiny_models, name) for name in ("a person with glasses", "a person with spectacles", "a bald person")]

    def chosen(prompt, attribute="", value=True):
        found = outcomes.direction_for(known, Wish(prompt, attribute, value))
        return found and (found[0].prompt, found[1])

    assert chosen("A person with  spectacles", "Eyeglasses") == ("a person with spectacles", 1)
    assert chosen("a person with eyeglasses", "Eyeglasses") == ("a person with glasses", 1)
    assert chosen("a person with no glasses", "Eyeglasses", False) == ("a person with glasses", -1)
    assert chosen("a person with a hat", "Wearing_Hat") is None and chosen("a person with thin lips") is None


def test_wishes():
    assert outcomes.wish_in_words(" a person without a hat ") == Wish("a person without a hat", "Wearing_Hat", False)
    assert outcomes.wish_in_words("a person with thin lips") == Wish("a person with thin lips")
    assert outcomes.wish_for("Eyeglasses", False) == Wish("a person with no glasses", "Eyeglasses", False)
    with pytest.raises(ValueError):
        outcomes.wish_in_words("  ")


# --- files and the command --------------------------------------------------------------------------------------------


def test_what_was_compared_is_read_as_it_was_written(painted, tmp_path):
    found = compared(painted, Wish(BANGS, "Bangs"), directions=[direction(painted, BANGS)])
    assert files.write(found, tmp_path / "out") == tmp_path / "out" / "compared.json"
    again = files.read(tmp_path / "out")
    assert np.array_equal(again.images, found.images) and np.array_equal(again.labels, found.labels) and again.wish == found.wish
    assert outcomes.as_csv(again) == outcomes.as_csv(found) == (tmp_path / "out" / "compared.csv").read_text()
    for one, other in zip(found.outcomes, again.outcomes, strict=True):
        assert (one.images is None) == (other.images is None) and one.contender.absence == other.contender.absence
        assert one.images is None or np.array_equal(one.images, other.images) and np.array_equal(one.labels, other.labels)
    open_image(tmp_path / "out" / "before.png").crop((0, 0, 40, 32)).save(tmp_path / "out" / "before.png")
    with pytest.raises(ValueError, match="before.png is damaged"):
        files.read(tmp_path / "out")
    (tmp_path / "out" / "compared.json").write_text("{}")
    with pytest.raises(ValueError, match="compared.json is damaged"):
        files.read(tmp_path / "out")


def test_the_command_compares_tells_how_far_it_is_and_can_be_cancelled(tiny_pack, tiny_models, tmp_path):
    direction(tiny_models, BANGS).save(tmp_path / "runs" / "bangs" / "direction.safetensors")
    words = ["--attribute", "Bangs", "--drawn", "0", "--count", "2", "--pack", str(tiny_pack), "--directions", str(tmp_path / "runs"),
             "--device", "cpu", "--out", str(tmp_path / "out"), "--run", str(tmp_path / "run")]
    result = side_by_side.main(words)
    assert result["pictures"] == 2 and result["editors"][0]["editor"] == "Text-driven direction" and result["editors"][0]["fid"] > 0
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["state"] == "done" and files.read(tmp_path / "out").found.shape == (2, 32, 32, 3)
    (tmp_path / "run" / "cancel").touch()
    with pytest.raises(KeyboardInterrupt):
        side_by_side.main(words)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "cancelled"


@pytest.mark.parametrize(("words", "said"), [
    (["--sampled", "0"], "nothing is asked for"), (["--attribute", "Hair", "--sampled", "0"], "'Hair' is unknown"),
    (["--prompt", "a hat", "--without", "--sampled", "0"], "--without means"), (["--attribute", "Bangs"], "given by nothing"),
    (["--attribute", "Bangs", "--sampled", "0", "--drawn", "1"], "--sampled and --drawn"),
    (["--attribute", "Bangs", "--sampled", "0", "--count", "99"], "there are 99 pictures")])
def test_bad_input_is_one_sentence(words, said, tiny_pack, tmp_path):
    with pytest.raises(ValueError, match=said):
        side_by_side.main([*words, "--pack", str(tiny_pack), "--device", "cpu", "--out", str(tmp_path / "out")])
