"""Pictures that are handed in: real files, hostile ones too, each refused in one sentence that says what is accepted."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylegan2.inversion import intake
from stylegan2.inversion.intake import read_picture


def file_of(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def scene(width: int = 48, height: int = 40) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 5 % 256, y * 6 % 256, (x + y) * 2 % 256], -1).astype(np.uint8))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is large and holds next to nothing."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("WEBP", {"lossless": True})])
def test_pixels_come_in_as_they_are(kind, options):
    assert np.array_equal(read_picture(file_of(scene(), kind, **options)), scene())


def test_a_path_bytes_and_an_upload_are_the_same(tmp_path):
    (tmp_path / "face.dat").write_bytes(file_of(scene()))  # the name says nothing
    found = [read_picture(tmp_path / "face.dat"), read_picture(file_of(scene())), read_picture(io.BytesIO(file_of(scene())))]
    assert all(np.array_equal(picture, scene()) for picture in found)


def test_the_camera_says_which_side_is_up():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_picture(file_of(scene(), "JPEG", exif=exif, quality=95))
    assert turned.size == (40, 48)
    assert np.abs(np.asarray(turned, float) - np.asarray(scene().rotate(-90, expand=True), float)).mean() < 8


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    assert read_picture(file_of(clear)).getpixel((5, 5)) == (255, 255, 255)
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert read_picture(file_of(palette, transparency=1)).getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_keep_their_greys():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = np.asarray(read_picture(file_of(Image.fromarray(ramp))))
    assert found.shape == (64, 64, 3) and np.abs(found[..., 0] - ramp / 257).max() <= 1


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "LA"])
def test_other_modes_become_rgb(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert read_picture(file_of(scene().convert(mode), kind)).mode == "RGB"


def test_a_cameras_double_picture_is_its_first():
    data = file_of(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (48, 40))])
    assert read_picture(data).size == (48, 40)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_named(kind):
    data = file_of(scene(), kind, save_all=True, append_images=[scene().rotate(90), scene().rotate(180)], duration=100)
    with pytest.raises(ValueError, match="an animation of 3 pictures; accepted: a still one"):
        read_picture(data, "dance")


@pytest.mark.parametrize("data", [
    b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7 ...", b"PK\x03\x04" + bytes(100), b"\x00" * 500,
    file_of(scene(), "GIF"), file_of(scene(), "TIFF"), file_of(scene(), "BMP")], ids=["svg", "pdf", "zip", "zeros", "gif", "tiff", "bmp"])
def test_other_files_are_refused_whatever_their_name(data, tmp_path):
    (tmp_path / "face.png").write_bytes(data)
    with pytest.raises(ValueError, match="face.png.* accepted: a PNG, JPEG or WebP picture"):
        read_picture(tmp_path / "face.png")


@pytest.mark.parametrize("size", [(9000, 9000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match="accepted: up to 64 million"):
        read_picture(png_of_size(*size))


def test_a_text_bomb_is_refused():
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("note", "a" * 50_000_000, zip=True)
    with pytest.raises(ValueError, match="accepted: a PNG"):
        read_picture(file_of(scene(), pnginfo=text))


@pytest.mark.parametrize("size", [(31, 400), (400, 1), (1, 1)])
def test_slivers_are_refused(size):
    with pytest.raises(ValueError, match="at least 32 x 32"):
        read_picture(file_of(Image.new("RGB", size)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_files_cut_short_are_refused_at_every_place(kind):
    data = file_of(scene(200, 160), kind)
    whole, refused = np.asarray(read_picture(data)), 0
    for end in range(1, len(data), max(1, len(data) // 25)):
        try:
            assert np.array_equal(read_picture(data[:end], "half"), whole)  # only what follows the pixels is missing
        except ValueError as error:
            assert "accepted: " in str(error)
            refused += 1
    assert refused >= 20


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_flipped_bytes_never_raise_anything_else(kind):
    exif = Image.Exif()
    exif[0x0112] = 3
    data, random = file_of(scene(), kind, exif=exif), np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 4):
            broken[place] = random.integers(0, 256)
        try:
            assert read_picture(bytes(broken)).mode == "RGB"
        except ValueError as error:
            assert "accepted: " in str(error) and "\n" not in str(error)


def test_sizes_of_files(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="is empty"):
        read_picture(b"", "nothing")
    with pytest.raises(ValueError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(OSError):
        read_picture(tmp_path / "none.png")
    monkeypatch.setattr(intake, "MAX_BYTES", 2**20)
    with pytest.raises(ValueError, match="up to 1 MB"):
        read_picture(io.BytesIO(bytes(2**20 + 1)))
