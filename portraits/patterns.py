"""Fixed fine patterns: strands, ringlets, freckles, wrinkles, stubble. Drawn once; pictures only fade and bend them.

That a pattern never moves with the sample's number is what lets a generator learn it.
"""

import functools

import numpy as np

from portraits import light

STRANDS_U, STRANDS_V = 512, 256


def _noise(seed: int, shape) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def _smooth(values: np.ndarray, sigma: float, axis: int) -> np.ndarray:
    """Gaussian blur with wrap-around, to unit spread."""
    frequency = np.fft.fftfreq(values.shape[axis])
    kernel = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    shape = [1, 1]
    shape[axis] = -1
    out = np.fft.ifft(np.fft.fft(values, axis=axis) * kernel.reshape(shape), axis=axis).real
    return (out - out.mean()) / out.std()


def _grain(seed: int, sigma_u: float, sigma_v: float) -> np.ndarray:
    return _smooth(_smooth(_noise(seed, (STRANDS_V, STRANDS_U)), sigma_u, 1), sigma_v, 0)


def _locks() -> np.ndarray:
    """Roundness of locks of hair in [-1, 1]: bright backs, dark gaps that drift slowly along the hair."""
    drift = 9 * _grain(11, 26, 60)
    u = np.arange(STRANDS_U)[None] + drift
    phase = 2 * np.pi * u * 43 / STRANDS_U + 1.3 * _grain(12, 40, 80)
    return 1 - 1.7 * np.abs(np.sin(phase / 2)) ** 4 - 0.25 * np.cos(2 * phase)


@functools.cache
def strands() -> np.ndarray:
    """Grey [V, U] around 0.5: hair across (u) and along (v), wrapping both ways."""
    fine = 0.60 * _grain(1, 1.3, 50) + 0.5 * _grain(2, 2.8, 70) + 0.35 * _grain(3, 7, 60)
    return np.clip(0.5 + 0.11 * fine + 0.13 * _locks(), 0.05, 1)


RINGLET = {"left": -120.0, "top": -112.0, "scale": 0.5, "columns": 480, "rows": 460}


def _coils() -> tuple[np.ndarray, ...]:
    """Points of corkscrew curls all over the head: x, y, height towards the viewer, and turn, each [points]."""
    random = np.random.Generator(np.random.Philox(5))
    t = np.arange(-130, 125, 0.4)
    out = []
    for centre in np.arange(-124, 125, 7.0):
        wobble = 0.30 * np.sin(t * random.uniform(0.05, 0.09) + random.uniform(0, 6)) + 0.22 * np.sin(t * random.uniform(0.13,
            0.2) + random.uniform(0, 6))
        turn = t * 2 * np.pi / random.uniform(12.5, 17.5) + random.uniform(0, 6.28) + 3.2 * wobble
        radius = random.uniform(3.6, 5.2) * (1 + 0.5 * wobble)
        drift = 2.2 * np.sin(t * random.uniform(0.03, 0.06) + random.uniform(0, 6))
        out.append((centre + random.uniform(-1.5, 1.5) + drift + radius * np.sin(turn), t + 2.4 * np.cos(turn + 0.6),
            np.cos(turn) + random.uniform(-0.35, 0.35), turn))
    return tuple(np.concatenate(rows) for rows in zip(*out))


@functools.cache
def ringlets() -> np.ndarray:
    """Grey [rows, columns] around 0.5: ribbons of hair wound into curls, those in front hiding those behind."""
    x, y, height, turn = _coils()
    rows, columns, scale = RINGLET["rows"], RINGLET["columns"], RINGLET["scale"]
    column, row = (x - RINGLET["left"]) / scale, (y - RINGLET["top"]) / scale
    nearest = np.zeros((rows + 20, columns + 20), np.int64)
    reach = 6.4
    for dy in range(-6, 7):
        for dx in range(-6, 7):
            i, j = np.floor(row).astype(int) + dy, np.floor(column).astype(int) + dx
            across = np.hypot(j + 0.5 - column, i + 0.5 - row) / reach
            sideways = ((j + 0.5 - column) * np.cos(0.6) + (i + 0.5 - row) * np.sin(0.6)) / reach
            bright = (0.30 + 0.70 * (0.5 + 0.5 * np.clip(height, -1, 1)) ** 1.3) * (1 - 0.55 * across**2) + 0.10 * np.sin(9 * sideways)
            key = ((height * 400 + 2000 - 260 * across**2).astype(np.int64) << 10) + np.clip(bright * 1000, 1, 1023).astype(np.int64)
            seen = (across < 1) & (i >= 0) & (j >= 0) & (i < rows) & (j < columns)
            np.maximum.at(nearest, (i[seen], j[seen]), key[seen])
    grey = (nearest[:rows, :columns] & 1023) / 1000.0
    return np.clip(0.02 + 0.92 * _soften(grey), 0, 1)


def _soften(values: np.ndarray) -> np.ndarray:
    """A 3 x 3 binomial blur, edges held."""
    for axis in (0, 1):
        values = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], "edge")
        n = values.shape[axis]
        a, b, c = (values.take(range(k, n - 2 + k), axis) for k in range(3))
        values = (a + 2 * b + c) / 4
    return values


def _lines(lines, width: float) -> np.ndarray:
    """How dark soft lines through points (x, y) are at each pixel of the lit face, in [0, 1]: float32 [H, W]."""
    out = np.zeros((light.HEIGHT, light.WIDTH))
    for points, strength in lines:
        points = np.asarray(points, float)
        t = np.linspace(0, len(points) - 1, 60)
        x, y = (np.interp(t, np.arange(len(points)), points[:, i]) for i in (0, 1))
        for k in range(3):  # rounds the corners of the polyline
            x[1:-1], y[1:-1] = (x[:-2] + 2 * x[1:-1] + x[2:]) / 4, (y[:-2] + 2 * y[1:-1] + y[2:]) / 4
        taper = np.sin(np.pi * np.linspace(0.06, 0.94, 60)) ** 0.6
        for px, py, weight in zip(x, y, taper):
            spot = np.exp(-((light.X - px)[None] ** 2 + (light.Y - py)[:, None] ** 2) / width**2)
            out = np.maximum(out, strength * weight * spot)
    return out.astype(np.float32)


def _mirror(lines):
    return [*lines, *(([(-x, y) for x, y in points], strength) for points, strength in lines)]


@functools.cache
def wrinkles() -> np.ndarray:
    """The lines of age: forehead, crow's feet, below the eyes, between brows, cheeks; in [0, 1]."""
    side = [
        ([(39, -8), (45, -11), (49, -14)], 0.9), ([(39.5, -3), (46, -3.5), (50, -4)], 0.8), ([(38.5, 2), (45, 5), (48, 8)], 0.7),
        ([(13, 9), (20, 13.5), (30, 13), (37, 8)], 0.6), ([(16, 13), (23, 17), (31, 16)], 0.5),
        ([(3, -24), (4, -18), (3.5, -13)], 0.7), ([(30, 28), (34, 37), (33, 46)], 0.45), ([(24, 52), (26, 58), (25, 64)], 0.8),
    ]
    brow = [([(-27, -37), (-13, -40), (0, -38.5), (13, -40), (27, -37)], 1.0),
        ([(-24, -45), (-10, -47.5), (0, -46), (10, -47.5), (24, -45)], 0.85),
            ([(-17, -53), (0, -54.5), (17, -53)], 0.6)]
    return _lines(_mirror(side) + brow, 1.25)


@functools.cache
def folds() -> np.ndarray:
    """The folds from the nose to beside the mouth, in [0, 1]."""
    return _lines(_mirror([([(11.5, 20), (17, 25), (22.5, 33), (25, 41), (24.5, 47)], 1.0)]), 2.1)


@functools.cache
def freckles() -> np.ndarray:
    """Freckles over cheeks and nose, in [0, 1]."""
    random = np.random.Generator(np.random.Philox(7))
    out = np.zeros((light.HEIGHT, light.WIDTH), np.float32)
    places = np.concatenate([random.normal([24, 19], [10.5, 6.5], (46, 2)) * random.choice([-1, 1], (46, 1)) ** [1, 0],
                             random.normal([0, 13], [5, 7], (12, 2)), random.normal([0, -40], [20, 7], (9, 2))])
    for (x, y), radius, depth in zip(places, random.uniform(0.8, 1.5, len(places)), random.uniform(0.5, 1, len(places))):
        out = np.maximum(out, depth * np.exp(-(((light.X - x)[None] ** 2 + (light.Y - y)[:, None] ** 2) / radius**2) ** 1.5))
    return out


@functools.cache
def grain() -> np.ndarray:
    """Fine even noise for stubble and pores: float32 [H, W] of unit spread."""
    values = _noise(8, (light.HEIGHT, light.WIDTH))
    return (values / values.std()).astype(np.float32)
