"""BiSeNet with a ResNet-18 context path, as in the published face parser.

Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV 2018, in the variant that
takes the stride-8 features of the ResNet in place of the paper's spatial path (that is what `79999_iter.pth` holds).
Parameter and buffer names are those of that file. `width` scales every channel count, for small parsers.
"""

import copy

import torch.nn.functional as F
from torch import Tensor, cat, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from segmentation.parts import CLASSES


def scaled_channels(channels: int, width: float) -> int:
    """`channels` times `width` as a multiple of 8, which is what vectorised convolutions like; at least 8."""
    return max(8, round(channels * width / 8) * 8)


def _global_mean(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, 1, 1]."""
    return x.mean(dim=(2, 3), keepdim=True)


class ConvBNReLU(nn.Module):
    """Convolution that keeps the size, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, section 3.3)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(shortcut + self.bn2(self.conv2(y)))


class ResNet18(nn.Module):
    """ResNet-18 without its classifier: x [N, 3, H, W] -> features at strides 8, 16 and 32."""

    def __init__(self, channels: tuple[int, int, int, int]):
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.layer1 = self._stage(channels[0], channels[0], stride=1)
        self.layer2 = self._stage(channels[0], channels[1], stride=2)
        self.layer3 = self._stage(channels[1], channels[2], stride=2)
        self.layer4 = self._stage(channels[2], channels[3], stride=2)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
        return nn.Sequential(BasicBlock(in_channels, out_channels, stride), BasicBlock(out_channels, out_channels, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer1(F.max_pool2d(x, kernel_size=3, stride=2, padding=1))
        stride8 = self.layer2(x)
        stride16 = self.layer3(stride8)
        return stride8, stride16, self.layer4(stride16)


class AttentionRefinement(nn.Module):
    """Features weighted by channel, the weights from their global mean (BiSeNet, section 3.2 and figure 2b)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = ConvBNReLU(in_channels, out_channels)
        self.conv_atten = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        features = self.conv(x)
        return features * self.bn_atten(self.conv_atten(_global_mean(features))).sigmoid()


class ContextPath(nn.Module):
    """ResNet features refined from the coarsest up: x -> (stride 8 of the ResNet, context at 8, context at 16)."""

    def __init__(self, channels: tuple[int, int, int, int], context_channels: int):
        super().__init__()
        self.resnet = ResNet18(channels)
        self.arm16 = AttentionRefinement(channels[2], context_channels)
        self.arm32 = AttentionRefinement(channels[3], context_channels)
        self.conv_head32 = ConvBNReLU(context_channels, context_channels)
        self.conv_head16 = ConvBNReLU(context_channels, context_channels)
        self.conv_avg = ConvBNReLU(channels[3], context_channels, kernel_size=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stride8, stride16, stride32 = self.resnet(x)
        context = self.arm32(stride32) + self.conv_avg(_global_mean(stride32))
        context16 = self.conv_head32(F.interpolate(context, stride16.shape[2:], mode="nearest"))
        context = self.arm16(stride16) + context16
        context8 = self.conv_head16(F.interpolate(context, stride8.shape[2:], mode="nearest"))
        return stride8, context8, context16


class FeatureFusion(nn.Module):
    """Joins detail and context, then adds the features weighted by channel (BiSeNet, section 3.3 and figure 2c)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.convblk = ConvBNReLU(in_channels, out_channels, kernel_size=1)
        self.conv1 = nn.Conv2d(out_channels, out_channels // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(out_channels // 4, out_channels, 1, bias=False)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        features = self.convblk(cat([detail, context], dim=1))
        attention = self.conv2(F.relu(self.conv1(_global_mean(features)))).sigmoid()
        return features + features * attention


class Head(nn.Module):
    """Features -> logits of each class, at the features' size."""

    def __init__(self, in_channels: int, mid_channels: int, num_classes: int):
        super().__init__()
        self.conv = ConvBNReLU(in_channels, mid_channels)
        self.conv_out = nn.Conv2d(mid_channels, num_classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    """The whole network; `width=1.0` is the published one (13.3 M parameters), 0.25 has 0.84 M."""

    def __init__(self, num_classes: int = len(CLASSES), width: float = 1.0):
        super().__init__()
        if num_classes < 2 or not 0.0 < width <= 4.0:
            raise ValueError(f"BiSeNet takes at least 2 classes and a width in (0, 4], not {num_classes} and {width}")
        self.num_classes, self.width = num_classes, width
        c64, c128, c256, c512 = (scaled_channels(c, width) for c in (64, 128, 256, 512))
        self.cp = ContextPath((c64, c128, c256, c512), context_channels=c128)
        self.ffm = FeatureFusion(c128 + c128, c256)
        self.conv_out = Head(c256, c256, num_classes)
        self.conv_out16 = Head(c128, c64, num_classes)
        self.conv_out32 = Head(c128, c64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """x [N, 3, H, W], normalised -> three logit maps [N, classes, *size] (size: x's own), those of `heads`."""
        return tuple(upsample_logits(head, size or x.shape[2:]) for head in self.heads(x))

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The logit maps before upsampling: the result at stride 8, and the two auxiliary ones, at strides 8 and 16, that
        training adds to the loss."""
        stride8, context8, context16 = self.cp(x)
        return self.conv_out(self.ffm(stride8, context8)), self.conv_out16(context8), self.conv_out32(context16)

    def coarse_logits(self, x: Tensor) -> Tensor:
        """The first of `heads` alone, without the work for the others: [N, classes, H/8, W/8]."""
        stride8, context8, _ = self.cp(x)
        return self.conv_out(self.ffm(stride8, context8))


def upsample_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Logits at a network's stride -> at `size` (height, width), with the corners kept in place as in the published one."""
    return F.interpolate(logits, tuple(size), mode="bilinear", align_corners=True)


_CONV_AND_NORM = (("conv", "bn"), ("conv1", "bn1"), ("conv2", "bn2"), ("conv_atten", "bn_atten"), ("0", "1"))


def fold_batch_norms(network: BiSeNet) -> BiSeNet:
    """A frozen copy for inference with every batch normalisation folded into the convolution before it: the same
    function (of the running statistics), fewer passes over the maps, and no small numbers that bfloat16 would round."""
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    for module in folded.modules():
        for conv_name, norm_name in _CONV_AND_NORM:
            conv, norm = getattr(module, conv_name, None), getattr(module, norm_name, None)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())
    return folded.requires_grad_(False)
