"""What a pack's pictures look like to its CLIP, its attribute classifier and its parser: samples looked at once, and kept.

None of it depends on a prompt, so a prompt only has to look up who fits it: where a direction begins (`LEARN`), how far
alpha 1 is (`CALIBRATE`), and what it did in the end (`REPORT`), each on samples of its own. The survey comes with a pack
(survey.safetensors), else from the cache folder, else it is made there, which takes `COUNT` pictures without gradients.

    python -m lelsd.survey --pack portraits      makes the survey of a pack and puts it into the pack's folder
"""
from __future__ import annotations

import hashlib
import json
import warnings
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Callable, Iterable, Sequence
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lelsd.clip_guide import ClipGuide
from packs import cli, files
from packs.cache import cache_folder
from segmentation.parts import CLASSES, class_weights
from segmentation.places import PRESENT_SHARE

if TYPE_CHECKING:
    from pathlib import Path

    from packs.pack import Pack

NAME, KEY = "survey.safetensors", "eclipsed-survey"
VERSION, SEED = 2, 20_211_112
LEARN, CALIBRATE, REPORT = slice(0, 1024), slice(1024, 1280), slice(1280, 1536)
COUNT = REPORT.stop
RESOLUTION, BATCH = 256, 8  # pixels at most: CLIP looks at 224

_open: "WeakKeyDictionary[Pack, Survey]" = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Survey:
    """z [N, Z] and w [N, D] of the samples, untruncated; embeddings [N, E] of CLIP, of unit length; logits [N, A] of the
    classifier, None without one; by class of the parser, of 19, the share of the picture, shares [N, 19], and the mean colour in
    [-1, 1], colours [N, 19, 3], 0 where it has none. All float32 on the pack's device."""

    z: Tensor
    w: Tensor
    embeddings: Tensor
    logits: Tensor | None
    shares: Tensor
    colours: Tensor

    def part(self, rows: slice) -> "Survey":
        """Some of the samples."""
        return Survey(**{field.name: None if (values := getattr(self, field.name)) is None else values[rows] for field in fields(self)})

    def part_colour(self, part: str) -> tuple[Tensor, Tensor]:
        """The mean colour of a part in each sample, [N, 3], and bool [N]: whether it is there at all."""
        return part_colour(self.shares, self.colours, part)


def survey_of(pack: "Pack") -> Survey:
    """The survey of a pack: opened once a process. Raises ValueError for a shipped file that is damaged."""
    if pack not in _open:
        z = survey_latents(pack.generator.z_dim).to(pack.device)
        with torch.no_grad():
            w = pack.generator.mapping(z, truncation=1.0)[:, 0]
        seen = {name: values.to(pack.device).float() for name, values in (_shipped(pack) or _cached(pack)).items()}
        _open[pack] = Survey(z, w, seen["embeddings"], seen.get("logits"), seen["shares"], seen["colours"])
    return _open[pack]


def survey_latents(z_dim: int) -> Tensor:
    """The latents of the samples, [COUNT, z_dim]: the same on every machine."""
    return torch.randn(COUNT, z_dim, generator=torch.Generator().manual_seed(SEED))


def survey_file(pack: "Pack") -> bytes:
    """The file to ship with a pack: what its models see in the samples, in float16."""
    return save(_look(pack), metadata={KEY: survey_key(pack)})


def survey_key(pack: "Pack") -> str:
    """Which models looked: another generator, CLIP or classifier needs another survey."""
    models = {role: pack.info["files"].get(files.file_of(pack.info, role), {}).get("sha256") for role in ("clip", "classifier", "parser")}
    return hashlib.sha256(json.dumps([VERSION, COUNT, pack.hash, models, pack.info.get("clip")], sort_keys=True).encode()).hexdigest()


@torch.no_grad()
def _look(pack: "Pack") -> dict[str, Tensor]:
    """The tensors of a `Survey` that are not known beforehand, float16 on the CPU, so that it makes no difference whether they were stored."""
    guide, size = ClipGuide(pack), min(RESOLUTION, pack.resolution)
    w_plus = pack.generator.mapping(survey_latents(pack.generator.z_dim).to(pack.device), truncation=1.0)
    return in_half(_seen(pack, guide, some, size) for some in w_plus.split(BATCH))


def _seen(pack: "Pack", guide: ClipGuide, w_plus: Tensor, size: int) -> dict[str, Tensor]:
    images = pack.generator.synthesis(w_plus, resolution=size).float().clamp(-1, 1)
    seen = {"embeddings": guide.encode_image(images), **class_colours(images, pack.parser(images).argmax(dim=1))}
    return seen if pack.classifier is None else {**seen, "logits": pack.classifier(images)}


def in_half(batches: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """What was seen in batches of pictures, [n, ...] by name, as one, float16 on the CPU."""
    found = defaultdict(list)
    for seen in batches:
        for name, values in seen.items():
            found[name].append(values.half().cpu())
    return {name: torch.cat(values) for name, values in found.items()}


def part_colour(shares: Tensor, colours: Tensor, part: str) -> tuple[Tensor, Tensor]:
    """shares [N, 19] and colours [N, 19, 3] by class -> the mean colour of a part, [N, 3], and bool [N]: whether it is there at all."""
    shares = shares * torch.tensor(class_weights(part), device=shares.device)
    whole = shares.sum(dim=1)
    return (shares[..., None] * colours).sum(dim=1) / whole.clamp_min(1e-9)[:, None], whole > PRESENT_SHARE


def class_colours(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """images [N, 3, H, W], classes [N, H, W] -> "shares" [N, 19] of the picture, "colours" [N, 19, 3], the mean in each class."""
    holds = F.one_hot(labels.flatten(1), len(CLASSES)).to(images)
    shares = holds.mean(dim=1)
    sums = torch.einsum("npk,ncp->nkc", holds, images.flatten(2)) / labels[0].numel()
    return {"shares": shares, "colours": sums / shares.clamp_min(1e-12)[..., None]}


def _shipped(pack: "Pack") -> dict[str, Tensor] | None:
    """The survey that comes with the pack, unless it is of other models."""
    if NAME not in pack.info["files"]:
        return None
    path = files.checked(pack.path, pack.info, NAME)
    found = _read(path, survey_key(pack))
    if found is None:
        warnings.warn(f"{path} is of other models than those of pack {pack.name!r} and is not used", RuntimeWarning, stacklevel=3)
    return found


def _cached(pack: "Pack") -> dict[str, Tensor]:
    return kept(pack, survey_key(pack), lambda: _look(pack))


def kept(pack: "Pack", key: str, look: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What `look` finds in samples of a pack, from the cache folder, where it is put when it is made; a pack without files is nowhere else either.

    key: of everything that it depends on but the kind of device."""
    if not pack.info["files"]:
        return look()
    key = f"{key}-{pack.device.type}"
    path = cache_folder() / "surveys" / f"{key}.safetensors"
    found = _read(path, key) if path.is_file() else None
    if found is None:
        found = look()
        try:
            files.write_atomically(path, save(found, metadata={KEY: key}))
        except OSError as error:
            warnings.warn(f"the samples of pack {pack.name!r} cannot be kept ({error}) and are looked at anew each time; "
                          "ECLIPSED_CACHE names another folder", RuntimeWarning, stacklevel=4)
    return found


def _read(path: "Path", key: str) -> dict[str, Tensor] | None:
    """The tensors of a file; None if it is of other models, or no such file (a crash cannot leave one, a person may)."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()} if (file.metadata() or {}).get(KEY) == key else None
    except SafetensorError:
        return None


def main(argv: Sequence[str]) -> dict:
    """Make a pack's survey part of the pack."""
    from packs.pack import load_pack
    parser = cli.ArgumentParser(description="Look at samples of a pack once, so that directions for it begin at once wherever it goes.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_device()
    options = parser.parse_args(argv)
    pack = load_pack(options.pack, options.device)
    data = survey_file(pack)
    files.add_files(pack.path, {NAME: data})
    return {"pack": pack.name, "survey": pack.path / NAME, "samples": COUNT, "bytes": len(data)}


if __name__ == "__main__":
    cli.run(main)
