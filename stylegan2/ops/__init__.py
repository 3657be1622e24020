"""The few operations that StyleGAN2 is made of, one documented function each."""

from stylegan2.ops.bias_act import ACTIVATIONS, bias_act, scale_bias_act
from stylegan2.ops.layer import synthesis_layer
from stylegan2.ops.modulated_conv import demodulation, modulated_conv2d, phase_kernels, upsampling_conv2d
from stylegan2.ops.rgb import add_doubled, to_rgb
from stylegan2.ops.upfirdn2d import (
    downsample2d, downsampling_conv2d, setup_filter, upfirdn2d, upsample2d)

__all__ = [
    "ACTIVATIONS", "bias_act", "scale_bias_act",
    "demodulation", "modulated_conv2d", "phase_kernels", "synthesis_layer", "upsampling_conv2d",
    "add_doubled", "to_rgb",
    "downsample2d", "downsampling_conv2d", "setup_filter", "upfirdn2d", "upsample2d",
]
