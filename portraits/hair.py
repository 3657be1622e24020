"""Hair behind and in front of the face, brows apart.

Curls sit at fixed places of the head and grow with curliness; waves keep their phase and change their amplitude. So the
picture is a smooth function of the quantities, which is what lets a generator learn it.
"""

import functools
import math

import numpy as np

from portraits.canvas import Canvas, circles, curve, linear, polygon, polylines
from portraits.scene import Scene, hair_colour, mix

HAIR = 17
_RIM_ANGLES = np.radians(np.linspace(180, 360, 13))
_SIDE_HEIGHTS = np.arange(2.0, 112.0, 13.5)
_FRINGE = np.arange(-36.0, 37.0, 12.0)
_RINGLET_RADIUS = 5.6


@functools.cache
def _ringlets_path(turn: float):
    """Arcs of ringlets at fixed, slightly uneven places all over the head, as one path; `turn` is where each begins."""
    rows = np.arange(-106.0, 118.0, 12.5)
    places = [(x + (7.0 if i % 2 else 0.0), y) for i, y in enumerate(rows) for x in np.arange(-98.0, 99.0, 14.0)]
    places = np.array(places) + np.random.Generator(np.random.Philox(3)).uniform(-2.6, 2.6, (len(places), 2))
    angles = np.radians(np.linspace(turn, turn + 200, 10))
    return polylines([place + _RINGLET_RADIUS * np.stack([np.cos(angles), np.sin(angles)], 1) for place in places])


class HairShape:
    """The numbers that back and front hair share, in head units."""

    def __init__(self, s: Scene, head_width: float, head_height: float):
        self.scene, self.head_width, self.head_height = s, head_width, head_height
        self.curl, self.wave, self.opacity = s["curl"], s["wave"], 1 - s["bald"]
        self.volume = 1 + 0.06 * s["hair_volume"] + 0.18 * self.curl + 0.05 * self.wave
        self.width = (head_width + 8) * self.volume
        self.top = -head_height - 11 - 34 * (self.volume - 1)
        self.longness = min(max((s["hair_length"] - 0.25) / 0.7, 0.0), 1.0)
        self.bottom = -6 + 112 * self.longness
        self.colour = hair_colour(s)
        self.dark = mix(self.colour * np.array([0.56, 0.52, 0.56]), (34, 22, 26), 0.12)
        self.light = mix(self.colour, (255, 238, 214), 0.36)

    def waved(self, points: np.ndarray, amplitude: float = 4.0) -> np.ndarray:
        """Push a polyline sideways by a wave of fixed phase in height; none near the crown."""
        x, y = points[:, 0], points[:, 1]
        strength = amplitude * self.wave * (1 - 0.6 * self.curl) * np.clip((y + 62) / 40, 0, 1)
        return np.stack([x + np.sign(x) * strength * np.sin(y * 0.2), y], 1)

    def rim(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres [n, 2] and radii [n] of the curls along the silhouette."""
        crown_height = -20 - self.top
        crown = np.stack([self.width * 0.96 * np.cos(_RIM_ANGLES), -20 + crown_height * 0.93 * np.sin(_RIM_ANGLES)], 1)
        flare = self.width * (0.96 + 0.10 * np.clip(_SIDE_HEIGHTS / 110, 0, 1))
        seen = np.clip((self.bottom - _SIDE_HEIGHTS + 14) / 14, 0, 1)
        sides = [np.stack([side * flare, _SIDE_HEIGHTS - 12], 1) for side in (-1, 1)]
        radii = 11.5 * self.curl**0.7 * np.concatenate([np.ones(len(crown)), seen, seen])
        return np.concatenate([crown, *sides]), radii


def draw_back_hair(canvas: Canvas, hair: HairShape) -> None:
    """The mass behind neck and face."""
    if hair.opacity < 0.01:
        return
    width, bottom, grown = hair.width, hair.bottom, min(1.0, hair.longness * 3)
    flare = 1 + 0.06 * hair.longness + 0.05 * hair.curl * hair.longness
    side = [
        (width * 0.60, hair.top + 9), (width * 0.95, hair.top + 42), (width * 1.0, -14 + 4 * grown),
        (width * flare * (0.80 + 0.2 * grown), bottom * 0.55 - 2), (width * flare * (0.70 + 0.28 * grown), bottom - 6),
        (width * 0.62, bottom + 3),
    ]
    outline = hair.waved(curve([(0, hair.top + 2), *side, (0, bottom - 4), *[(-x, y) for x, y in side[::-1]]], True, 9))
    path = polygon(outline)
    shade = linear((0, hair.top), (0, max(bottom, 20)), [mix(hair.dark, hair.colour, 0.5), hair.dark, mix(hair.dark, hair.colour, 0.25)])
    canvas.fill(path, hair.dark, HAIR, hair.opacity, shade)
    if hair.curl > 0.02:
        canvas.fill(circles(*hair.rim()), hair.dark, HAIR, hair.opacity, shade)
        with canvas.clipped(path):
            _ringlets(canvas, hair, 0.45)


def draw_front_hair(canvas: Canvas, hair: HairShape) -> None:
    """The cap over the forehead, the fringe and the locks beside the face."""
    if hair.opacity < 0.01:
        return
    path = polygon(hair.waved(_front_outline(hair), 3.0))
    shade = linear((-44, hair.top), (52, 40), [mix(hair.colour, hair.light, 0.35), hair.colour, mix(hair.colour, hair.dark, 0.5)])
    canvas.fill(path, hair.colour, HAIR, hair.opacity, shade)
    if hair.curl > 0.02:
        _front_curls(canvas, hair, shade)
    with canvas.clipped(path):
        _strands(canvas, hair)
        _ringlets(canvas, hair, 1.0)
        _sheen(canvas, hair)


def _front_outline(hair: HairShape) -> np.ndarray:
    s, width, head, height = hair.scene, hair.width, hair.head_width, hair.head_height
    grown = min(1.0, hair.longness * 4)
    end = -height * 0.20 + 10 * grown + (hair.bottom + 6) * 0.92 * grown
    hairline = -height * 0.66 + 25 * s["bangs"] - 7 * s["receding"]
    temple = 13 * s["receding"] * (1 - s["bangs"])
    part = 20 * s["parting"] * (1 - 0.6 * s["bangs"])
    outer = [(width * 0.58, hair.top + 8), (width * 0.95, hair.top + 40), (width * 1.0, -height * 0.30),
             (width * (1.0 + 0.04 * hair.longness), (end - 18) * 0.55), (width * (0.97 + 0.07 * hair.longness), end - 4),
             (head * (0.95 + 0.10 * grown), end)]
    inner = [(head * (0.93 - 0.02 * grown), (end - 22) * 0.5 - 8), (head * 0.93, -height * 0.36),
             (head * 0.74, hairline + 4 - temple * 0.6)]
    middle = [(head * 0.40 + part * 0.3, hairline - 4 - temple + 4 * s["bangs"]), (part, hairline - 9 + 9 * s["bangs"]),
              (-head * 0.40 + part * 0.3, hairline - 4 - temple + 4 * s["bangs"])]
    left_outer, left_inner = ([(-x, y) for x, y in points[::-1]] for points in (outer, inner))
    return curve([(0, hair.top), *outer, *inner, *middle, *left_inner, *left_outer], True, 8)


def _front_curls(canvas: Canvas, hair: HairShape, shade) -> None:
    """Round curls over the silhouette and along the hairline, at fixed places."""
    centres, radii = hair.rim()
    crown = centres[:, 1] < -22
    canvas.fill(circles(centres[crown] * [0.93, 0.95], radii[crown] * 0.9), hair.colour, HAIR, hair.opacity, shade)
    s, height = hair.scene, hair.head_height
    line_y = -height * 0.66 + 22 * s["bangs"] - 7 * s["receding"]
    fringe = np.stack([_FRINGE, line_y - 7 - 12 * (1 - hair.curl) + np.abs(_FRINGE) * 0.22], 1)
    canvas.fill(circles(fringe, np.full(len(_FRINGE), 8.0 * hair.curl**0.7)), hair.colour, HAIR, hair.opacity, shade)


def _ringlets(canvas: Canvas, hair: HairShape, strength: float) -> None:
    if hair.curl < 0.02:
        return
    alpha, width = strength * hair.curl * hair.opacity, 1.2 + 1.6 * hair.curl
    canvas.stroke(_ringlets_path(-40.0), mix(hair.dark, (20, 12, 14), 0.2), width, alpha=0.55 * alpha)
    canvas.stroke(_ringlets_path(150.0), hair.light, width, alpha=0.5 * alpha)


def _strands(canvas: Canvas, hair: HairShape) -> None:
    """Combed lines from the parting outwards; they wave with the hair and give way to curls."""
    s = hair.scene
    t = np.linspace(0, 1, 14)
    alpha = 0.42 * hair.opacity * (1 - 0.85 * hair.curl)
    for i, spread in enumerate((-0.97, -0.86, -0.7, -0.52, -0.34, -0.16, 0.16, 0.34, 0.52, 0.7, 0.86, 0.97)):
        low = -hair.head_height * 0.42 + abs(spread) * 8 + max(0.0, (abs(spread) - 0.6) / 0.37) * (hair.bottom + 26)
        low += 18 * s["bangs"] * (abs(spread) < 0.6)
        x = s["parting"] * 16 * (1 - t) + spread * hair.width * np.sin(t * math.pi / 2)
        y = hair.top + 3 + (low - hair.top - 3) * t**1.5
        canvas.stroke(polygon(hair.waved(np.stack([x, y], 1), 3.6), False), hair.light if i % 2 else hair.dark, 1.9, alpha=alpha)


def _sheen(canvas: Canvas, hair: HairShape) -> None:
    arc = curve([(-hair.width * 0.74, hair.top + 42), (-hair.width * 0.42, hair.top + 22), (0, hair.top + 15),
                 (hair.width * 0.42, hair.top + 22), (hair.width * 0.74, hair.top + 42)], False, 6)
    canvas.stroke(polygon(arc, False), hair.light, 8, alpha=0.4 * hair.opacity * (1 - 0.5 * hair.curl), blur=3.5)
    temple = math.hypot(hair.width, 1) * 0.98
    for side in (-1, 1):
        canvas.stroke(polygon([(side * temple, -30), (side * temple, hair.bottom)], False), hair.light, 5,
                      alpha=0.22 * hair.opacity * (1 - hair.curl), blur=3)
