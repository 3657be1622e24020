"""The six rows of figure 5, as what they change in a training: where the strength goes in, and which losses are used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baselines.maae.training import TrainSettings


@dataclass(frozen=True)
class Variant:
    """injection: of `NetworkConfig`. identity, mask: whether their losses are used."""

    words: str
    injection: str
    identity: bool
    mask: bool


VARIANTS = {
    "a": Variant("the entire feature map is changed", "entire", False, False),
    "b": Variant("few pixels of it are changed", "sparse", False, False),
    "c": Variant("as b, with the identity loss", "sparse", True, False),
    "d": Variant("strength as a further channel of the picture, identity and mask loss", "concat-image", True, True),
    "e": Variant("strength as a further channel of the feature map, identity and mask loss", "concat-feature", True, True),
    "f": Variant("as c, with the mask loss: the whole method", "sparse", True, True),
}
WHOLE = "f"


def applied(name: str, settings: TrainSettings) -> TrainSettings:
    """The settings of a variant. Raises ValueError for an unknown one."""
    if name not in VARIANTS:
        raise ValueError(f"unknown variant {name!r}; accepted: {', '.join(VARIANTS)}")
    variant, weights = VARIANTS[name], settings.weights
    weights = replace(weights, identity=weights.identity * variant.identity, mask=weights.mask * variant.mask)
    return replace(settings, weights=weights, network=replace(settings.network, injection=variant.injection))
