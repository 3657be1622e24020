"""Parts of masks changed by their codes in a Semantic-VAE, at any size of the mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.semantic_vae.model import SemanticVAE, interpolate_part, load_model, part_rows, perturb_part, sample_part
from baselines.shape.edits import PartShape
from baselines.shape.following import depths, following
from evaluation.editor import CannotServe, Request, Samples

Other = Callable[[PartShape], np.ndarray]
FINE = 256  # pixels a side: edges are taken from logits that were enlarged to this, round instead of in steps


@dataclass(frozen=True, eq=False)
class Known:
    """A mask uint8 [R, R] with its codes [1, 19, D], its depths [19, R, R] and its reconstruction uint8 [S, S]."""

    mask: np.ndarray
    codes: Tensor
    depths: np.ndarray
    before: np.ndarray


class Shaper:
    """A Semantic-VAE that changes masks uint8 [R, R]. It is no editor of pictures: as one it serves nothing."""

    name = "semantic-vae"

    def __init__(self, model: SemanticVAE):
        self.model, self.device = model, next(model.parameters()).device
        self._densities = {part: density.to("cpu") for part, density in model.densities.items()}
        self._kept: Known | None = None  # of the last mask; replaced as a whole, so that several may use it at once

    def edit(self, samples: Samples, request: Request) -> Tensor:
        """Raises CannotServe, always."""
        raise CannotServe("Semantic-VAE changes masks, not pictures; accepted: the Shape page, which paints its masks with MaskGAN")

    @torch.inference_mode()
    def shaped(self, mask: np.ndarray, groups: Sequence[Sequence[PartShape]], other: Other) -> np.ndarray:
        """The mask uint8 [R, R] as each group of edits makes it, uint8 [N, R, R]: what they do not change stays as it is.

        other: the mask of the face that a part is taken from.
        """
        known = self._known(mask)
        after = [self._edited(known.codes, group, other) for group in groups]
        decoded = self._decoded(torch.cat(after), mask.shape[0])
        classes = [{index for edit in group for index in part_rows(edit.part)} for group in groups]
        return np.stack([following(mask, known.depths, known.before, *made) for made in zip(decoded, classes)])

    def _known(self, mask: np.ndarray) -> Known:
        """What the edits of one mask have in common: a slider that is moved asks for it again and again."""
        known = self._kept
        if known is None or not np.array_equal(known.mask, mask):
            codes = self._codes(mask)
            known = self._kept = Known(mask, codes, depths(mask), self._decoded(codes, mask.shape[0])[0])
        return known

    def _decoded(self, codes: Tensor, side: int) -> np.ndarray:
        """Codes [N, 19, D] -> masks uint8 [N, S, S], up to `side` large. One after the other: what else is decoded changes nothing."""
        logits = [enlarged(self.model.decode(code[None].to(self.device)), min(side, FINE)) for code in codes]
        return torch.cat(logits).argmax(dim=1).to(torch.uint8).cpu().numpy()

    def _codes(self, mask: np.ndarray) -> Tensor:
        """[1, 19, D] on the CPU: there the same seed draws the same noise on every machine."""
        planes = torch.from_numpy(mask.astype(np.int64))[None].to(self.device)
        if mask.shape[0] < self.model.config.encoder_size:
            planes = F.interpolate(planes[None].float(), (self.model.config.encoder_size,) * 2, mode="nearest-exact")[0].long()
        return self.model.encode(planes).float().cpu()

    def _edited(self, codes: Tensor, group: Sequence[PartShape], other: Other) -> Tensor:
        for edit in group:
            rng = torch.Generator().manual_seed(edit.number)
            if edit.how == "perturb":
                codes = perturb_part(codes, edit.part, rng, edit.amount, self._densities)
                continue
            target = sample_part(codes, edit.part, rng, self._densities) if edit.how == "sample" else self._codes(other(edit))
            codes = interpolate_part(codes, target, edit.part, edit.amount)
        return codes


def enlarged(logits: Tensor, side: int) -> Tensor:
    """Logits [N, C, S, S] -> [N, C, side, side], as they are where that is no larger."""
    return F.interpolate(logits, (side, side), mode="bilinear", align_corners=False) if side > logits.shape[-1] else logits


def load_shaper(path: Path, device: torch.device | str, parser: Callable[[Tensor], Tensor] | None = None) -> Shaper:
    """The shaper of a file of `baselines.semantic_vae.train`, as a pack ships it. Raises ValueError and OSError as `load_model`."""
    return Shaper(load_model(path, device))
