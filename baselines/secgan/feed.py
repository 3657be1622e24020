"""Mini-batches for a training: a function of (seed, step) alone, so that a resumed run sees what it would have seen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import torch
from torch import Tensor

from baselines.data.attributes import permuted
from baselines.data.faces import Faces
from baselines.secgan.config import SecganConfig
from baselines.secgan.objective import Batch
from baselines.secgan.segments import likeliest, log_probability, one_hot, segments_of
from portraits import processes
from portraits.pictures import Pictures, ahead
from portraits.training import pick_indices, step_rng
from segmentation.parser import FaceParser

BRANCHES = 2


class Feed:
    """Batches of `faces` on `device`, read ahead in a thread.

    parser: makes the source masks, if the method needs any and they are not the data's own. Raises ValueError where neither is there.
    """

    def __init__(self, config: SecganConfig, faces: Faces, device: torch.device, parser: FaceParser | None) -> None:
        self.truth = config.needs_masks and config.masks_from == "truth"
        if self.truth and faces.masks is None:
            raise ValueError(f"masks_from is 'truth', but this {faces.name} data has no masks; accepted is 'parser'")
        if config.needs_masks and not self.truth and parser is None:
            raise ValueError(f"method {config.method!r} needs masks; give a pack whose parser makes them, or data with masks and masks_from 'truth'")
        if faces.attributes != config.attributes:
            raise ValueError(f"the data's labels are {', '.join(faces.attributes)}; the run's are {', '.join(config.attributes)}")
        self.config, self.faces, self.device, self.parser = config, faces, device, parser
        self.pictures = Pictures(faces.images, faces.masks if self.truth else None, device)
        self.labels = torch.from_numpy(faces.labels.astype(np.float32)).to(device)

    def batches(self, step: int) -> Iterator[Batch]:
        """The batches of step, step + 1, ..."""
        keys = ((at, self._indices(at)) for at in count(step))
        for at, indices, images, classes in ahead(self._read, keys):
            yield self._batch(images, classes, self.labels[torch.from_numpy(indices).to(self.device)], at)

    def sample(self, indices: np.ndarray) -> Batch:
        """Those pictures as they are, their labels as source and as target."""
        _, _, images, classes = self._read((0, indices))
        labels = self.labels[torch.from_numpy(indices).to(self.device)]
        return Batch(images, self._masks(images, classes), labels, labels, torch.zeros(len(images), BRANCHES, device=self.device))

    def _indices(self, step: int) -> np.ndarray:
        """This process's part of the step's pictures."""
        together = pick_indices(self.faces, self.config.batch * processes.count(), self.config.seed, step)
        return together[processes.rank() :: processes.count()]

    def _read(self, key: tuple[int, np.ndarray]) -> tuple[int, np.ndarray, Tensor, Tensor | None]:
        step, indices = key
        if self.truth:
            return step, indices, *self.pictures.batch(indices, self.config.size)
        return step, indices, self.pictures.only(indices, self.config.size), None

    def _batch(self, images: Tensor, classes: Tensor | None, labels: Tensor, step: int) -> Batch:
        rng = step_rng(self.config.seed + (processes.rank() << 32), step, self.device)
        flipped = torch.rand(len(images), generator=rng, device=self.device) < 0.5
        if self.config.published.flips:  # segments know no left and right, so masks turn with the pictures
            images = torch.where(flipped[:, None, None, None], images.flip(-1), images)
            classes = None if classes is None else torch.where(flipped[:, None, None], classes.flip(-1), classes)
        shares = torch.rand(len(images), BRANCHES, generator=rng, device=self.device)
        return Batch(images, self._masks(images, classes), labels, permuted(labels, rng), shares)

    @torch.no_grad()
    def _masks(self, images: Tensor, classes: Tensor | None) -> Tensor | None:
        """s_in, one-hot [N, 12, S, S]."""
        if not self.config.needs_masks:
            return None
        return one_hot(segments_of(classes)) if classes is not None else likeliest(log_probability(self.parser(images)))
