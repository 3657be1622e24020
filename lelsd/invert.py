"""A picture as a face that can be edited: the w+ that draws it, by the pack's encoder where it has one, and by optimisation.

    python -m lelsd.invert photo.jpg --out inverted
    python -m lelsd.edit --base inverted/photo_inverted.png --direction PATH --alpha 1 --out edited
"""
from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Sequence

import torch
from torch import Tensor

from lelsd.features import FeatureDistance
from lelsd.likeness import Likeness, means
from lelsd.recipe import Recipe, save_png
from lelsd.run_folder import RunFolder, check_folder
from packs import cli
from stylegan2 import images
from stylegan2.inversion.align import POINTS, Framing, align_face, middle_square
from stylegan2.inversion.intake import read_picture
from stylegan2.inversion.optimise import Inversion, Progress, average_start, invert

if TYPE_CHECKING:
    from PIL import Image

    from packs.pack import Pack

TELL_EVERY = 20  # steps
PREVIEW_SECONDS, PREVIEW_SHARE = 1.0, 0.2  # between two pictures of how it goes: at least these seconds, and this share of those so far


def prepared(pack: "Pack", picture: "Image.Image", points: Sequence[Sequence[float]] | None = None) -> Tensor:
    """A picture as this pack's generator would draw it, [1, 3, R, R] in [-1, 1]: the face that `points` (`align.POINTS`, in pixels)
    say, or else the middle. Raises ValueError for points that are on no face."""
    if points is None:
        return middle_square(picture, pack.resolution)
    return align_face(picture, points, pack.resolution, Framing(**pack.framing))


def start_of(pack: "Pack", target: Tensor) -> tuple[Tensor, str]:
    """Where a search begins, [N or 1, L, D], and what said so: "encoder", or "average" in a pack without one."""
    if pack.encoder is None:
        return average_start(pack.generator), "average"
    with torch.no_grad():
        return pack.encoder(target.to(pack.device)), "encoder"


def invert_picture(pack: "Pack", target: Tensor, settings: Inversion = Inversion(), distance: FeatureDistance | None = None) -> Iterator[Progress]:
    """Search for the w+ that draws `target` [N, 3, R, R]; the first thing told is the start. Raises ValueError for another size."""
    target = target.to(pack.device)
    distance = distance or FeatureDistance(pack)
    yield from invert(pack.generator, target, start_of(pack, target)[0], distance.to(target), settings)


def recipe_of(pack: "Pack", w_plus: Tensor) -> Recipe:
    """What the studio, `lelsd.edit` and a PNG of ours can edit further: w_plus [1, L, D], kept exactly."""
    return Recipe(pack.name, pack.hash, w_plus=w_plus.detach().cpu())


def parse_point(text: str) -> tuple[float, float]:
    """"120,80" -> (120.0, 80.0). Raises ValueError for anything else."""
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError(f"{text[:40]!r} is no point; accepted: x,y in pixels, such as 120,80")
    return cli.number(parts[0]), cli.number(parts[1])


def followed(search: Iterator[Progress], run: RunFolder) -> Iterator[Progress]:
    """Pass on what `search` tells, and say it in `run` as a training does: status, metrics, a preview now and then.

    Raises: KeyboardInterrupt: somebody put a file `cancel` there. OSError: the disk refuses.
    """
    begun = shown = time.monotonic()
    for found in search:
        if run.cancelled():
            raise KeyboardInterrupt
        now = time.monotonic()
        run.add_metrics(found.step, {"pixels": round(found.pixel.mean().item(), 5), "features": round(found.feature.mean().item(), 5)})
        run.status(state="running", step=found.step, steps=found.steps, seconds=round(now - begun, 3))
        if found.step == 0 or found.finished or now - shown >= max(PREVIEW_SECONDS, PREVIEW_SHARE * (now - begun)):
            shown = now
            run.preview_path(found.step).parent.mkdir(exist_ok=True)
            images.save_png(run.preview_path(found.step), images.to_pil(found.image[:1]))
        yield found


def main(argv: Sequence[str]) -> dict:
    """Find the face of a picture, write it with its recipe, and say how like it is."""
    options = _parser().parse_args(argv)
    if options.run is None:
        return _find(options, None)
    run = RunFolder(options.run)
    run.path.mkdir(parents=True, exist_ok=True)
    run.truncate_metrics(-1)  # those of an earlier try
    run.forget_old_cancel()
    with run.noting_its_end():
        run.status(state="running", step=0)
        result = _find(options, run)
        run.status(state="done", start=result["start"], likeness=result["after"])
    return result | {"run": run.path}


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(prog="python -m lelsd.invert", description="Find the face of a picture in a pack's generator, to edit it further.")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a PNG, JPEG or WebP picture")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--points", type=parse_point, nargs=4, metavar="X,Y", help=f"{', '.join(POINTS)}, in pixels (without: the middle of the picture)")
    parser.add_argument("--steps", type=cli.whole_number, default=Inversion.steps, metavar="N", help=f"at most, 0 for the encoder alone ({Inversion.steps})")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--run", type=Path, metavar="DIR", help="say in this folder how far it is: status.json, metrics.jsonl, previews; a file `cancel` there ends it")
    parser.add_seed(0)
    parser.add_device()
    return parser


def _find(options: Namespace, run: RunFolder | None) -> dict:
    """The search itself, and what it found as files."""
    from packs.pack import load_pack

    check_folder(options.out)
    begun, settings, picture = time.monotonic(), Inversion(steps=options.steps), read_picture(options.image)
    pack = load_pack(options.pack, options.device)
    target = prepared(pack, picture, options.points).to(pack.device)
    distance = FeatureDistance(pack)
    search, first = invert_picture(pack, target, settings, distance), None
    for final in followed(search, run) if run else search:
        first = first or final
        if final.step % TELL_EVERY == 0 or final.finished:
            cli.say(f"step {final.step} of {final.steps}: pixels {final.pixel.item():.4f}, features {final.feature.item():.4f}")
    likeness = Likeness(pack, distance, options.seed)
    with torch.no_grad():  # as the recipe draws it
        found = pack.generator.synthesis(final.w_plus)
    paths = [options.out / f"{options.image.stem}_{what}.png" for what in ("target", "start", "inverted")]
    options.out.mkdir(parents=True, exist_ok=True)
    images.save_png(paths[0], images.to_pil(target))
    save_png(paths[1], images.to_pil(first.image), recipe_of(pack, first.w_plus))
    save_png(paths[2], images.to_pil(found), recipe_of(pack, final.w_plus))
    return {"out": options.out, "files": paths, "pack": pack.name, "start": start_of(pack, target)[1], "steps": final.step,
            "before": means(likeness(target, first.image)), "after": means(likeness(target, found)),
            "seconds": round(time.monotonic() - begun, 2)}


if __name__ == "__main__":
    cli.run(main)
