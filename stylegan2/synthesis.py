"""The synthesis network of StyleGAN2 with skip outputs: w+ -> image.

Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", figure 7 (skip generator).

Layers are counted as the latents are: w+ [N, L, D] has one row for each convolution, 0 to L - 2,
and a last one for the last toRGB. The toRGB that follows convolution l - 1 shares row l with
convolution l. So "layer l" is: finish the picture below, if a block ends there, then convolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Mapping

import torch
from torch import Tensor, nn

from stylegan2.config import GeneratorConfig, num_layers
from stylegan2.layers import NOISE_MODES, SynthesisLayer, ToRGB
from stylegan2.ops import setup_filter
from stylegan2.style_space import split_offset


@dataclass(frozen=True)
class SynthesisState:
    """Synthesis halted just below a layer; independent of w+ from that layer on.

    layer: the first layer still to be computed.
    features: [N, C, h, h], the output of convolution layer - 1 (of the constant, for layer 0).
    image: float32 [N, 3, r, r], the picture of the blocks finished so far; None before the first.
    """

    layer: int
    features: Tensor
    image: Tensor | None


class SynthesisBlock(nn.Module):
    """The layers of one resolution. It only holds them; `Synthesis.forward` walks through them."""

    def __init__(self, config: GeneratorConfig, resolution: int) -> None:
        super().__init__()
        channels, w_dim, clamp = config.channels(resolution), config.w_dim, config.conv_clamp
        self.register_buffer("resample_filter", setup_filter())
        if resolution == 4:
            self.const = nn.Parameter(torch.randn(channels, 4, 4))
        else:
            below = config.channels(resolution // 2)
            self.conv0 = SynthesisLayer(below, channels, w_dim, resolution, up=2, conv_clamp=clamp)
        self.conv1 = SynthesisLayer(channels, channels, w_dim, resolution, conv_clamp=clamp)
        self.torgb = ToRGB(channels, w_dim, conv_clamp=clamp)


class Synthesis(nn.Module):
    """w+ [N, L, D] -> image [N, 3, R, R], unclamped, about [-1, 1].

    `dtype` is the number format of the feature maps when a call names none: float32 is exact,
    and `compute_dtype` knows which is fast. Parameters, styles and the picture stay float32.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.w_dim, self.num_ws, self.resolution, self.resolutions = config.w_dim, config.num_ws, config.resolution, config.resolutions
        self.dtype = torch.float32
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", SynthesisBlock(config, resolution))

    def forward(
        self,
        w_plus: Tensor,
        noise: str = "const",
        generator: torch.Generator | None = None,
        return_features: bool = False,
        state: SynthesisState | None = None,
        return_state: int | None = None,
        resolution: int | None = None,
        dtype: torch.dtype | None = None,
        style_offset: Tensor | None = None,
    ):
        """Make the pictures of a batch of latents.

        Args:
            w_plus: [N, L, D]; with a `resolution`, rows beyond those it needs may be missing.
            noise: "const" (the stored maps), "none", or "random" (drawn from `generator`).
            return_features: also return {l: [N, C, h, h]}, the output of each convolution
                computed, after its activation.
            state: start here instead of at the constant. A state of one sample serves any batch.
            return_state: also return the state below this layer.
            resolution: stop at this resolution; its toRGB makes it a picture.
            dtype: of the feature maps; None takes `self.dtype`.
            style_offset: [N or 1, S], added to the styles of w_plus (see `stylegan2.style_space`); a `state` that was
                made without it holds where it is 0 below the state's layer.

        Returns:
            image, or the tuple (image[, features][, state]).
        Raises:
            ValueError: shapes, names or layers that do not fit.
        """
        last = self._last_layer(w_plus, noise, resolution)
        offsets = split_offset(self, style_offset, len(w_plus))
        position = self._start(w_plus, dtype) if state is None else _spread(state, len(w_plus))
        self._check_layer(position.layer, last)
        features, kept = {}, None
        if return_state is not None:
            self._check_layer(return_state, last, first=position.layer)
        for layer in range(position.layer, last):
            kept = position if layer == return_state else kept
            position = self._step(position, w_plus, noise, generator, offsets=offsets)
            features[layer] = position.features
        kept = position if return_state == last else kept
        image = self._add_picture(position, w_plus, offsets)
        extras = [features] * return_features + [kept] * (return_state is not None)
        return (image, *extras) if extras else image

    def state_below(
        self,
        w_plus: Tensor,
        layer: int,
        noise: str = "const",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> SynthesisState:
        """Everything that rows `layer` and above of w+ cannot change.

        `synthesis(w_plus, state=state)` then gives exactly what `synthesis(w_plus)` does, for any
        w+ that agrees below `layer`.

        Raises: ValueError: `layer` is not in 0 to L - 1, or as `forward`.
        """
        self._check_layer(layer, self._last_layer(w_plus, noise, None))
        position = self._start(w_plus, dtype)
        for _ in range(layer):
            position = self._step(position, w_plus, noise, generator)
        return position

    def features(
        self,
        w_plus: Tensor,
        last: int,
        noise: str = "const",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> dict[int, Tensor]:
        """Feature maps alone, {l: [N, C, h, h]} for l = 0 to `last`: no layer above it is computed, and no picture.

        Raises: ValueError: `last` is not in 0 to L - 2, or as `forward`.
        """
        self._check_layer(last, self._last_layer(w_plus, noise, None) - 1)
        features, position = {}, self._start(w_plus, dtype)
        for layer in range(last + 1):
            position = self._step(position, w_plus, noise, generator, picture=False)
            features[layer] = position.features
        return features

    def _start(self, w_plus: Tensor, dtype: torch.dtype | None) -> SynthesisState:
        """The learned constant, once a sample: what lies below layer 0."""
        const = self.b4.const.to(dtype or self.dtype)
        x = const.expand(len(w_plus), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        return SynthesisState(0, x, None)

    def _step(
        self, position: SynthesisState, w_plus: Tensor, noise: str, generator: torch.Generator | None, picture: bool = True,
        offsets: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> SynthesisState:
        """Compute one layer: the toRGB that shares its row, if there is one and a picture is wanted, and the convolution."""
        layer = position.layer
        name = f"b{self._resolution(layer)}.conv{0 if layer % 2 else 1}"
        image = self._add_picture(position, w_plus, offsets) if layer % 2 and picture else position.image
        x = self.get_submodule(name)(position.features, w_plus[:, layer], noise, generator, offsets.get(name))
        return SynthesisState(layer + 1, x, image)

    def _add_picture(self, position: SynthesisState, w_plus: Tensor, offsets: Mapping[str, Tensor]) -> Tensor:
        """The picture so far, doubled in size, plus what the block just finished adds."""
        name = f"b{self._resolution(position.layer - 1)}"
        block = self.get_submodule(name)
        return block.torgb(position.features, w_plus[:, position.layer], position.image, block.resample_filter, offsets.get(f"{name}.torgb"))

    @staticmethod
    def _resolution(layer: int) -> int:
        """The resolution of the block that holds convolution `layer`."""
        return 4 * 2 ** ((layer + 1) // 2)

    def _last_layer(self, w_plus: Tensor, noise: str, resolution: int | None) -> int:
        """The row of the final toRGB, after checking what the caller gave."""
        if noise not in NOISE_MODES:
            raise ValueError(f"noise is {noise!r}; accepted: {', '.join(NOISE_MODES)}")
        resolution = resolution or self.resolution
        if resolution < 4 or resolution > self.resolution or resolution & (resolution - 1):
            raise ValueError(f"resolution is {resolution}; accepted: a power of two from 4 to {self.resolution}")
        rows = num_layers(resolution)
        if w_plus.ndim != 3 or not rows <= w_plus.shape[1] <= self.num_ws or w_plus.shape[2] != self.w_dim:
            raise ValueError(f"w_plus has shape {list(w_plus.shape)}; accepted: [N, {self.num_ws}, {self.w_dim}]")
        return rows - 1

    @staticmethod
    def _check_layer(layer: int, last: int, first: int = 0) -> None:
        if not first <= layer <= last:
            raise ValueError(f"layer is {layer}; accepted: {first} to {last}")


def _spread(state: SynthesisState, batch: int) -> SynthesisState:
    """Let a state of one sample serve a whole batch. Raises ValueError for any other mismatch."""
    samples = len(state.features)
    if samples == batch:
        return state
    if samples != 1:
        raise ValueError(f"the state holds {samples} samples; accepted: 1 or {batch}, as in w_plus")
    image = None if state.image is None else state.image.expand(batch, -1, -1, -1)
    return SynthesisState(state.layer, state.features.expand(batch, -1, -1, -1), image)
