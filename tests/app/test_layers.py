"""The pictures of what a layer changes: bright where it changes something, on one scale for all layers."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from app import layers, rendering
from app.session import Snapshot, StackEdit


def test_a_change_glows_and_the_rest_is_dim():
    picture = np.full((2, 2, 3), 0.8, dtype=np.float32)
    shown = np.asarray(layers.glowing(picture, np.array([[0.0, 1.0], [0.25, 9.0]])))
    assert tuple(shown[0, 0]) == (71, 71, 71)  # 0.35 of 0.8
    assert tuple(shown[0, 1]) == tuple(shown[1, 1]) == layers.GLOW
    assert tuple(shown[1, 0]) == tuple(round((71.4 + value) / 2) for value in layers.GLOW)


def test_a_layer_that_does_little_is_dark_beside_one_that_does_much(make_direction, monkeypatch):
    snapshot = Snapshot(edits=(StackEdit(str(make_direction("a person with curly hair")), -0.5, layers=(4,), uid="one"),))

    def picture(state: Snapshot) -> Image.Image:
        (edit,) = state.edits
        assert edit.alpha in (0.0, 1.0)
        change = {None: 0, (2,): 200, (3,): 2}[edit.layers] if edit.alpha else 0
        return Image.new("RGB", (8, 8), (change,) * 3)

    monkeypatch.setattr(rendering, "picture", picture)
    much, little = (brightness(url) for url in layers.effects(snapshot, "one", (2, 3)))
    assert much > 150 and little < 50


def brightness(url: str) -> float:
    return float(np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))).mean())


def test_they_are_the_same_whatever_the_strength(make_direction):
    path = str(make_direction("a person with curly hair"))
    found = [layers.effects(Snapshot(edits=(StackEdit(path, alpha, muted=muted, uid="one"),)), "one", (2, 3, 4))
             for alpha, muted in ((1.0, False), (-2.0, True))]
    assert found[0] == found[1] and len(set(found[0])) == 3


def test_a_direction_that_has_gone_is_named(make_direction):
    path = make_direction("a person with curly hair")
    path.unlink()
    with pytest.raises(ValueError, match="has gone"):
        rendering.title(StackEdit(str(path)))
