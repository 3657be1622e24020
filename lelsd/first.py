"""A first direction for a prompt at once: no picture is made, all is looked up in the survey of the pack.

    python -m lelsd.first "a person with curly hair" --out first.safetensors

Training begins at the same direction and refines it; until it has, this one can already be tried. To find out beforehand
what does not depend on the prompt is the idea of StyleCLIP's global directions (Patashnik et al. 2021, section 6), which
try each channel of StyleSpace; here a regression on whole pictures takes the place of that.
"""
from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from lelsd.colour import described_colour
from lelsd.config import TrainConfig, parse_layers
from lelsd.direction import Direction
from lelsd.dressing import objective_for
from lelsd.predicted import predicted_step
from lelsd.worn import place_target
from packs import cli

if TYPE_CHECKING:
    from lelsd.prompt import Prompt
    from packs.pack import Pack


def first_direction(pack: "Pack", prompt: "Prompt", config: TrainConfig | None = None) -> Direction:
    """Where training for the prompt begins, with a strength that is predicted and not measured. Deterministic.

    config: its layers count ("auto" means all rows here) and are stored. Raises ValueError for layers that the generator
    has not, and for a prompt that CLIP cannot tell from the neutral text.
    """
    config = config or TrainConfig().updated(pack.defaults)
    objective = objective_for(pack, prompt, replace(config, steps=1))
    layers = parse_layers(config.layers, objective.rows_seen) or list(range(objective.rows_seen))
    target = place_target(objective, layers)
    if target is not None:
        target, rows, distance = described_colour(target, layers)
        return Direction(rows, tuple(layers), prompt.text, prompt.part, pack.name, pack.hash, (distance,), dict(prompt.parts), config.to_dict(),
                         {"predicted": True, "judge": objective.effect.judge}, colour=target)
    return replace(predicted_step(objective, layers), config=config.to_dict())


def main(argv: Sequence[str]) -> dict:
    """Write the first direction of a prompt."""
    parser = cli.ArgumentParser(description="Look a first direction up for a prompt, in a moment and without training.")
    parser.add_argument("prompt", help="what the edited person looks like, up to 300 characters")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--out", type=Path, required=True, help="the direction.safetensors to write")
    parser.add_device()
    options = parser.parse_args(argv)
    from lelsd.prompt import parse_prompt
    from lelsd.survey import survey_of
    from packs.pack import load_pack
    pack = load_pack(options.pack, options.device)
    survey_of(pack)  # made on the first use of a pack that comes without
    pack.clip_model, pack.tokenizer  # opened, with the libraries they need: no part of what a prompt costs
    started = time.monotonic()
    prompt = parse_prompt(options.prompt, pack)
    direction = first_direction(pack, prompt)
    seconds = time.monotonic() - started
    direction.save(options.out)
    return {"direction": options.out, "prompt": prompt.text, "part": prompt.part, "layers": list(direction.layers), "seconds": round(seconds, 3)}


if __name__ == "__main__":
    cli.run(main)
