"""`python -m segmentation.parser`, run as a user runs it, on the tiny pack."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    return tmp_path / "face.png"


def test_writes_a_mask_and_an_overlay_of_the_pictures_size(command, tiny_pack, picture, tmp_path):
    outcome = command("segmentation.parser", "--pack", tiny_pack, picture, "--out", tmp_path / "masks", "--device", "cpu")
    (about,) = outcome.result["images"]
    with Image.open(about["mask"]) as mask, Image.open(about["overlay"]) as shown:
        assert mask.mode == "P" and mask.size == (30, 40) and np.array(mask).max() < 19
        assert shown.mode == "RGB" and shown.size == (30, 40)
        hair = float((np.array(mask) == 17).mean())
    assert about["parts"].get("hair", 0.0) == pytest.approx(hair, abs=1e-5)
    assert sorted(p.name for p in (tmp_path / "masks").iterdir()) == ["face_mask.png", "face_overlay.png"]


def test_a_bad_picture_stops_it_before_anything_is_written(command, tiny_pack, picture, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    out = tmp_path / "masks"
    outcome = command("segmentation.parser", "--pack", tiny_pack, picture, tmp_path / "bad.png", "--out", out, expect=2)
    assert "bad.png" in outcome.sentence and not out.exists()


def test_unknown_pack(command, picture, tmp_path):
    outcome = command("segmentation.parser", "--pack", "nowhere", picture, "--out", tmp_path / "masks", expect=2)
    assert "nowhere" in outcome.sentence
