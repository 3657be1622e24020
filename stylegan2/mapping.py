"""The mapping network of StyleGAN2: z -> w+."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stylegan2.layers import FullyConnected


class Mapping(nn.Module):
    """z [N, z_dim] -> w+ [N, L, w_dim]: `num_layers` fully connected layers, the same w in every row."""

    def __init__(self, z_dim: int, w_dim: int, num_ws: int, num_layers: int = 8) -> None:
        super().__init__()
        self.z_dim, self.num_ws, self.num_layers = z_dim, num_ws, num_layers
        for i in range(num_layers):
            layer = FullyConnected(z_dim if i == 0 else w_dim, w_dim, "lrelu", learning_rate_multiplier=0.01)
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None) -> Tensor:
        """Map latents, and draw them towards the mean latent.

        Args:
            z: [N, z_dim], standard normal.
            truncation: 1 leaves w, 0 gives the mean latent.
            cutoff: only the first `cutoff` rows are truncated; None truncates all.

        Returns: [N, L, w_dim] float32.
        Raises: ValueError: `z` has another shape, or the cutoff is not in 0 to L.
        """
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has shape {list(z.shape)}; accepted: [N, {self.z_dim}]")
        if cutoff is not None and not 0 <= cutoff <= self.num_ws:
            raise ValueError(f"truncation cutoff is {cutoff}; accepted: 0 to {self.num_ws}, or None")
        w_plus = self.w(z)[:, None].repeat(1, self.num_ws, 1)
        if truncation == 1:
            return w_plus
        truncated = torch.lerp(self.w_avg, w_plus, truncation)
        if cutoff is None:
            return truncated
        return torch.cat([truncated[:, :cutoff], w_plus[:, cutoff:]], dim=1)

    def w(self, z: Tensor) -> Tensor:
        """z [N, z_dim], normalised to a mean square of 1, -> w [N, w_dim]."""
        x = z.float()
        x = x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    @torch.no_grad()
    def track_average(self, w: Tensor, decay: float = 0.995) -> None:
        """Move `w_avg` towards the mean of w [N, w_dim]; for training loops."""
        self.w_avg.copy_(w.mean(dim=0).lerp(self.w_avg, decay))
