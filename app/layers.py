"""What each layer of an edit changes, as a picture: the edit in that layer alone, against the picture without it."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from app import rendering, resources, session
from app.components.tiles import thumbnail
from app.session import Snapshot

GLOW = (255, 150, 90)  # the colour of a change
DIMMED = 0.35  # how bright the picture is under it
FULL_CHANGE = 0.02  # a change of no more than this share of the range is not made to look large


def effects(snapshot: Snapshot, uid: str, layers: tuple[int, ...]) -> list[str]:
    """A data URL for each of `layers`: where the edit `uid`, at its typical strength, changes the picture by that layer alone.

    All of them are on one scale, so that a layer that does little looks dark. Raises ValueError if a direction has gone.
    """
    same = session.changed(rendering.drawable(snapshot), uid, alpha=1.0, layers=None, muted=False, free=True)
    return _effects(same, uid, layers, resources.pack().hash)


@st.cache_data(show_spinner=False, max_entries=64)
def _effects(snapshot: Snapshot, uid: str, layers: tuple[int, ...], pack_hash: str) -> list[str]:
    without = _pixels(session.changed(snapshot, uid, alpha=0.0))
    changes = [np.abs(_pixels(session.changed(snapshot, uid, layers=(layer,))) - without).mean(axis=2) for layer in layers]
    scale = max([FULL_CHANGE, *(float(np.quantile(change, 0.995)) for change in changes)])
    return [thumbnail(glowing(without, change / scale)) for change in changes]


def _pixels(snapshot: Snapshot) -> np.ndarray:
    """The picture, float [H, W, 3] in 0 to 1."""
    return np.asarray(rendering.picture(snapshot), dtype=np.float32) / 255


def glowing(picture: np.ndarray, change: np.ndarray) -> Image.Image:
    """`picture` [H, W, 3] in 0 to 1, dark and grey, with `change` [H, W], 1 is full, over it."""
    strength = np.sqrt(np.clip(change, 0, 1))[:, :, None]
    grey = DIMMED * picture.mean(axis=2, keepdims=True)
    shown = (1 - strength) * grey + strength * np.array(GLOW, dtype=np.float32) / 255
    return Image.fromarray((255 * shown).round().astype(np.uint8))
