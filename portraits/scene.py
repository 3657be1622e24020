"""A drawn face as numbers: latent factors -> quantities -> attributes and appearance. The world's one front door.

`portraits.quantities` draws the quantities, `portraits.facts` has the rule behind each attribute, `portraits.colours`
the colours and the vector that the picture is a smooth function of.
"""

from portraits.colours import appearance, appearance_names
from portraits.facts import ATTRIBUTES, attributes
from portraits.quantities import FACTORS, NUM_FACTORS, Scene, latents, make_scene, sample

__all__ = [
    "ATTRIBUTES", "FACTORS", "NUM_FACTORS", "Scene", "appearance", "appearance_names", "attributes", "latents", "make_scene", "sample",
]
