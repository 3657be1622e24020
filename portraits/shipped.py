"""The way back from the generator that a pack ships to the one that is trained: the inverse of `train_mapping.lift`.

A lifted generator reads standardised appearance vectors x from pairs. What x means (names, means and spreads of its entries) lies
beside it in the pack, as appearance.json. A later training standardises by its own pictures, in a world that may have gained or
lost an entry; `translate` is the affine map between the two, and is folded into weights and biases, so that the pictures stay.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from packs.files import checked
from packs.pack import Pack
from portraits.scene import NUM_FACTORS, appearance_names
from portraits.train_generator import Basis
from portraits.train_mapping import GAIN, SLOPE
from portraits.widening import check_widths, widened
from stylegan2.generator import Generator

APPEARANCE = "appearance.json"  # of a pack


@dataclass(frozen=True)
class Standard:
    """What the entries of a standardised appearance vector mean."""

    names: tuple[str, ...]  # [P]
    mean: Tensor  # [P] float64
    spread: Tensor  # [P] float64

    @staticmethod
    def of(basis: Basis) -> Standard:
        """That of a training in this version's world."""
        return Standard(appearance_names(), basis.mean.double(), basis.spread.double())

    def to_json(self) -> bytes:
        return (json.dumps({"names": self.names, "mean": self.mean.tolist(), "spread": self.spread.tolist()}) + "\n").encode()

    @staticmethod
    def of_pack(pack: Pack) -> Standard:
        """Raises ValueError for a pack without a whole appearance.json."""
        return Standard.read(checked(pack.path, pack.info, APPEARANCE))

    @staticmethod
    def read(path: Path) -> Standard:
        """From a file of `to_json`. Raises ValueError for another."""
        try:
            found = json.loads(path.read_text())
            mean, spread = (torch.tensor(found[key], dtype=torch.float64) for key in ("mean", "spread"))
            names = tuple(found["names"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} does not describe appearance vectors: {error}") from error
        if not mean.shape == spread.shape == (len(names),):
            raise ValueError(f"{path} has {len(names)} names, {mean.numel()} means and {spread.numel()} spreads; accepted: as many of each")
        return Standard(names, mean, spread)


def translate(source: Standard, target: Standard) -> tuple[Tensor, Tensor]:
    """Matrix [T, S] and offset [T] with x_target = matrix @ x_source + offset, for the same face.

    An entry that the source does not have stays at the target's mean.
    """
    matrix, offset = torch.zeros(len(target.names), len(source.names), dtype=torch.float64), torch.zeros_like(target.mean)
    column = {name: i for i, name in enumerate(source.names)}
    for row, name in enumerate(target.names):
        if name in column:
            other = column[name]
            matrix[row, other] = source.spread[other] / target.spread[row]
            offset[row] = (source.mean[other] - target.mean[row]) / target.spread[row]
    return matrix, offset


@torch.no_grad()
def unlift(lifted: Generator, shipped: Standard, trained: Generator, basis: Basis) -> None:
    """Give `trained` the synthesis weights of `lifted`: for w = basis.w(appearance) it then draws what `lifted` draws.

    Where `trained` has more channels, the others keep what they have and are not heard yet (`portraits.widening`).

    Raises ValueError for networks of different resolutions, and for one with fewer channels.
    """
    check_widths(lifted.config, trained.config)
    matrix, offset = translate(Standard.of(basis), shipped)
    state = {name: value.cpu() for name, value in lifted.synthesis.state_dict().items()}
    for name in [name for name in state if name.endswith("affine.weight")]:
        bias = name.replace("weight", "bias")
        read = _difference(state[name].double(), len(shipped.names), 1) * (GAIN * (1 + SLOPE) / math.sqrt(lifted.w_dim))
        state[name] = read @ matrix @ basis.rotation.double() * math.sqrt(trained.w_dim)
        state[bias] = state[bias].double() + read @ offset
    trained.synthesis.load_state_dict(widened(state, trained.synthesis.state_dict()))


@torch.no_grad()
def mapping_layers(lifted: Generator, shipped: Standard, basis: Basis) -> tuple[list[Tensor], list[Tensor]]:
    """The lifted generator's mapping network as plain weights and biases, z -> x standardised by `basis`.

    Raises ValueError for a network of latents with another number of factors.
    """
    if lifted.z_dim != NUM_FACTORS:
        raise ValueError(f"a mapping network of {lifted.z_dim} factors cannot start the training of one of {NUM_FACTORS}")
    layers = [lifted.mapping.get_submodule(f"fc{i}") for i in range(lifted.mapping.num_layers)]
    weights = [(layer.weight * layer.weight_gain).float() for layer in layers]
    biases = [(layer.bias * layer.bias_gain).float() for layer in layers]
    matrix, offset = translate(shipped, Standard.of(basis))
    weights[-1] = (matrix @ _difference(weights[-1].double(), len(shipped.names), 0)).float()
    biases[-1] = (matrix @ _difference(biases[-1].double(), len(shipped.names), 0) + offset).float()
    return weights, biases


def _difference(pairs: Tensor, size: int, dim: int) -> Tensor:
    """Half of what the first `size` entries along `dim` and the next `size` differ by: of (v, -v), v."""
    return (pairs.narrow(dim, 0, size) - pairs.narrow(dim, size, size)) / 2
