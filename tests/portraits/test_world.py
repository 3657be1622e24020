"""Properties of the drawn world: what a quantity may change, what is in the mask, how often, how smoothly, at any size."""

import numpy as np
import pytest

from portraits.facts import threshold
from portraits.quantities import STEPS, latents, level, make_scene, sample, stepped, switch
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, attributes
from segmentation.parts import CLASSES

SIZE = 128
PLAIN = {"bald": 0.0, "hat": 0.0, "glasses": 0.0, "earrings": 0.0, "necklace": 0.0, "necktie": 0.0, "beard": 0.0, "goatee": 0.0,
    "mustache": 0.0,
         "stubble": 0.0, "sideburns": 0.0, "hair_length": 0.1, "bangs": 0.0, "curl": 0.0, "eye_open": 0.9, "mouth_open": 0.5,
             "surprised": 0.0, "makeup": 0.0, "lipstick": 1.0}
# Shares of the attributes among many samples, as they were designed; the test allows what chance does to 4000.
SHARES = {
    "Bald": 0.10, "Bangs": 0.19, "Black_Hair": 0.20, "Brown_Hair": 0.25, "Blond_Hair": 0.21, "Gray_Hair": 0.14, "Red_Hair": 0.12,
    "Straight_Hair": 0.38, "Wavy_Hair": 0.28, "Curly_Hair": 0.24, "Long_Hair": 0.34, "Receding_Hairline": 0.17, "Bushy_Eyebrows": 0.31,
    "Arched_Eyebrows": 0.36, "Eyes_Closed": 0.07, "Narrow_Eyes": 0.18, "Blue_Eyes": 0.26, "Green_Eyes": 0.33, "Brown_Eyes": 0.27,
    "Bags_Under_Eyes": 0.26, "Eyeglasses": 0.29, "Sunglasses": 0.07, "Big_Nose": 0.31, "Pointy_Nose": 0.29, "Big_Lips": 0.31,
    "Mouth_Slightly_Open": 0.46, "Smiling": 0.40, "Wearing_Lipstick": 0.28, "Heavy_Makeup": 0.20, "Mustache": 0.10, "Goatee": 0.07,
    "No_Beard": 0.74, "5_o_Clock_Shadow": 0.09, "Sideburns": 0.18, "Pale_Skin": 0.20, "Rosy_Cheeks": 0.24, "Freckles": 0.17,
    "High_Cheekbones": 0.31, "Oval_Face": 0.39, "Chubby": 0.21, "Double_Chin": 0.15, "Male": 0.50, "Young": 0.60, "Big_Ears": 0.31,
    "Wearing_Earrings": 0.28, "Wearing_Hat": 0.17, "Wearing_Necklace": 0.22, "Wearing_Necktie": 0.115, "Surprised": 0.105, "Sad": 0.105,
    "Angry": 0.105, "Attractive": 0.0, "Blurry": 0.0,
}


@pytest.fixture(scope="module")
def renderer():
    return Renderer(SIZE)


def plain(index, **changes):
    return sample(31, index).replace(**{**PLAIN, **changes})


def grown(region, pixels):
    """A boolean region and everything within `pixels` of it, up, down and sideways."""
    out = region.copy()
    for _ in range(pixels):
        padded = np.pad(out, 1)
        out = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return out


def of_classes(mask, *names):
    return np.isin(mask, [CLASSES.index(name) for name in names])


def change(renderer, before, after):
    """Change a pixel, and where either mask has which class."""
    (a, mask_a), (b, mask_b) = renderer.draw(before), renderer.draw(after)
    return np.abs(a.astype(int) - b).max(-1), mask_a, mask_b


# Quantity, from, to, the classes that it may touch, and how many pixels further (shadows, soft edges).
PLACES = [
    ("hair_light", 0.2, 0.9, ("hair", "l_brow", "r_brow"), 3),
    ("eye_hue", 0.1, 0.9, ("l_eye", "r_eye"), 1),
    ("glasses", 0.0, 1.0, ("eye_g",), 4),
    ("lipstick", 0.0, 1.0, ("u_lip", "l_lip"), 2),
    ("lip_hue", 0.1, 0.9, ("u_lip", "l_lip"), 2),
    ("lip_fullness", 0.1, 0.9, ("u_lip", "l_lip", "mouth"), 4),
    ("mouth_open", 0.1, 0.9, ("u_lip", "l_lip", "mouth", "skin", "nose"), 2),
    ("hat", 0.0, 1.0, ("hat",), 2),
    ("hat_hue", 0.1, 0.9, (), 0),
    ("necklace", 0.0, 1.0, ("neck_l",), 4),
    ("necktie", 0.0, 1.0, ("cloth", "neck"), 2),
    ("earrings", 0.0, 1.0, ("ear_r",), 2),
    ("ear_size", 0.1, 0.9, ("l_ear", "r_ear"), 3),
    ("nose_width", 0.1, 0.9, ("nose", "skin"), 1),
    ("brow_thickness", 0.1, 0.9, ("l_brow", "r_brow"), 4),
    ("brow_arch", 0.1, 0.9, ("l_brow", "r_brow"), 4),
    ("blush", 0.0, 1.0, ("skin", "nose"), 1),
    ("freckles", 0.0, 1.0, ("skin", "nose"), 1),
    ("age", 0.1, 0.9, ("skin", "nose", "neck"), 3),
    ("bags", 0.1, 0.9, ("skin", "nose"), 1),
    ("beard", 0.0, 1.0, ("skin", "neck"), 3),
    ("mustache", 0.0, 1.0, ("skin", "nose", "u_lip", "mouth", "l_lip"), 1),
    ("neckline", 0.1, 0.9, ("cloth", "neck"), 2),
    ("background_hue", 0.1, 0.9, ("background",), 2),
    ("clothes_hue", 0.1, 0.6, ("cloth",), 2),
]


@pytest.mark.parametrize("quantity, low, high, classes, further", PLACES, ids=[row[0] for row in PLACES])
def test_a_quantity_changes_pixels_only_where_it_may(renderer, quantity, low, high, classes, further):
    seen = 0
    for index in range(4):
        moved, mask_a, mask_b = change(renderer, plain(index, **{quantity: low}), plain(index, **{quantity: high}))
        allowed = grown(of_classes(mask_a, *classes) | of_classes(mask_b, *classes), further)
        assert not (moved[~allowed] > 6).any(), f"{(moved[~allowed] > 6).sum()} pixels, up to {moved[~allowed].max()}"
        seen += (moved > 12).sum()
    assert seen > 20 or not classes, "nothing is to be seen of it"


# Attributes that were too faint in the first world: at one sigma on either side of the threshold they must show.
@pytest.mark.parametrize("quantity", ["nose_width", "nose_point", "lip_fullness", "ear_size", "bags", "brow_thickness", "brow_arch",
    "cheekbones"])
def test_small_features_are_visible_on_either_side_of_their_threshold(renderer, quantity):
    middle = STEPS[quantity][-1][0]
    for index in range(3):
        moved, _, _ = change(renderer, plain(index, **{quantity: stepped(quantity, middle - 1)}),
            plain(index, **{quantity: stepped(quantity, middle + 1)}))
        assert (moved > 16).sum() > 40, (quantity, (moved > 16).sum())


def test_plateaus_rise_without_a_gap():
    grid = np.linspace(-3, 3, 601)
    for name in STEPS:
        values = np.array([stepped(name, g) for g in grid])
        assert (np.diff(values) > 0).all() and np.diff(values).max() < 0.03, name
        assert 0 < values[0] < level(name, 0) <= level(name) < values[-1] < 1
    assert switch(0.3, 0.3) == 0.5 and threshold("hat") == 0.5


def test_attributes_are_as_frequent_as_designed():
    table = np.array([list(attributes(sample(41, i)).values()) for i in range(4000)]).mean(0)
    assert set(SHARES) == set(ATTRIBUTES)
    for name, share in zip(ATTRIBUTES, table):
        assert share == pytest.approx(SHARES[name], abs=0.035), name


def test_the_picture_is_smooth_in_the_factors(renderer):
    for index in range(6):
        g = latents(51, index)
        near = g + 0.01 * latents(52, index)
        a, b = (renderer.draw(make_scene(x))[0].astype(int) for x in (g, near))
        far = np.abs(a - renderer.draw(make_scene(latents(53, index)))[0]).mean()
        assert np.abs(a - b).mean() < 0.06 * far


def test_masks_agree_across_sizes():
    small, large = Renderer(128), Renderer(256)
    for index in range(12):
        scene = sample(61, index)
        agree = large.draw(scene)[1][::2, ::2] == small.draw(scene)[1]
        assert agree.mean() > 0.97


def test_pictures_agree_across_sizes():
    for index in range(3):
        large, larger = (Renderer(size).draw(sample(62, index))[0].astype(float) for size in (256, 512))
        halved = larger.reshape(256, 2, 256, 2, 3).mean((1, 3))
        assert np.abs(halved - large).mean() < 3


def test_every_class_appears_and_its_sides_are_the_persons():
    renderer = Renderer(SIZE)
    masks = [renderer.draw(sample(63, i))[1] for i in range(40)]
    assert np.unique(masks).tolist() == list(range(len(CLASSES)))
    left, right = (np.mean([np.nonzero(of_classes(m, name))[1].mean() for m in masks if of_classes(m, name).any()]) for name in ("l_brow",
        "r_brow"))
    assert left > SIZE / 2 > right
    assert all(of_classes(m, "skin").any() and of_classes(m, "background").any() for m in masks)
