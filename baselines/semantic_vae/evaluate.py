"""Measures a trained Semantic-VAE on held-out masks: mean IoU and accuracy of their reconstructions, and parts drawn anew.

    python -m baselines.semantic_vae.evaluate --run RUN --data DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baselines.semantic_vae.options import add_data, add_drawn, add_measuring, add_prior, prior_of
from packs import cli


def main(argv: Sequence[str]) -> dict:
    """The run's model on the held-out masks of a folder."""
    parser = cli.ArgumentParser(description="Measure the reconstructions of a Semantic-VAE, and parts that it draws.")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="a finished run of baselines.semantic_vae.train")
    add_data(parser)
    add_measuring(parser, samples=2000)
    add_drawn(parser)
    add_prior(parser)
    parser.add_seed(0)
    parser.add_device()
    options = parser.parse_args(list(argv))
    from baselines.semantic_vae.masks import Masks
    from baselines.semantic_vae.measure import generation, reconstruction
    from baselines.semantic_vae.runs import open_run

    model = open_run(options.run, cli.resolve_device(options.device))
    prior, densities = prior_of(options, model)
    masks = Masks(options.data, model.config.size)
    indices = masks.held_out_indices[: options.samples]
    drawn = generation(model, masks, indices[: options.drawn], options.seed, densities)
    return {"run": options.run, "data": options.data, **reconstruction(model, masks, indices), "prior": prior, "generation": drawn}


if __name__ == "__main__":
    cli.run(main)
