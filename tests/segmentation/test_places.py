"""Where worn things will be: exact against a drawn world in which the same face goes with and without them."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from portraits.render import Renderer
from portraits.scene import sample
from segmentation.parts import CLASS_INDEX, PARTS, label_mask
from segmentation.places import AREAS, PLACES, area_mask, place_mask, place_probability

SIZE, FACES = 64, 12
QUANTITY = {"eyeglasses": "glasses", "hat": "hat", "earrings": "earrings", "necklace": "necklace"}
BARE = dict.fromkeys(QUANTITY.values(), 0.0)


@pytest.fixture(scope="module")
def faces() -> dict[str, torch.Tensor]:
    """Classes [FACES, SIZE, SIZE] of the same faces: "bare", and with each thing."""
    renderer, scenes = Renderer(SIZE), [sample(5, index).replace(**BARE) for index in range(FACES)]
    worn = {"bare": BARE, **{name: {quantity: 1.0} for name, quantity in QUANTITY.items()}}
    return {name: torch.from_numpy(np.stack([renderer.draw(scene.replace(**changes))[1] for scene in scenes]).astype(np.int64))
            for name, changes in worn.items()}


def test_every_worn_part_has_a_place():
    assert set(PLACES) == set(QUANTITY) <= set(PARTS)


@pytest.mark.parametrize("name", PLACES)
def test_a_place_holds_the_thing_and_little_else(name, faces):
    place = place_mask(faces["bare"], {name: 1.0})[:, 0] > 0
    thing = label_mask(faces[name], name)
    coverage = (place & thing).sum(dim=(1, 2)) / thing.sum(dim=(1, 2))
    assert coverage.mean() > 0.92  # a necklace is one or two pixels at this size
    assert place.float().mean() < 0.36


@pytest.mark.parametrize("name", PLACES)
def test_what_is_there_is_its_own_place(name, faces):
    assert place_mask(faces[name], {name: 1.0}).sum() == 0


def test_glasses_are_at_the_eyes_and_a_hat_above_them(faces):
    bare = faces["bare"]
    eyes, mouth = label_mask(bare, "eyes"), label_mask(bare, "mouth")
    glasses, hat = (place_mask(bare, {name: 1.0})[:, 0] > 0 for name in ("eyeglasses", "hat"))
    assert (glasses & eyes).sum() / eyes.sum() > 0.99 and not (glasses & mouth).any()
    assert not (hat & eyes).any()
    assert hat[:, 0].any(dim=1).all(), "as far up as the picture goes"


def test_the_weightiest_place_counts(faces):
    both = place_mask(faces["bare"], {"eyeglasses": 0.5, "hat": 1.0})
    assert sorted(both.unique().tolist()) == [0.0, 0.5, 1.0]


def test_no_face_no_place():
    labels = torch.zeros(2, 32, 32, dtype=torch.long)
    labels[1, 10:20, 10:20] = CLASS_INDEX["skin"]  # a face without eyes has no measure either
    assert place_mask(labels, dict.fromkeys(PLACES, 1.0)).sum() == 0


def test_by_hand():
    """A face 20 wide from column 10 on, eyes in row 12, chin in row 32: 20 pixels are one unit, both ways."""
    labels = torch.full((1, 48, 40), CLASS_INDEX["hair"])
    labels[0, 8:33, 10:31] = CLASS_INDEX["skin"]
    labels[0, 12, [15, 25]] = CLASS_INDEX["l_eye"]
    found = place_mask(labels, {"eyeglasses": 1.0})[0, 0]
    rows, columns = found.nonzero().T
    assert (int(rows.min()), int(rows.max())) == (7, 20)  # 12 - 0.25 * 20, 12 + 0.4 * 20
    assert (int(columns.min()), int(columns.max())) == (9, 31)  # 20 -+ 0.58 * 20


def test_the_parts_that_have_no_place_are_named():
    with pytest.raises(ValueError, match="'hair' has no place.*eyeglasses, hat, earrings, necklace"):
        place_mask(torch.zeros(1, 8, 8, dtype=torch.long), {"hair": 1.0})


def test_of_logits_at_any_size(faces):
    labels = faces["bare"][:2]
    logits = torch.nn.functional.one_hot(labels, 19).permute(0, 3, 1, 2).float() * 20
    large = place_probability(logits, {"hat": 1.0}, (96, 96))
    assert large.shape == (2, 1, 96, 96) and 0 <= large.min() and large.max() <= 1
    small = torch.nn.functional.interpolate(large, (SIZE, SIZE), mode="area")
    assert (small - place_mask(labels, {"hat": 1.0})).abs().mean() < 0.03


AREA_QUANTITY = {"beard": "beard", "moustache": "mustache", "chin": "goatee", "cheeks": "blush"}
HIDING = dict.fromkeys((*QUANTITY.values(), *AREA_QUANTITY.values(), "stubble", "makeup", "lipstick", "bangs"), 0.0)


@pytest.mark.parametrize("name", AREAS)
def test_an_area_holds_what_the_thing_changes_and_little_else(name):
    """Against pictures of one face that are drawn with and without."""
    assert set(AREAS) == set(AREA_QUANTITY)
    renderer, held, total = Renderer(SIZE), 0.0, 0.0
    for index in range(FACES):
        scene = sample(6, index).replace(**HIDING)
        (before, labels), (after, _) = (renderer.draw(one) for one in (scene, scene.replace(**{AREA_QUANTITY[name]: 1.0})))
        change = torch.from_numpy(np.abs(after.astype(float) - before.astype(float)).mean(2))
        area = area_mask(torch.from_numpy(labels[None].astype(np.int64)), [name])[0, 0]
        held, total = held + float((change * area).sum()), total + float(change.sum())
        assert 0.005 < area.mean() < 0.3
    assert held / total > 0.97


def test_areas_add_up_and_nothing_is_narrower_without_a_face(faces):
    bare = faces["bare"]
    both, beard, cheeks = (area_mask(bare, names) for names in (["beard", "cheeks"], ["beard"], ["cheeks"]))
    assert torch.equal(both, torch.maximum(beard, cheeks)) and not torch.equal(both, beard)
    assert area_mask(torch.zeros(1, 8, 8, dtype=torch.long), ["beard"]).all()
    with pytest.raises(ValueError, match="unknown area 'ankle'; accepted: beard, moustache, chin, cheeks"):
        area_mask(bare, ["ankle"])
