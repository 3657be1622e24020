"""What an edit without a flaw would be measured as: the renderer draws a face again with one thing changed, and the judge looks.

No editor can be expected to have fewer side effects than these. Some are so (a head that turns bald has no hair colour any more); what
lies above the truth are the judge's own mistakes, which it makes of every editor's pictures as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from portraits.classifier import AttributeClassifier
from portraits.quantities import Scene
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, FACTORS, NUM_FACTORS, attributes, make_scene
from portraits.side_effects import others

# (attribute, value) -> the factor that brings it about, and where to: as far beyond its threshold as a typical face that has it.
CHANGES: dict[tuple[str, bool], tuple[str, float]] = {
    ("Curly_Hair", True): ("curl", 1.3), ("Gray_Hair", True): ("hair_grey", 1.6), ("Long_Hair", True): ("hair_length", 1.2),
    ("Bangs", True): ("bangs", 1.2), ("Bald", True): ("bald", 2.3), ("Bushy_Eyebrows", True): ("brow_thickness", 1.4),
    ("Eyes_Closed", True): ("eye_open", -2.0), ("Eyeglasses", True): ("glasses", 1.0), ("Wearing_Earrings", True): ("earrings", 1.4),
    ("Big_Nose", True): ("nose_width", 1.0), ("Mouth_Slightly_Open", True): ("mouth_open", 0.8), ("Smiling", True): ("smile", 0.9),
    ("Wearing_Lipstick", True): ("lipstick", 2.4), ("No_Beard", False): ("beard", 1.5), ("Surprised", True): ("surprised", 1.8),
    ("Wearing_Necklace", True): ("necklace", 1.5), ("Wearing_Hat", True): ("hat", 1.3), ("Freckles", True): ("freckles", 1.5),
}
FACES = 64  # of each change
LOOKED_AT = 16  # at once


def changed_faces(attribute: str, value: bool, count: int, seed: int) -> tuple[list, list]:
    """`count` scenes of which the attribute is not as asked, and the same with its factor changed, which makes it so.

    Faces in which the factor is not enough (a beard on a woman's face, a fringe over a receding hairline) are passed over.
    """
    factor, setting = CHANGES[attribute, value]
    rng, before, after = np.random.default_rng([seed, ATTRIBUTES.index(attribute)]), [], []
    while len(before) < count:
        latents = rng.standard_normal(NUM_FACTORS)
        changed = latents.copy()
        changed[FACTORS.index(factor)] = setting
        scenes = make_scene(latents), make_scene(changed)
        if attributes(scenes[0])[attribute] != value and attributes(scenes[1])[attribute] == value:
            before.append(scenes[0]), after.append(scenes[1])
    return before, after


def evaluate_redrawn(classifier: AttributeClassifier, size: int, faces: int = FACES, seed: int = 11) -> dict:
    """{"target_rate", "side_effect_rate", "avoidable_side_effect_rate", "true_side_effect_rate", "by_attribute": {attribute: the same}}.

    Definitions as in `evaluation.measure`; a target rate is None where the judge saw the attribute in all faces before; the true
    rate is that of the scenes themselves. size: of the pictures, in pixels.
    """
    renderer = Renderer(size)
    by_attribute = {}
    for attribute, value in CHANGES:
        before, after = changed_faces(attribute, value, faces, seed)
        seen = [_seen(classifier, renderer, scenes) for scenes in (before, after)]
        true = [torch.tensor([list(attributes(scene).values()) for scene in scenes]) for scenes in (before, after)]
        at, flips = ATTRIBUTES.index(attribute), (seen[0] != seen[1]).float()
        by_attribute[attribute] = {
            "target_rate": _rate(seen[1][:, at] == value, of=seen[0][:, at] != value),
            "side_effect_rate": float(flips[:, others(attribute)].mean()),
            "avoidable_side_effect_rate": float(flips[:, others(attribute, avoidable=True)].mean()),
            "true_side_effect_rate": float((true[0] != true[1])[:, others(attribute)].float().mean()),
        }
    names = next(iter(by_attribute.values()))
    known = {name: [rates[name] for rates in by_attribute.values() if rates[name] is not None] for name in names}
    return {name: float(np.mean(rates)) if rates else None for name, rates in known.items()} | {"by_attribute": by_attribute}


def _rate(reached: Tensor, of: Tensor) -> float | None:
    """The share of the faces `of` that reached it, both bool [N]; None where there are none."""
    return float(reached[of].float().mean()) if of.any() else None


@torch.no_grad()
def _seen(classifier: AttributeClassifier, renderer: Renderer, scenes: list) -> Tensor:
    """Which attributes the classifier sees in the pictures of scenes: bool [N, A]."""
    device = classifier.head.weight.device
    return torch.cat([(classifier(images.to(device)) > 0).cpu() for images in _pictures(renderer, scenes)])


def _pictures(renderer: Renderer, scenes: list) -> Iterator[Tensor]:
    for start in range(0, len(scenes), LOOKED_AT):
        yield render(renderer, scenes[start : start + LOOKED_AT])


def render(renderer: Renderer, scenes: Sequence[Scene]) -> Tensor:
    """The renderer's pictures of scenes, [N, 3, R, R] in [-1, 1]."""
    return torch.from_numpy(np.stack([renderer.draw(scene)[0] for scene in scenes])).permute(0, 3, 1, 2).float() / 127.5 - 1
