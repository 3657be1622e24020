"""`python -m stylegan2.generate`, and the seeds it understands."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan2.generate import main, samples
from stylegan2.seeds import latents_from_seeds, parse_seeds


def test_parse_seeds():
    assert parse_seeds("7") == [7]
    assert parse_seeds(" 0-3, 12,5 ") == [0, 1, 2, 3, 12, 5]
    assert parse_seeds("4294967295") == [4294967295]


@pytest.mark.parametrize("text", ["", "a", "1,", "3-1", "-1", "1-2-3", "1.5", "4294967296", "0-100000", "٣"])
def test_seeds_that_do_not_parse(text):
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)


def test_latents_are_nvidias():
    z = latents_from_seeds([3, 85], 5)
    assert z.dtype == torch.float32
    np.testing.assert_array_equal(z[1].numpy(), np.random.RandomState(85).randn(1, 5)[0].astype(np.float32))
    assert latents_from_seeds([], 5).shape == (0, 5)
    with pytest.raises(ValueError, match="accepted"):
        latents_from_seeds([-1], 5)


def test_samples_do_not_depend_on_the_batch(tiny_models):
    one = dict(samples(tiny_models.generator, [5, 6, 7], 0.7, batch_size=1))
    three = dict(samples(tiny_models.generator, [5, 6, 7], 0.7, batch_size=3))
    assert list(one) == list(three) == [5, 6, 7]
    for seed in one:
        torch.testing.assert_close(one[seed], three[seed], rtol=0.02, atol=0.02 * float(one[seed].std()))


def test_truncation_zero_is_one_face(tiny_models):
    images = [image for _, image in samples(tiny_models.generator, [1, 2], truncation=0)]
    torch.testing.assert_close(images[0], images[1])


def test_command_writes_samples_and_a_sheet(tiny_pack, tmp_path, capsys):
    out = tmp_path / "made" / "here"
    arguments = ["--pack", str(tiny_pack), "--seeds", "0-2,1", "--truncation", "0.5", "--out", str(out), "--device", "cpu"]
    result = main(arguments)
    assert result["count"] == 3 and result["resolution"] == 32
    assert sorted(path.name for path in out.iterdir()) == [
        "contact_sheet.png", "seed_0000.png", "seed_0001.png", "seed_0002.png"]
    with Image.open(result["sheet"]) as sheet, Image.open(out / "seed_0001.png") as sample:
        assert sheet.size == (64, 64) and sample.size == (32, 32) and sample.mode == "RGB"
        assert np.array_equal(np.asarray(sheet)[:32, 32:], np.asarray(sample))
    before = (out / "seed_0002.png").read_bytes()
    main(arguments)
    assert (out / "seed_0002.png").read_bytes() == before


@pytest.mark.parametrize("wrong, sentence", [
    (["--seeds", "seven"], "seven"), (["--truncation", "9"], "0 to 2"), (["--truncation", "nan"], "nan"),
    (["--pack", "nowhere"], "nowhere"), (["--noise", "loud"], "loud"), (["--batch-size", "0"], "0")])
def test_bad_input(tiny_pack, tmp_path, capsys, wrong, sentence):
    arguments = ["--pack", str(tiny_pack), "--seeds", "0", "--out", str(tmp_path / "out"), "--device", "cpu", *wrong]
    try:
        main(arguments)
    except ValueError as error:
        said = str(error)
    except SystemExit as stop:
        assert stop.code == 2
        said = capsys.readouterr().err
    else:
        pytest.fail("it was accepted")
    assert sentence in said
    assert not (tmp_path / "out").exists()


def test_the_command_line_keeps_the_contract(command, tiny_pack, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    outcome = command("stylegan2.generate", "--pack", tiny_pack, "--seeds", "0", "--out", tmp_path / "file", "--device", "cpu", expect=2)
    assert "file" in outcome.sentence
