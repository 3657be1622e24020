"""One picture whose mask is being changed: its mask, the mask after any list of edits, and the picture that follows from it.

    bench = Workbench(image, pack.parser, shaper, painter, other)
    mask = bench.mask(edits)                # uint8 [R, R]
    picture = bench.picture(edits)          # [1, 3, R, R], or whole=True: all of it painted
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from baselines.maskgan.editor import Painter
from baselines.maskgan.shapes import morph, transplant
from baselines.shape.edits import CODED, MaskEdit, PartShape, Stroke, check_number
from baselines.shape.laying import laid_over
from baselines.shape.masks import brushed
from baselines.shape.shaper import Other, Shaper
from segmentation.parser import read_labels

KEPT = 48  # masks that are kept for undo and for the next stroke


class Workbench:
    """image: [1, 3, R, R] in [-1, 1]. parse: pictures -> logits [N, 19, R, R]. shaper, painter: None where there is none.

    other: the mask of the face that a part is taken from. What has been computed is kept.
    """

    def __init__(self, image: Tensor, parse: Callable[[Tensor], Tensor], shaper: Shaper | None, painter: Painter | None, other: Other):
        self.image, self.shaper, self.painter, self.other = image, shaper, painter, other
        with torch.no_grad():
            self.original = parse(image)[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        self._masks: OrderedDict[tuple[MaskEdit, ...], np.ndarray] = OrderedDict()

    @property
    def side(self) -> int:
        return self.original.shape[0]

    @cached_property
    def style(self) -> Tensor:
        """Of the picture, [1, P], for the painter."""
        return self.painter.style(self.image, torch.from_numpy(self.original)[None])

    def mask(self, edits: Sequence[MaskEdit]) -> np.ndarray:
        """The mask after these edits, uint8 [R, R]. Raises ValueError for a part's code where there is no shaper, or too many edits."""
        check_number(edits)
        edits = tuple(edits)
        ends = steps(edits)
        known = max((len(kept) for kept in self._masks if len(kept) in ends and edits[:len(kept)] == kept), default=0)
        mask = self._masks[edits[:known]] if known else self.original
        for start, end in pairwise([known, *(end for end in ends if end > known)]):
            mask = self._made(mask, edits[start:end])
            if len(edits) - end < KEPT:
                self._masks[edits[:end]] = mask
        if edits:
            self._masks.move_to_end(edits)
        while len(self._masks) > KEPT:
            self._masks.popitem(last=False)
        return mask

    def variants(self, edits: Sequence[MaskEdit], instead: Sequence[PartShape], side: int) -> np.ndarray:
        """The masks uint8 [N, side, side] with each of `instead` in the place of the last shape of its part."""
        base, group = split(edits)
        mask = nearest(self.mask(base), side)
        return self._grouped(mask, [replaced(group, edit) for edit in instead], lambda edit: nearest(self.other(edit), side))

    def picture(self, edits: Sequence[MaskEdit], whole: bool = False) -> Tensor:
        """The picture [1, 3, R, R] that follows the mask; `whole`: all of it painted. The source as it is where nothing paints."""
        after = self.mask(edits)
        if self.painter is None or (not whole and np.array_equal(after, self.original)):
            return self.image
        painting = self.painter.paint_in(torch.from_numpy(after)[None], self.style).float().to(self.image)
        return painting if whole else laid_over(self.image, painting, self.original, after)

    def _made(self, mask: np.ndarray, step: tuple[MaskEdit, ...]) -> np.ndarray:
        """A mask after one of its `steps`."""
        if isinstance(step[0], PartShape):
            return self._grouped(mask, [step], self.other)[0]
        if isinstance(step[0], Stroke):
            return brushed(mask, step[0], self.original)
        return read_labels(step[0].png, self.side, "the mask")

    def _grouped(self, mask: np.ndarray, groups: Sequence[Sequence[PartShape]], other: Other) -> np.ndarray:
        """A mask as each group of parts' shapes makes it, [N, R, R]: what codes do at once, then what is moved over, one after the other."""
        coded = [[edit for edit in group if edit.how in CODED] for group in groups]
        masks = self._shaper().shaped(mask, coded, other) if any(coded) else np.stack([mask] * len(groups))
        return np.stack([self._moved_over(shaped, group, other) for shaped, group in zip(masks, groups)])

    @staticmethod
    def _moved_over(mask: np.ndarray, group: Sequence[PartShape], other: Other) -> np.ndarray:
        for edit in group:
            if edit.how not in CODED:
                mask = morph(mask, transplant(mask, other(edit), (edit.part,)), edit.amount)
        return mask

    def _shaper(self) -> Shaper:
        if self.shaper is None:
            raise ValueError("there is no Semantic-VAE that could change a part's shape; accepted without one: parts of other faces, strokes and masks")
        return self.shaper


def steps(edits: Sequence[MaskEdit]) -> list[int]:
    """Where each step ends: after a stroke or a mask, and after the last of parts' shapes that act together."""
    shapes = [isinstance(edit, PartShape) for edit in edits]
    return [end for end in range(1, len(edits) + 1) if end == len(edits) or not (shapes[end - 1] and shapes[end])]


def split(edits: Sequence[MaskEdit]) -> tuple[tuple[MaskEdit, ...], tuple[PartShape, ...]]:
    """Edits up to the last that is no part's shape, and the parts' shapes after it: those act on one mask, all together."""
    place = len(edits)
    while place and isinstance(edits[place - 1], PartShape):
        place -= 1
    return tuple(edits[:place]), tuple(edits[place:])


def replaced(group: Sequence[PartShape], edit: PartShape) -> tuple[PartShape, ...]:
    """A group of parts' shapes with this one for its part, in the place of the one before it or at the end."""
    if all(other.part != edit.part for other in group):
        return (*group, edit)
    return tuple(edit if other.part == edit.part else other for other in group)


def nearest(mask: np.ndarray, side: int) -> np.ndarray:
    """A mask [R, R] at another size, each pixel the class that lies in its middle."""
    places = ((np.arange(side) + 0.5) * mask.shape[0] / side).astype(int)
    return mask[np.ix_(places, places)]
