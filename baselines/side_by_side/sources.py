"""Pictures to compare editors on: samples of the generator, drawn faces, somebody's own, a latent; with latents where those are asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from evaluation.editor import Samples
from evaluation.measure import BATCH
from lelsd.edit import base_latent
from lelsd.invert import invert_picture, prepared
from packs.cli import MAX_SEED
from packs.pack import Pack
from portraits.render import Renderer
from portraits.scene import sample
from stylegan2.images import from_uint8
from stylegan2.inversion.intake import read_picture
from stylegan2.inversion.optimise import Inversion

MAX_PICTURES, MAX_PIXELS = 16, 16 * 512**2  # of one comparison, whose result a visitor keeps
MAX_FOUND = 16  # sets of pictures whose latents are kept
DRAWN_WORLD = 0x636F6D70  # of drawn faces; nothing is trained on it
SEARCH_STEPS = 60  # for the latent of a single picture; for several the encoder's guess has to do, where there is one
KINDS = ("sampled", "drawn", "uploaded", "latent")
Progress = Callable[[float, str], None]
Found = OrderedDict[tuple[str, int, str], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Chosen:
    """Pictures as somebody describes them, not yet made. kind: of `KINDS`. number: a seed, or a drawn face's place in its world.

    truncation: of samples. files: name and contents of each uploaded one. w_plus, title: the latent [1, L, D] of a single picture, and what it is
    called.
    """

    kind: str
    number: int = 0
    count: int = 1
    truncation: float = 1.0
    files: tuple[tuple[str, bytes], ...] = ()
    w_plus: Tensor | None = field(default=None, compare=False)
    title: str = ""

    def __len__(self) -> int:
        return len(self.files) if self.kind == "uploaded" else self.count

    @property
    def words(self) -> str:
        """What they are, for a caption and the table."""
        if self.kind == "uploaded":
            return uploaded_words([name for name, _ in self.files])
        if self.kind == "latent":
            return self.title
        which = f"{self.number}" if self.count == 1 else f"{self.number} to {self.number + self.count - 1}"
        plural = "" if self.count == 1 else "s"
        if self.kind == "drawn":
            return f"drawn face{plural} {which}"
        return f"the face{plural} of seed{plural} {which}" + (f" at truncation {self.truncation:g}" if self.truncation != 1 else "")

    def make(self, pack: Pack) -> Samples:
        """Raises ValueError, one sentence, for what cannot be had."""
        if self.kind == "sampled":
            return sampled(pack, self.number, self.count, self.truncation)
        if self.kind == "drawn":
            return drawn(pack, self.number, self.count)
        if self.kind == "latent":
            return of_latent(pack, self.w_plus)
        return uploaded(pack, self.files)


def uploaded_words(names: Sequence[str]) -> str:
    """What pictures of these names are called."""
    return f"uploaded: {', '.join(names)}"


def most(pack: Pack) -> int:
    """How many pictures of this pack's size can be compared at once."""
    return max(1, min(MAX_PICTURES, MAX_PIXELS // pack.resolution**2))


@torch.no_grad()
def sampled(pack: Pack, seed: int, count: int, truncation: float) -> Samples:
    """The faces of `count` seeds from `seed` on. Raises ValueError for a seed beyond the last."""
    _check_count(pack, count)
    if seed + count - 1 > MAX_SEED:
        raise ValueError(f"seeds {seed} to {seed + count - 1} are out of range; accepted: up to {MAX_SEED}")
    w_plus = torch.cat([base_latent(pack, seed + place, truncation) for place in range(count)])
    return Samples(torch.cat([pack.generator.synthesis(rows) for rows in w_plus.split(BATCH)]), w_plus)


@torch.no_grad()
def of_latent(pack: Pack, w_plus: Tensor) -> Samples:
    """The picture of w_plus [1, L, D]."""
    return Samples(pack.generator.synthesis(w_plus), w_plus)


def drawn(pack: Pack, number: int, count: int) -> Samples:
    """`count` faces that the renderer draws, from `number` on; they have no latents."""
    _check_count(pack, count)
    renderer = Renderer(pack.resolution)
    pictures = [renderer.draw(sample(DRAWN_WORLD, number + place))[0] for place in range(count)]
    return Samples(torch.cat([from_uint8(picture[None]) for picture in pictures]).to(pack.device))


def uploaded(pack: Pack, pictures: Sequence[tuple[str, bytes]]) -> Samples:
    """The middle squares of files (name, contents); they have no latents. Raises ValueError, which names the file."""
    if not pictures:
        raise ValueError(f"there is no picture yet, choose a file, or let one be sampled or drawn; accepted: 1 to {most(pack)}")
    _check_count(pack, len(pictures))
    return Samples(torch.cat([prepared(pack, read_picture(data, name)) for name, data in pictures]).to(pack.device))


def with_latents(pack: Pack, samples: Samples, progress: Progress = lambda share, words: None, kept: Found | None = None,
                 ) -> tuple[Samples, Tensor | None]:
    """The same pictures with the w+ that were found for them, and what the generator draws of those; (samples, None) if they had some.

    kept: what was found before, which is looked at first and added to.
    """
    if samples.w_plus is not None:
        return samples, None
    steps = SEARCH_STEPS if len(samples) == 1 or pack.encoder is None else 0
    kept = OrderedDict() if kept is None else kept
    key = (pack.hash, steps, hashlib.sha256(samples.images.cpu().numpy().tobytes()).hexdigest())
    if key not in kept:
        kept[key] = _search(pack, samples.images, steps, progress)
        while len(kept) > MAX_FOUND:
            kept.popitem(last=False)
    w_plus, found = kept[key]
    return Samples(samples.images, w_plus), found


def _search(pack: Pack, images: Tensor, steps: int, progress: Progress) -> tuple[Tensor, Tensor]:
    """w+ [N, L, D] and the pictures [N, 3, R, R] of it."""
    for found in invert_picture(pack, images, Inversion(steps=steps)):
        progress(found.step / max(steps, 1), "Looking for the face in the generator …")
    return found.w_plus.detach(), found.image.detach()


def _check_count(pack: Pack, count: int) -> None:
    if not 1 <= count <= most(pack):
        raise ValueError(f"there are {count} pictures; accepted of {pack.resolution} pixels: 1 to {most(pack)}")
