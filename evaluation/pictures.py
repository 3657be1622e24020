"""Editors side by side: a picture a prompt, whose first row shows the samples as they are and each further row one editor; heat maps."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap
from typing import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from evaluation.comparison import Comparison
from evaluation.editor import Samples
from evaluation.line import Asked
from evaluation.measure import Judge
from portraits.scene import ATTRIBUTES
from stylegan2 import images

COLUMNS = 6
MARGIN_WIDTH, MARGIN_LINES = 22, 5  # of a note on the left, in characters
WHITE_AT = 0.5  # mean absolute difference of the colours, in pictures of [-1, 1], at which a heat map is white


def draw(comparison: Comparison, asked: Asked) -> Image.Image:
    """The picture of one prompt; editors at the strengths at which they are compared, or where they do best."""
    samples = samples_to_change(comparison.judge, asked)
    rows = [("as it is", "", samples.images)]
    for name in comparison.names:
        alpha, told = comparison.shown(name, asked)
        shown = None if alpha is None else comparison.editor(name, asked).edit(samples, replace(asked.request, alpha=alpha))
        rows.append((name, told, shown))
    return stack(asked.request.prompt, rows, samples.images.shape[-1])


def samples_to_change(judge: Judge, asked: Asked, count: int = COLUMNS) -> Samples:
    """The first samples that are not yet as asked; simply the first where nobody can tell, or all are."""
    indices = torch.arange(len(judge.samples))
    if judge.before.attributes is not None:
        unlike = judge.before.attributes[:, ATTRIBUTES.index(asked.request.attribute)] != asked.request.value
        indices = unlike.nonzero()[:, 0].cpu() if bool(unlike.any()) else indices
    return judge.samples.pick(indices[:count])


def heat(before: Tensor, after: Tensor) -> Tensor:
    """The absolute difference of pictures [N, 3, H, W], mean over the colours, as black - red - yellow - white [N, 3, H, W] in [-1, 1]."""
    level = (after - before).abs().mean(dim=1, keepdim=True) / WHITE_AT
    return torch.cat([(3 * level - i).clamp(0, 1) for i in range(3)], dim=1) * 2 - 1


def stack(title: str, rows: Sequence[tuple[str, str, Tensor | None]], size: int) -> Image.Image:
    """(name, note, pictures [N, 3, R, R] or None) a row -> one picture, names on the left, the title above."""
    letters, left, top = margins(size)
    columns = max(len(shown) for _, _, shown in rows if shown is not None)
    sheet = Image.new("RGB", (left + columns * size, top + len(rows) * size), "white")
    writer = ImageDraw.Draw(sheet)
    writer.font = ImageFont.load_default(letters)
    writer.text((left, top // 2), title, fill="black", anchor="lm")
    for row, (name, note, shown) in enumerate(rows):
        y = top + row * size
        writer.text((letters // 2, y + size // 2), "\n".join([name, *wrap(note, MARGIN_WIDTH)[:MARGIN_LINES]]), fill="black", anchor="lm")
        if shown is not None:
            sheet.paste(images.grid(shown, columns=len(shown)), (left, y))
    return sheet


def margins(size: int) -> tuple[int, int, int]:
    """Beside pictures of `size` pixels: the height of letters, the width of the names on the left, the height of the title."""
    letters = max(10, size // 14)
    return letters, 12 * letters, 2 * letters
