"""Pixels in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan2 import images


def test_values_by_hand():
    values = torch.tensor([-5.0, -1.0, 0.0, 1.0, 5.0]).reshape(5, 1, 1, 1).expand(5, 3, 1, 1)
    assert images.to_uint8(values)[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]
    pixels = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1).repeat(3, axis=-1)
    assert images.from_uint8(pixels)[:, 0].flatten().tolist() == [-1.0, 1.0]


def test_every_8_bit_value_survives():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    assert np.array_equal(images.to_uint8(images.from_uint8(pixels)), pixels)
    picture = Image.fromarray(pixels[0])
    assert np.array_equal(np.asarray(images.to_pil(images.from_pil(picture))), pixels[0])


def test_channels_and_rows_keep_their_places():
    image = torch.full((1, 3, 2, 3), -1.0)
    image[0, 0, 1, 2] = 1
    assert images.to_pil(image).getpixel((2, 1)) == (255, 0, 0)
    assert torch.equal(images.from_pil(images.to_pil(image)), image)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "I;16"])
def test_any_mode_becomes_three_channels(mode):
    assert images.from_pil(Image.new(mode, (6, 4))).shape == (1, 3, 4, 6)


def test_sixteen_bits_keep_their_greys():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    image = images.from_pil(Image.fromarray(ramp))
    assert np.abs(image[0, 0].numpy() - (ramp / 32767.5 - 1)).max() < 0.01


def test_transparency_lies_over_white():
    assert images.from_pil(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).flatten().tolist() == [1, 1, 1]


def test_size_takes_the_central_square():
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    image = images.from_pil(picture, size=32)
    assert image.shape == (1, 3, 32, 32)
    assert image[0, 2, 16, 16] == 1 and image[0, 0, 16, 16] == -1


def test_turned_photographs(tmp_path):
    picture = Image.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert images.from_pil(images.open_image(tmp_path / "turned.jpg")).shape == (1, 3, 6, 4)


def test_what_is_written_of_a_picture_overwrites_nothing(tmp_path):
    def stems(*names, ends=("_mask.png",), others=()):
        return images.output_stems([tmp_path / name for name in names], tmp_path, ends, others)

    assert stems("a/x.png", "b/x.jpg", "y.png") == ["x", "x-2", "y"]
    assert stems("a/x.jpg", "b/x.jpg", "c/x-2.jpg") == ["x", "x-2", "x-2-2"]
    assert stems("a/x.png", "x_mask.png") == ["x-2", "x_mask"], "the pictures themselves stay"
    assert stems("a/x.png", "a/x_mask.png", ends=(".png", "_mask.png")) == ["x", "x_mask-2"]
    assert stems("a/sheet.png", ends=(".png",), others=[tmp_path / "sheet.png"]) == ["sheet-2"]


def test_grid():
    tiles = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1).expand(5, 3, 2, 3)
    sheet = images.grid(tiles, columns=2)
    assert sheet.size == (6, 6)
    assert sheet.getpixel((3, 0)) == (64, 64, 64) and sheet.getpixel((5, 5)) == (255, 255, 255)
    assert images.grid(tiles).size == (9, 4)
    assert images.grid(tiles, columns=50).size == (15, 2)


def test_strip_has_room_for_captions():
    strip = images.strip(torch.full((2, 3, 32, 32), -1.0), ["-1", "+1"])
    assert strip.size == (64, 32 + images.CAPTION_HEIGHT)
    caption = np.asarray(strip)[:images.CAPTION_HEIGHT]
    assert caption[:, :32].min() < 128 and caption[:, 32:].min() < 128


def test_save_png_leaves_nothing_half_done(tmp_path):
    images.save_png(tmp_path / "a.png", Image.new("RGB", (2, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(OSError):
        images.save_png(tmp_path / "a.png" / "b.png", Image.new("RGB", (2, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_open_image_refuses(tmp_path):
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    whole = tmp_path / "whole.png"
    Image.effect_noise((64, 64), 50).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:400])
    for path in (text, cut):
        with pytest.raises(ValueError, match=path.name):
            images.open_image(path)
    with pytest.raises(OSError):
        images.open_image(tmp_path / "none.png")
    assert images.open_image(whole).size == (64, 64)


@pytest.mark.parametrize("call", [
    lambda: images.to_uint8(torch.zeros(3, 4, 4)), lambda: images.to_uint8(torch.zeros(1, 1, 4, 4)),
    lambda: images.to_pil(torch.zeros(2, 3, 4, 4)), lambda: images.from_uint8(np.zeros((1, 4, 4, 3))),
    lambda: images.from_uint8(np.zeros((4, 4, 3), dtype=np.uint8)), lambda: images.grid(torch.zeros(0, 3, 4, 4)),
    lambda: images.grid(torch.zeros(1, 3, 4, 4), 0), lambda: images.strip(torch.zeros(2, 3, 4, 4), ["one"]),
    lambda: images.from_pil(Image.new("RGB", (2, 2)), size=0)])
def test_bad_input(call):
    with pytest.raises(ValueError, match="accepted"):
        call()
