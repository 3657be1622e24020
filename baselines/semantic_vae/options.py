"""What the commands that train have in common on their command lines. Importing this is quick: no torch."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    from baselines.semantic_vae.model import Densities, SemanticVAE, SemanticVAEConfig

PRESETS = ("small", "published")
PRIORS = ("fitted", "normal")


def add_data(parser: cli.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR",
                        help="a folder laid out as CelebAMask-HQ, as portraits.render writes them, or a cache of portraits")


def add_measuring(parser: cli.ArgumentParser, samples: int = 500) -> None:
    parser.add_argument("--samples", type=cli.positive_int, default=samples, metavar="N",
                        help=f"held-out masks to measure on, at most ({samples})")


def add_drawn(parser: cli.ArgumentParser) -> None:
    parser.add_argument("--drawn", type=cli.positive_int, default=200, metavar="N",
                        help="held-out masks of which parts are drawn anew, at most (200)")


def add_prior(parser: cli.ArgumentParser) -> None:
    parser.add_argument("--prior", choices=PRIORS,
                        help="what codes are drawn from: a Gaussian fitted to those of the training's masks, or N(0, 1) as in the paper "
                             "(fitted, where the run has it)")


def prior_of(options: Namespace, model: "SemanticVAE") -> tuple[str, "Densities"]:
    """The prior's name and what parts are drawn from. Raises ValueError for a fitted one that the model does not have."""
    name = options.prior or ("fitted" if model.densities else "normal")
    if name == "fitted" and not model.densities:
        raise ValueError("--prior is fitted, and this run has none; accepted: normal, or --resume the training, which fits one at its end")
    return name, model.densities if name == "fitted" else {}


def add_training(parser: cli.ArgumentParser) -> None:
    """Data, sizes and how long: options with None are the preset's."""
    add_data(parser)
    parser.add_argument("--preset", choices=PRESETS, default="small",
                        help="widths of the networks: small, or published, as in the paper (small)")
    parser.add_argument("--size", type=cli.positive_int, metavar="PIXELS", help="side of the masks (128; published: 256)")
    parser.add_argument("--encoder-size", type=cli.positive_int, metavar="PIXELS",
                        help="side that the encoder sees (64; published: 256)")
    parser.add_argument("--separate-encoders", action="store_true", default=None,
                        help="an encoder for each class instead of one for all")
    parser.add_argument("--hidden", type=cli.positive_int, metavar="N", help="width of the encoder's layers (256)")
    parser.add_argument("--steps", type=cli.positive_int, default=4000, metavar="N", help="training steps (4000)")
    parser.add_argument("--batch-size", type=cli.positive_int, default=16, metavar="N",
                        help="masks a step, of all processes together (16)")
    parser.add_argument("--lr", type=float, default=1e-3, metavar="F", help="Adam's step size at its highest (0.001)")
    parser.add_argument("--save-every", type=cli.positive_int, default=250, metavar="N", help="steps between checkpoints (250)")
    parser.add_device()


def config_of(options: Namespace) -> "SemanticVAEConfig":
    """The preset with what the options change of it. Raises ValueError for what cannot be built."""
    from dataclasses import fields, replace

    from baselines.semantic_vae.model import PUBLISHED, SemanticVAEConfig

    preset = PUBLISHED if options.preset == "published" else SemanticVAEConfig()
    given = {field.name: getattr(options, field.name, None) for field in fields(preset)}
    given = {name: value for name, value in given.items() if value is not None}
    if "encoder_size" not in given and "size" in given:  # a smaller mask has no more to show
        given["encoder_size"] = min(preset.encoder_size, given["size"])
    return replace(preset, **given)
