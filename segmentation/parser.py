"""Pictures in, class logits out: the parser that the rest of the studio uses, and its command line.

    python -m segmentation.parser --pack portraits face.png --out masks/

writes for each picture `NAME_mask.png` (class numbers, an indexed PNG) and `NAME_overlay.png` (the classes in colour).
"""

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, UnidentifiedImageError
from torch import Tensor, nn

from segmentation.bisenet import BiSeNet, fold_batch_norms, upsample_logits
from segmentation.parts import (
    CLASSES, PALETTE, PARTS, PartLike, class_weights, label_mask, part, part_mask, part_probability)  # fmt: skip
from segmentation.places import area_probability, place_probability
from stylegan2.ops.class_share import class_share

__all__ = ["FaceParser", "colour_labels", "label_image", "overlay", "part_mask", "part_probability", "preprocess",
           "read_labels", "read_picture"]  # fmt: skip

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_PIXELS = 64_000_000  # of a picture file: what any camera makes, far below what would fill the memory
ENDS = ("_mask.png", "_overlay.png")  # of the files that are written of a picture
MAX_PARSED_SIDE = 1024  # larger pictures are parsed at this size: 19 maps of 64 million pixels would not fit


def preprocess(images: Tensor, input_size: int, mean: Tensor, std: Tensor) -> Tensor:
    """images [N, 3, H, W] in [-1, 1] -> [N, 3, input_size, input_size] normalised by `mean`, `std` [3] of [0, 1] images.

    Differentiable. Both sides are resized to `input_size` whatever their ratio, as in the published parser."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(f"images must be floats [N, 3, H, W] in [-1, 1], not {images.dtype} {list(images.shape)}")
    if images.shape[2:] != (input_size, input_size):
        shrinks = max(images.shape[2:]) > input_size
        size = (input_size, input_size)
        images = F.interpolate(images.float(), size, mode="bilinear", align_corners=False, antialias=shrinks)
    scale = (0.5 / std)[:, None, None]
    shift = ((0.5 - mean) / std)[:, None, None]
    return images.float() * scale + shift


class FaceParser(nn.Module):
    """A trained BiSeNet, frozen, with the resizing and normalisation that belong to it.

    `network` has its weights already: a copy with folded batch norms is kept, and computes in `dtype` (channels_last when
    that is bfloat16). Raises ValueError for an input size that the network's stride of 32 cannot serve."""

    def __init__(
        self,
        network: BiSeNet,
        input_size: int = 512,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        if not 32 <= input_size <= 2048:
            raise ValueError(f"input_size {input_size} of the parser must lie between 32 and 2048 pixels")
        self.input_size, self.dtype = input_size, dtype
        self.network = fold_batch_norms(network).to(dtype=dtype, memory_format=self._layout)
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)

    @property
    def _layout(self) -> torch.memory_format:
        return torch.channels_last if self.dtype is torch.bfloat16 else torch.contiguous_format

    def forward(self, images: Tensor) -> Tensor:
        """images [N, 3, H, W] in [-1, 1] -> float32 logits [N, 19, H, W]; differentiable in the images."""
        return upsample_logits(self._coarse(images), images.shape[2:])

    @torch.no_grad()
    def probability(self, images: Tensor, parts: PartLike, places: Mapping[str, float] | None = None,
                    areas: Mapping[str, Collection[str]] | None = None) -> Tensor:
        """`part_probability` of this parser's logits, [N, 1, H, W], up to rounding and without a gradient.

        places: things by weight whose region counts too, in the pictures that do not show them. areas: the areas that a part counts in,
        by part; the others count wherever they are (`segmentation.places` has both).
        The logits themselves, 80 MB a picture at 1024 pixels, are never whole."""
        logits, size = self._coarse(images), images.shape[2:]
        share = self._within(logits, parts, areas, size) if areas else _share(logits, parts, size)
        return torch.maximum(share, place_probability(logits, places, size)) if places else share

    @staticmethod
    def _within(logits: Tensor, parts: PartLike, areas: Mapping[str, Collection[str]], size: tuple[int, int]) -> Tensor:
        """The share of the parts [N, 1, *size], those with areas only inside them."""
        parts = {parts: 1.0} if isinstance(parts, str) else parts
        free = {name: weight for name, weight in parts.items() if name not in areas}
        outside = _share(logits, free, size) if free else torch.zeros_like(logits[:, :1, :1, :1])
        found = outside.expand(-1, -1, *size)
        for some in {tuple(sorted(areas[name])) for name in parts if name in areas}:
            held = {name: weight for name, weight in parts.items() if name in areas and tuple(sorted(areas[name])) == some}
            found = torch.maximum(found, torch.lerp(outside, _share(logits, free | held, size), area_probability(logits, some, size)))
        return found

    def _coarse(self, images: Tensor) -> Tensor:
        """images [N, 3, H, W] -> float32 logits at the network's stride of 8, in the plain layout: softmax over the
        classes is several times slower in the other."""
        x = preprocess(images, self.input_size, self.mean, self.std)
        return self.network.coarse_logits(x.to(dtype=self.dtype, memory_format=self._layout)).float().contiguous()

    def train(self, mode: bool = True) -> "FaceParser":
        """Stays in inference mode: the batch norms are folded, there is nothing to train."""
        return super().train(False)


def _share(logits: Tensor, parts: PartLike, size: tuple[int, int]) -> Tensor:
    """How much of each pixel the parts have, of coarse logits: [N, 1, *size]."""
    return class_share(logits, torch.tensor(class_weights(parts), device=logits.device), size)


def overlay(images: Tensor, mask: Tensor, colour: str | Sequence[int] | Tensor, opacity: float = 0.5) -> Tensor:
    """images [N, 3, H, W] in [-1, 1] with the colour laid over them where mask [N, 1, H, W] (bool, or soft in [0, 1]) is.

    colour: a part's name (its own colour), RGB 0..255, or a tensor of colours in [-1, 1] that broadcasts to the images."""
    if isinstance(colour, str):
        colour = part(colour).colour
    if not isinstance(colour, Tensor):
        colour = torch.tensor(colour, device=images.device).view(1, 3, 1, 1) / 127.5 - 1.0
    return torch.lerp(images, colour.to(images).expand_as(images), mask.to(images) * opacity)


def colour_labels(labels: Tensor) -> Tensor:
    """Class numbers [N, H, W] -> their colours [N, 3, H, W] in [-1, 1]."""
    palette = torch.as_tensor(PALETTE, device=labels.device).float() / 127.5 - 1.0
    return palette[labels.long()].movedim(-1, 1)


def label_image(labels: Tensor | np.ndarray) -> Image.Image:
    """Class numbers [H, W] -> an indexed picture whose pixel values are the class numbers and whose palette is ours."""
    labels = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if labels.ndim != 2 or labels.min() < 0 or labels.max() >= len(CLASSES):
        raise ValueError(f"labels must be [H, W] with class numbers 0 to {len(CLASSES) - 1}, not {list(labels.shape)}")
    picture = Image.fromarray(labels.astype(np.uint8))
    picture.putpalette(PALETTE.tobytes())
    return picture


def read_labels(source: Path | bytes, size: int | None = None, name: str = "") -> np.ndarray:
    """The class numbers of an indexed or grey PNG, as `label_image` makes them: uint8 [H, W], or with a size those of a square
    one, resized to [size, size] (nearest).

    source: a file, or its bytes. name: what to call it. Raises ValueError for what is no such PNG, and OSError."""
    name = name or repr(str(source))
    accepted = f"{'square ' if size else ''}indexed or grey PNGs of class numbers 0 to {len(CLASSES) - 1}"
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            square = picture.width == picture.height or size is None
            if picture.mode not in ("P", "L") or not square or picture.width * picture.height > MAX_PIXELS:
                raise ValueError(f"{name} is no mask but a {picture.mode} picture of {picture.width} x {picture.height} pixels; accepted: {accepted}")
            labels = np.array(picture if size is None else picture.resize((size, size), Image.Resampling.NEAREST))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "it is damaged or no PNG" if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name} is no mask: {reason}; accepted: {accepted}") from error
    if labels.max() >= len(CLASSES):
        raise ValueError(f"{name} is no mask: it holds the number {labels.max()}; accepted: {accepted}")
    return labels


def read_picture(path: Path) -> Tensor:
    """The picture file upright, transparent parts on white: [1, 3, H, W] in [-1, 1].

    Raises ValueError or OSError, in one sentence, if it is missing, no picture, damaged or larger than `MAX_PIXELS`."""
    from stylegan2.images import from_pil, open_image  # only the command line needs them

    picture = open_image(path)
    if picture.width * picture.height > MAX_PIXELS:
        limit = f"up to {MAX_PIXELS // 1_000_000} million pixels"
        raise ValueError(f"{str(path)!r} has {picture.width} x {picture.height} pixels; accepted: {limit}")
    return from_pil(picture)


def parse_picture(parser: FaceParser, image: Tensor) -> tuple[Tensor, Tensor]:
    """image [1, 3, H, W] in [-1, 1] -> class numbers [1, H, W] and the image [1, 3, H, W] with all classes but the
    background laid over it; a large picture is parsed at a lower resolution."""
    scale = min(1.0, MAX_PARSED_SIDE / max(image.shape[2:]))
    size = [max(1, round(side * scale)) for side in image.shape[2:]]
    small = image if scale == 1.0 else F.interpolate(image, size, mode="bilinear", antialias=True)
    with torch.inference_mode():
        labels = parser(small.to(parser.mean.device)).argmax(dim=1, keepdim=True).to("cpu", torch.uint8)
        labels = F.interpolate(labels, image.shape[2:], mode="nearest")[:, 0]
        return labels, overlay(image, labels.unsqueeze(1) > 0, colour_labels(labels))


def shares(labels: Tensor) -> dict[str, float]:
    """Class numbers [..., H, W] -> the share of the picture that each part takes, absent parts left out."""
    found = {name: label_mask(labels, name).float().mean().item() for name in PARTS}
    return {name: round(share, 5) for name, share in found.items() if share > 0}


def main(argv: Sequence[str] | None = None) -> dict:
    """`python -m segmentation.parser`: masks and overlays of picture files, as contracts.md has it."""
    from packs import cli  # here, because packs itself loads parsers through this module
    from packs.pack import load_pack
    from stylegan2.images import output_stems, save_png, to_pil

    arguments = cli.ArgumentParser(description="Write class masks and colour overlays of pictures.")
    arguments.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="picture files (PNG, JPEG, WebP ...)")
    arguments.add_argument("--pack", default="portraits", help="name or folder of the pack whose parser to use")
    arguments.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the masks and overlays")
    arguments.add_device()
    options = arguments.parse_args(argv)

    for path in options.images:
        read_picture(path)  # a bad one is found before anything is loaded or written; holding them all could be too much
    pack = load_pack(options.pack, device=cli.resolve_device(options.device))
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    for path, stem in zip(options.images, output_stems(options.images, options.out, ENDS), strict=True):
        cli.say(f"{path} ...")
        labels, shown = parse_picture(pack.parser, read_picture(path))
        mask_path = save_png(options.out / f"{stem}{ENDS[0]}", label_image(labels[0]))
        overlay_path = save_png(options.out / f"{stem}{ENDS[1]}", to_pil(shown))
        results.append({"image": path, "mask": mask_path, "overlay": overlay_path, "parts": shares(labels)})
    return {"pack": pack.name, "out": options.out, "images": results}


if __name__ == "__main__":
    from packs import cli

    cli.run(main)
