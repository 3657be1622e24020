"""Two canvases drawn on together: the picture (anti-aliased) and the class mask (one exact class a pixel).

Units are 1/256 of the picture's side, whatever its size. A shape that carries a `label` also claims its pixels in the
mask: those whose centre it covers. Colours are RGB in [0, 255], points are pairs of floats in plain lists, which for the
few dozen points of a face are quicker than arrays.
"""

import contextlib

import numpy as np

try:
    import skia
except ImportError as error:  # a wheel that needs the system's OpenGL loader, though nothing here uses a GPU
    raise ImportError(
        f"skia-python could not be loaded ({error}); on Debian or Ubuntu `apt-get install libegl1 libgl1 libfontconfig1` helps"
    ) from error

UNITS = 256.0
LINEAR, NEAREST = skia.SamplingOptions(skia.FilterMode.kLinear), skia.SamplingOptions()
OVERLAY, MULTIPLY, SCREEN, SOFT = (getattr(skia.BlendMode, name) for name in ("kOverlay", "kMultiply", "kScreen", "kSoftLight"))
_ROUND = {"Style": skia.Paint.kStroke_Style, "StrokeCap": skia.Paint.kRound_Cap, "StrokeJoin": skia.Paint.kRound_Join}
_BGR = skia.kN32_ColorType == skia.kBGRA_8888_ColorType


def tint(a, b, t: float) -> tuple[float, float, float]:
    """The colour t of the way from a to b."""
    u = 1 - t
    return a[0] * u + b[0] * t, a[1] * u + b[1] * t, a[2] * u + b[2] * t


def dim(a, k) -> tuple[float, float, float]:
    """The colour times a number, or times one number a channel."""
    r, g, b = k if isinstance(k, tuple) else (k, k, k)
    return a[0] * r, a[1] * g, a[2] * b


def _add_smooth(path, p, closed: bool) -> None:
    around = [p[-1], *p, p[0], p[1]] if closed else [p[0], *p, p[-1]]
    cubic, k = path.cubicTo, 1 / 6
    path.moveTo(*p[0])
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(around, around[1:], around[2:], around[3:]):
        cubic(bx + (cx - ax) * k, by + (cy - ay) * k, cx - (dx - bx) * k, cy - (dy - by) * k, cx, cy)
    if closed:
        path.close()


def smooth(points, closed: bool = True) -> "skia.Path":
    """A Catmull-Rom spline through a few points."""
    path = skia.Path()
    _add_smooth(path, points, closed)
    return path


def smooth_all(lines, closed: bool = False) -> "skia.Path":
    """Several splines as one path."""
    path = skia.Path()
    for points in lines:
        _add_smooth(path, points, closed)
    return path


def polygon(points, closed: bool = True) -> "skia.Path":
    """A path through the points as they are."""
    path = skia.Path()
    path.moveTo(*points[0])
    for x, y in points[1:]:
        path.lineTo(x, y)
    if closed:
        path.close()
    return path


def hairs(strands) -> "skia.Path":
    """Tapered hairs (x0, y0, bend x, bend y, x1, y1, width) as one path."""
    path = skia.Path()
    move, quad = path.moveTo, path.quadTo
    for x0, y0, cx, cy, x1, y1, width in strands:
        dx, dy = x1 - x0, y1 - y0
        k = 0.5 * width / ((dx * dx + dy * dy) ** 0.5 + 1e-6)
        ox, oy = -dy * k, dx * k
        move(x0 + ox, y0 + oy)
        quad(cx + ox, cy + oy, x1, y1)
        quad(cx - ox, cy - oy, x0 - ox, y0 - oy)
    return path


def mirrored(points) -> list:
    """The points on the other side of the face, in the opposite order."""
    return [(-x, y) for x, y in points[::-1]]


def symmetric(half) -> list:
    """A closed outline from its right half, which begins and ends on the middle line."""
    return [*half, *mirrored(half[1:-1])]


def oval(x: float, y: float, radius_x: float, radius_y: float) -> "skia.Path":
    """An axis-parallel ellipse around (x, y)."""
    return skia.Path.Oval(skia.Rect.MakeLTRB(x - radius_x, y - radius_y, x + radius_x, y + radius_y))


def rounded_box(x: float, y: float, half_width: float, half_height: float, corner: float) -> "skia.Path":
    """A rectangle around (x, y) with round corners."""
    box = skia.Rect.MakeLTRB(x - half_width, y - half_height, x + half_width, y + half_height)
    return skia.Path.RRect(skia.RRect.MakeRectXY(box, corner, corner))


def circles(discs) -> "skia.Path":
    """Discs (x, y, radius) as one path."""
    path = skia.Path()
    for x, y, radius in discs:
        path.addCircle(x, y, radius)
    return path


def _argb(colour, alpha: float = 1.0) -> int:
    r, g, b = colour
    a = int(255 * alpha + 0.5)
    if not (0 <= r <= 255 and 0 <= g <= 255 and 0 <= b <= 255 and 0 <= a <= 255):
        r, g, b, a = (min(max(v, 0), 255) for v in (r, g, b, a))
    return a << 24 | int(r + 0.5) << 16 | int(g + 0.5) << 8 | int(b + 0.5)


def _stops(colours):
    return [_argb(colour[:3], colour[3] if len(colour) > 3 else 1.0) for colour in colours]


def linear(start, end, colours, positions=None):
    """Gradient shader from `start` to `end`; colours are RGB or RGBA with alpha in [0, 1]."""
    return skia.GradientShader.MakeLinear([skia.Point(*start), skia.Point(*end)], _stops(colours), positions)


def radial(centre, radius: float, colours, positions=None):
    """Gradient shader outwards from `centre`."""
    return skia.GradientShader.MakeRadial(skia.Point(*centre), radius, _stops(colours), positions)


def image(pixels: np.ndarray) -> "skia.Image":
    """RGBA uint8 [H, W, 4], alpha not multiplied in -> an image that keeps its own copy."""
    return skia.Image.fromarray(pixels, colorType=skia.ColorType.kRGBA_8888_ColorType)


def texture(pixels: np.ndarray, left: float = 0.0, top: float = 0.0, scale: float = 1.0) -> "skia.Paint":
    """Paint of a repeated image, its corner at (left, top), its pixels `scale` units wide.

    To be made once: giving an image to a paint takes milliseconds, since skia-python copies it as a file.
    """
    matrix = skia.Matrix()
    matrix.setScaleTranslate(scale, scale, left, top)
    tile = skia.TileMode.kRepeat
    return skia.Paint(AntiAlias=True, Shader=image(pixels).makeShader(tile, tile, NEAREST, matrix))


class Canvas:
    """A picture and its mask, `size` pixels square."""

    def __init__(self, size: int):
        self.pixels = np.zeros((size, size, 4), np.uint8)
        self.labels = np.zeros((size, size), np.uint8)
        info = skia.ImageInfo.Make(size, size, skia.ColorType.kAlpha_8_ColorType, skia.AlphaType.kPremul_AlphaType)
        self._surfaces = [skia.Surface(self.pixels), skia.Surface.MakeRasterDirect(info, self.labels, size)]
        self._colour, self._mask = (surface.getCanvas() for surface in self._surfaces)
        self._scale = size / UNITS
        # a class is the alpha that it leaves: kSrc writes it as it is
        self._claims = [skia.Paint(AntiAlias=False, Color=label << 24, BlendMode=skia.BlendMode.kSrc) for label in range(19)]

    def clear(self) -> None:
        """Black picture, class 0 everywhere, units restored."""
        self.labels.fill(0)
        for canvas in (self._colour, self._mask):
            canvas.resetMatrix()
            canvas.scale(self._scale, self._scale)

    def place(self, x: float, y: float, zoom: float) -> None:
        """Move the origin to (x, y) and enlarge what follows."""
        for canvas in (self._colour, self._mask):
            canvas.translate(x, y)
            canvas.scale(zoom, zoom)

    def cover(self, colour, picture) -> None:
        """Cover everything with a colour and an image of the canvas's own size, pixel on pixel."""
        self._colour.save()
        self._colour.resetMatrix()
        self._colour.clear(_argb(colour))
        self._colour.drawImage(picture, 0, 0)
        self._colour.restore()

    def fill(self, path, colour=(0, 0, 0), label=None, alpha=1.0, shader=None, blur=0.0, blend=None) -> None:
        """Fill a path. It claims its pixels for `label` when it is at least half opaque."""
        if alpha <= 0.004:
            return
        paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha))
        if shader is not None:
            paint.setShader(shader)
        if blur:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        if blend is not None:
            paint.setBlendMode(blend)
        self._colour.drawPath(path, paint)
        if label is not None and alpha >= 0.5:
            self.claim(path, label)

    def claim(self, path, label: int) -> None:
        """Give a path's pixels to a class without drawing them."""
        self._mask.drawPath(path, self._claims[label])

    def stroke(self, path, colour, width: float, label=None, alpha=1.0, blur=0.0, shader=None) -> None:
        """Draw along a path with round ends."""
        if width <= 0.05 or alpha <= 0.004:
            return
        paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha), StrokeWidth=width, **_ROUND)
        if shader is not None:
            paint.setShader(shader)
        if blur:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self._colour.drawPath(path, paint)
        if label is not None and alpha >= 0.5:
            claim = skia.Paint(AntiAlias=False, Color=label << 24, BlendMode=skia.BlendMode.kSrc, StrokeWidth=width, **_ROUND)
            self._mask.drawPath(path, claim)

    def fill_texture(self, path, paint, alpha: float, blend=skia.BlendMode.kSrcOver) -> None:
        """Fill a path with a `texture`."""
        paint.setAlphaf(alpha)
        paint.setBlendMode(blend)
        self._colour.drawPath(path, paint)

    def mesh(self, vertices, paint, alpha: float) -> None:
        """Draw a triangle mesh: its colours, times a `texture`."""
        paint.setAlphaf(alpha)
        self._colour.drawVertices(vertices, paint)

    def picture(self, pixels: np.ndarray, left: float, top: float) -> None:
        """Draw RGBA pixels, one a unit, with the corner of the first at (left, top)."""
        height, width = pixels.shape[:2]
        self._colour.drawImageRect(image(pixels), skia.Rect.MakeXYWH(left, top, width, height), LINEAR)

    @contextlib.contextmanager
    def clipped(self, path, soft: bool = True):
        """The picture inside the block stays inside the path, with a soft edge; the mask is not clipped."""
        self._colour.save()
        self._colour.clipPath(path, skia.ClipOp.kIntersect, soft)
        try:
            yield
        finally:
            self._colour.restore()

    def read(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Average down to `size`: RGB uint8 [size, size, 3] and class mask uint8 [size, size], the class of the most."""
        labels, factor = self.labels, len(self.labels) // size
        if factor == 1:
            rgb = self.pixels
            return np.ascontiguousarray(rgb[..., 2::-1] if _BGR else rgb[..., :3]), labels.copy()
        return _average(self.pixels, factor), _majority(labels, factor)


def _average(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor x factor blocks as RGB; two channels are summed at once in the halves of a word."""
    words = pixels.view(np.uint32)[..., 0]
    blocks = [np.ascontiguousarray(words[i::factor, j::factor]) for i in range(factor) for j in range(factor)]
    if factor > 16:
        raise ValueError(f"cannot average {factor} x {factor} blocks; accepted are up to 16 x 16")
    outer, middle = sum(block & 0xFF00FF for block in blocks), sum(block >> 8 & 0xFF for block in blocks)
    half, count = factor * factor // 2, factor * factor
    low, high = ((outer & 0xFFFF) + half) // count, ((outer >> 16) + half) // count
    return np.stack([high, (middle + half) // count, low] if _BGR else [low, (middle + half) // count, high], -1).astype(np.uint8)


def _majority(labels: np.ndarray, factor: int) -> np.ndarray:
    """The class of most of each factor x factor block; of two by two, the first pair that agrees, else the last."""
    if factor != 2:
        return labels[factor // 2::factor, factor // 2::factor].copy()
    a, b, c, d = (np.ascontiguousarray(labels[i::2, j::2]) for i in (0, 1) for j in (0, 1))
    return np.where((a == b) | (a == c), a, np.where(b == c, b, d))
