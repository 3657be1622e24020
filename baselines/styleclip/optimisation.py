"""Latent optimisation: each picture's own w+, moved until CLIP agrees, held back by its distance and by identity.

Section 4 of the paper, equation 1: 1 - cosine to the prompt + l2 |w - w_s|^2 + id (1 - identity), by Adam whose rate rises
over the first 5% and falls over the last 25% of the steps, as published. Strength is the share of the way from w_s to the result.
"""
from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from baselines.identity import IdentityLoss
from evaluation.editor import Request, Samples, latents_of
from lelsd import losses
from lelsd.clip_guide import ClipGuide
from packs import cli
from packs.files import write_atomically

if TYPE_CHECKING:
    from packs.pack import Pack


@dataclass(frozen=True)
class OptimisationConfig:
    """The published defaults. batch_size: pictures that are optimised side by side, each for itself."""

    steps: int = 300
    learning_rate: float = 0.1
    l2_weight: float = 0.008
    identity_weight: float = 0.005
    batch_size: int = 8

    def to_dict(self) -> dict:
        return {"method": "styleclip-optimisation", **asdict(self)}


def learning_rate_at(config: OptimisationConfig, step: int) -> float:
    """The rate of step 0 ... steps - 1: a cosine down over the last quarter, a line up over the first twentieth."""
    share = step / config.steps
    return config.learning_rate * (0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - share) / 0.25))) * min(1.0, share / 0.05)


@torch.enable_grad()
def optimise(pack: "Pack", guide: ClipGuide, identity: IdentityLoss, text: str, w_plus: Tensor, config: OptimisationConfig) -> Tensor:
    """Move each of w_plus [N, L, D] for itself; what to add to it, [N, L, D]."""
    target, synthesis = guide.encode_text([text])[0], pack.generator.synthesis
    with torch.no_grad():
        before = synthesis(w_plus)
    move = torch.zeros_like(w_plus, requires_grad=True)
    optimizer = torch.optim.Adam([move], lr=config.learning_rate)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(config, step)
        after = synthesis(w_plus + move)
        loss = losses.clip_loss(guide.encode_image(after), target) + config.l2_weight * move.square().sum(dim=(1, 2)) \
            + config.identity_weight * identity(before, after)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimizer.step()
    return move.detach()


class OptimisationEditor:
    """Every picture is optimised once for a prompt, and kept in the file that `place` names; alpha is the share of its move."""

    name = "styleclip-optimisation"

    def __init__(self, pack: "Pack", guide: ClipGuide, config: OptimisationConfig, place: Callable[[Request], Path]) -> None:
        self.pack, self.guide, self.config, self.place = pack, guide, config, place
        self.identity = IdentityLoss(pack)
        self.moves: dict[str, Moves] = {}

    def prepare(self, request: Request, samples: Samples) -> dict:
        """Optimise those samples that were not yet. `seconds` is what all together have taken; a picture's share, `seconds_each`."""
        w_plus = latents_of(samples, self.name)
        moves = self._moves(request)
        missing = [row for row in w_plus if digest(row) not in moves.found]
        for batch in torch.stack(missing).split(self.config.batch_size) if missing else ():
            started = time.monotonic()
            found = optimise(self.pack, self.guide, self.identity, request.prompt, batch, self.config)
            moves.add(batch, found, time.monotonic() - started)
            cli.say(f"{request.prompt}: {len(moves.found)} pictures optimised, {moves.seconds / len(moves.found):.1f} s each")
        return {"source": "trained" if missing else "loaded", "seconds": round(moves.seconds, 3), "layers": list(range(self.pack.generator.num_ws)),
                "seconds_each": round(moves.seconds / len(moves.found), 3), "steps": self.config.steps}

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises ValueError for samples without latents."""
        w_plus = latents_of(samples, self.name)
        if any(digest(row) not in self._moves(request).found for row in w_plus):
            self.prepare(request, samples)
        found = self._moves(request).found
        return self.pack.generator.synthesis(w_plus + request.alpha * torch.stack([found[digest(row)] for row in w_plus]).to(w_plus))

    def _moves(self, request: Request) -> "Moves":
        if request.prompt not in self.moves:
            self.moves[request.prompt] = Moves(self.place(request))
        return self.moves[request.prompt]


class Moves:
    """What was added to each w+ for one prompt, by the latent's digest, and the seconds that it took, in a file."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError for a damaged file."""
        self.path, self.found, self.seconds = path, {}, 0.0
        if path.is_file():
            self._read()

    def add(self, w_plus: Tensor, moves: Tensor, seconds: float) -> None:
        """Keep the moves [N, L, D] of latents [N, L, D]."""
        self.found |= {digest(row): move.cpu() for row, move in zip(w_plus, moves)}
        self.seconds += seconds
        write_atomically(self.path, save({name: move.contiguous() for name, move in self.found.items()}, metadata={"seconds": json.dumps(self.seconds)}))

    def _read(self) -> None:
        try:
            with safe_open(self.path, framework="pt") as file:
                self.found = {name: file.get_tensor(name) for name in file.keys()}
                self.seconds = float(json.loads(file.metadata()["seconds"]))
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged ({error}); remove it, and it is made anew") from error


def digest(w_plus: Tensor) -> str:
    """The name of a latent [L, D]."""
    return hashlib.sha256(w_plus.float().cpu().contiguous().numpy().tobytes()).hexdigest()[:24]
