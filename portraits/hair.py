"""Hair behind and in front of the face.

Its strands are one fixed texture, bent over the head by a mesh of meridians from the parting; waves keep their phase
and change their amplitude, ringlets stay in their places and fade in. So the picture is a smooth function of the
quantities, which is what lets a generator learn it.
"""

import functools
import math

import numpy as np

from portraits import patterns
from portraits.canvas import MULTIPLY, Canvas, dim, mirrored, skia, smooth, texture, tint
from portraits.head import CROWN, Head

HAIR = 17
# Strands are rooted along the parting, from the hairline (u near 0) to the crown (u near 1), on either side.
_HALF = np.array([0.02, 0.28, 0.56, 0.84, 1.25])
_U = np.concatenate([-_HALF[::-1], _HALF])
COLUMNS, ROWS = len(_U), 26
_SIDE_Y = -26.0  # below this height hair hangs
_HANG = np.linspace(0, 1, 20)[1:]
_FALL = np.linspace(0, math.pi / 2, ROWS - len(_HANG))
_OVER, _LOW = _FALL[:, None], _HANG[:, None]
_ARC = np.concatenate([_FALL, np.full(len(_HANG), 9.0)])[:, None]  # how far over the head, in radians
# What the arches have in common on all heads: how far out, down and up a strand has come.
_OUT, _DOWN, _UP = np.sin(_OVER) ** 0.9, 1 - np.cos(_OVER), np.cos(_OVER) ** 1.15
_COMBED_OUT, _COMBED_IN = 0.10 + 0.90 * np.sin(_OVER), np.cos(_OVER)
_EDGE = np.linspace(0, 1, 11).tolist()
_RIM = [math.radians(a) for a in range(180, 361, 15)]


@functools.cache
def _fixed():
    """Triangles of the mesh, and the textures of strands and of ringlets."""
    triangles = []
    for j in range(ROWS - 1):
        for i in range(COLUMNS - 1):
            a = j * COLUMNS + i
            triangles += [a, a + 1, a + COLUMNS, a + 1, a + COLUMNS, a + COLUMNS + 1]
    grey = np.clip(0.86 + 0.95 * (patterns.strands() - 0.5), 0, 1)
    curl = np.minimum(0.54 + 0.64 * patterns.ringlets(), 1)
    place = (patterns.RINGLET["left"], patterns.RINGLET["top"], patterns.RINGLET["scale"])
    return triangles, texture(_opaque(grey)), texture(_opaque(curl), *place)


@functools.lru_cache(maxsize=8)
def _texture_places(spread: float) -> list:
    """Where the mesh's points lie on the texture of strands, `spread` pixels of it from the parting to the crown."""
    v = np.concatenate([_FALL * 34, _FALL[-1] * 34 + _HANG * 150])
    return [skia.Point(float(256 + spread * u), float(y)) for y in v for u in _U]


def _opaque(grey: np.ndarray) -> np.ndarray:
    """Grey in [0, 1] -> RGBA uint8."""
    pixels = np.full((*grey.shape, 4), 255, np.uint8)
    pixels[..., :3] = (grey * 255)[..., None]
    return pixels


class Hair:
    """The numbers that back and front hair share, in head units."""

    def __init__(self, head: Head):
        s = head.scene
        self.head, self.scene = head, s
        self.curl, self.wave, self.opacity = s["curl"], s["wave"], 1 - s["bald"]
        self.volume = 1 + 0.05 * s["hair_volume"] + 0.13 * self.curl + 0.05 * self.wave
        self.width = (head.width + 5.5) * self.volume
        self.top = CROWN - 9 - 44 * (self.volume - 1)
        self.long = min(max((s["hair_length"] - 0.16) / 0.72, 0.0), 1.0)
        self.grown = min(1.0, self.long * 3.2)  # from above the ears to below them
        self.bottom = -6 + 132 * self.long
        self.colour = head.hair
        self.dark = tint(dim(self.colour, (0.50, 0.45, 0.48)), (30, 18, 24), 0.10)
        self.light = tint(self.colour, (255, 240, 216), 0.42)
        self.swing = 4.6 * self.wave * (1 - 0.5 * self.curl)
        self.curly = self.curl > 0.02
        self._points = self._shade = None

    @functools.cached_property
    def line(self) -> list:
        """The hairline from the right temple to the left one, across the forehead."""
        return _hairline(self)

    def wave_at(self, y: float, u: float) -> float:
        """Sideways push of the waves at height y, u from the middle; none near the crown."""
        return self.swing * min(max((y + 60) / 55, 0.0), 1.0) * math.sin(0.165 * y + 0.9 + 1.1 * u)

    def mesh(self, depth: float, gleam: float):
        """Vertices in the hair's colour under soft light; `depth` darkens what lies behind, `gleam` is the sheen's strength."""
        triangles = _fixed()[0]
        # as many strands a unit where hair is combed forwards, over the whole head, as where it hangs beside the face
        texs = _texture_places(36.0 + 50.0 * self.scene["bangs"])
        if self._points is None:
            self._points = [skia.Point(x, y) for x, y in self._places()]
            self._shade = self._light()
        shade, sheen = depth * self._shade, gleam * self._gleam() if gleam else 0.0
        argb = 255
        for own, light in zip(tint(self.colour, self.light, 0.22 * self.curl), self.light):
            channel = own * shade
            channel += (light * 1.12 - channel) * sheen
            argb = argb << 8 | np.clip(channel, 0, 255).astype(np.int64)
        return skia.Vertices(skia.Vertices.VertexMode.kTriangles_VertexMode, self._points, texs, argb.ravel().tolist(), triangles)

    def _places(self) -> list:
        """Strands that arch from the parting over the head and hang down, or comb forwards where there is a fringe:
        [ROWS * COLUMNS] points."""
        s, head, width = self.scene, self.head.width, self.width
        part, bangs = 17 * s["parting"], s["bangs"]
        side, root = np.sign(_U), np.abs(_U)
        outward = 1 + 0.05 * self.long * _LOW
        end = side * (0.80 * head + (width - 0.80 * head) * root)
        root_y = -63.0 + (self.top - 2 + 63.0) * root
        parted_x = part * (1 - 0.5 * root) + (end - part * (1 - 0.5 * root)) * _OUT
        parted_y = root_y + (_SIDE_Y - root_y) * _DOWN
        combed_x = 0.5 * part * _COMBED_IN + _U * width * _COMBED_OUT
        combed_y = np.broadcast_to(_SIDE_Y + (self.top - 2 - _SIDE_Y) * _UP, combed_x.shape)
        x = np.concatenate([parted_x + (combed_x - parted_x) * bangs, (end + (_U * width - end) * bangs) * outward])
        hang_y = np.broadcast_to(_LOW * (max(self.bottom, 30.0) + 22 - _SIDE_Y) + _SIDE_Y, (len(_HANG), COLUMNS))
        y = np.concatenate([parted_y + (combed_y - parted_y) * bangs, hang_y])
        self.y_rows = y
        x += self.swing * np.clip((y + 60) / 55, 0, 1) * np.sin(0.165 * y + 0.9 + 0.99 * _U)
        return np.stack([x, y], -1).reshape(-1, 2).tolist()

    def _light(self) -> np.ndarray:
        """Soft light over the mesh [ROWS, COLUMNS], about 1."""
        y, side = self.y_rows, self.scene["light"]
        around = 1.04 - 0.22 * np.abs(_U) ** 3 + 0.13 * side * _U
        waves = 0.20 * self.wave * np.cos(0.165 * y + 0.9 + 1.0 * _U) * np.clip((y + 50) / 50, 0, 1)
        fall = 1.06 - 0.0016 * (y - self.top) + waves
        fall[0] *= 0.80 + 0.20 * self.scene["bangs"]  # the parting lies low
        return around * fall

    def _gleam(self) -> np.ndarray:
        """Where strands face the light [ROWS, COLUMNS]: a ring over the crown, and the bends of long hair."""
        y, side = self.y_rows, self.scene["light"]
        ring = np.exp(-(((_ARC - 0.62 + 0.10 * _U * side) / 0.30) ** 2)) * (0.65 + 0.35 * np.clip(side * _U + 0.5, 0, 1.2))
        lower = 0.40 * np.exp(-(((y - 26) / 24) ** 2)) * (1 + self.wave * (np.cos(0.165 * y + 0.9 + _U) - 0.3))
        return np.clip((ring + lower) * (1 - 0.55 * self.curl), 0, 1)

    def rim(self, reach: float) -> list:
        """Round curls (x, y, radius) along the silhouette, crown first; `reach` scales their distance from the head."""
        if not self.curly:
            return []
        size = 9.5 * self.curl**0.7
        crown = [(self.width * 0.95 * reach * math.cos(a), _SIDE_Y + (_SIDE_Y - self.top) * 0.94 * reach * math.sin(a),
            size * (1 + 0.12 * (i % 2))) for i, a in enumerate(_RIM)]
        sides = []
        for i in range(12):
            y = -14 + 11.5 * i
            seen = min(max((self.bottom - y + 8) / 10, 0.0), 1.0)
            if seen > 0:
                x = self.width * (0.97 + 0.05 * self.long * i / 12) * reach
                sides += [(side * x, y, size * seen * (1 + 0.15 * (i % 2))) for side in (-1, 1)]
        return crown + sides


def _draw_strands(canvas: Canvas, hair: Hair, depth: float, gleam: float) -> None:
    """Strands and sheen, wherever the canvas is not clipped."""
    # divided by the textures' means, so that the hair keeps its colour
    canvas.mesh(hair.mesh(depth / 0.86 * (1 + 0.08 * hair.curl), gleam), _fixed()[1], hair.opacity)


def _draw_ringlets(canvas: Canvas, hair: Hair, path) -> None:
    """Ringlets within `path`."""
    if hair.curly:
        canvas.fill_texture(path, _fixed()[2], hair.opacity * hair.curl, MULTIPLY)


def _draw_hairline(canvas: Canvas, hair: Hair) -> None:
    """The shade at the roots."""
    canvas.stroke(smooth(hair.line, False), hair.dark, 4.0, alpha=0.24 * hair.opacity)


def _ground(canvas: Canvas, hair: Hair, path, colour, bare: bool) -> None:
    """Claim the path; fill it where a mesh leaves gaps (`bare`, and the rim of curls)."""
    if bare or hair.curly:
        canvas.fill(path, colour, HAIR, hair.opacity)
    elif hair.opacity >= 0.5:
        canvas.claim(path, HAIR)


def draw_back_hair(canvas: Canvas, hair: Hair) -> None:
    """The mass behind neck and face."""
    if hair.opacity < 0.01:
        return
    width, bottom, grown, long = hair.width, hair.bottom, hair.grown, hair.long
    reach = max(bottom, 18.0)
    side = [(0, hair.top + 3), *_crown(hair, 0.98)]
    for t in _EDGE[2:]:
        y = -30 + (reach + 30) * t
        out = (0.985 - 0.13 * (1 - grown) * t) + 0.05 * long * t - 0.10 * long * max(0.0, t - 0.8) * 5
        side.append((width * out + hair.wave_at(y, 0.9), y))
    tips = [(width * k * (0.7 + 0.3 * grown), reach + d * long) for k, d in ((0.82, 6), (0.70, -1), (0.52, 7), (0.34, 0), (0.15, 6))]
    half = [*side, *tips, (0, reach)]
    path = smooth([*half, *mirrored(half[1:-1])])
    _with_curls(path, hair.rim(0.985))
    _ground(canvas, hair, path, hair.dark, grown <= 0.01)
    if grown > 0.01:
        with canvas.clipped(path):
            _draw_strands(canvas, hair, 0.64, 0.0)
        _draw_ringlets(canvas, hair, path)


def draw_front_hair(canvas: Canvas, hair: Hair) -> None:
    """The cap over the forehead, the fringe and the locks beside the face, with the shadow that they cast."""
    if hair.opacity < 0.01:
        return
    head = hair.head
    outline = _front_outline(hair)
    path = smooth(outline)
    _with_curls(path, [*hair.rim(0.95), *_fringe_curls(hair)])
    with canvas.clipped(head.outline, False):
        # two thin layers are nearly as soft as a blur, at a tenth of its time
        for _ in range(2):
            path.offset(-0.9 * head.side, 1.9)
            canvas.fill(path, head.deep, alpha=0.27 * hair.opacity)
        path.offset(1.8 * head.side, -3.8)
    _ground(canvas, hair, path, hair.colour, True)
    with canvas.clipped(path):  # one clip for both, where no ringlets lie between them: to make it takes as long as to draw the line
        _draw_strands(canvas, hair, 1.0, 0.60)
        if not hair.curly:
            _draw_hairline(canvas, hair)
    if hair.curly:
        _draw_ringlets(canvas, hair, path)
        with canvas.clipped(path):
            _draw_hairline(canvas, hair)


def _crown(hair: Hair, scale: float) -> list:
    """The right half of the skull's silhouette, from beside the top to the temple."""
    height = -30 - hair.top
    return [(hair.width * scale * math.sin(a) ** 0.92, -30 - height * scale * math.cos(a) ** 0.96) for a in (0.45, 0.9, 1.3)]


def _with_curls(path, discs) -> None:
    for x, y, radius in discs:
        path.addCircle(x, y, radius)


def _hairline(hair: Hair) -> list:
    s, width = hair.scene, hair.head.width
    bangs, receding, part = s["bangs"], s["receding"], 17 * s["parting"]
    points = []
    for i in range(15):
        t = 1 - i / 7
        x = 0.90 * width * t
        bare = -60.5 + 25 * abs(t) ** 5 + 5.0 * ((x - part) / width) ** 2 - 5.5 * math.exp(-(((x - part) / 8) ** 2)) * (1 - receding)
        bare -= receding * (23 * math.exp(-(((abs(t) - 0.62) / 0.26) ** 2)) + 5)
        tips = (3.4 if i % 2 else -1.6) * (1 - 0.4 * hair.curl)
        fringe = -27.5 - 4.5 * (1 - t * t) * 0.6 + tips + 2.0 * t * s["parting"]
        points.append((x, bare + (fringe - bare) * bangs * (1 - 0.55 * abs(t) ** 6)))
    return points


def _fringe_curls(hair: Hair) -> list:
    if hair.curl < 0.02:
        return []
    return [(x, y - 5.5 - 3 * (1 - hair.curl), 6.8 * hair.curl**0.7) for x, y in hair.line[1:-1:2]]


def _front_outline(hair: Hair) -> list:
    width, head, grown, long = hair.width, hair.head.width, hair.grown, hair.long
    end = -9 + (hair.bottom + 9 + 4 * grown) * grown
    outer = _crown(hair, 1.0)
    for t in _EDGE[2:]:
        y = -45 + (end + 41) * t
        outer.append((width * (1.0 + 0.06 * long * t - (1 - grown) * 0.075 * t * t) + hair.wave_at(y, 0.9), y))
    tips = [(head * (0.965 + k * grown), end + d * grown) for k, d in ((0.13, 5), (0.08, -1), (0.02, 4))]
    inner = []
    for t in _EDGE[-2::-1]:
        y = -26 + (end + 22) * t
        cling = head * (0.90 - 0.02 * math.sin(math.pi * t) * grown + 0.02 * grown * t)
        inner.append((cling + 0.85 * hair.wave_at(y, 0.9), y))
    right = [*outer, *tips, *inner]
    return [(0, hair.top), *right, *hair.line, *mirrored(right)]
