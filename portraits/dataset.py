"""Rendered samples on disk, quick to read at random: what every trainer of the built-in pack learns from.

A cache folder holds, for `count` samples of one world,

    images.npy      uint8 [N, S, S, 3]        masks.npy       uint8 [N, S, S], 19 classes
    latents.npy     float32 [N, factors]      quantities.npy  float32 [N, Q], named in meta.json
    attributes.npy  bool [N, A]               truth.npy       int8 [N, T]: 1 true, 0 false, -1 not to be seen (topics.py)
    captions.jsonl  {"index", "captions": [text], "facts": [{topic: value}]}
    meta.json       seed, count, size, and the names of quantities, attributes and topics

`build_cache` renders in several processes and goes on where a killed run stopped.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from packs.files import write_atomically
from portraits.captions import compose
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, NUM_FACTORS, attributes, latents, make_scene, sample
from portraits.topics import TOPICS, topics

CHUNK = 250
CAPTIONS_EACH = 4
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # read by numpy's libraries when they are loaded
_CAPTION_STREAM = 0x63617074  # keeps the random numbers of the captions apart from those of the scene


def caption_rng(seed: int, index: int) -> np.random.Generator:
    """The random numbers for the captions of sample `index` of the world `seed`."""
    return np.random.Generator(np.random.Philox(key=[seed ^ _CAPTION_STREAM << 32, index]))


def truth_row(truth: dict[str, bool | None]) -> np.ndarray:
    """What `topics` tells of a scene as int8 [T]: 1 true, 0 false, -1 not to be seen or undecided."""
    return np.array([-1 if value is None else int(value) for value in truth.values()], np.int8)


def _layout(count: int, size: int) -> dict[str, tuple[tuple[int, ...], type]]:
    return {
        "images": ((count, size, size, 3), np.uint8), "masks": ((count, size, size), np.uint8),
        "latents": ((count, NUM_FACTORS), np.float32), "quantities": ((count, len(sample(0, 0).values)), np.float32),
        "attributes": ((count, len(ATTRIBUTES)), np.bool_), "truth": ((count, len(TOPICS)), np.int8),
    }


def build_cache(folder: Path | str, seed: int, count: int, size: int, workers: int = 2,
                progress: Callable[[dict], None] | None = None) -> "PortraitCache":
    """Render samples 0 .. count-1 of the world `seed` at `size` pixels into `folder`; finished chunks are not done again.

    `progress` receives {"done": samples, "count": count} after every chunk. Raises ValueError for count < 1, a size
    that the renderer does not take, or a folder that holds another cache; OSError when the disk refuses.
    """
    if count < 1:
        raise ValueError(f"count is {count}; accepted are whole numbers from 1")
    if workers < 1:
        raise ValueError(f"workers is {workers}; accepted are whole numbers from 1")
    Renderer(size)
    folder = Path(folder)
    _prepare(folder, seed, count, size)
    if not (folder / "captions.jsonl").exists():
        missing = [start for start in range(0, count, CHUNK) if not _chunk_path(folder, start).exists()]
        done = count - sum(min(CHUNK, count - start) for start in missing)
        for rendered in _map(partial(_render_chunk, str(folder), seed, count, size), missing, workers):
            done += rendered
            if progress is not None:
                progress({"done": done, "count": count})
        _join_captions(folder, count)
    return PortraitCache(folder)


def _map(function: Callable[[int], int], starts: list[int], workers: int) -> Iterator[int]:
    if workers == 1 or len(starts) < 2:
        yield from map(function, starts)
        return
    # spawned, not forked: the parent may hold torch's threads, which do not survive a fork
    with single_threaded(), multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(function, starts)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Processes that are started meanwhile multiply matrices with one thread each.

    The renderer's products are small. Left alone, each process spins a thread a core for them, and two processes on two
    cores draw a third of what they can.
    """
    before = {name: os.environ.get(name) for name in _BLAS_THREADS}
    os.environ.update(dict.fromkeys(_BLAS_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _prepare(folder: Path, seed: int, count: int, size: int) -> None:
    """Make the folder and its empty arrays, or check that those there are of the same cache."""
    meta = {
        "seed": seed, "count": count, "size": size, "quantities": list(sample(0, 0).values),
        "attributes": list(ATTRIBUTES), "topics": list(TOPICS),
    }
    path = folder / "meta.json"
    if path.exists():
        found = json.loads(path.read_text())
        different = [key for key in meta if found.get(key) != meta[key]]
        if different:
            raise ValueError(f"{folder} holds another cache (its {', '.join(different)} differ); give an empty folder")
        return
    (folder / "chunks").mkdir(parents=True, exist_ok=True)
    for name, (shape, dtype) in _layout(count, size).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape).flush()
    _write_text(path, json.dumps(meta))


def _chunk_path(folder: Path, start: int) -> Path:
    return folder / "chunks" / f"{start:08d}.jsonl"


def _render_chunk(folder: str, seed: int, count: int, size: int, start: int) -> int:
    """Fill samples start .. start + CHUNK - 1; the chunk's captions are written last and say that it is finished."""
    renderer = Renderer(size)
    arrays = {name: np.lib.format.open_memmap(Path(folder) / f"{name}.npy", "r+") for name in _layout(count, size)}
    lines = []
    indices = range(start, min(start + CHUNK, count))
    for index in indices:
        rows, line = draw_sample(renderer, seed, index)
        for name, row in rows.items():
            arrays[name][index] = row
        lines.append(line)
    for array in arrays.values():
        array.flush()
    _write_text(_chunk_path(Path(folder), start), "".join(lines))
    return len(indices)


def draw_sample(renderer: Renderer, seed: int, index: int) -> tuple[dict[str, object], str]:
    """Sample `index` of the world `seed`: its row of every array of a cache, by name, and its line of captions.jsonl."""
    g = latents(seed, index)
    scene = make_scene(g)
    image, mask = renderer.draw(scene)
    truth = topics(scene)
    rows = {
        "images": image, "masks": mask, "latents": g, "quantities": list(scene.values.values()),
        "attributes": list(attributes(scene).values()), "truth": truth_row(truth),
    }
    return rows, caption_line(truth, seed, index)


def caption_line(truth: dict[str, bool | None], seed: int, index: int) -> str:
    """The JSON line of captions.jsonl for one sample, of which `topics` tells `truth`."""
    rng = caption_rng(seed, index)
    said = [compose(truth, rng) for _ in range(CAPTIONS_EACH)]
    return json.dumps({"index": index, "captions": [c.text for c in said], "facts": [c.facts for c in said]}) + "\n"


def _join_captions(folder: Path, count: int) -> None:
    chunks = [_chunk_path(folder, start) for start in range(0, count, CHUNK)]
    _write_text(folder / "captions.jsonl", "".join(chunk.read_text() for chunk in chunks))


def _write_text(path: Path, text: str) -> None:
    """Write all of it or nothing: a killed process leaves no half file under the final name."""
    write_atomically(path, text.encode())


class PortraitCache:
    """A finished cache folder. Arrays are memory maps; the last twentieth (20 to 2000) is kept for validation."""

    def __init__(self, folder: Path | str):
        """Raises ValueError when `folder` holds no finished cache."""
        self.folder = Path(folder)
        if not (self.folder / "captions.jsonl").exists():
            raise ValueError(f"{folder} holds no finished cache of portraits; build_cache makes one")
        meta = json.loads((self.folder / "meta.json").read_text())
        self.seed, self.count, self.size = meta["seed"], meta["count"], meta["size"]
        self.quantity_names, self.attribute_names = tuple(meta["quantities"]), tuple(meta["attributes"])
        self.topic_names = tuple(meta["topics"])
        arrays = {name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in _layout(1, 16)}
        self.images, self.masks, self.latents = arrays["images"], arrays["masks"], arrays["latents"]
        self.quantities, self.attributes, self.truth = arrays["quantities"], arrays["attributes"], arrays["truth"]
        held = min(2000, max(20, self.count // 20), self.count // 2)
        self.train_indices = np.arange(self.count - held)
        self.validation_indices = np.arange(self.count - held, self.count) if held else self.train_indices

    def captions(self) -> Iterator[dict]:
        """The lines of captions.jsonl as dicts, in order."""
        with open(self.folder / "captions.jsonl") as file:
            yield from map(json.loads, file)

    def read_images(self, indices: np.ndarray):
        """float32 tensor [B, 3, S, S] in [-1, 1]."""
        import torch  # here, so that the rendering processes need not load it

        pixels = torch.from_numpy(self.images[np.asarray(indices)])
        return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)

    def read_masks(self, indices: np.ndarray):
        """int64 tensor [B, S, S] of classes."""
        import torch

        return torch.from_numpy(self.masks[np.asarray(indices)]).to(torch.int64)

    def batches(self, rng: np.random.Generator, batch_size: int) -> Iterator[tuple]:
        """Endless random training batches: images float32 [B, 3, S, S] in [-1, 1], masks int64 [B, S, S]."""
        for indices in self.index_batches(rng, batch_size):
            yield self.read_images(indices), self.read_masks(indices)

    def index_batches(self, rng: np.random.Generator, batch_size: int) -> Iterator[np.ndarray]:
        """Endless random batches of training indices [B], every sample once before any comes twice."""
        if not 1 <= batch_size <= len(self.train_indices):
            raise ValueError(f"batch size is {batch_size}; this cache allows 1 to {len(self.train_indices)}")
        while True:
            order = rng.permutation(self.train_indices)
            for start in range(0, len(order) - batch_size + 1, batch_size):
                yield order[start : start + batch_size]
