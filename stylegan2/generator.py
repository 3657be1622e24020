"""The StyleGAN2 generator: z -> w+ -> image.

Karras et al. 2019 and 2020. Names of parameters and buffers are those of the published PyTorch
networks, so their weights load as they are. The two halves are in `mapping.py` and `synthesis.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stylegan2.config import GeneratorConfig
from stylegan2.mapping import Mapping
from stylegan2.synthesis import Synthesis, SynthesisState

__all__ = ["Generator", "GeneratorConfig", "Mapping", "Synthesis", "SynthesisState", "compute_dtype"]


def compute_dtype(device: torch.device | str) -> torch.dtype:
    """The number format in which networks are fastest: bfloat16 on processors built for it (AVX-512 BF16, AMX).

    Rounding to bfloat16 changes a picture by about 1% of its standard deviation (some 50 dB).
    """
    fast = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # private names: absent in some versions of torch
    if torch.device(device).type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in fast):
        return torch.bfloat16
    return torch.float32


class Generator(nn.Module):
    """Mapping and synthesis together; the two are also called on their own."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.synthesis = Synthesis(config)
        self.mapping = Mapping(config.z_dim, config.w_dim, config.num_ws, config.num_mapping_layers)

    @property
    def num_ws(self) -> int:
        return self.config.num_ws

    @property
    def z_dim(self) -> int:
        return self.config.z_dim

    @property
    def w_dim(self) -> int:
        return self.config.w_dim

    @property
    def resolution(self) -> int:
        return self.config.resolution

    def forward(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, noise: str = "const"
    ) -> Tensor:
        """z [N, z_dim] -> image [N, 3, R, R], about [-1, 1]."""
        return self.synthesis(self.mapping(z, truncation, cutoff), noise)
