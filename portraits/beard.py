"""Facial hair as hairs over a soft ground. In the mask it is skin, as in CelebAMask-HQ."""

import numpy as np

from portraits.canvas import Canvas, dim, hairs, linear, mirrored, smooth, symmetric, tint
from portraits.head import MOUTH_Y, Head
from portraits.mouth import Lips


def _fixed_hairs() -> list[tuple[float, float, float, float, float]]:
    """Hairs of a beard at fixed places: across [-1, 1], down [0, 1], bend, length, light."""
    random = np.random.Generator(np.random.Philox(31))
    rows = []
    for k in range(280):
        across, down = (k * 0.6180339887) % 1.0, (k + 0.5) / 280
        rows.append((2 * across - 1, down, random.uniform(-0.5, 0.5), random.uniform(0.7, 1.25), random.uniform()))
    return rows


_HAIRS = _fixed_hairs()


def _colours(head: Head):
    ground = tint(dim(head.hair, 0.80), head.deep, 0.16)
    return ground, dim(ground, 0.62), tint(ground, (255, 240, 220), 0.30)


def draw_beard(canvas: Canvas, head: Head) -> None:
    """Sideburns, full beard and goatee, under the mouth."""
    s = head.scene
    if s["beard"] > 0.01:
        _draw_full(canvas, head, s["beard"])
    if s["sideburns"] > 0.01:
        _draw_sideburns(canvas, head, s["sideburns"])
    if s["goatee"] > 0.01:
        _draw_goatee(canvas, head, s["goatee"])


def _draw_full(canvas: Canvas, head: Head, grown: float) -> None:
    width, chin = head.width, head.chin
    low = chin + 5.5 + head.mouth_drop * 0.25
    jaw = [(width * 1.0, 4), *[(x * 1.015, y + 0.02 * y) for x, y in head.half_outline[5:8]], (width * 0.26, low - 1.5), (0, low)]
    cheek = [(0, 33.0), (8, 32.5), (17, 34.5), (26, 36), (width * 0.68, 30), (width * 0.88, 17)]
    region = smooth(symmetric([*cheek, *jaw]))
    ground, dark, light = _colours(head)
    canvas.fill(region, ground, alpha=0.93 * grown, blur=1.1,
                shader=linear((-width * 0.5 * head.side, 20), (width * 0.5 * head.side, low),
                    [(*tint(ground, light, 0.5), grown), (*ground, grown), (*dim(ground, 0.75), grown)]))
    strands: tuple[list, list] = ([], [])
    for across, down, bend, length, shine in _HAIRS:
        reach = width * (1.0 - 0.20 * max(0.0, down - 0.35) / 0.65 * 1.6)
        x = across * reach
        top = 34 - 26 * abs(across) ** 4
        y = top + (low + 1 - 9 * abs(across) ** 2 - top) * down
        if abs(x) < 15 and y < MOUTH_Y + 13:
            continue
        end_x, end_y = x * (1 - 0.05 * length) + 2.2 * bend, y + 8.5 * length
        strands[shine > 0.62].append((x, y, 0.5 * (x + end_x) + 1.4 * bend, 0.5 * (y + end_y), end_x, end_y, 1.25))
    with canvas.clipped(region):
        canvas.fill(hairs(strands[0]), dark, alpha=0.42 * grown)
        canvas.fill(hairs(strands[1]), light, alpha=0.38 * grown)


def _draw_sideburns(canvas: Canvas, head: Head, grown: float) -> None:
    width, (ground, dark, _) = head.width, _colours(head)
    burn = [(width * 0.995, -24), (width * 0.89, -23), (width * 0.865, -4), (width * 0.835, 15), (width * 0.885, 21), (width * 0.97, 8)]
    fade = linear((0, -22), (0, 22), [(*ground, 0.35 * grown), (*ground, 0.92 * grown), (*ground, 0.55 * grown)])
    for points in (burn, mirrored(burn)):
        canvas.fill(smooth(points), ground, alpha=0.9 * grown, blur=1.3, shader=fade)
    lines = [(side * width * (0.85 + 0.032 * i), -18 + 4 * j, side * width * (0.84 + 0.032 * i), -14 + 4 * j,
        side * width * (0.842 + 0.03 * i), -9 + 4 * j, 1.0)
             for side in (-1, 1) for i in range(4) for j in range(0, 8, 2)]
    canvas.fill(hairs(lines), dark, alpha=0.5 * grown)


def _draw_goatee(canvas: Canvas, head: Head, grown: float) -> None:
    ground, dark, light = _colours(head)
    top, chin = MOUTH_Y + head.mouth_drop + 6.5 + 6.2 * head.scene["lip_fullness"], head.chin
    shape = smooth(symmetric([(0, top - 1), (4, top - 1), (6, top + 5), (14, top + 6), (16.5, chin - 7), (11, chin + 3), (0, chin + 7)]))
    canvas.fill(shape, ground, alpha=0.95 * grown, blur=0.7, shader=linear((0, top), (0, chin + 6),
        [(*tint(ground, light, 0.35), grown), (*dim(ground, 0.8), grown)]))
    lines = [(x, top + 2 + abs(x) * 0.5 + j * 6, x * 0.95, top + 5 + j * 6, x * 0.85, top + 10 + j * 6, 1.2) for x in range(-13, 14,
        3) for j in range(3)]
    with canvas.clipped(shape):
        canvas.fill(hairs(lines[::2]), dark, alpha=0.55 * grown)
        canvas.fill(hairs(lines[1::2]), light, alpha=0.50 * grown)


def draw_moustache(canvas: Canvas, head: Head, lips: Lips) -> None:
    """Hairs from the middle of the upper lip outwards, above the mouth."""
    grown = max(head.scene["mustache"], 0.9 * head.scene["beard"])
    if grown < 0.01:
        return
    ground, dark, light = _colours(head)
    half, y, bend = min(lips.half, 21) * 1.10, MOUTH_Y - lips.rise - 1.4, lips.bend
    half *= 0.7 + 0.3 * grown
    right = [(0, y - 8.5), (half * 0.25, y - 9.6), (half * 0.62, y - 7.0 - 0.2 * bend), (half * 0.95, y - 0.6 * bend),
        (half * 1.06, y + 4.5 - 0.7 * bend),
             (half * 0.80, y + 1.6 - 0.55 * bend), (half * 0.42, y - 1.4 - 0.1 * bend), (0, y - 2.8)]
    shape = smooth(symmetric(right))
    canvas.fill(shape, ground, alpha=0.95 * grown, blur=0.6)
    strands: tuple[list, list] = ([], [])
    for side in (-1, 1):
        for i in range(14):
            u, v = (i % 7) / 7, (i // 7) * 0.45
            x0, y0 = half * (0.04 + 0.62 * u), y - 8.0 + 2.4 * u + 3.0 * v - 0.1 * bend * u
            x1, y1 = x0 + half * 0.34, y - 0.5 + 2.2 * u - (0.2 + 0.4 * u) * bend
            strands[i % 2].append((side * x0, y0, side * (x0 + half * 0.20), y0 + 0.8, side * x1, y1, 1.2))
    canvas.fill(hairs(strands[0]), dark, alpha=0.6 * grown)
    canvas.fill(hairs(strands[1]), light, alpha=0.5 * grown)
