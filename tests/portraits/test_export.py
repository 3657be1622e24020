import json
import os

import numpy as np
import pytest
from PIL import Image

from portraits.export import main, write_dataset
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, Scene, attributes, sample
from segmentation.parts import CLASSES


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    result = write_dataset(folder / "a", 4, 64, 5)
    assert result == {"out": str(folder / "a"), "count": 4, "size": 64, "seed": 5, "packed": False}
    return folder / "a"


def test_the_layout_is_that_of_celebamask_hq(data):
    assert sorted(p.name for p in data.iterdir()) == [
        "CelebA-HQ-img", "CelebAMask-HQ-attribute-anno.txt", "CelebAMask-HQ-mask-anno", "captions.jsonl", "scenes.jsonl"]
    assert sorted(p.name for p in (data / "CelebA-HQ-img").iterdir()) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert (data / "CelebAMask-HQ-mask-anno" / "0" / "00000_skin.png").exists()
    assert Image.open(data / "CelebA-HQ-img" / "0.jpg").size == (64, 64)


def test_class_masks_add_up_to_the_mask(data):
    mask = Renderer(64).draw(sample(5, 2))[1]
    found = np.zeros_like(mask)
    for path in (data / "CelebAMask-HQ-mask-anno" / "0").glob("00002_*.png"):
        image = Image.open(path)
        assert image.mode == "L" and set(np.unique(image)) <= {0, 255}
        found[np.asarray(image) == 255] = CLASSES.index(path.stem.removeprefix("00002_"))
    assert (found == mask).all()


def test_attributes_are_listed_as_in_celeba(data):
    count, names, *rows = (data / "CelebAMask-HQ-attribute-anno.txt").read_text().splitlines()
    assert count == "4" and names.split() == list(ATTRIBUTES) and len(rows) == 4
    for index, row in enumerate(rows):
        name, *values = row.split()
        assert name == f"{index}.jpg"
        assert [value == "1" for value in values] == list(attributes(sample(5, index)).values()) and set(values) <= {"1", "-1"}


def test_a_scene_can_be_drawn_again(data):
    for line in map(json.loads, open(data / "scenes.jsonl")):
        again = Renderer(64).draw(Scene.from_json(json.dumps(line["scene"])))[0].astype(int)
        assert np.abs(again - Renderer(64).draw(sample(5, line["index"]))[0]).max() <= 3  # numbers are rounded in the file
    assert len(open(data / "captions.jsonl").readlines()) == 4


def test_packed_masks_are_indexed_pictures(tmp_path):
    write_dataset(tmp_path, 2, 64, 5, packed=True, image_format="png")
    image = Image.open(tmp_path / "CelebAMask-HQ-mask-anno" / "0" / "00001.png")
    picture, mask = Renderer(64).draw(sample(5, 1))
    assert image.mode == "P" and (np.asarray(image) == mask).all()
    assert (np.asarray(Image.open(tmp_path / "CelebA-HQ-img" / "1.png")) == picture).all()
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_same_seed_gives_the_same_bytes(data, tmp_path):
    write_dataset(tmp_path, 4, 64, 5)
    files = [p.relative_to(data) for p in data.rglob("*") if p.is_file()]
    assert files and all((tmp_path / f).read_bytes() == (data / f).read_bytes() for f in files)


@pytest.mark.parametrize("packed", [False, True])
def test_no_mask_of_an_earlier_data_set_stays(data, tmp_path, packed):
    write_dataset(tmp_path, 4, 64, 0, packed)
    write_dataset(tmp_path, 4, 64, 5)
    assert {p.name for p in tmp_path.rglob("*.png")} == {p.name for p in data.rglob("*.png")}


@pytest.mark.parametrize("arguments, sentence", [
    (["--count", "0"], "count is 0"), (["--size", "8"], "size 8"), (["--size", "100000"], "size 100000"),
    (["--format", "gif"], "'gif'"),
])
def test_bad_input_is_one_sentence(tmp_path, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        main([*arguments, "--out", str(tmp_path / "x")])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [["--count", "many"], ["--seed", "-1"], []])
def test_bad_words_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        write_dataset(tmp_path / "file", 1, 32, 0)
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(OSError):
            write_dataset(tmp_path / "locked" / "x", 1, 32, 0)


def test_the_command_answers_with_its_result(tmp_path):
    result = main(["--count", "1", "--size", "32", "--seed", "2", "--out", str(tmp_path), "--packed"])
    assert result == {"out": str(tmp_path), "count": 1, "size": 32, "seed": 2, "packed": True}
