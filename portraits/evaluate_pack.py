"""Measures a pack of the drawn world against held-out renders: `python -m portraits.evaluate_pack --pack P --cache DIR`.

The cache is one of `build_pack --stage data`; its last pictures were trained on by nobody. With `--second FILE` (what
`build_pack --stage second_parser` left), two parsers that were trained apart are compared on generated samples. With `--out
FOLDER`, a page of samples and the report are written there as samples.png and report.json; the report is printed in any case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from packs import cli
from packs.files import write_atomically
from packs.pack import Pack, load_pack
from portraits.classifier import NEVER, evaluate_classifier
from portraits.clip_evaluation import evaluate_clip
from portraits.dataset import PortraitCache
from portraits.distribution import Familiar, frechet_distance, precision_recall
from portraits.pictures import Pictures
from portraits.scene import ATTRIBUTES
from segmentation.bisenet import BiSeNet
from segmentation.metrics import confusion_matrix, mean_iou, pixel_accuracy
from segmentation.parser import FaceParser
from stylegan2.images import grid, save_png

BATCH = 16
PAGE = 48  # samples on a page
PARSED = 500  # pictures that the parsers look at
RARE = 0.002  # attributes with a smaller share of the world are not compared: too few to count


@dataclass
class Looks:
    """What the pack's classifier sees in pictures: features [N, F], attributes bool [N, A]."""

    features: Tensor
    attributes: Tensor


def look(pack: Pack, batches: Iterator[Tensor]) -> Looks:
    """Features and attributes of pictures [n, 3, R, R], a batch at a time."""
    features = [pack.classifier.features(images.float().clamp(-1, 1)) for images in batches]
    joined = torch.cat(features)
    return Looks(joined.cpu(), (pack.classifier.head(joined) > 0).cpu())


def draw(pack: Pack, count: int, seed: int) -> Iterator[Tensor]:
    """`count` samples of the generator without truncation, a batch at a time."""
    z = torch.from_numpy(np.random.default_rng(seed).standard_normal((count, pack.generator.z_dim)).astype(np.float32)).to(pack.device)
    for part in z.split(BATCH):
        yield pack.generator(part)


def renders(cache: PortraitCache, indices: np.ndarray, device: torch.device) -> Iterator[Tensor]:
    """The cache's pictures, a batch at a time."""
    pictures = Pictures(cache.images)
    for start in range(0, len(indices), BATCH):
        yield pictures.only(indices[start : start + BATCH]).to(device)


def distances(generated: Tensor, one: Tensor, other: Tensor) -> dict:
    """Fréchet distance, precision and recall of samples against renders, and of other renders against the same."""
    report = {}
    for name, features in (("generated", generated), ("renders", other)):
        precision, recall = precision_recall(one, features)
        report[name] = {"frechet": frechet_distance(one, features), "precision": precision, "recall": recall, "samples": len(features)}
    return report


def frequencies(generated: Tensor, rendered: Tensor, world: np.ndarray) -> dict:
    """Each attribute's share of samples against its share of renders, both as the classifier sees it; those beyond a factor of two.

    generated, rendered bool [N, A]; world bool [M, A], the truth, for the record.
    """
    by_attribute, off = {}, []
    for i, name in enumerate(ATTRIBUTES):
        if name in NEVER:
            continue
        shares = {"samples": generated[:, i].double().mean().item(), "renders": rendered[:, i].double().mean().item(),
                  "world": float(world[:, i].mean())}
        by_attribute[name] = shares
        if shares["renders"] >= RARE and not 0.5 <= shares["samples"] / shares["renders"] <= 2:
            off.append(name)
    return {"within_a_factor_of_two": len(by_attribute) - len(off), "of": len(by_attribute), "off": off, "by_attribute": by_attribute}


def parses(pack: Pack, cache: PortraitCache, second: Path | None, samples: Iterator[Tensor]) -> dict:
    """The parser against the exact masks of held-out renders, and against another parser on samples."""
    pictures, total = Pictures(cache.images, cache.masks), 0
    chosen = cache.validation_indices[:PARSED]
    for start in range(0, len(chosen), BATCH):
        images, masks = pictures.batch(chosen[start : start + BATCH])
        total = total + confusion_matrix(pack.parser(images.to(pack.device)).argmax(1).cpu(), masks, 19)
    report = {"mean_iou": mean_iou(total), "pixel_accuracy": pixel_accuracy(total), "renders": len(chosen)}
    if second is not None:
        other, total = _parser(pack, second), 0
        for images in samples:
            images = images.float().clamp(-1, 1)
            total = total + confusion_matrix(pack.parser(images).argmax(1).cpu(), other(images).argmax(1).cpu(), 19)
        report |= {"agreement_mean_iou": mean_iou(total), "agreement_pixels": pixel_accuracy(total)}
    return report


def _parser(pack: Pack, path: Path) -> FaceParser:
    """A parser file of the same shape as the pack's. Raises ValueError for another."""
    settings = pack.info["parser"]
    network = BiSeNet(settings["num_classes"], settings["width"])
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ValueError(f"{path} is no parser of the pack's width {settings['width']}: {str(error).splitlines()[0]}") from error
    return FaceParser(network, settings["input_size"], dtype=pack.parser.dtype).to(pack.device)


def clip_scores(pack: Pack, cache: PortraitCache, limit: int) -> dict:
    """Zero-shot accuracy and retrieval with words of the captions and with words held out of them."""
    settings = pack.clip_preprocess
    mean, std = (torch.tensor(settings[name], device=pack.device).view(1, 3, 1, 1) for name in ("mean", "std"))

    def encode_images(images: Tensor) -> Tensor:
        size = settings["size"]
        images = F.interpolate(images.to(pack.device), (size, size), mode="bilinear", antialias=True)
        return pack.clip_model.encode_image(((images + 1) / 2 - mean) / std, normalize=True).cpu()

    def encode_texts(texts: list[str]) -> Tensor:
        return pack.clip_model.encode_text(pack.tokenizer(texts).to(pack.device), normalize=True).cpu()

    return {split: evaluate_clip(encode_images, encode_texts, cache, split, limit) for split in ("heldout", "train")}


@torch.inference_mode()
def evaluate(pack: Pack, cache: PortraitCache, count: int, seed: int, second: Path | None = None, out: Path | None = None) -> dict:
    """Every figure of the pack; `count` samples against as many renders, twice (at most half of those held out)."""
    held_out = cache.validation_indices
    count = min(count, len(held_out) // 2)
    one, other = (look(pack, renders(cache, part, pack.device)) for part in (held_out[:count], held_out[count : 2 * count]))
    generated = look(pack, draw(pack, 2 * count, seed))
    familiar = Familiar(one.features, other.features)
    cli.say("samples and renders seen")
    report = {
        **distances(generated.features[:count], one.features, other.features),
        "outside": {"generated": familiar.outside(generated.features), "renders": familiar.outside(other.features)},
        "attributes": frequencies(generated.attributes, torch.cat([one.attributes, other.attributes]), np.asarray(cache.attributes)),
        "parser": parses(pack, cache, second, draw(pack, min(PARSED, count), seed + 1)),
    }
    cli.say("parsed")
    report |= {"clip": clip_scores(pack, cache, len(held_out)), "classifier": evaluate_classifier(pack.classifier, cache)}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        page = torch.cat([*draw(pack, PAGE, seed)]).float().cpu()
        save_png(out / "samples.png", grid(page, 8))
        write_atomically(out / "report.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def main(arguments: Sequence[str]) -> dict:
    """Measure a pack."""
    parser = cli.ArgumentParser(prog="python -m portraits.evaluate_pack", description="Measure a pack of the drawn world.")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack")
    parser.add_argument("--cache", type=Path, required=True, help="a cache of renders, as build_pack's stage data makes")
    parser.add_argument("--second", type=Path, help="another parser's weights, trained apart from the pack's")
    parser.add_argument("--count", type=cli.positive_int, default=1000, help="samples, and renders, of a comparison (default 1000)")
    parser.add_argument("--out", type=Path, help="folder for samples.png and report.json")
    parser.add_device()
    parser.add_seed(0)
    options = parser.parse_args(list(arguments))
    pack = load_pack(options.pack, cli.resolve_device(options.device))
    if pack.classifier is None or pack.classifier.head.out_features != len(ATTRIBUTES):
        raise ValueError(f"pack {pack.name!r} has no classifier of the drawn world's {len(ATTRIBUTES)} attributes; packs of build_pack are accepted")
    return evaluate(pack, PortraitCache(options.cache), options.count, options.seed, options.second, options.out)


if __name__ == "__main__":
    cli.run(main)
