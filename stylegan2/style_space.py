"""StyleSpace: the styles that the affine layers make of w+, one number for each channel that a layer reads.

Wu, Lischinski and Shechtman 2021, "StyleSpace Analysis: Disentangled Controls for StyleGAN Image Generation", section 3.
A style here is what the affine layer puts out, before a toRGB scales it by its weight gain. All styles of a generator
lie behind one another in one vector [S], layer by layer from the coarsest: b4.conv1, b4.torgb, b8.conv0, b8.conv1,
b8.torgb, ... An edit in S is an offset in that vector; `Synthesis.forward` adds it (`style_offset`), so any given
styles are reached by the offset from those of some w+.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from stylegan2.synthesis import Synthesis


@dataclass(frozen=True)
class StyleLayer:
    """Where a layer's styles lie in the vector [S]: entries start to stop - 1.

    name: of the layer, as in "b8.conv0". row: of w+ that feeds it. resolution: of its output, in pixels. is_rgb: a toRGB.
    """

    name: str
    row: int
    resolution: int
    is_rgb: bool
    start: int
    stop: int


def style_layers(synthesis: "Synthesis") -> list[StyleLayer]:
    """All layers with styles, in the order of their entries; the last stop is S.

    A toRGB shares the row of the convolution that follows it: b4.torgb is fed by row 1, as b8.conv0 is.
    """
    layers, start, row = [], 0, 0
    for resolution in synthesis.resolutions:
        convolutions = ("conv1",) if resolution == 4 else ("conv0", "conv1")
        for name in (*convolutions, "torgb"):
            width = synthesis.get_submodule(f"b{resolution}.{name}").affine.weight.shape[0]
            layers.append(StyleLayer(f"b{resolution}.{name}", row, resolution, name == "torgb", start, start + width))
            start += width
            row += name != "torgb"
    return layers


def num_styles(synthesis: "Synthesis") -> int:
    """S, the number of style channels."""
    return style_layers(synthesis)[-1].stop


def styles(synthesis: "Synthesis", w_plus: Tensor) -> Tensor:
    """The styles of latents: w_plus [N, L, D] -> [N, S], differentiable."""
    found = [synthesis.get_submodule(layer.name).affine(w_plus[:, layer.row]) for layer in style_layers(synthesis)]
    return torch.cat(found, dim=1)


def split_offset(synthesis: "Synthesis", offset: Tensor | None, batch: int) -> dict[str, Tensor]:
    """An offset [N or 1, S] as {layer: [N or 1, channels]}; None is no offset at all. Raises ValueError for another shape."""
    if offset is None:
        return {}
    layers = style_layers(synthesis)
    if offset.ndim != 2 or offset.shape[0] not in (1, batch) or offset.shape[1] != layers[-1].stop:
        raise ValueError(f"style_offset has shape {list(offset.shape)}; accepted: [1 or {batch}, {layers[-1].stop}]")
    return {layer.name: offset[:, layer.start:layer.stop] for layer in layers}
