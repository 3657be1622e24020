import numpy as np
import pytest

from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, NUM_FACTORS, Scene, appearance, appearance_names, attributes, latents, make_scene, sample
from segmentation.parts import CLASSES

NEVER = {"Attractive", "Blurry"}
# Pairs that hang together, and how much (Pearson's r): what cannot be otherwise, and what follows the sexes. A direction
# that is good does not pick these up; every other pair is independent.
EXCLUSIVE = [{"Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair", "Red_Hair", "Bald"}, {"Straight_Hair", "Wavy_Hair", "Curly_Hair", "Bald"},
             {"Blue_Eyes", "Green_Eyes", "Brown_Eyes", "Eyes_Closed", "Sunglasses", "Eyeglasses"}, {"Eyes_Closed", "Narrow_Eyes"},
             {"Big_Nose", "Pointy_Nose"}, {"Chubby", "Double_Chin", "Oval_Face"}, {"Bald", "Bangs", "Receding_Hairline", "Long_Hair"},
             {"Smiling", "Sad", "Angry"}, {"No_Beard", "Goatee", "Mustache", "Sideburns", "5_o_Clock_Shadow"}]
WITH_SEX = {"Male", "Bald", "Long_Hair", "Receding_Hairline", "Bangs", "Bushy_Eyebrows", "Big_Lips", "Wearing_Lipstick", "Heavy_Makeup",
            "Wearing_Earrings", "Wearing_Necklace", "Oval_Face", "Mustache", "Goatee", "No_Beard", "5_o_Clock_Shadow", "Sideburns"}


@pytest.fixture(scope="module")
def table():
    """Attributes of 3000 scenes: bool [3000, A]."""
    return np.array([list(attributes(sample(21, i)).values()) for i in range(3000)])


def test_a_scene_follows_from_seed_and_index():
    assert sample(1, 2) == sample(1, 2) != sample(1, 3) and sample(1, 2) != sample(2, 2)
    assert latents(1, 2).shape == (NUM_FACTORS,)


def test_json_and_back_is_the_same_scene():
    scene = sample(0, 5)
    again = Scene.from_json(scene.to_json())
    assert attributes(again) == attributes(scene) and again["age"] == pytest.approx(scene["age"], abs=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match="factors, not 3"):
        make_scene([0, 0, 0])
    with pytest.raises(ValueError, match="'height'"):
        sample(0, 0).replace(height=1.0)


def test_appearance_is_named():
    assert len(appearance(sample(0, 0))) == len(appearance_names()) == len(set(appearance_names()))


def test_a_small_step_in_the_factors_is_a_small_step_in_appearance():
    for i in range(20):
        g = latents(4, i)
        near = g + 1e-4 * latents(5, i)
        assert np.abs(appearance(make_scene(near)) - appearance(make_scene(g))).max() < 5e-3


def test_every_attribute_is_neither_rare_nor_common(table):
    share = dict(zip(ATTRIBUTES, table.mean(0)))
    assert all(share[name] == 0 for name in NEVER)
    assert all(0.02 < value < 0.8 for name, value in share.items() if name not in NEVER), share


def test_other_attributes_are_independent(table):
    names = [n for n in ATTRIBUTES if n not in NEVER]
    columns = table[:, [ATTRIBUTES.index(n) for n in names]].astype(float)
    r = np.corrcoef(columns.T)
    for i, a in enumerate(names):
        for j in range(i):
            b = names[j]
            if any({a, b} <= group for group in EXCLUSIVE) or {a, b} <= WITH_SEX:
                continue
            # hair's attributes lose a little to bald heads, and eyes' to sunglasses
            assert abs(r[i, j]) < 0.16, (a, b, r[i, j])


def test_a_bald_head_has_no_fringe_and_closed_eyes_no_colour():
    for i in range(1500):
        facts = attributes(sample(22, i))
        if facts["Bald"]:
            assert not any(facts[n] for n in ("Bangs", "Curly_Hair", "Blond_Hair", "Long_Hair"))
        if facts["Eyes_Closed"] or facts["Sunglasses"]:
            assert not any(facts[n] for n in ("Blue_Eyes", "Green_Eyes", "Brown_Eyes"))


@pytest.fixture(scope="module")
def drawn():
    renderer = Renderer(64)
    return [renderer.draw(sample(23, i)) for i in range(120)]


def test_drawing_is_deterministic(drawn):
    again = Renderer(64).draw(sample(23, 3))
    assert (again[0] == drawn[3][0]).all() and (again[1] == drawn[3][1]).all()


def test_masks_cover_the_picture_with_the_nineteen_classes(drawn):
    for picture, mask in drawn:
        assert picture.shape == (64, 64, 3) and picture.dtype == mask.dtype == np.uint8
        assert mask.shape == (64, 64) and mask.max() < len(CLASSES)
    seen = np.unique([mask for _, mask in drawn])
    assert seen.tolist() == list(range(len(CLASSES)))


def test_what_is_worn_is_in_the_mask():
    renderer = Renderer(128)
    plain = sample(23, 1).replace(hat=0.0, glasses=0.0, necklace=0.0, earrings=0.0, hair_length=0.1)
    for quantity, name in (("hat", "hat"), ("glasses", "eye_g"), ("necklace", "neck_l"), ("earrings", "ear_r")):
        number = CLASSES.index(name)
        assert not (renderer.draw(plain)[1] == number).any()
        assert (renderer.draw(plain.replace(**{quantity: 1.0}))[1] == number).sum() > 10, name


def test_hair_colour_changes_hair_alone():
    renderer = Renderer(128)
    for i in range(6):
        scene = sample(24, i).replace(bald=0.0, hair_light=0.3, hair_red=0.0, hair_grey=0.0)
        (before, mask), (after, same) = renderer.draw(scene), renderer.draw(scene.replace(hair_light=0.9))
        assert (mask == same).all()
        changed = np.abs(before.astype(int) - after).sum(-1)
        hairy = np.isin(mask, [CLASSES.index(n) for n in ("hair", "l_brow", "r_brow")])
        bearded = max(scene[k] for k in ("beard", "goatee", "mustache", "stubble", "sideburns")) > 0
        if not bearded:
            assert changed[hairy].sum() > 0.85 * changed.sum()  # the rest is the soft edge, and hair seen through glasses
        assert not changed[mask == CLASSES.index("cloth")].sum() > 0.05 * changed.sum()


def test_the_same_scene_at_another_size_is_the_same_picture():
    small, large = (Renderer(size).draw(sample(23, 2))[0].astype(float) for size in (64, 128))
    halved = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(halved - small).mean() < 6


@pytest.mark.parametrize("size", [8, 4096, 64.0, "64"])
def test_sizes_that_cannot_be_drawn(size):
    with pytest.raises(ValueError, match="16 to 2048"):
        Renderer(size)
