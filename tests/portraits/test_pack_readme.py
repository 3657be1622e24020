"""What the commands that fill a pack's page write, and that they refuse figures of other models."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from lelsd.direction import Direction
from packs.files import add_files
from packs.pack import load_pack
from portraits import pack_readme, readme_pictures
from portraits.evaluate_pack import about

README = "# tiny\n" + "".join(f"\n<!-- {name} -->\nTo be filled.\n<!-- end -->\n" for name in ("files", "figures", "weak points", "directions", "trainings"))


@pytest.fixture
def pack(copied_pack):
    """The tiny pack with a page and a direction that has no card."""
    generator = load_pack(copied_pack)
    deltas = torch.zeros(1, generator.generator.num_ws, 16)
    deltas[:, 2] = 1
    direction = Direction(deltas, (2,), "a person with a hat", "hat", generator.name, generator.hash, (0.5,))
    add_files(copied_pack, {"directions/hat.safetensors": direction.to_bytes()})
    (copied_pack / "README.md").write_text(README)
    return copied_pack


@pytest.fixture
def arguments(pack, tmp_path):
    """Of the command, with records of one training and a report of the pack."""
    said = [{"step": step, "seconds": 30.0 * step, "loss": 1 / step} for step in (1, 2, 4)]
    (tmp_path / "parser.log").write_text("".join(f"parser: {line}\n" for line in [*said, {"step": 4, "seconds": 121.0, "mean_iou": 0.87654}]))
    (tmp_path / "report.json").write_text(json.dumps({"pack": about(load_pack(pack)) | {"directions": 0}, "parser": {"mean_iou": 0.91, "iou_by_class": {"hat": 0.5}}}))
    return ["--pack", str(pack), "--work", str(tmp_path), "--report", str(tmp_path / "report.json"), "--curves", str(tmp_path / "docs" / "curves.png")]


def test_every_block_is_filled_and_filled_again(pack, arguments, tmp_path):
    pack_readme.main(arguments)
    page = (pack / "README.md").read_text()
    assert "To be filled" not in page and page.startswith("# tiny\n") and page.count("<!-- end -->") == 5
    assert "| parser | 2 | 4 | mean_iou 0.877, loss 0.25 |" in page
    assert "| parser: mean IoU over 19 classes, held-out renders | 0.910 |  | at least 0.9: yes |" in page and "- The parser's weakest classes (IoU): hat 0.50." in page
    assert "| ready-made directions | 1 |" in page  # of the pack as it is, not as it was measured
    assert "| a person with a hat | – | – | – | – |" in page and "1 ready-made directions" in page
    earlier = "| encoder | 9 | 2824 | loss 0.0876 |"
    (pack / "README.md").write_text(page.replace("| parser | 2 |", f"{earlier}\n| parser | 3 |"))
    pack_readme.main(arguments)
    page = page.replace("loss 0.25 |\n", f"loss 0.25 |\n{earlier}\n")  # a stage without records stays as it was, in its place
    pack_readme.main(arguments)
    assert (pack / "README.md").read_text() == page and Image.open(tmp_path / "docs" / "curves.png").size[0] > 0


def test_without_a_work_folder_the_trainings_stay(pack, arguments, tmp_path):
    pack_readme.main(arguments)
    page, curves = (pack / "README.md").read_text(), tmp_path / "docs" / "curves.png"
    curves.unlink()
    (pack / "README.md").write_text(page.replace("1 ready-made directions", "none"))
    pack_readme.main([word for word in arguments if word not in ("--work", str(tmp_path))])
    assert (pack / "README.md").read_text() == page and not curves.exists()


def test_figures_of_other_models_are_refused(pack, arguments):
    other = pack / "clip.safetensors"
    add_files(pack, {other.name: other.read_bytes() + b" "})
    with pytest.raises(ValueError, match="not of the models in"):
        pack_readme.main(arguments)
    assert (pack / "README.md").read_text() == README


def test_a_page_without_a_block_is_named(pack, arguments):
    (pack / "README.md").write_text(README.replace("<!-- figures -->", ""))
    with pytest.raises(ValueError, match="no block 'figures'"):
        pack_readme.main(arguments)


def test_the_pictures_of_the_readme(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(readme_pictures, "PROMPTS", ("somebody with a cap", "a hat"))
    monkeypatch.setattr(readme_pictures, "HATS", ("a hat",))
    arguments = ["--pack", str(pack), "--samples", "0-3", "--columns", "2", "--directions", "hat", "--seeds", "3", "--out", str(tmp_path / "images")]
    sizes = readme_pictures.main(arguments)["bytes"]
    with Image.open(tmp_path / "images" / "samples.webp") as samples, Image.open(tmp_path / "images" / "edits.webp") as edits:
        assert samples.size == (320, 320) and edits.size == (readme_pictures.WORDS + 5 * 160, readme_pictures.HEAD + 160)
    with Image.open(tmp_path / "images" / "prompts.webp") as prompts:
        assert prompts.size == (readme_pictures.WORDS + 7 * 160, 3 * 160)
        faces, first, second = np.asarray(prompts.convert("RGB"), float).reshape(3, 160, prompts.width, 3)[:, :, readme_pictures.WORDS:]
    assert 4 * abs(first - second).mean() < abs(first - faces).mean(), "a cap is a hat"
    assert sizes == {name: (tmp_path / "images" / f"{name}.webp").stat().st_size for name in ("samples", "edits", "prompts", "hats")}
    monkeypatch.setattr(readme_pictures, "PROMPTS", ("a hat and a beard",))
    with pytest.raises(ValueError, match="has no direction for 'a person with a beard'; accepted"):
        readme_pictures.main(arguments)
    with pytest.raises(ValueError, match="no direction 'beard'; accepted are hat"):
        readme_pictures.main([*arguments[:7], "beard", *arguments[8:]])
    with pytest.raises(ValueError, match="seeds are too few"):
        readme_pictures.main([*arguments[:7], "hat,hat", *arguments[8:]])
