"""A comparison in a folder: compared.json, written last, the table as compared.csv, and a PNG of all pictures in a row for each editor.

    before.png  before_mask.png  [found.png]  00-text.png  00-text_mask.png  01-secgan.png ...
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from baselines.side_by_side.outcomes import Compared, Contender, Outcome, Wish, as_csv
from evaluation.comparison import read_json, write_json
from lelsd.collection import slug
from packs.files import write_atomically
from segmentation.parser import label_image
from segmentation.parts import CLASSES
from stylegan2.images import open_image, save_png

RESULT, TABLE = "compared.json", "compared.csv"


def write(compared: Compared, folder: Path) -> Path:
    """All of it; the file that says so comes last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pictures(folder, "before", compared.images, compared.labels)
    if compared.found is not None:
        write_pictures(folder, "found", compared.found)
    outcomes = []
    for place, outcome in enumerate(compared.outcomes):
        contender, stem = outcome.contender, f"{place:02d}-{slug(outcome.contender.name)}"
        if outcome.images is not None:
            write_pictures(folder, stem, outcome.images, outcome.labels)
        outcomes.append({**{name: getattr(contender, name) for name in ("name", "title", "note", "absence", "alpha")},
                         "pictures": stem if outcome.images is not None else None, "measured": outcome.measured, "trouble": outcome.trouble})
    write_atomically(folder / TABLE, as_csv(compared).encode())
    told = {name: getattr(compared, name) for name in ("source", "pack", "pack_hash", "eligible", "features")}
    write_json(folder / RESULT, {"wish": asdict(compared.wish), **told, "pictures": len(compared.images), "found": compared.found is not None,
                                 "outcomes": outcomes})
    return folder / RESULT


def read(folder: Path) -> Compared:
    """What `write` wrote; its contenders edit no more. Raises ValueError, one sentence, for a damaged folder, and OSError."""
    info = read_json(folder / RESULT)
    try:
        count = int(info["pictures"])
        images, labels = read_pictures(folder, "before", count)
        found = read_pictures(folder, "found", count, masks=False)[0] if info["found"] else None
        outcomes = tuple(_outcome(folder, entry, count) for entry in info["outcomes"])
        told = {name: info[name] for name in ("source", "pack", "pack_hash", "eligible", "features")}
        return Compared(Wish(**info["wish"]), images=images, labels=labels, outcomes=outcomes, found=found, **told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / RESULT} is damaged: {json.dumps(str(error))}") from error


def _outcome(folder: Path, entry: dict, count: int) -> Outcome:
    contender = Contender(editor=None, **{name: entry[name] for name in ("name", "title", "note", "absence", "alpha")})
    images, labels = (None, None) if entry["pictures"] is None else read_pictures(folder, entry["pictures"], count)
    return Outcome(contender, images, labels, entry["measured"], entry["trouble"])


def write_pictures(folder: Path, stem: str, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Pictures uint8 [N, R, R, 3] as STEM.png and labels [N, R, R] as STEM_mask.png, beside each other. Raises OSError."""
    save_png(folder / f"{stem}.png", Image.fromarray(np.concatenate(images, axis=1)))
    if labels is not None:
        save_png(folder / f"{stem}_mask.png", label_image(np.concatenate(labels, axis=1)))


def read_pictures(folder: Path, stem: str, count: int, masks: bool = True) -> tuple[np.ndarray, np.ndarray | None]:
    """What `write_pictures` wrote. Raises ValueError for files that do not hold `count` pictures each, and OSError."""
    images = _split(np.asarray(open_image(folder / f"{stem}.png").convert("RGB")), count, folder / f"{stem}.png")
    if not masks:
        return images, None
    picture = open_image(folder / f"{stem}_mask.png")
    labels = np.asarray(picture)
    if picture.mode not in ("P", "L") or labels.max() >= len(CLASSES):
        raise ValueError(f"{folder / f'{stem}_mask.png'} is damaged: it holds no class numbers")
    return images, _split(labels, count, folder / f"{stem}_mask.png")


def _split(row: np.ndarray, count: int, path: Path) -> np.ndarray:
    if count < 1 or row.shape[1] != count * row.shape[0]:
        raise ValueError(f"{path} is damaged: it does not hold {count} square pictures")
    return np.stack(np.split(row, count, axis=1))
