"""M-AAE behind the protocol of `evaluation.editor`: one trained network an attribute.

Strength goes from -5, without the attribute, to 5, with it (paper, figure 6), and alpha is mapped to it linearly: 1 is delta, the strength
that the network was trained to reverse the attribute at (5), towards the wanted value; 0.5 is half of it. Above 1 there is nothing in
the paper and nothing was trained: the strength stays at its end. At 0 the pictures come back as they are, without passing the autoencoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from baselines.maae.store import Trained, load_folder
from evaluation.editor import CannotServe, Request, Samples
from portraits.pictures import smooth
from portraits.training import maps_dtype


class MaaeEditor:
    """Pictures pass the autoencoder of the wanted attribute; no latents are needed."""

    name = "maae"

    def __init__(self, networks: Mapping[str, Trained]) -> None:
        """networks: by attribute."""
        self.networks = dict(networks)

    @classmethod
    def load(cls, folder: Path | str, device: torch.device | str = "cpu") -> "MaaeEditor":
        """The networks of a folder, from safetensors and JSON alone. Raises ValueError where there are none."""
        return cls(load_folder(Path(folder), device))

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As the protocol says: the network was trained beforehand. Raises CannotServe for an attribute without one."""
        trained = self.trained(request.attribute)
        return {"source": "loaded", "seconds": 0.0, "layers": None, "steps": trained.steps, "strength": self.strength(request)}

    def strength(self, request: Request) -> float:
        """What a request's alpha is in the paper's units: within plus and minus delta."""
        delta = self.trained(request.attribute).settings.network.delta
        towards = delta if request.value else -delta
        return towards * min(max(request.alpha, -1.0), 1.0)

    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises CannotServe (a ValueError) for an attribute without a network."""
        strength = self.strength(request)
        return samples.images.clone() if strength == 0 else self.at(samples.images, request.attribute, strength)

    @torch.no_grad()
    def at(self, images: Tensor, attribute: str, strength: float) -> Tensor:
        """images [N, 3, R, R] in [-1, 1] at a strength in the paper's units -> the same shape; 0 is the reconstruction.

        Pictures of another size than the network's are resized to it and back. Raises ValueError for a strength beyond delta.
        """
        generator = self.trained(attribute).generator
        config, device = generator.config, next(generator.parameters()).device
        if not abs(strength) <= config.delta:
            raise ValueError(f"strength is {strength}; accepted: from {-config.delta:g} to {config.delta:g}")
        given = smooth(images.to(device), config.size).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=maps_dtype(device) == torch.bfloat16):
            edited = generator(given, torch.full((len(images),), float(strength), device=device))
        return smooth(edited.float().contiguous(), images.shape[-1]).to(images.device)

    def in_turn(self, images: Tensor, strengths: Sequence[tuple[str, float]]) -> Tensor:
        """Several attributes, each edited in what the one before made (section 4.1): images [N, 3, R, R] -> the same shape."""
        for attribute, strength in strengths:
            images = self.at(images, attribute, strength)
        return images

    def trained(self, attribute: str) -> Trained:
        """The network of an attribute. Raises CannotServe (a ValueError) where none was trained."""
        if attribute not in self.networks:
            raise CannotServe(f"no network of M-AAE was trained for {attribute!r}; accepted: {', '.join(self.networks)}")
        return self.networks[attribute]
