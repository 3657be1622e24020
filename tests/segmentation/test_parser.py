"""FaceParser: sizes, gradient, normalisation, precision; the drawings; the reading of picture files."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from segmentation import parser as parser_module
from segmentation.bisenet import BiSeNet, upsample_logits
from segmentation.parser import FaceParser, colour_labels, label_image, overlay, preprocess, read_picture
from segmentation.parts import PALETTE, PARTS


def small_network() -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet(width=0.125).eval()


def random_images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_preprocess_is_the_published_normalisation():
    mean, std = torch.tensor(parser_module.IMAGENET_MEAN), torch.tensor(parser_module.IMAGENET_STD)
    white = preprocess(torch.ones(1, 3, 32, 32), 32, mean, std)[0, :, 0, 0]
    torch.testing.assert_close(white, torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]))
    assert preprocess(torch.zeros(2, 3, 100, 60), 64, mean, std).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("size", [48, 64, 100])
def test_logits_have_the_size_of_the_images(size):
    logits = FaceParser(small_network(), input_size=64)(random_images(2, size))
    assert logits.shape == (2, 19, size, size) and logits.dtype is torch.float32


def test_same_logits_as_the_bare_network():
    network, images = small_network(), random_images(2, 64)
    parser = FaceParser(network, input_size=64)
    expected = network(preprocess(images, 64, parser.mean, parser.std))[0]
    torch.testing.assert_close(parser(images), expected, rtol=0, atol=1e-4)


def test_gradient_reaches_the_image_and_only_the_image():
    parser = FaceParser(small_network(), input_size=64)
    images = random_images(1, 32).requires_grad_()
    parser(images).logsumexp(1).sum().backward()
    assert images.grad.abs().sum() > 0 and all(p.grad is None for p in parser.parameters())


def test_bfloat16_is_close_and_differentiable():
    network, images = small_network(), random_images(1, 64).requires_grad_()
    exact = FaceParser(network, 64)(images)
    fast = FaceParser(network, 64, dtype=torch.bfloat16)(images)
    assert fast.dtype is torch.float32
    assert (fast - exact).std() < 0.05 * exact.std()
    fast.sum().backward()
    assert images.grad.isfinite().all()


@pytest.mark.parametrize("parts", ["hair", {"skin": 0.5, "mouth": 1.0}])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (50, 70), (1, 9)])
def test_probability_is_that_of_the_logits(parts, height, width):
    """For sizes that the stride does not divide, too."""
    parser, images = FaceParser(small_network(), 64), torch.rand(2, 3, height, width) * 2 - 1
    found, wanted = parser.probability(images.requires_grad_(), parts), parser_module.part_probability(parser(images), parts)
    assert found.shape == (2, 1, height, width) and not found.requires_grad and wanted.std(unbiased=False) > 0
    torch.testing.assert_close(found, wanted.detach(), rtol=0, atol=1e-5)


def test_the_given_network_stays_trainable_and_the_parser_frozen():
    network = small_network().train()
    parser = FaceParser(network, 64).train()
    assert network.training and not any(module.training for module in parser.modules())
    assert all(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("images", [torch.zeros(3, 64, 64), torch.zeros(1, 4, 64, 64), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)])
def test_wrong_images(images):
    with pytest.raises(ValueError, match="must be floats"):
        FaceParser(small_network(), 64)(images)


def test_wrong_input_size():
    with pytest.raises(ValueError, match="input_size 8"):
        FaceParser(small_network(), 8)


def test_upsampling_keeps_the_corners():
    coarse = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    fine = upsample_logits(coarse, (3, 3))
    torch.testing.assert_close(fine[0, 0], torch.tensor([[1.0, 1.5, 2.0], [2.0, 2.5, 3.0], [3.0, 3.5, 4.0]]))


def test_overlay_by_hand():
    images = torch.zeros(1, 3, 1, 2)
    mask = torch.tensor([[[[True, False]]]])
    red = overlay(images, mask, (255, 0, 0), opacity=0.5)
    torch.testing.assert_close(red[0, :, 0, 0], torch.tensor([0.5, -0.5, -0.5]))
    assert red[0, :, 0, 1].tolist() == [0, 0, 0]
    by_name = overlay(images, mask, "hair", opacity=1.0)[0, :, 0, 0]
    torch.testing.assert_close(by_name, torch.tensor(PARTS["hair"].colour) / 127.5 - 1)
    with pytest.raises(ValueError, match="unknown part"):
        overlay(images, mask, "tail")


def test_overlay_of_all_classes():
    labels = torch.tensor([[[17, 0]]])
    shown = overlay(torch.zeros(1, 3, 1, 2), labels.unsqueeze(1) > 0, colour_labels(labels), opacity=1.0)
    torch.testing.assert_close((shown[0, :, 0, 0] + 1) * 127.5, torch.tensor(PALETTE[17]).float())
    assert shown[0, :, 0, 1].tolist() == [0, 0, 0]


def test_label_image_keeps_numbers_and_palette(tmp_path):
    labels = torch.arange(19).view(1, 19)
    label_image(labels).save(tmp_path / "m.png")
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.mode == "P" and np.array(picture).tolist() == labels.tolist()
        assert np.array(picture.convert("RGB"))[0].tolist() == PALETTE.tolist()


@pytest.mark.parametrize("labels", [torch.zeros(1, 2, 2, dtype=torch.long), torch.tensor([[19]]), torch.tensor([[-1]])])
def test_label_image_refuses_what_it_cannot_hold(labels):
    with pytest.raises(ValueError, match="class numbers 0 to 18"):
        label_image(labels)


def test_exif_rotation_is_respected(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show
    Image.new("RGB", (6, 4), "black").save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").shape == (1, 3, 6, 4)


def test_transparent_pixels_are_white(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png") == 1).all()


def test_too_many_pixels(tmp_path, monkeypatch):
    Image.new("L", (20, 10)).save(tmp_path / "large.png")
    monkeypatch.setattr(parser_module, "MAX_PIXELS", 100)
    with pytest.raises(ValueError, match="20 x 10"):
        read_picture(tmp_path / "large.png")


def test_a_large_picture_is_parsed_smaller_and_labelled_at_its_own_size(monkeypatch):
    monkeypatch.setattr(parser_module, "MAX_PARSED_SIDE", 40)
    labels, shown = parser_module.parse_picture(FaceParser(small_network(), 64), torch.zeros(1, 3, 100, 50))
    assert labels.shape == (1, 100, 50) and shown.shape == (1, 3, 100, 50)


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60000 x 60000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def bad_file(kind: str, folder) -> "object":
    path = folder / f"{kind}.png"
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "truncated":
        Image.effect_noise((64, 64), 50).save(path)
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "empty":
        path.touch()
    elif kind == "bomb":
        path.write_bytes(bomb())
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["missing", "text", "truncated", "empty", "bomb", "folder"])
def test_bad_files_are_named_in_one_sentence(kind, tmp_path):
    path = bad_file(kind, tmp_path)
    with pytest.raises((ValueError, OSError)) as caught:
        read_picture(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_shares():
    labels = torch.tensor([[17, 17], [12, 0]])
    assert parser_module.shares(labels) == {"hair": 0.5, "mouth": 0.25, "lips": 0.25, "background": 0.25, "face": 0.25}
