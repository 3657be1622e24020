"""Does an edit give a part a colour that such faces have? A judge who was never shown green hair may call it blonde.

    python -m evaluation.colours [--pack portraits] [--directions DIR] [--count 24] [--out colours.json]

Of each direction whose prompt is a matter of colour (`lelsd.colour`), whatever way the direction goes, pictures of samples that lack what is asked
for are compared with those that have it: how many have a mean colour of the part that lies among theirs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor

from lelsd.colour import colour_target
from lelsd.direction import Direction, load_direction
from lelsd.objective import Objective
from lelsd.report import objective_of, report_latents
from lelsd.run_folder import check_report
from lelsd.survey import class_colours, part_colour
from packs import cli
from packs.files import write_atomically
from packs.pack import load_pack

if TYPE_CHECKING:
    from packs.pack import Pack

AMONG = 3.0  # standard deviations from the middle of the colours of those that have what is asked for: of three axes, 0.97 of a normal distribution
BATCH = 8


@torch.no_grad()
def measure_colours(pack: "Pack", direction: Direction, count: int) -> dict | None:
    """Shares of pictures whose part has a colour as those have it that are as asked: `samples` that are so by nature, and `edited` at strength 1,
    and their median distances in standard deviations. None for a prompt that is no matter of colour. Raises ValueError for a direction of another pack."""
    objective = objective_of(pack, direction)
    survey, part = objective.survey, objective.prompt.part
    if objective.effect.judge == "colour" or colour_target(objective, direction.layers) is None:
        return None
    colours, there = survey.part_colour(part)
    having = colours[there & (objective.effect.of_survey(survey) > max(0.0, objective.effect.clear))]
    edited = colours_after(objective, direction, part, count)
    distances = {name: distance_from(having, some) for name, some in (("samples", having), ("edited", edited))}
    return {"prompt": direction.prompt, "part": part, "pictures": len(edited),
            **{name: round(float((some <= AMONG).double().mean()), 3) for name, some in distances.items()},
            **{f"{name}_distance": round(float(some.median()), 2) for name, some in distances.items()}}


def colours_after(objective: Objective, direction: Direction, part: str, count: int) -> Tensor:
    """The mean colours of a part in up to `count` pictures that lacked what is asked for, after the edit at strength 1: [n, 3]; those that do not show it are left out."""
    pack, found = objective.pack, []
    for w_plus in objective.w_plus(report_latents(objective, count, 0)).split(BATCH):
        images = pack.generator.synthesis(w_plus + direction.step_from(w_plus, 1.0).to(w_plus)).float().clamp(-1, 1)
        colours, there = part_colour(**class_colours(images, pack.parser(images).argmax(dim=1)), part=part)
        found.append(colours[there])
    return torch.cat(found)


def distance_from(examples: Tensor, colours: Tensor) -> Tensor:
    """Mahalanobis distances of colours [N, 3] from the middle of examples [M, 3] -> [N], in standard deviations."""
    root = torch.linalg.cholesky(torch.cov(examples.double().T))
    return torch.linalg.solve_triangular(root, (colours - examples.mean(dim=0)).double().T, upper=False).norm(dim=0)


def main(argv: Sequence[str]) -> dict:
    """Measure the directions of a pack or of a folder."""
    parser = cli.ArgumentParser(description="Measure whether colours after an edit are colours that such faces have.")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="a folder of directions (the pack's own)")
    parser.add_argument("--count", type=cli.positive_int, default=24, help="pictures a direction, at most (24)")
    parser.add_argument("--out", type=Path, help="where to write the report as JSON")
    parser.add_device()
    options = parser.parse_args(argv)
    if options.out:
        check_report(options.out)
    pack = load_pack(options.pack, options.device)
    paths = pack.directions() if options.directions is None else sorted(options.directions.glob("*.safetensors"))
    if not paths:
        raise ValueError(f"there is no direction in {str(options.directions or pack.path)!r}; accepted: a folder of .safetensors files that were learned with this pack")
    lines = [line for path in paths if (line := measure_colours(pack, load_direction(path), options.count))]
    for line in lines:
        cli.say(f"{line['prompt']}: {line['edited']:.2f} of {line['pictures']} after the edit, {line['samples']:.2f} of samples")
    report = {"pack": pack.name, "pack_hash": pack.hash, "directions": lines}
    if options.out:
        write_atomically(options.out, json.dumps(report, indent=1).encode())
    return report


if __name__ == "__main__":
    cli.run(main)
