"""The pack's W+ encoder: which w+ draws the face in a picture.

The built-in generator's W holds the standardised appearance vector x of a drawn face (portraits/train_mapping.py), so the
encoder is a small regression network, picture -> x, and `pairs` turns x into w. One w serves all rows: what that cannot say,
`stylegan2.inversion` adds row by row.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from packs.files import unfinished
from packs.weights import halved
from portraits.classifier import conv_block
from portraits.pictures import smooth
from portraits.train_mapping import pairs

INPUT_SIZE = 128
ENCODER = {"width": 32, "num_features": 256}  # of the built-in pack
FRAMING = {"margin": 1.097, "raised": 0.027}  # how drawn faces lie, compared with FFHQ's (stylegan2.inversion.align.Framing)


class PortraitEncoder(nn.Module):
    """Pictures [N, 3, any, any] in [-1, 1] -> w+ [N, num_ws, w_dim].

    num_entries: P, how long an appearance vector is. num_ws, w_dim: rows and width of the generator's w+, on which no weight
    depends. `scale` and `offset` [P] say what the network's standardised entries mean: in training they give entries of the
    appearance vector, in a pack the standardised ones of its generator (portraits/assemble.py turns one into the other).
    """

    def __init__(self, num_entries: int, width: int = 32, num_features: int = 256, num_ws: int = 1, w_dim: int | None = None):
        super().__init__()
        self.num_ws, self.w_dim, w = num_ws, w_dim or 2 * num_entries, width
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), conv_block(12, 3 * w // 2, 2), conv_block(3 * w // 2, 2 * w),  # the full size is seen, and paid for once
            conv_block(2 * w, 4 * w, 2), conv_block(4 * w, 4 * w),
            conv_block(4 * w, 5 * w, 2), conv_block(5 * w, 5 * w), nn.Conv2d(5 * w, 24, 1),
        )
        # faces are aligned, so where a thing is matters: places are kept, not averaged away
        self.project = nn.Sequential(nn.Flatten(), nn.Linear(24 * (INPUT_SIZE // 16) ** 2, num_features), nn.SiLU())
        self.head = nn.Linear(num_features, num_entries)
        self.register_buffer("scale", torch.ones(num_entries))
        self.register_buffer("offset", torch.zeros(num_entries))

    def standardised(self, images: Tensor) -> Tensor:
        """[N, P]: what the network itself says, before `scale` and `offset`."""
        small = smooth(images, INPUT_SIZE).contiguous(memory_format=torch.channels_last)
        return self.head(self.project(self.body(small)))

    def forward(self, images: Tensor) -> Tensor:
        x = self.offset + self.scale * self.standardised(images).float()
        return pairs(x, self.w_dim)[:, None].repeat(1, self.num_ws, 1)


def save_encoder(state: dict[str, Tensor], path: Path) -> None:
    """A state dict as float16 safetensors, written whole or not at all."""
    with unfinished(path) as waiting:
        save_file({name: halved(value) for name, value in state.items()}, waiting)
