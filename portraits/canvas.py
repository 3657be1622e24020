"""Two canvases drawn on together: the picture (anti-aliased) and the class mask (one exact class a pixel).

Units are 1/256 of the picture's side, whatever its size. A shape that carries a `label` also claims its pixels in the mask.
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
CATMULL_ROM = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], float)
_bases: dict[int, np.ndarray] = {}


def curve(points, closed: bool = True, steps: int = 7) -> np.ndarray:
    """Catmull-Rom spline through points [n, 2] -> polyline [about n * steps, 2]."""
    points = np.asarray(points, float)
    if steps not in _bases:
        t = np.arange(steps) / steps
        _bases[steps] = np.stack([t**0, t, t**2, t**3], 1) @ CATMULL_ROM
    if closed:
        windows = np.stack([np.roll(points, shift, 0) for shift in (1, 0, -1, -2)], 1)
    else:
        ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
        windows = np.stack([ends[i:len(points) - 1 + i] for i in range(4)], 1)
    line = np.einsum("kc,ncd->nkd", _bases[steps], windows).reshape(-1, 2)
    return line if closed else np.concatenate([line, points[-1:]])


def polygon(points, closed: bool = True) -> "skia.Path":
    """A path through the points as they are."""
    return skia.Path.Polygon([skia.Point(x, y) for x, y in np.asarray(points, float).tolist()], closed)


def blob(points, steps: int = 7) -> "skia.Path":
    """A smooth closed path through a few points."""
    return polygon(curve(points, True, steps))


def line(points, steps: int = 7) -> "skia.Path":
    """A smooth open path through a few points."""
    return polygon(curve(points, False, steps), False)


def oval(x: float, y: float, radius_x: float, radius_y: float) -> "skia.Path":
    """An axis-parallel ellipse around (x, y)."""
    return skia.Path.Oval(skia.Rect.MakeLTRB(x - radius_x, y - radius_y, x + radius_x, y + radius_y))


def circles(centres, radii) -> "skia.Path":
    """Many circles as one path."""
    path = skia.Path()
    for (x, y), radius in zip(centres, radii):
        path.addCircle(float(x), float(y), float(radius))
    return path


def polylines(lines) -> "skia.Path":
    """Many open polylines, each [n, 2], as one path."""
    path = skia.Path()
    for points in lines:
        path.addPath(polygon(points, False))
    return path


def rounded_box(x: float, y: float, half_width: float, half_height: float, corner: float) -> "skia.Path":
    """A rectangle around (x, y) with round corners."""
    box = skia.Rect.MakeLTRB(x - half_width, y - half_height, x + half_width, y + half_height)
    return skia.Path.RRect(skia.RRect.MakeRectXY(box, corner, corner))


def _argb(colour, alpha: float) -> int:
    red, green, blue = (int(min(max(channel, 0), 255) + 0.5) for channel in colour)
    return skia.Color(red, green, blue, int(255 * min(max(alpha, 0.0), 1.0) + 0.5))


def _stops(colours):
    return [_argb(colour[:3], colour[3] if len(colour) > 3 else 1.0) for colour in colours]


def linear(start, end, colours, positions=None):
    """Gradient shader from `start` to `end`; colours are RGB or RGBA with alpha in [0, 1]."""
    return skia.GradientShader.MakeLinear([skia.Point(*map(float, start)), skia.Point(*map(float, end))], _stops(colours), positions)


def radial(centre, radius: float, colours, positions=None):
    """Gradient shader outwards from `centre`."""
    return skia.GradientShader.MakeRadial(skia.Point(*map(float, centre)), float(radius), _stops(colours), positions)


class Canvas:
    """A picture and its mask, `size` pixels square."""

    def __init__(self, size: int):
        self.pixels = np.zeros((size, size, 4), np.uint8)
        self.labels = np.zeros((size, size, 4), np.uint8)
        self._surfaces = [skia.Surface(self.pixels), skia.Surface(self.labels)]
        self._colour, self._mask = (surface.getCanvas() for surface in self._surfaces)
        self._scale = size / UNITS

    def clear(self) -> None:
        """Black picture, class 0 everywhere, units restored."""
        for canvas in (self._colour, self._mask):
            canvas.resetMatrix()
            canvas.clear(skia.Color(0, 0, 0))
            canvas.scale(self._scale, self._scale)

    def place(self, x: float, y: float, zoom: float) -> None:
        """Move the origin to (x, y) and enlarge what follows."""
        for canvas in (self._colour, self._mask):
            canvas.translate(x, y)
            canvas.scale(zoom, zoom)

    def paint(self, shader) -> None:
        """Cover the whole picture."""
        self._colour.drawPaint(skia.Paint(Shader=shader))

    def fill(self, path, colour=(0, 0, 0), label=None, alpha=1.0, shader=None, blur=0.0) -> None:
        """Fill a path. It claims its pixels for `label` when it is at least half opaque."""
        if alpha <= 0.004:
            return
        paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha))
        if shader is not None:
            paint.setShader(shader)
            paint.setAlphaf(float(min(alpha, 1.0)))
        if blur:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self._colour.drawPath(path, paint)
        if label is not None and alpha >= 0.5:
            self._mask.drawPath(path, skia.Paint(AntiAlias=False, Color=skia.Color(label, label, label)))

    def claim(self, path, label: int) -> None:
        """Give a path's pixels to a class without drawing them."""
        self._mask.drawPath(path, skia.Paint(AntiAlias=False, Color=skia.Color(label, label, label)))

    def stroke(self, path, colour, width: float, label=None, alpha=1.0, blur=0.0) -> None:
        """Draw along a path with round ends."""
        if width <= 0.05 or alpha <= 0.004:
            return
        style = dict(Style=skia.Paint.kStroke_Style, StrokeWidth=float(width), StrokeCap=skia.Paint.kRound_Cap,
                     StrokeJoin=skia.Paint.kRound_Join)
        paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha), **style)
        if blur:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        self._colour.drawPath(path, paint)
        if label is not None and alpha >= 0.5:
            self._mask.drawPath(path, skia.Paint(AntiAlias=False, Color=skia.Color(label, label, label), **style))

    @contextlib.contextmanager
    def clipped(self, path):
        """What is drawn inside the block stays inside the path."""
        for canvas, smooth in ((self._colour, True), (self._mask, False)):
            canvas.save()
            canvas.clipPath(path, skia.ClipOp.kIntersect, smooth)
        try:
            yield
        finally:
            self._colour.restore()
            self._mask.restore()

    def read(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Box-filter down to `size`: RGB uint8 [size, size, 3] and class mask uint8 [size, size]."""
        bgr = skia.kN32_ColorType == skia.kBGRA_8888_ColorType
        rgb = self.pixels[..., 2::-1] if bgr else self.pixels[..., :3]
        factor = len(rgb) // size
        total = sum(rgb[i::factor, j::factor].astype(np.uint16) for i in range(factor) for j in range(factor))
        picture = ((total + factor * factor // 2) // (factor * factor)).astype(np.uint8)
        return picture, self.labels[factor // 2::factor, factor // 2::factor, 0].copy()
