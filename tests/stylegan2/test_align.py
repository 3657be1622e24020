"""Faces come out of a picture upright, at the generator's size and in its square, wherever and however they lay."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from stylegan2.inversion.align import Framing, align_face, corners, cut_out, face_square, middle_square, typical_points

UPRIGHT = [(80, 100), (120, 100), (85, 150), (115, 150)]


def face(points, size=(300, 260)) -> Image.Image:
    """Eyes are red and blue discs, the corners of the mouth green and black ones, on grey."""
    picture = Image.new("RGB", size, (128, 128, 128))
    for (x, y), colour in zip(points, ((255, 0, 0), (0, 0, 255), (0, 255, 0), (0, 0, 0))):
        ImageDraw.Draw(picture).ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
    return picture


def turned(points, degrees: float, scale: float = 1.0, shift=(0, 0)) -> list:
    angle, middle = np.deg2rad(degrees), np.array([100, 120])
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [tuple(matrix @ (np.array(point) - middle) + middle + shift) for point in points]


def middle_of(image, colour) -> np.ndarray:
    """Centre of the pixels of a colour, as shares of the picture's side."""
    near = (image[0] - torch.tensor(colour).view(3, 1, 1)).abs().amax(0) < 0.5
    return near.nonzero().float().mean(0).flip(0).add(0.5).div(image.shape[-1]).numpy()


def test_the_square_of_an_upright_face_by_hand():
    square = face_square(UPRIGHT)
    assert square.across == pytest.approx([90, 0]) and square.down == pytest.approx([0, 90])  # 1.8 x 50 is more than 2 x 40
    assert square.centre == pytest.approx([100, 105])
    wide = face_square([(60, 100), (140, 100), (85, 150), (115, 150)])
    assert wide.side == pytest.approx(2 * 160)


def test_framing_widens_and_raises():
    square = face_square(UPRIGHT, Framing(margin=1.1, raised=0.1))
    assert square.across == pytest.approx([99, 0]) and square.centre == pytest.approx([100, 105 - 9])


@pytest.mark.parametrize("size, framing", [((200, 300), Framing()), ((640, 480), Framing(1.097, 0.027))])
def test_typical_points_are_those_of_a_face_that_fills_the_middle(size, framing):
    square = face_square(typical_points(size, framing), framing)
    half = min(size) / 2
    assert square.centre == pytest.approx([size[0] / 2, size[1] / 2]) and square.across == pytest.approx([half, 0])
    assert corners(square)[[0, 2]] == pytest.approx(np.array([square.centre - half, square.centre + half]))


def test_the_order_of_a_pair_does_not_matter():
    swapped = [UPRIGHT[1], UPRIGHT[0], UPRIGHT[3], UPRIGHT[2]]
    assert face_square(swapped).across == pytest.approx(face_square(UPRIGHT).across)


@pytest.mark.parametrize("degrees, scale, shift", [(0, 1, (0, 0)), (25, 1, (30, 20)), (-40, 0.7, (60, 0)), (10, 1.4, (20, 10))])
def test_the_face_is_the_same_however_it_lay(degrees, scale, shift):
    points = turned(UPRIGHT, degrees, scale, shift)
    image = align_face(face(points), points, 64)
    assert image.shape == (1, 3, 64, 64)
    expected = (np.array(UPRIGHT) - (100, 105)) / 180 + 0.5
    for place, colour in zip(expected, ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (-1, -1, -1))):
        assert middle_of(image, colour) == pytest.approx(place, abs=0.02)


def test_a_large_picture_is_averaged_not_picked():
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    image = align_face(Image.fromarray(stripes), [(300, 350), (500, 350), (330, 500), (470, 500)], 32)
    assert image.abs().max() < 0.05


def test_beyond_the_edge_the_picture_is_mirrored():
    picture = Image.new("RGB", (200, 200), (255, 255, 255))
    points = [(5, 20), (25, 20), (8, 40), (22, 40)]
    assert align_face(picture, points, 32).min() > 0.99


def test_the_middle():
    picture = Image.new("RGB", (100, 60))
    picture.paste((255, 255, 255), (20, 0, 80, 60))
    assert middle_square(picture, 16)[..., 2:-2].min() > 0.9


@pytest.mark.parametrize("points", [
    UPRIGHT[:3], [(100, 100)] * 4, [(float("nan"), 1), *UPRIGHT[1:]], [(1, 1), (2, 1), (1, 2), (2, 2)]])
def test_points_that_are_no_face_are_refused(points):
    with pytest.raises(ValueError, match="left eye"):
        face_square(points)


def test_a_square_outside_the_picture_is_refused():
    with pytest.raises(ValueError, match="outside the picture of 300 x 260"):
        align_face(face(UPRIGHT), [(x + 1000, y) for x, y in UPRIGHT], 32)
    with pytest.raises(ValueError, match="size is 0"):
        cut_out(face(UPRIGHT), face_square(UPRIGHT), 0)
