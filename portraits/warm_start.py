"""Where a stage begins: at random weights, or at those of a pack (`build_pack --start PACK`).

A checkpoint stays on the machine that made it; a pack travels with the repository. So a training that is to go on for longer than
one machine lasts begins with the weights that were shipped: at once at full size, with a lower learning rate, and with fresh
averages and moments. What a pack does not hold (the critic of `sharpen`, what CLIP's losses need beside CLIP) begins anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from packs import files, models
from packs.files import write_atomically
from packs.pack import Pack, load_pack
from portraits.shipped import Standard, translate, unlift
from portraits.train_generator import Basis, SynthesisTrainer

REFINING = 0.35  # of the learning rate that a fresh run reaches


@dataclass(frozen=True)
class Start:
    """How a stage begins, or began."""

    pack: Pack | None  # whose weights a new run begins with; None for random ones and for a run that goes on
    refining: bool  # whether the run began with a pack's weights

    def rate(self, peak: float) -> float:
        """The learning rate at its highest, for a fresh run's `peak`."""
        return peak * REFINING if self.refining else peak


FRESH = Start(None, False)


def start_of(work: Path, stage: str, checkpoint: Path, given: Path | str | None) -> Start:
    """How `stage` begins in the work folder: where its checkpoint is, else with the pack `given`, else at random weights.

    A new run leaves STAGE.start.json with the pack it began with, so that it goes on as it began whether or not the pack is
    given again. Raises ValueError for what is no pack.
    """
    record = work / f"{stage}.start.json"
    if checkpoint.exists():
        return Start(None, record.exists())
    if given is None:
        record.unlink(missing_ok=True)
        return FRESH
    pack = load_pack(given)
    about = {"pack": pack.name, "version": pack.info["version"], "sha256": {name: entry["sha256"] for name, entry in pack.info["files"].items() if "/" not in name}}
    write_atomically(record, (json.dumps(about) + "\n").encode())
    return Start(pack, True)


def read_weights(pack: Pack, role: str) -> dict[str, Tensor]:
    """The tensors of a pack's model, floats in float32. Raises ValueError for a role that the pack has no file for."""
    files.checked(pack.path, pack.info, files.file_of(pack.info, role))
    return {name: value.float() if value.is_floating_point() else value for name, value in models.read_state(pack.path, pack.info, role).items()}


def start_network(network: nn.Module, pack: Pack, role: str) -> None:
    """Give a network the weights of the pack's. Raises ValueError where the two have other sizes."""
    _load(network, read_weights(pack, role), pack, role)


def _load(network: nn.Module, state: dict[str, Tensor], pack: Pack, role: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the {role} of pack {pack.name!r} cannot start this training: {str(error).splitlines()[-1].strip()}") from error


@torch.no_grad()
def start_generator(trainer: SynthesisTrainer, pack: Pack) -> None:
    """Begin a run of the synthesis network with the pack's. Raises ValueError for a pack of another size, or without a basis."""
    unlift(pack.generator, Standard.of_pack(pack), trainer.generator, trainer.basis)
    trainer.average.load_state_dict(trainer.generator.state_dict())


@torch.no_grad()
def start_clip(clip: nn.Module, token_ids: list[int], pack: Pack) -> None:
    """Give a CLIP whose token rows are those of `token_ids` the pack's weights; a word new to the pack keeps its random row.

    Raises ValueError for a CLIP of other sizes, or one that stores a whole token table.
    """
    state = read_weights(pack, "clip")
    if "token_embedding.rows" not in state:
        raise ValueError(f"the clip of pack {pack.name!r} cannot start this training: it does not tell which tokens were trained")
    rows, stored = state.pop("token_embedding.rows"), state.pop("token_embedding.ids").tolist()
    table, place = clip.token_embedding.weight.detach().cpu().clone(), {token: row for row, token in enumerate(token_ids)}
    shared = [(place[token], row) for row, token in enumerate(stored) if token in place]
    if table.shape[1] == rows.shape[1] and shared:
        here, there = map(list, zip(*shared))
        table[here] = rows[there]
    _load(clip, state | {"token_embedding.weight": table}, pack, "clip")


def start_encoder(encoder: nn.Module, basis: Basis, pack: Pack) -> None:
    """Give an encoder whose entries are standardised by `basis` the weights of the pack's, whose entries are those of the
    pack's generator. Raises ValueError for an encoder of other sizes, or a pack that does not tell what its W means."""
    state = read_weights(pack, "encoder")
    matrix, offset = translate(Standard.of_pack(pack), Standard.of(basis))
    scale, shift = (state.pop(name).double() for name in ("scale", "offset"))
    state["head.weight"] = (matrix @ (scale[:, None] * state["head.weight"].double())).float()
    state["head.bias"] = (matrix @ (scale * state["head.bias"].double() + shift) + offset).float()
    _load(encoder, {**state, "scale": encoder.scale, "offset": encoder.offset}, pack, "encoder")
