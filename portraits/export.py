"""The drawn data set on disk, in the folder layout of CelebA-HQ and CelebAMask-HQ; `python -m portraits.render` calls `main`.

    CelebA-HQ-img/0.jpg ...                           pictures
    CelebAMask-HQ-mask-anno/0/00000_hair.png ...      one PNG a class, white where it is; 2000 samples a folder
    CelebAMask-HQ-mask-anno/0/00000.png ...           with `packed`: one indexed PNG of all 19 classes instead
    CelebAMask-HQ-attribute-anno.txt                  count, names, then 1 and -1 a sample
    captions.jsonl, scenes.jsonl                      what is said of each sample, and what it can be drawn from again
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from packs import cli
from packs.files import unfinished, write_atomically
from portraits.dataset import caption_line
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, attributes, sample
from portraits.topics import topics
from segmentation.parts import CLASSES, PALETTE
from stylegan2.images import save_png

IMAGES, MASKS, ATTRIBUTE_FILE = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno", "CelebAMask-HQ-attribute-anno.txt"
SAMPLES_A_FOLDER = 2000  # as in the original
BACKGROUND = 0
JPEG_QUALITY = 95


def write_dataset(out: Path | str, count: int, size: int, seed: int, packed: bool = False, image_format: str = "jpg",
                  progress: Callable[[int], None] | None = None) -> dict:
    """Samples 0 .. count-1 of the world `seed` at `size` pixels under `out`. The same arguments give the same bytes.

    `progress` receives the number of samples written, now and then. Returns {"out", "count", "size", "seed", "packed"}.
    Raises ValueError for count < 1, a size that cannot be drawn, an unknown image format, or an `out` that is a file;
    OSError when the disk refuses.
    """
    _check(out, count, image_format)
    renderer, out = Renderer(size), Path(out)
    for folder in (out / IMAGES, out / MASKS):
        folder.mkdir(parents=True, exist_ok=True)
    rows, said, drawn = [], [], []
    for index in range(count):
        scene = sample(seed, index)
        picture, mask = renderer.draw(scene)
        name = f"{index}.{image_format}"
        _save_picture(picture, out / IMAGES / name)
        _save_mask(mask, out / MASKS / str(index // SAMPLES_A_FOLDER), index, packed)
        rows.append(f"{name}  " + " ".join("1" if value else "-1" for value in attributes(scene).values()))
        said.append(caption_line(topics(scene), seed, index))
        drawn.append(json.dumps({"index": index, "seed": seed, "scene": json.loads(scene.to_json())}) + "\n")
        if progress is not None and (index + 1) % 100 == 0:
            progress(index + 1)
    # the lists come last and whole, so that a reader never sees one that names pictures not yet there
    write_atomically(out / ATTRIBUTE_FILE, ("\n".join([str(count), " ".join(ATTRIBUTES), *rows]) + "\n").encode())
    write_atomically(out / "captions.jsonl", "".join(said).encode())
    write_atomically(out / "scenes.jsonl", "".join(drawn).encode())
    return {"out": str(out), "count": count, "size": size, "seed": seed, "packed": packed}


def _check(out: Path | str, count: int, image_format: str) -> None:
    if count < 1:
        raise ValueError(f"count is {count}; accepted are whole numbers from 1")
    if image_format not in ("jpg", "png"):
        raise ValueError(f"unknown image format {image_format!r}; accepted are jpg and png")
    if Path(out).exists() and not Path(out).is_dir():
        raise ValueError(f"{out} is a file; give a folder to write into")


def _save_picture(picture: np.ndarray, path: Path) -> None:
    if path.suffix == ".png":
        save_png(path, Image.fromarray(picture))
        return
    with unfinished(path) as waiting:
        Image.fromarray(picture).save(waiting, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def _save_mask(mask: np.ndarray, folder: Path, index: int, packed: bool) -> None:
    """One indexed PNG, or one black-and-white PNG for each class that is there (background has none), instead of those that are there."""
    folder.mkdir(exist_ok=True)
    for ending in ("", *(f"_{name}" for name in CLASSES)):
        (folder / f"{index:05d}{ending}.png").unlink(missing_ok=True)
    if packed:
        image = Image.fromarray(mask)
        image.putpalette(np.asarray(PALETTE, np.uint8).reshape(-1).tolist())
        save_png(folder / f"{index:05d}.png", image)
        return
    for number in np.unique(mask):
        if number != BACKGROUND:
            white = Image.fromarray(np.where(mask == number, 255, 0).astype(np.uint8))
            save_png(folder / f"{index:05d}_{CLASSES[number]}.png", white)


def main(arguments: Sequence[str]) -> dict:
    """The command line of `python -m portraits.render`."""
    parser = cli.ArgumentParser(prog="python -m portraits.render", description="Draw portraits and write them as CelebAMask-HQ is laid out.")
    parser.add_argument("--count", type=int, default=100, help="how many samples (default 100)")
    parser.add_argument("--size", type=int, default=128, help="pixels a side, 16 to 2048 (default 128)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into; made if missing")
    parser.add_argument("--packed", action="store_true", help="one indexed PNG of all classes a sample instead of one a class")
    parser.add_argument("--format", default="jpg", dest="image_format", help="jpg (default) or png, for the pictures")
    parser.add_seed(0)
    options = parser.parse_args(list(arguments))
    return write_dataset(**vars(options), progress=lambda done: cli.say(f"{done} of {options.count} drawn"))
