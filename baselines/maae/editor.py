"""M-AAE behind the protocol of `evaluation.editor`: one trained network an attribute.

    editor = load_editor("runs/maae", device)
    after = editor.edit(Samples(images), Request("", "Eyeglasses", True))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from baselines.maae.store import Trained, load_networks
from evaluation.editor import CannotServe, Request, Samples
from portraits.pictures import smooth
from portraits.training import autocast

BATCH = 16


class MaaeEditor:
    """Pictures pass the autoencoder of the wanted attribute; no latents are needed.

    Strength goes from -5, without the attribute, to 5, with it (paper, figure 6), and alpha is a share of it: 1 is delta, the strength
    at which the network was trained to turn the attribute round (5), towards the wanted value. The paper has nothing beyond, and nothing
    was trained there: an alpha above 1 edits as 1 does. Below 1, what the autoencoder cannot rebuild is faded in, so that 0 changes nothing;
    for networks that keep detail it is there at every strength.
    """

    name, strongest = "maae", 1.0

    def __init__(self, networks: Mapping[str, Trained]) -> None:
        """networks: by attribute."""
        self.networks = dict(networks)

    @property
    def attributes(self) -> tuple[str, ...]:
        """What it can be asked for."""
        return tuple(self.networks)

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As the protocol says: the network was trained beforehand. Raises CannotServe for an attribute without one."""
        trained = self.trained(request.attribute)
        return {"source": "loaded", "seconds": 0.0, "layers": None, "steps": trained.steps, "strength": self.strength(request)}

    def strength(self, request: Request) -> float:
        """What a request's alpha is in the paper's units: within plus and minus delta."""
        delta = self.trained(request.attribute).settings.network.delta
        towards = delta if request.value else -delta
        return towards * min(max(request.alpha, -1.0), 1.0)

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says: [N, 3, R, R] in [-1, 1]. Raises CannotServe (a ValueError) for an attribute without a network."""
        trained, strength = self.trained(request.attribute), self.strength(request)
        return _at_its_size(trained, samples.images, strength, fade=1 - abs(strength) / trained.settings.network.delta)

    @torch.no_grad()
    def at(self, images: Tensor, attribute: str, strength: float) -> Tensor:
        """images [N, 3, R, R] in [-1, 1] at a strength in the paper's units -> the same shape; 0 is the reconstruction, or the picture
        where detail is kept.

        Raises ValueError for a strength beyond delta, and CannotServe for an attribute without a network.
        """
        trained = self.trained(attribute)
        if not abs(strength) <= trained.settings.network.delta:
            raise ValueError(f"strength is {strength}; accepted: from {-trained.settings.network.delta:g} to {trained.settings.network.delta:g}")
        return _at_its_size(trained, images, strength)

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


def load_editor(path: Path | str, device: torch.device | str = "cpu", parser: object = None) -> MaaeEditor:
    """The editor of a run's folder or of a file of networks; `parser` is what editors that look at masks need, and not looked at.

    Raises OSError and ValueError as `store.load_networks`.
    """
    return MaaeEditor(load_networks(Path(path), device))


def _at_its_size(trained: Trained, images: Tensor, strength: float, fade: float = 0.0) -> Tensor:
    """Pictures [N, 3, R, R] edited at the network's size; at another, what changed is resized and laid over the picture.

    fade: share of what the autoencoder cannot rebuild that is put back, where detail is not kept anyway.
    """
    fade = 1.0 if trained.keep_detail else fade
    size, device = trained.settings.network.size, next(trained.generator.parameters()).device
    found = []
    for batch in images.split(BATCH):
        given = batch.to(device).float()
        small = smooth(given, size)
        after = _generated(trained, small, strength)
        if fade > 0:
            after = after + fade * (small - _generated(trained, small, 0.0))
        found.append(after if given.shape[-1] == size else given + smooth(after - small, given.shape[-1]))
    return torch.cat(found).clamp(-1, 1).to(images.device) if found else images.clone()


def _generated(trained: Trained, images: Tensor, strength: float) -> Tensor:
    """The generator's pictures [N, 3, S, S], float32, computed in the number format that is fast."""
    given = images.contiguous(memory_format=torch.channels_last)
    with autocast(images.device):
        return trained.generator(given, images.new_full((len(images),), strength)).float().contiguous()
