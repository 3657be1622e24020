"""Measures how well a trained Semantic-VAE reconstructs held-out masks: mean IoU, accuracy, and the IoU of each class.

    python -m baselines.semantic_vae.evaluate --run RUN --data DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baselines.semantic_vae.options import add_data, add_measuring
from packs import cli


def main(argv: Sequence[str]) -> dict:
    """The run's model on the held-out masks of a folder."""
    parser = cli.ArgumentParser(description="Measure the reconstructions of a Semantic-VAE: mean IoU and accuracy.")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="a finished run of baselines.semantic_vae.train")
    add_data(parser)
    add_measuring(parser, samples=2000)
    parser.add_device()
    options = parser.parse_args(list(argv))
    from baselines.semantic_vae.masks import Masks
    from baselines.semantic_vae.measure import reconstruction
    from baselines.semantic_vae.runs import open_run

    model = open_run(options.run, cli.resolve_device(options.device))
    masks = Masks(options.data, model.config.size)
    return {"run": options.run, "data": options.data, **reconstruction(model, masks, masks.held_out_indices[: options.samples])}


if __name__ == "__main__":
    cli.run(main)
