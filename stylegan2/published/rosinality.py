"""The names of rosinality/stylegan2-pytorch, as ours. Source: its `model.py` and `convert_weight.py`.

It numbers the convolutions (conv1, convs.0, convs.1 ...) where ours are grouped by resolution, keeps dimensions of size 1
where ours has none, and multiplies the filters that double the resolution by 4 beforehand. What is computed is the same.
"""

from __future__ import annotations

import re

from stylegan2.published.extents import shown
from stylegan2.published.torch_files import StoredTensor

FILTER_SUM = 4.0  # of a generator's resampling filter; ours, and those of the discriminator, add up to 1

# Below a convolution or a toRGB: what it is called here, and the dimensions of size 1 that go.
CONVOLUTION = {
    "conv.weight": ("weight", (0,)),
    "conv.modulation.weight": ("affine.weight", ()),
    "conv.modulation.bias": ("affine.bias", ()),
    "conv.blur.kernel": ("resample_filter", ()),
    "noise.weight": ("noise_strength", (0,)),
    "activate.bias": ("bias", ()),
}
TO_RGB = {
    "conv.weight": ("torgb.weight", (0,)),
    "conv.modulation.weight": ("torgb.affine.weight", ()),
    "conv.modulation.bias": ("torgb.affine.bias", ()),
    "bias": ("torgb.bias", (0, 2, 3)),
    "upsample.kernel": ("resample_filter", ()),
}
RESIDUAL = {
    "conv1.0.weight": "conv0.weight",
    "conv1.1.bias": "conv0.bias",
    "conv2.0.kernel": "conv1.resample_filter",
    "conv2.1.weight": "conv1.weight",
    "conv2.2.bias": "conv1.bias",
    "skip.0.kernel": "skip.resample_filter",
    "skip.1.weight": "skip.weight",
}
VERDICT = {
    "final_conv.0.weight": "conv.weight",
    "final_conv.1.bias": "conv.bias",
    "final_linear.0.weight": "fc.weight",
    "final_linear.0.bias": "fc.bias",
    "final_linear.1.weight": "out.weight",
    "final_linear.1.bias": "out.bias",
}


def generator(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors of a generator under our names. Raises ValueError for a name or shape that it has not."""
    renamed = {}
    for name, tensor in tensors.items():
        ours, ones = _generator_name(name) or _unknown(name)
        renamed[ours] = tensor.without(ones)
    return renamed


def discriminator(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors of a discriminator under our names. Raises ValueError for a name that it has not."""
    blocks = {int(match[1]) for name in tensors if (match := re.match(r"convs\.(\d{1,2})\.", name))}
    size = 4 << max(blocks, default=0)
    return {_discriminator_name(name, size) or _unknown(name): tensor for name, tensor in tensors.items()}


def _unknown(name: str) -> None:
    raise ValueError(f"has a tensor {shown(name)}, which no StyleGAN2 of rosinality's has")


def _generator_name(name: str) -> tuple[str, tuple[int, ...]] | None:
    """Our name for a tensor, and the dimensions that go."""
    if name == "latent_avg":
        return "mapping.w_avg", ()
    if name == "input.input":
        return "synthesis.b4.const", (0,)
    if match := re.fullmatch(r"style\.([1-9]\d?)\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}", ()
    if match := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        return f"{_convolution(int(match[1]))}.noise_const", (0, 1)
    if match := re.fullmatch(r"(?:conv1|convs\.(\d{1,2}))\.(.+)", name):
        ours, ones = CONVOLUTION.get(match[2], (None, ()))
        return ours and (f"{_convolution(int(match[1] or -1) + 1)}.{ours}", ones)
    if match := re.fullmatch(r"(?:to_rgb1|to_rgbs\.(\d{1,2}))\.(.+)", name):
        ours, ones = TO_RGB.get(match[2], (None, ()))
        return ours and (f"synthesis.b{4 << (int(match[1] or -1) + 1)}.{ours}", ones)
    return None


def _convolution(number: int) -> str:
    """The `number`-th convolution: one at 4 pixels, and two at each resolution above."""
    return f"synthesis.b{4 << ((number + 1) // 2)}.conv{1 - number % 2}"


def _discriminator_name(name: str, size: int) -> str | None:
    if name in VERDICT:
        return f"b4.{VERDICT[name]}"
    if name in ("convs.0.0.weight", "convs.0.1.bias"):
        return f"b{size}.fromrgb.{name.rpartition('.')[2]}"
    if (match := re.fullmatch(r"convs\.([1-9]\d?)\.(.+)", name)) and match[2] in RESIDUAL:
        return f"b{size >> (int(match[1]) - 1)}.{RESIDUAL[match[2]]}"
    return None
