"""Is the generator getting better? Held-out faces drawn by it beside the renderer's pictures, in figures and as a sheet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from portraits.generator_loss import IMPORTANCE
from portraits.pictures import Pictures
from portraits.train_generator import Basis
from segmentation.parts import CLASSES
from stylegan2.generator import Generator
from stylegan2.images import grid, save_png

SMALL = tuple(i for i, name in enumerate(CLASSES) if IMPORTANCE[name] >= 3)  # brows, eyes, glasses, mouth, lips, jewellery
HAIR = CLASSES.index("hair")
COLUMNS = 8  # of a sheet


def contrast(images: Tensor) -> Tensor:
    """How much each pixel differs from the mean of its 3x3 neighbourhood, mean over the colours: [N, 3, H, W] -> [N, H, W]."""
    return (images - torch.nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)).abs().mean(1)


@torch.no_grad()
def draw(generator: Generator, basis: Basis, appearances: np.ndarray, resolution: int) -> Tensor:
    """The generator's pictures [N, 3, R, R] of appearance vectors [N, P]."""
    device = generator.synthesis.b4.const.device
    rows = basis.w(torch.as_tensor(np.asarray(appearances))).to(device)[:, None].expand(-1, generator.num_ws, -1)
    return generator.synthesis(rows, resolution=resolution)


@torch.no_grad()
def validate(generator: Generator, basis: Basis, pictures: Pictures, appearances: np.ndarray, indices: np.ndarray,
             resolution: int, batch_size: int = 16) -> dict[str, float]:
    """Against the renders of `indices`, averaged to `resolution`, in [-1, 1]:

    l1, l1_small (brows, eyes, glasses, mouth, jewellery), l1_hair; and sharpness, sharpness_small, sharpness_hair: the
    generator's local contrast there over the renderer's: 1 is as crisp, less is softer, more is noise.
    """
    sums: dict[str, Tensor] = {}
    for start in range(0, len(indices), batch_size):
        picked = indices[start : start + batch_size]
        target, masks = pictures.batch(picked, resolution)
        drawn = draw(generator, basis, appearances[picked], resolution).clamp(-1, 1)
        measured = {"l1": (drawn - target).abs().mean(1), "drawn": contrast(drawn), "target": contrast(target)}
        small = torch.isin(masks, torch.tensor(SMALL, device=masks.device, dtype=masks.dtype))
        for place, where in (("", torch.ones_like(small)), ("_small", small), ("_hair", masks == HAIR)):
            for name, value in (*measured.items(), ("pixels", torch.ones_like(measured["l1"]))):
                sums[name + place] = sums.get(name + place, 0) + value[where].double().sum()
    figures = {f"l1{place}": sums[f"l1{place}"] / sums[f"pixels{place}"].clamp_min(1) for place in ("", "_small", "_hair")}
    figures |= {f"sharpness{place}": sums[f"drawn{place}"] / sums[f"target{place}"].clamp_min(1e-9) for place in ("", "_small", "_hair")}
    return {name: round(value.item(), 5) for name, value in figures.items()}


def sheet(generator: Generator, basis: Basis, pictures: Pictures, appearances: np.ndarray, indices: np.ndarray, resolution: int, path: Path) -> Path:
    """A PNG of the faces of `indices`: rows of generated pictures, each over the row of their targets."""
    rows = []
    for start in range(0, len(indices), COLUMNS):
        picked = indices[start : start + COLUMNS]
        rows += [draw(generator, basis, appearances[picked], resolution).cpu(), pictures.batch(picked, resolution)[0].cpu()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_png(path, grid(torch.cat(rows), COLUMNS))


def log(path: Path, line: dict) -> None:
    """Append a line to a run's curve (JSON lines)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
