"""A painter and its donors in one safetensors file, as a pack ships its editors (`baselines.shipped`).

Tensors are "painter.*" (float16 where that costs nothing visible), "donors.masks" and "donors.labels"; the header's JSON says
what networks they are for. Nothing in it can run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from baselines.maskgan.config import MaskGANConfig
from baselines.maskgan.donors import Donors
from baselines.maskgan.editor import MaskGANEditor, Painter
from baselines.maskgan.weights import FORMAT, build_network
from packs.files import write_atomically
from packs.weights import halved, read_safetensors

NAME = "maskgan.safetensors"
PAINTER = "painter."


def save_bundle(path: Path, painter: Painter, donors: Donors) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    tensors = {f"{PAINTER}{name}": halved(value).clone() for name, value in painter.network.state_dict().items()}
    tensors |= {"donors.masks": torch.from_numpy(donors.masks.copy()), "donors.labels": torch.from_numpy(donors.labels.astype(np.uint8))}
    about = {"format": FORMAT, "config": painter.config.to_dict(), "stage": painter.name, "about": painter.about,
             "attributes": list(donors.attributes)}
    write_atomically(path, save(tensors, metadata={"maskgan": json.dumps(about)}))


def load_bundle(path: Path, device: torch.device | str, parser: Callable[[Tensor], Tensor]) -> MaskGANEditor:
    """The editor of a file of `save_bundle`, whose masks are `parser`'s: pictures [N, 3, H, W] in [-1, 1] -> logits [N, 19, H, W].

    Raises ValueError, which names the file, for one that is damaged or of another kind; OSError.
    """
    header, tensors = read_safetensors(path)
    if "maskgan" not in header:
        raise ValueError(f"{path} is no editor of MaskGAN's; accepted: a file that baselines.maskgan.train wrote as {NAME}")
    try:
        about = dict(json.loads(header["maskgan"]))
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
        config, stage, trained = MaskGANConfig.from_dict(about["config"]), about["stage"], dict(about["about"])
        donors = Donors(tensors["donors.masks"].numpy(), tensors["donors.labels"].numpy().astype(bool), tuple(about["attributes"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged: {reason}") from error
    weights = {name.removeprefix(PAINTER): value for name, value in tensors.items() if name.startswith(PAINTER)}
    painter = Painter(build_network("dense", config, weights, path, device), config, stage, trained)
    return MaskGANEditor(painter, parser, donors)
