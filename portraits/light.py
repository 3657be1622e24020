"""Soft light on a face: a height field of bumps, lit from a direction, as one small image in head units.

A bump is an axis-parallel Gaussian, so that the slopes of all of them are two matrix products of one-dimensional ones.
"""

import numpy as np

LEFT, TOP, WIDTH, HEIGHT = -60, -84, 121, 168  # of the lit image, in head units, one pixel a unit
X = np.arange(LEFT, LEFT + WIDTH, dtype=np.float32)
Y = np.arange(TOP, TOP + HEIGHT, dtype=np.float32)


def _profiles(bumps, y=Y) -> tuple[np.ndarray, ...]:
    """(x, y, radius x, radius y, amplitude) rows -> relative places along x [B, W] and y [B, rows], Gaussians there, and the rows."""
    rows = np.asarray(bumps, np.float32)
    cx, cy, sx, sy = (rows[:, i, None] for i in range(4))
    u, v = (X - cx) / sx, (y - cy) / sy
    return u, v, np.exp(-u * u), np.exp(-v * v), rows


def both(x, y, radius_x, radius_y, amplitude) -> list[tuple]:
    """The same bump on both sides of the face."""
    return [(x, y, radius_x, radius_y, amplitude), (-x, y, radius_x, radius_y, amplitude)]


def spots(places, top: int = TOP, bottom: int = TOP + HEIGHT) -> np.ndarray:
    """The sum of Gaussian spots (x, y, radius x, radius y, amplitude) on the rows from top to bottom: float32 [rows, W]."""
    _, _, gx, gy, rows = _profiles(places, Y[top - TOP : bottom - TOP])
    return (gy * rows[:, 4, None]).T @ gx


def diffuse(bumps, half_width: float, top: float, bottom: float, direction) -> tuple[np.ndarray, np.ndarray]:
    """Cosine between the surface and the light, and the surface's share towards the viewer: float32 [H, W] each.

    The surface is an ellipsoid from `top` to `bottom`, `half_width` wide, with the bumps on it.
    """
    u, v, gx, gy, rows = _profiles(bumps)
    sx, sy, amplitude = (rows[:, i, None] for i in (2, 3, 4))
    nx = (gy * amplitude).T @ (2 * (u / sx) * gx)
    ny = (gy * amplitude * 2 * (v / sy)).T @ gx
    qx, qy = X / half_width, (Y - (top + bottom) / 2) / ((bottom - top) / 2)
    z = np.sqrt(np.maximum(1 - qx * qx - (qy * qy)[:, None], 0.07))
    nx += 0.72 * qx / z
    ny += 0.50 * qy[:, None] / z
    towards = 1 / np.sqrt(nx * nx + ny * ny + 1)
    lx, ly, lz = direction
    return (nx * lx + ny * ly + lz) * towards, towards
