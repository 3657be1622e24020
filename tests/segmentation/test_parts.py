"""The part table: complete, unambiguous, and the masks made from it right by hand-computed values."""

import pytest
import torch

from segmentation import parts
from segmentation.parts import CLASSES, PALETTE, PARTS, label_mask, part, part_mask, part_probability

CONTRACT = "hair eyes eyebrows eyeglasses ears earrings nose mouth lips skin neck necklace clothes hat background face"


def names(part_name: str) -> set[str]:
    return {CLASSES[index] for index in part(part_name).classes}


def one_pixel(**logit_by_class: float) -> torch.Tensor:
    logits = torch.full((1, 19, 1, 1), -30.0)
    for name, value in logit_by_class.items():
        logits[0, CLASSES.index(name)] = value
    return logits


def test_parts_are_those_of_the_contract_and_have_known_classes():
    assert list(PARTS) == CONTRACT.split()
    for row in PARTS.values():
        assert row.classes and len(set(row.classes)) == len(row.classes)
        assert all(0 <= index < len(CLASSES) for index in row.classes)


def test_every_class_belongs_to_a_part():
    assert {index for row in PARTS.values() for index in row.classes} == set(range(19))


def test_groups():
    assert names("mouth") == {"mouth", "u_lip", "l_lip"}
    assert names("lips") == {"u_lip", "l_lip"}
    assert names("eyes") == {"l_eye", "r_eye"}, "the glasses are a part of their own"
    assert names("eyeglasses") == {"eye_g"}
    assert names("earrings") == {"ear_r"} and names("necklace") == {"neck_l"}
    inside = {"skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "nose", "mouth", "u_lip", "l_lip"}
    assert names("face") == inside


def test_colours_differ():
    assert PALETTE.shape == (19, 3) and len({tuple(colour) for colour in PALETTE}) == 19


def test_mirroring_swaps_the_sides_and_nothing_else():
    swapped = {CLASSES[i]: CLASSES[j] for i, j in enumerate(parts.MIRRORED) if i != j}
    assert swapped == {"l_brow": "r_brow", "r_brow": "l_brow", "l_eye": "r_eye", "r_eye": "l_eye",
                       "l_ear": "r_ear", "r_ear": "l_ear"}  # fmt: skip


@pytest.mark.parametrize("bad", ["beard", "", None, 17])
def test_unknown_part_lists_the_accepted_ones(bad):
    with pytest.raises(ValueError, match="hair, eyes, .*, face") as caught:
        part(bad)
    assert repr(bad) in str(caught.value)


def test_part_name_ignores_case_and_blanks():
    assert part(" Hair ") is PARTS["hair"]


def test_soft_mask_sums_the_classes_of_the_part():
    pixel = one_pixel(u_lip=0.0, mouth=0.0, hair=0.0, hat=0.0)
    assert part_probability(pixel, "mouth").item() == pytest.approx(0.5)
    assert part_probability(pixel, "lips").item() == pytest.approx(0.25)
    assert part_probability(pixel, {"hair": 1.0, "mouth": 0.5}).item() == pytest.approx(0.25 + 0.5 * 0.5)


def test_overlapping_parts_do_not_add_up():
    pixel = one_pixel(u_lip=0.0)
    assert part_probability(pixel, {"mouth": 1.0, "lips": 1.0, "face": 1.0}).item() == pytest.approx(1.0)


def test_soft_mask_has_a_gradient():
    pixel = one_pixel(hair=0.0, hat=0.0).requires_grad_()
    part_probability(pixel, "hair").sum().backward()
    assert pixel.grad[0, CLASSES.index("hair")].item() == pytest.approx(0.25)


def test_hard_mask_follows_the_likeliest_class():
    pixel = one_pixel(u_lip=1.0, mouth=1.0, hair=1.5)  # the mouth as a whole is likelier, but hair is the label
    assert part_mask(pixel, "hair").tolist() == [[[[True]]]]
    assert not part_mask(pixel, "mouth").any()
    assert part_mask(pixel, {"hat": 1.0, "hair": 0.3}).all() and not part_mask(pixel, {"hat": 1, "hair": 0}).any()


def test_label_mask_takes_any_integer_type():
    labels = torch.tensor([[0, 17], [18, 4]], dtype=torch.uint8)
    assert label_mask(labels, "hair").tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("weights", [{}, {"hair": 1.5}, {"hair": -0.1}, {"hair": float("nan")}, {"tail": 1.0}])
def test_bad_weights(weights):
    with pytest.raises(ValueError):
        part_probability(one_pixel(hair=0.0), weights)


def test_wrong_number_of_classes():
    with pytest.raises(ValueError, match=r"\[1, 18, 2, 2\]"):
        part_mask(torch.zeros(1, 18, 2, 2), "hair")
