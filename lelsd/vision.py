"""CLIP's vision transformer in the order that a processor likes: the same weights, the same result up to rounding.

A step of training sends a few pictures through CLIP and a gradient back. As open_clip lays a small batch out, the input
projections of attention are a product for each picture, and back for each a copy of the weight; and the patch embedding,
a convolution whose steps are as long as its kernel, is slow backward. Both are one plain matrix product here.
"""
from __future__ import annotations

import copy
from itertools import chain

import torch.nn.functional as F
from torch import Tensor, nn


def reordered(vision: nn.Module) -> nn.Module:
    """A twin of an open_clip vision tower on the very same parameters; `vision` itself, untouched, where it is no plain ViT."""
    blocks = getattr(getattr(vision, "transformer", None), "resblocks", ())
    if not len(blocks) or not all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks):
        return vision
    shared = {id(tensor): tensor for tensor in chain(vision.parameters(), vision.buffers())}
    twin = copy.deepcopy(vision, shared)
    twin.transformer.batch_first = False
    for block in twin.transformer.resblocks:
        block.attn.batch_first = False
    if _is_patch_embedding(twin.conv1):
        twin.conv1 = PatchEmbedding(twin.conv1)
    return twin


class PatchEmbedding(nn.Module):
    """A convolution with kernels side by side, as a matrix product: [N, 3, H, W] -> [N, width, H / P, W / P]."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias, self.size = convolution.weight, convolution.bias, convolution.kernel_size

    def forward(self, images: Tensor) -> Tensor:
        (tall, wide), (height, width) = self.size, images.shape[2:]
        rows, columns = height // tall, width // wide  # what is left over at the right and below, a convolution drops too
        patches = images[:, :, :rows * tall, :columns * wide].unflatten(3, (columns, wide)).unflatten(2, (rows, tall))
        flat = patches.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(0, 2)
        return F.linear(flat, self.weight.flatten(1), self.bias).view(len(images), rows, columns, -1).permute(0, 3, 1, 2)


def _is_patch_embedding(layer: nn.Module) -> bool:
    return (isinstance(layer, nn.Conv2d) and layer.stride == layer.kernel_size and layer.padding == (0, 0)
            and layer.dilation == (1, 1) and layer.groups == 1)
