"""The one table of face parts: class numbers, names, groups, synonyms and colours. Everything else looks them up here.

The 19 classes are those of CelebAMask-HQ (Lee et al., "MaskGAN", 2020) in the order of the published face-parsing
BiSeNet, `79999_iter.pth`. `l_` and `r_` are the person's own left and right, as in the data set: in a portrait that
looks at the viewer, `l_eye` is on the right half of the picture. The parts of the vocabulary join both sides, so only
code that mirrors pictures has to care (see `MIRRORED`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CLASSES = (
    "background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r",
    "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat",
)  # fmt: skip
CLASS_INDEX = {name: index for index, name in enumerate(CLASSES)}

# RGB of each class in indexed PNGs and overlays: hues far apart where classes touch, two shades of one hue for a pair.
PALETTE = np.array(
    [
        (24, 24, 32), (242, 180, 140), (150, 96, 40), (190, 128, 60), (52, 120, 246), (92, 160, 255), (0, 200, 190),
        (214, 120, 120), (236, 148, 148), (255, 208, 0), (230, 120, 60), (140, 16, 48), (232, 48, 88), (255, 96, 128),
        (206, 158, 120), (250, 232, 90), (72, 168, 88), (124, 76, 200), (216, 72, 200),
    ],
    dtype=np.uint8,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A named region of the face: the classes it covers, words people use for it (lower case, with plurals and
    spelling variants), and the RGB colour it is shown in."""

    name: str
    classes: tuple[int, ...]
    synonyms: tuple[str, ...]
    colour: tuple[int, int, int]


def _part(name: str, classes: str, synonyms: str, colour_of: str | None = None) -> Part:
    """One row: `classes` by name, separated by blanks; `synonyms` separated by commas; coloured as class `colour_of`."""
    indices = tuple(CLASS_INDEX[c] for c in classes.split())
    colour = PALETTE[CLASS_INDEX[colour_of] if colour_of else indices[0]]
    words = (name, *(word.strip() for word in synonyms.split(",")))
    return Part(name, indices, tuple(dict.fromkeys(words)), tuple(int(c) for c in colour))


_ROWS = (
    _part("hair", "hair",
          "hairs, haired, hairdo, hairdos, hairstyle, hairstyles, haircut, haircuts, hairline, hairlines, coiffure, "
          "coiffures, mane, locks, tresses, curl, curls, ringlet, ringlets, wave, waves, bang, bangs, fringe, fringes, braid, "
          "braids, plait, plaits, dreadlock, dreadlocks, cornrows, ponytail, ponytails, pigtail, pigtails, bun, buns, "
          "topknot, afro, afros, mohawk, mohawks, mullet, mullets, bob, pixie cut, crew cut, buzz cut, undercut, perm, "
          "wig, wigs, highlights, sideburn, sideburns, parting, scalp"),
    _part("eyes", "l_eye r_eye",
          "eye, left eye, right eye, eyed, eyeball, eyeballs, iris, irises, pupil, pupils, gaze, gazes, "
          "eyelid, eyelids, eyelash, eyelashes, lash, lashes, eyeshadow, eyeliner, mascara"),
    _part("eyebrows", "l_brow r_brow",
          "eyebrow, brow, brows, left eyebrow, right eyebrow, browed, eyebrowed, unibrow, unibrows, monobrow, monobrows"),
    _part("eyeglasses", "eye_g",
          "eyeglass, glasses, spectacles, specs, sunglasses, sun glasses, shades, goggles, monocle, monocles, "
          "pince-nez, bifocals, aviators, eyewear"),
    _part("ears", "l_ear r_ear", "ear, eared, left ear, right ear, earlobe, earlobes, ear lobe, ear lobes"),
    _part("earrings", "ear_r", "earring, ear ring, ear rings, ear stud, ear studs, hoops, hoop earring, hoop earrings, "
          "pearl earring, pearl earrings, drop earrings, ear piercing, ear piercings"),
    _part("nose", "nose", "noses, nosed, nostril, nostrils, snout, snouts, nose bridge, nose tip, nasal"),
    _part("mouth", "mouth u_lip l_lip",
          "mouths, mouthed, smile, smiles, smiling, grin, grins, grinning, laugh, laughs, laughing, laughter, frown, "
          "frowns, frowning, pout, pouts, pouting, smirk, smirks, smirking, teeth, tooth, toothy, tongue, tongues, yawn, "
          "yawns, yawning"),
    _part("lips", "u_lip l_lip", "lip, lipped, upper lip, lower lip, lipstick, lipsticks, lip gloss, lipgloss, "
          "lip liner, lip balm", "l_lip"),
    # All bare skin, not the class of that name alone: pale or freckled skin does not stop at the nose or the jaw.
    _part("skin", "skin nose l_ear r_ear neck",
          "skins, skinned, complexion, complexions, skin tone, skin tones, skin colour, skin color, tan, suntan, tanned, "
          "freckle, freckles, freckled, wrinkle, wrinkles, wrinkled, cheek, cheeks, cheekbone, cheekbones, blush, "
          "blushing, dimple, dimples, pimple, pimples, acne, mole, moles, birthmark, birthmarks, scar, scars, forehead, "
          "foreheads, bags under the eyes, crow's feet"),
    _part("neck", "neck", "necks, necked, throat, throats, adam's apple, nape"),
    _part("necklace", "neck_l", "necklaces, neck lace, pendant, pendants, choker, chokers, locket, lockets, "
          "neck chain, neck chains, beads, string of pearls"),
    _part("clothes", "cloth",
          "cloth, clothing, clothed, garment, garments, outfit, outfits, apparel, attire, shirt, shirts, t-shirt, "
          "t-shirts, blouse, blouses, dress, dresses, jacket, jackets, coat, coats, sweater, sweaters, jumper, jumpers, "
          "pullover, pullovers, hoodie, hoodies, cardigan, cardigans, suit, suits, collar, collars, turtleneck, "
          "turtlenecks, neckline, necklines, tie, ties, necktie, neckties, bow tie, bow ties, scarf, scarves, scarfs, "
          "uniform, uniforms, vest, vests"),
    _part("hat", "hat",
          "hats, hatted, headwear, headgear, cap, caps, beanie, beanies, beret, berets, bonnet, bonnets, bowler hat, "
          "fedora, fedoras, helmet, helmets, hood, hoods, turban, turbans, crown, crowns, tiara, tiaras, sombrero, "
          "sombreros, top hat, top hats, cowboy hat, cowboy hats, baseball cap, headscarf, headscarves, bandana, bandanas"),
    _part("background", "background", "backgrounds, backdrop, backdrops, surroundings, scenery, wallpaper"),
    # Everything inside the outline of the face.
    _part("face", "skin l_brow r_brow l_eye r_eye eye_g nose mouth u_lip l_lip",
          "faces, faced, facial, visage, visages, countenance, facial features, expression, expressions, "
          "jaw, jaws, jawline, chin, chins, double chin, makeup, make-up", "skin"),
)  # fmt: skip

PARTS: dict[str, Part] = {row.name: row for row in _ROWS}
SYNONYMS: dict[str, str] = {word: row.name for row in _ROWS for word in row.synonyms}

# Class of each class in a mirrored picture: the sides change places. `masks_mirrored = mirrored[masks].flip(-1)`.
MIRRORED = tuple(
    CLASS_INDEX.get({"l_": "r_", "r_": "l_"}.get(name[:2], "") + name[2:], index) if name != "l_lip" else index
    for index, name in enumerate(CLASSES)
)

PartLike = str | Mapping[str, float]


def part(name: str) -> Part:
    """The part called `name` (case and outer blanks do not matter); ValueError lists the accepted names."""
    found = PARTS.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"unknown part {name!r}: use one of {', '.join(PARTS)}")
    return found


def class_weights(parts: PartLike) -> list[float]:
    """How much each of the 19 classes counts, in [0, 1], for a part's name or weights {name: weight in [0, 1]}.

    Parts overlap (`mouth` holds `lips`), so a class takes the largest weight among the parts it is in, not the sum."""
    weights = [0.0] * len(CLASSES)
    named = {parts: 1.0} if isinstance(parts, str) else parts
    if not isinstance(named, Mapping) or not named:
        raise ValueError(f"parts must be a part's name or a non-empty {{name: weight}}, not {parts!r}")
    for name, weight in named.items():
        if not 0.0 <= weight <= 1.0:
            raise ValueError(f"weight {weight!r} of part {name!r} must lie between 0 and 1")
        for index in part(name).classes:
            weights[index] = max(weights[index], float(weight))
    return weights


def part_probability(logits: Tensor, parts: PartLike) -> Tensor:
    """Soft mask: logits [N, 19, H, W] -> probability [N, 1, H, W] in [0, 1] that a pixel belongs to the part (or
    the weighted parts); differentiable, computed in float32."""
    _check_logits(logits)
    weights = torch.tensor(class_weights(parts), device=logits.device)
    probability = logits.float().softmax(dim=1)
    return (probability * weights.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def part_mask(logits: Tensor, parts: PartLike) -> Tensor:
    """Hard mask: logits [N, 19, H, W] -> bool [N, 1, H, W], true where the likeliest class belongs to the part (or to
    one of the parts with a weight above 0)."""
    _check_logits(logits)
    return label_mask(logits.argmax(dim=1), parts).unsqueeze(1)


def label_mask(labels: Tensor, parts: PartLike) -> Tensor:
    """The same for class numbers: labels [...] (integers 0..18) -> bool [...]."""
    chosen = torch.tensor(class_weights(parts), device=labels.device) > 0
    return chosen[labels.long()]


def _check_logits(logits: Tensor) -> None:
    if logits.ndim != 4 or logits.shape[1] != len(CLASSES):
        raise ValueError(f"logits must be [N, {len(CLASSES)}, H, W], not {list(logits.shape)}")
