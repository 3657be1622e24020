"""Measures a pack of the drawn world against held-out renders: `python -m portraits.evaluate_pack --pack P --out FOLDER`.

The renders are drawn anew, from a seed that nothing is trained on, or, with `--cache DIR`, they are the last of a cache of
`build_pack --stage data`, which are kept from training. Measured are

    distribution  Fréchet distance, precision and recall of samples in the classifier's features, the share of them that it calls out
                  of distribution, and of each attribute how frequent it is; the same of renders against other renders
    parser        mean IoU on renders; agreement on samples with a parser that was trained apart (the pack's second_parser, or `--second`)
    inversion     renders found again (`portraits.evaluate_inversion`)
    clip          zero-shot accuracy of every attribute and retrieval (`portraits.clip_evaluation`): with training words in sentence forms
                  that no caption has ("templates"), with words that are held out ("heldout"), with these as the studio reads them,
                  through lelsd/plain_words.toml ("read"), with training words and forms ("train")
    classifier    accuracy on renders
    redrawn       what the classifier sees change when the renderer itself changes one thing (`portraits.redrawn`)
    faint         how much of freckles, beards, stubble and hoops the generator draws (`portraits.evaluate_faint`), where the pack says what its W means
    page          a page of samples, with `--out` only

`--only SECTION` measures one (or several), and leaves what else is in FOLDER/report.json of the same pack. Samples are drawn without
truncation. The JSON is printed and kept as FOLDER/report.json; a table of the figures beside what was asked for comes on standard error.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from lelsd import plain_words
from packs import cli
from packs.files import write_atomically
from packs.frechet import frechet_distance
from packs.pack import Pack, load_pack
from packs.weights import MODELS
from portraits.assemble import own_files
from portraits.classifier import NEVER, evaluate_classifier
from portraits.clip_evaluation import embed, score_texts
from portraits.dataset import PortraitCache, build_cache
from portraits.distribution import Familiar, precision_recall
from portraits.evaluate_faint import evaluate_faint
from portraits.evaluate_inversion import evaluate_inversion
from portraits.figures import MEGABYTE, table, weak_points
from portraits.pictures import Pictures
from portraits.redrawn import evaluate_redrawn
from portraits.quantities import Scene
from portraits.scene import ATTRIBUTES, appearance, appearance_names
from portraits.shipped import APPEARANCE, Standard
from portraits.train_mapping import pairs
from segmentation.bisenet import BiSeNet
from segmentation.metrics import class_iou, confusion_matrix, mean_iou, pixel_accuracy
from segmentation.parser import FaceParser
from segmentation.parts import CLASSES
from stylegan2.images import grid, save_png

BATCH = 16
PAGE = 48  # samples on a page
PARSED = 500  # pictures that the parsers look at
FRESH_SEED = 2  # of the renders that are drawn to measure with; build_pack trains on those of seed 1
SECOND = "second_parser.safetensors"  # in a pack
SPLITS = ("templates", "heldout", "train")


@contextmanager
def held_out_renders(folder: Path | None, count: int, size: int) -> Iterator[PortraitCache]:
    """A cache whose `validation_indices` nobody was trained on: that of `folder`, or, for None, `count` new renders of `size` pixels."""
    if folder is not None:
        yield PortraitCache(folder)
        return
    with TemporaryDirectory(prefix="portraits-") as there:
        cache = build_cache(Path(there) / "cache", FRESH_SEED, count, size, workers=os.cpu_count() or 1,
                            progress=lambda done: cli.say(f"renders: {done['done']} of {count}"))
        cache.validation_indices = np.arange(count)
        yield cache


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
    """Each attribute's share of samples against its share of the world; those beyond a factor of two of it.

    generated, rendered: bool [N, A], as the classifier sees samples and renders; world: bool [M, A], the truth. Where the classifier
    mistakes an attribute, it does so in renders too: "off_as_seen" are those that are off from its share of renders.
    """
    by_attribute = {name: {"samples": float(generated[:, i].double().mean()), "renders": float(rendered[:, i].double().mean()),
                           "world": float(world[:, i].mean())} for i, name in enumerate(ATTRIBUTES) if name not in NEVER}
    by_attribute = {name: shares for name, shares in by_attribute.items() if shares["world"] > 0}
    off = {column: [name for name, shares in by_attribute.items() if not shares[column] / 2 <= shares["samples"] <= 2 * shares[column]]
           for column in ("world", "renders")}
    within = len(by_attribute) - len(off["world"])
    return {"within_a_factor_of_two": within, "of": len(by_attribute), "share_within": within / max(len(by_attribute), 1), "off": off["world"],
            "off_as_seen": off["renders"], "by_attribute": by_attribute}


def parses(pack: Pack, cache: PortraitCache, second: Path | None, samples: Iterator[Tensor]) -> dict:
    """The parser against the exact masks of held-out renders, and against another parser on samples."""
    pictures, total = Pictures(cache.images, cache.masks), 0
    chosen = cache.validation_indices[:PARSED]
    for start in range(0, len(chosen), BATCH):
        images, masks = pictures.batch(chosen[start : start + BATCH])
        total = total + confusion_matrix(pack.parser(images.to(pack.device)).argmax(1).cpu(), masks, 19)
    report = {"mean_iou": mean_iou(total), "iou_by_class": _by_class(total), "pixel_accuracy": pixel_accuracy(total), "renders": len(chosen)}
    if second is not None:
        other, total = _parser(pack, second), 0
        for images in samples:
            images = images.float().clamp(-1, 1)
            total = total + confusion_matrix(pack.parser(images).argmax(1).cpu(), other(images).argmax(1).cpu(), 19)
        report |= {"agreement_mean_iou": mean_iou(total), "agreement_by_class": _by_class(total), "agreement_pixels": pixel_accuracy(total)}
    return report


def _by_class(confusion: Tensor) -> dict[str, float | None]:
    """Intersection over union of each class, None for one that neither has."""
    return {name: None if value != value else value for name, value in zip(CLASSES, class_iou(confusion).tolist())}


def _parser(pack: Pack, path: Path) -> FaceParser:
    """A parser file of the same shape as the pack's. Raises ValueError for another."""
    settings = pack.info["parser"]
    network = BiSeNet(settings["num_classes"], settings["width"])
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ValueError(f"{path} is no parser of the pack's width {settings['width']}: {str(error).splitlines()[0]}") from error
    return FaceParser(network, settings["input_size"], dtype=pack.parser.dtype).to(pack.device)


def clip_scores(pack: Pack, cache: PortraitCache) -> dict:
    """`score_texts` by split, and of held-out words in the plainer ones that the studio reads for them, on all held-out renders."""
    settings = pack.clip_preprocess
    mean, std = (torch.tensor(settings[name], device=pack.device).view(1, 3, 1, 1) for name in ("mean", "std"))

    def encode_images(images: Tensor) -> Tensor:
        size = settings["size"]
        images = F.interpolate(images.to(pack.device), (size, size), mode="bilinear", antialias=True)
        return pack.clip_model.encode_image(((images + 1) / 2 - mean) / std, normalize=True)

    def encode_texts(texts: list[str]) -> Tensor:
        return pack.clip_model.encode_text(pack.tokenizer(texts).to(pack.device), normalize=True)

    def encode_read(texts: list[str]) -> Tensor:
        return encode_texts([plain_words.put(text, plain_words.read_as(text, pack)) for text in texts])

    images, truth = embed(encode_images, cache, cache.validation_indices), np.asarray(cache.truth[cache.validation_indices])
    return {split: score_texts(images, truth, encode_texts, split) for split in SPLITS} | {"read": score_texts(images, truth, encode_read, "heldout")}


@dataclass
class Bench:
    """What is measured, and with what. count: samples of a comparison, and renders (at most half of those held out)."""

    pack: Pack
    cache: PortraitCache
    count: int
    seed: int
    second: Path | None = None
    out: Path | None = None


def _distribution(bench: Bench) -> dict:
    held_out = bench.cache.validation_indices
    count = min(bench.count, len(held_out) // 2)
    one, other = (look(bench.pack, renders(bench.cache, part, bench.pack.device)) for part in (held_out[:count], held_out[count : 2 * count]))
    generated = look(bench.pack, draw(bench.pack, 2 * count, bench.seed))
    familiar = Familiar(one.features, other.features)
    return {
        **distances(generated.features[:count], one.features, other.features),
        "outside": {"generated": familiar.outside(generated.features), "renders": familiar.outside(other.features)},
        "attributes": frequencies(generated.attributes, torch.cat([one.attributes, other.attributes]), np.asarray(bench.cache.attributes)),
    }


def _parser_section(bench: Bench) -> dict:
    return {"parser": parses(bench.pack, bench.cache, bench.second, draw(bench.pack, min(PARSED, bench.count), bench.seed + 1))}


def _faint(bench: Bench) -> dict:
    """Nothing for a pack that does not say what its W means."""
    if APPEARANCE not in bench.pack.info["files"]:
        return {}
    return {"faint": evaluate_faint(lambda scenes: draw_scenes(bench.pack, scenes), bench.pack.resolution)}


def draw_scenes(pack: Pack, scenes: Sequence[Scene]) -> Tensor:
    """The generator's pictures [N, 3, R, R] of scenes. Raises ValueError for a pack whose W is of another version of the world."""
    standard = Standard.of_pack(pack)
    if standard.names != appearance_names():
        raise ValueError(f"the W of pack {pack.name!r} is of another version of the world, so nobody can say what it should draw")
    x = (torch.from_numpy(np.stack([appearance(scene) for scene in scenes])).double() - standard.mean) / standard.spread
    w = pairs(x.float(), pack.generator.w_dim).to(pack.device)
    return pack.generator.synthesis(w[:, None].expand(-1, pack.generator.num_ws, -1)).float().clamp(-1, 1).cpu()


def _page(bench: Bench) -> dict:
    if bench.out is not None:
        save_png(bench.out / "samples.png", grid(torch.cat([*draw(bench.pack, PAGE, bench.seed)]).float().cpu(), 8))
    return {}


SECTIONS = {
    "page": _page,
    "distribution": _distribution,
    "parser": _parser_section,
    "clip": lambda bench: {"clip": clip_scores(bench.pack, bench.cache)},
    "classifier": lambda bench: {"classifier": evaluate_classifier(bench.pack.classifier, bench.cache)},
    "redrawn": lambda bench: {"redrawn": evaluate_redrawn(bench.pack.classifier, bench.pack.resolution)},
    "faint": _faint,
    "inversion": lambda bench: {"inversion": evaluate_inversion(bench.pack, bench.cache, out=bench.out)},
}


@torch.no_grad()
def evaluate(bench: Bench, sections: Sequence[str] = tuple(SECTIONS)) -> dict:
    """The figures of these sections, and how many seconds each took; kept in `bench.out`, beside those measured before."""
    report = {"pack": about(bench.pack), "held_out": {"seed": bench.cache.seed, "renders": len(bench.cache.validation_indices)}}
    seconds = {}
    if bench.out is not None:
        bench.out.mkdir(parents=True, exist_ok=True)
    for section in sections:
        started = time.monotonic()
        report |= SECTIONS[section](bench)
        seconds[section] = round(time.monotonic() - started, 1)
        cli.say(f"{section}: measured in {seconds[section]} s")
    report["seconds"] = seconds
    if bench.out is not None:
        report = _kept(bench.out / "report.json", report)
        write_atomically(bench.out / "report.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def about(pack: Pack) -> dict:
    """Which models were measured, how large the pack is without the editors shipped with it, and how many directions it brings."""
    entries = pack.info["files"]
    models = {name: entries[name]["sha256"] for name in (*(f"{role}.safetensors" for role in MODELS), SECOND) if name in entries}
    return {"name": pack.name, "version": pack.info["version"], "sha256": models,
            "megabytes": sum(entry["size"] for entry in own_files(pack.info).values()) / MEGABYTE, "directions": len(pack.directions())}


def _kept(path: Path, report: dict) -> dict:
    """The report, and what an earlier one of the same models and the same renders says that it does not. What is no report is named on standard error."""
    try:
        earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if earlier is None or earlier["pack"]["sha256"] != report["pack"]["sha256"] or earlier["held_out"] != report["held_out"]:
            return report
        return {**earlier, **report, "seconds": earlier["seconds"] | report["seconds"]}
    except (ValueError, KeyError, TypeError) as error:
        cli.say(f"{path} was no report and is written anew: {cli.describe(error)}")
        return report


def main(arguments: Sequence[str]) -> dict:
    """Measure a pack."""
    parser = cli.ArgumentParser(prog="python -m portraits.evaluate_pack", description="Measure a pack of the drawn world.")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack")
    parser.add_argument("--cache", type=Path, help="a cache of renders, as build_pack's stage data makes (default: drawn anew, from another seed)")
    parser.add_argument("--second", type=Path, help="another parser's weights, trained apart from the pack's (default: the pack's own second one)")
    parser.add_argument("--count", type=cli.positive_int, default=1000, help="samples, and renders, of a comparison (default 1000)")
    parser.add_argument("--only", choices=tuple(SECTIONS), action="append", help="measure this alone; may be given several times")
    parser.add_argument("--out", type=Path, help="folder for samples.png, inversion.png and report.json")
    parser.add_device()
    parser.add_seed(0)
    options = parser.parse_args(list(arguments))
    pack = load_pack(options.pack, cli.resolve_device(options.device))
    if pack.classifier is None or pack.classifier.head.out_features != len(ATTRIBUTES):
        raise ValueError(f"pack {pack.name!r} has no classifier of the drawn world's {len(ATTRIBUTES)} attributes; packs of build_pack are accepted")
    second = options.second or (pack.path / SECOND if SECOND in pack.info["files"] else None)
    with held_out_renders(options.cache, 2 * options.count, pack.resolution) as cache:
        report = evaluate(Bench(pack, cache, options.count, options.seed, second, options.out), options.only or tuple(SECTIONS))
    cli.say("\n".join([table(report), *weak_points(report)]))
    return report


if __name__ == "__main__":
    cli.run(main)
