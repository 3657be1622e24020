"""The reference for a step of training: the same losses, each formula written out in float32, nothing reused or left out.

As eCLIPsed's `fit` goes about it: both pictures from the learned constant up, with every feature map kept and the
generator's weights made for each sample anew; the parser with its batch norms and its auxiliary heads; CLIP as open_clip
lays it out; masks and losses as whole maps.
"""

from __future__ import annotations

import math
from typing import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from lelsd.clip_guide import ClipGuide
from lelsd.objective import Before, Objective
from segmentation.parser import preprocess
from segmentation.parts import part_probability
from stylegan2.layers import SynthesisLayer, ToRGB
from stylegan2.synthesis import Synthesis


class PlainObjective(Objective):
    """`Objective` without what makes it fast, for an `UntrainedPack`."""

    def __init__(self, pack, prompt, config) -> None:
        super().__init__(pack, prompt, config)
        self.guide, self.network = PlainGuide(pack), pack.network

    def before(self, w_plus: Tensor, lowest_layer: int, features: bool = True) -> Before:
        image, found = plain_synthesis(self.generator.synthesis, w_plus)
        return Before(w_plus, None, image, self._looked_at(found), self.mask(image), self.guide.encode_image)

    def after(self, before: Before, delta: Tensor, features: bool = True) -> tuple[Tensor, dict[int, Tensor]]:
        image, found = plain_synthesis(self.generator.synthesis, before.w_plus + delta)
        return image, self._looked_at(found)

    @torch.no_grad()
    def mask(self, image: Tensor) -> Tensor:
        x = preprocess(image, self.pack.parser_size, self.pack.parser.mean, self.pack.parser.std)
        logits, _, _ = self.network(x, image.shape[2:])
        return part_probability(logits, dict(self.prompt.parts))

    def localization(self, before: Before, image: Tensor, features: Mapping[int, Tensor], mask: Tensor) -> Tensor:
        shares = [share_outside(maps, features[layer], mask) for layer, maps in before.features.items()]
        return 0.5 * (torch.stack(shares).mean(dim=0) + share_outside(before.image, image, mask))


class PlainGuide(ClipGuide):
    """`ClipGuide` with the vision tower as open_clip runs it."""

    def __init__(self, pack) -> None:
        super().__init__(pack)
        self.vision = self.model.visual


def share_outside(before: Tensor, after: Tensor, mask: Tensor) -> Tensor:
    """`lelsd.losses.changed_outside`, each step of it a map of its own."""
    change = (after - before).square().mean(dim=1, keepdim=True)
    if mask.shape[2:] != change.shape[2:]:
        mask = F.interpolate(mask, change.shape[2:], mode="bilinear", align_corners=False, antialias=True)
    return (change * (1.0 - mask)).sum(dim=(1, 2, 3)) / (change.sum(dim=(1, 2, 3)) + 1e-8)


def plain_synthesis(synthesis: Synthesis, w_plus: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
    """Pictures [N, 3, R, R] and all feature maps by layer, as Karras et al. 2020 have it (section 2.2 and figure 7)."""
    x = synthesis.b4.const.expand(len(w_plus), -1, -1, -1).contiguous()
    image, features = None, {}
    for layer in range(synthesis.num_ws - 1):
        block = synthesis.get_submodule(f"b{4 * 2 ** ((layer + 1) // 2)}")
        x = _layer(block.conv0 if layer % 2 else block.conv1, x, w_plus[:, layer])
        features[layer] = x
        if layer % 2 == 0:
            picture = _to_rgb(block.torgb, x, w_plus[:, layer + 1])
            image = picture if image is None else _filter(_spread(image), block.resample_filter, (2, 1)) + picture
    return image, features


def _layer(layer: SynthesisLayer, x: Tensor, w: Tensor) -> Tensor:
    """Equations 1 and 3 with weights [N, O, I, 3, 3], a group of the convolution for each sample; then noise, bias and leaky ReLU."""
    batch, _, height, width = x.shape
    styles = layer.affine(w)
    weights = layer.weight[None] * styles[:, None, :, None, None]
    weights = weights * torch.rsqrt(weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
    x = x.reshape(1, -1, height, width)
    if layer.up == 2:
        x = F.conv_transpose2d(x, weights.transpose(1, 2).flatten(0, 1), stride=2, groups=batch)
        x = _filter(x.reshape(batch, -1, *x.shape[2:]), layer.resample_filter, (1, 1))
    else:
        x = F.conv2d(x, weights.flatten(0, 1), padding=1, groups=batch)
        x = x.reshape(batch, -1, height, width)
    x = x + layer.noise_const * layer.noise_strength
    return F.leaky_relu(x + layer.bias[:, None, None], 0.2) * math.sqrt(2)


def _to_rgb(layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    """A 1x1 convolution whose weights the style scales, not demodulated."""
    batch, _, height, width = x.shape
    styles = layer.affine(w) * layer.weight_gain
    weights = layer.weight[None] * styles[:, None, :, None, None]
    picture = F.conv2d(x.reshape(1, -1, height, width), weights.flatten(0, 1), groups=batch)
    return picture.reshape(batch, 3, height, width) + layer.bias[:, None, None]


def _spread(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, 2H, 2W], a zero after each pixel along both axes."""
    batch, channels, height, width = x.shape
    x = F.pad(x.reshape(batch, channels, height, 1, width, 1), (0, 1, 0, 0, 0, 1))
    return x.reshape(batch, channels, 2 * height, 2 * width)


def _filter(x: Tensor, taps: Tensor, padding: tuple[int, int]) -> Tensor:
    """Low-pass [4, 4] with a gain of 4 after zeros were inserted, `padding` zeros before and after along both axes."""
    x = F.pad(x, (*padding, *padding))
    kernel = (4 * taps.flip(0, 1)).expand(x.shape[1], 1, *taps.shape)
    return F.conv2d(x, kernel, groups=x.shape[1])
