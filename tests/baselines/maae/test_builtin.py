"""The network of M-AAE that comes with the built-in pack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.editors import Settings, make_editor
from evaluation.editor import CannotServe, Request, Samples
from packs.attributes import ATTRIBUTES
from packs.pack import load_pack
from portraits.dataset import build_cache
from portraits.pictures import Pictures

COUNT = 24


@pytest.fixture(scope="module")
def portraits():
    return load_pack("portraits", "cpu")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Drawn faces [24, 3, 128, 128], and whether they wear glasses."""
    cache = build_cache(tmp_path_factory.mktemp("builtin") / "cache", seed=71, count=COUNT, size=128, workers=1)
    having = np.array(cache.attributes[:, cache.attribute_names.index("Eyeglasses")], bool)
    return Pictures(cache.images).only(np.arange(COUNT)), torch.from_numpy(having)


@torch.no_grad()
def test_it_puts_glasses_on_and_takes_them_off(portraits, faces, tmp_path):
    images, having = faces
    editor = make_editor("maae", portraits, Settings(tmp_path))
    certainty = portraits.classifier(images)[:, ATTRIBUTES.index("Eyeglasses")]
    for value, rows in ((True, ~having), (False, having)):
        given, wish = Samples(images[rows]), Request("a person with glasses", "Eyeglasses", value)
        assert editor.prepare(wish, given)["steps"] > 1000
        edited = editor.edit(given, wish)
        moved = portraits.classifier(edited)[:, ATTRIBUTES.index("Eyeglasses")] - certainty[rows]
        assert ((moved > 0) == value).float().mean() > 0.8
        assert (edited - given.images).abs().mean() < 0.1


def test_it_serves_what_it_was_taught(portraits, faces, tmp_path):
    editor = make_editor("maae", portraits, Settings(tmp_path))
    with pytest.raises(CannotServe, match="trained for 'Bald'; accepted: Eyeglasses"):
        editor.prepare(Request("a bald person", "Bald"), Samples(faces[0]))
