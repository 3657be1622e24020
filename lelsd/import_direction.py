"""Take in a direction that was made elsewhere:  python -m lelsd.import_direction age.npy --prompt "an old person" --out runs/age

InterFaceGAN, GANSpace, StyleCLIP, SeFa and their like leave a step in W, [1, D], or in W+, [L, D], of a length that means
something to its makers only. Here it gets what every direction of ours has: rows of unit length, and a measured strength.
"""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.arrays import MAX_BYTES, read_array
from lelsd.direction import Direction, direction_from_bytes
from lelsd.run_folder import check_folder
from packs import cli

if TYPE_CHECKING:
    from packs.pack import Pack

LARGEST_PICTURES = 256  # larger ones are looked at in this size: the strength of an edit needs no finer details
SILENT = 1e-6  # rows shorter than this, of the longest, do nothing


def import_direction(data: bytes, pack: "Pack", prompt: str, part: str | None = None, name: str = "the upload") -> Direction:
    """The contents of a .npy, .pt or .safetensors file -> a direction for `pack`, calibrated so that alpha 1 is a typical edit.

    prompt: what the direction does, in words; decides the part unless `part` names it (or several, separated by commas).
    Raises: ValueError, one sentence: a file that is no single array, of no fitting shape, or a prompt that is empty.
    """
    from lelsd.calibrate import calibrate_by_effect
    from lelsd.config import TrainConfig
    from lelsd.objective import Objective
    from lelsd.space import unit_rows
    from lelsd.prompt import parse_prompt  # spaCy takes seconds to import
    rows, space = as_rows(read_array(data, name), pack.generator.num_ws, pack.generator.w_dim, name)
    meant = parse_prompt(prompt, pack)
    meant = meant if part is None else meant.with_parts(part)
    layers = moving_layers(rows)
    deltas = torch.zeros(1, *rows.shape)
    deltas[:, layers] = unit_rows(rows[None, layers])
    config = TrainConfig().updated(pack.defaults).updated({"resolution": LARGEST_PICTURES if pack.resolution > LARGEST_PICTURES else 0})
    calibration, quality = calibrate_by_effect(Objective(pack, meant, config), deltas.to(pack.device), layers)
    made = Direction(deltas, tuple(layers), meant.text, meant.part, pack.name, pack.hash, calibration, meant.parts,
                     {"imported_from": cli.sentence(name), "space": space}, quality)
    return direction_from_bytes(made.to_bytes(), name)


def as_rows(array: Tensor, num_layers: int, width: int, name: str = "the upload") -> tuple[Tensor, str]:
    """[D], [1, D] or [1, 1, D] (a step in W, the same for all rows), [L, D] or [1, L, D] (in W+) -> [L, D], and "W" or "W+".

    Raises: ValueError: another shape, or nothing but zeros.
    """
    shape = [size for size in array.shape if size != 1]
    if shape not in ([width], [num_layers, width]):
        raise ValueError(f"{name} has the shape {list(array.shape)}; accepted for this pack: [1, {width}] (W) or [{num_layers}, {width}] (W+)")
    if not array.any():
        raise ValueError(f"{name} holds nothing but zeros, which moves nothing; accepted: a step in W or W+")
    array = array / array.abs().max()  # so that squares of very small or large numbers stay numbers
    return (array.reshape(1, width).repeat(num_layers, 1), "W") if shape == [width] else (array.reshape(shape), "W+")


def moving_layers(rows: Tensor) -> list[int]:
    """The rows of [L, D] that do something."""
    lengths = rows.norm(dim=1)
    return torch.nonzero(lengths > SILENT * lengths.max()).flatten().tolist()


def main(argv: Sequence[str]) -> dict:
    """Read, calibrate, write."""
    parser = cli.ArgumentParser(description="Take in a direction in W or W+ that was made elsewhere, and find out how strong it is.")
    parser.add_argument("file", type=Path, help="a .npy, .pt or .safetensors file with one array, [1, D] or [L, D]; nothing in it is run")
    parser.add_argument("--prompt", required=True, help="what it does, in words: \"an old person\"")
    parser.add_argument("--part", help="the part it changes, or several separated by commas (from the prompt)")
    parser.add_argument("--pack", default="portraits", help="the pack that it was made for (portraits)")
    parser.add_argument("--out", type=Path, required=True, help="the folder for direction.safetensors; in runs/, the studio lists it")
    parser.add_device()
    options = parser.parse_args(argv)
    path = options.out / "direction.safetensors"
    check_folder(options.out)
    if path.exists():
        raise ValueError(f"{path} is there already; accepted for --out: a folder without one")
    data = read_file(options.file)
    from packs.pack import load_pack
    pack = load_pack(options.pack, options.device)
    direction = import_direction(data, pack, options.prompt, options.part, str(options.file))
    direction.save(path)
    return {"direction": path, "prompt": direction.prompt, "part": direction.part, "layers": list(direction.layers),
            "space": direction.config["space"], "distance": direction.calibration[0], **direction.quality}


def read_file(path: Path) -> bytes:
    """The bytes of a file that may be one. Raises ValueError for a large one before it is read, OSError if there is none."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} is larger than the {MAX_BYTES} bytes that are accepted")
    return data


if __name__ == "__main__":
    cli.run(main)
