"""What a pack's judges see in pictures: its classifier, its parser and CLIP. Edits are measured by comparing two of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from packs.pack import Pack


@dataclass(frozen=True)
class Seen:
    """images [N, 3, R, R], attributes bool [N, A], features [N, F], CLIP embeddings [N, E], labels, the class the parser
    sees in each pixel, int [N, R, R]. Attributes and features are None for a pack without a classifier."""

    images: Tensor
    attributes: Tensor | None
    features: Tensor | None
    embeddings: Tensor
    labels: Tensor

    def rows(self, chosen: slice) -> Seen:
        """Some of the pictures."""
        parts = (self.images, self.attributes, self.features, self.embeddings, self.labels)
        return Seen(*(None if part is None else part[chosen] for part in parts))


@torch.no_grad()
def look(pack: Pack, encode_image: Callable[[Tensor], Tensor], batches: Iterable[Tensor]) -> Seen:
    """All that is measured of pictures, a batch at a time: each [n, 3, R, R], looked at as it is shown, within [-1, 1].

    encode_image: images [N, 3, R, R] in [-1, 1] -> CLIP embeddings [N, E] of unit length.
    """
    seen = [_look(pack, encode_image, images.float().clamp(-1, 1)) for images in batches]
    return Seen(*(None if found[0] is None else torch.cat(found) for found in zip(*seen)))


def _look(pack: Pack, encode_image: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor | None, ...]:
    classifier = pack.classifier
    features = None if classifier is None else classifier.features(images)
    attributes = None if classifier is None else classifier.head(features) > 0
    return images, attributes, features, encode_image(images), pack.parser(images).argmax(dim=1)
