"""StyleMC's direction: a few large gradient steps in StyleSpace, and channels that cannot make up their mind dropped.

Section 3 of the paper and its published code: 128 pictures in batches of 4, each looked at once; after every second batch
one step of 5 against the gradient of CLIP loss plus identity loss; only the convolutions of 8 to 64 pixels are moved, and
pictures are made at 256 pixels at most. At the end, channels whose gradient changed its sign from one step to the next in
more than half of the steps are put back to 0.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.identity import IdentityLoss
from baselines.offsets import StyleOffset
from lelsd.clip_guide import ClipGuide
from lelsd.objective import sample_noise
from stylegan2.style_space import num_styles, style_layers

if TYPE_CHECKING:
    from packs.pack import Pack


@dataclass(frozen=True)
class StyleMCConfig:
    """As published; `identity_weight` is its medium one (0.1 low, 2 high)."""

    pictures: int = 128
    batch_size: int = 4
    batches_a_step: int = 2
    step_size: float = 5.0
    identity_weight: float = 0.5
    lowest: int = 8  # resolutions of the convolutions that are moved
    highest: int = 64
    resolution: int = 256  # of the pictures, at most
    seed: int = 0

    def to_dict(self) -> dict:
        return {"method": "stylemc", **asdict(self)}


def find_offset(pack: "Pack", guide: ClipGuide, identity: IdentityLoss, text: str, config: StyleMCConfig) -> StyleOffset:
    """The offset of a prompt. Raises ValueError for fewer pictures than one step needs."""
    steps = config.pictures // (config.batch_size * config.batches_a_step)
    if steps < 1:
        raise ValueError(f"{config.pictures} pictures are too few for StyleMC; accepted: from {config.batch_size * config.batches_a_step}")
    target, allowed = guide.encode_text([text])[0], allowed_channels(pack, config)
    offset, gradients = torch.zeros(len(allowed), device=pack.device), []
    for step in range(steps):
        gradients.append(allowed * sum(_gradient(pack, guide, identity, target, offset, config, step * config.batches_a_step + number)
                                       for number in range(config.batches_a_step)))
        offset = offset - config.step_size * gradients[-1]
    steady = sign_consistent(torch.stack(gradients))
    return StyleOffset(offset * steady, {"channels": int((steady & (allowed > 0)).sum()), "pictures": config.pictures})


def allowed_channels(pack: "Pack", config: StyleMCConfig) -> Tensor:
    """[S], 1 for the channels that may move: convolutions of the resolutions between `lowest` and `highest`."""
    allowed = torch.zeros(num_styles(pack.generator.synthesis), device=pack.device)
    for layer in style_layers(pack.generator.synthesis):
        allowed[layer.start:layer.stop] = float(not layer.is_rgb and config.lowest <= layer.resolution <= config.highest)
    return allowed


def sign_consistent(gradients: Tensor) -> Tensor:
    """[T, S] -> bool [S]: channels whose sign changes in no more than half as often as there are steps."""
    changes = (gradients[1:] * gradients[:-1] < 0).sum(dim=0)
    return changes <= len(gradients) / 2


@torch.enable_grad()
def _gradient(pack: "Pack", guide: ClipGuide, identity: IdentityLoss, target: Tensor, offset: Tensor, config: StyleMCConfig, batch: int) -> Tensor:
    """The gradient [S] of a batch's loss: the sum of -cosine to the prompt, and the weighted mean of the identity loss."""
    generator = pack.generator
    resolution = min(config.resolution, generator.resolution)
    noise, _ = sample_noise(config.seed, batch, (config.batch_size, generator.z_dim))
    with torch.no_grad():
        w_plus = generator.mapping(noise.to(pack.device), truncation=pack.truncation)
        before = generator.synthesis(w_plus, resolution=resolution)
    offset = offset.detach().requires_grad_()
    after = generator.synthesis(w_plus, resolution=resolution, style_offset=offset[None])
    similarity = F.cosine_similarity(guide.encode_image(after), target[None], dim=1)
    loss = config.identity_weight * identity(before, after).mean() - similarity.sum()
    return torch.autograd.grad(loss, offset)[0]
