"""Train M-AAE: one network for each attribute, one after the other.

    python -m baselines.maae.train --data DIR --attribute Eyeglasses,Smiling --size 128 --out runs/maae
    torchrun --nproc-per-node 4 -m baselines.maae.train --data DIR --attribute Eyeglasses --out runs/maae
    python -m baselines.maae.train --data DIR --attribute Eyeglasses,Smiling --size 128 --out runs/maae --resume

DIR holds faces in the layout of CelebA, CelebA-HQ, `python -m portraits.render`, or a cache of portraits. Weights and rates are the
paper's; docs/maae.md says what it leaves open.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    from baselines.maae.data import Material
    from baselines.maae.training import Features, TrainSettings
    from packs.pack import Pack


def main(argv: Sequence[str]) -> dict | None:
    """`python -m baselines.maae.train`; of several processes the first alone answers.

    Raises ValueError and OSError for what a user got wrong.
    """
    options = _parser().parse_args(argv)
    from baselines.maae.run import Run, train_attribute
    from packs.pack import load_pack
    from portraits import processes

    names = attribute_names(options.attribute)
    described = {name: settings_of(options, name, options.variant, options.seed) for name in names}
    runs = {name: Run(options.out, name, options.log_every, options.save_every, options.start) for name in names}
    for run in runs.values():
        run.begin(options.resume)
    started, last = time.monotonic(), {}
    device = processes.start(options.device)
    try:
        material, features = open_material(options, names, load_pack(options.pack, device))
        for name in names:
            for line in train_attribute(runs[name], described[name], material, features if described[name].weights.identity else None):
                cli.say(told(line, described[name]))
                last[name] = line["losses"]
        answers = processes.first()
    finally:
        processes.stop()
    if not answers:
        return None
    return {"out": options.out, "attributes": names, "size": options.size, "steps": options.iterations, "losses": last,
            "seconds": round(time.monotonic() - started, 1)}


def attribute_names(text: str) -> list[str]:
    """`--attribute`. Raises ValueError for none, or one named twice."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"attributes are {text[:80]!r}; accepted: one or more, separated by commas, each once")
    return names


def settings_of(options: argparse.Namespace, attribute: str, variant: str, seed: int) -> "TrainSettings":
    """What the command line says of an attribute's training, of a row of figure 5. Raises ValueError."""
    from baselines.maae.losses import Weights
    from baselines.maae.network import NetworkConfig
    from baselines.maae.training import TrainSettings
    from baselines.maae.variants import applied

    network = NetworkConfig(size=options.size, width=options.width, residual_kernel=options.residual_kernel)
    weights = Weights.of(dict(weight_of(text) for text in options.weight))
    settings = TrainSettings(attribute, network, weights, steps=options.iterations, batch_size=options.batch_size,
                             learning_rate=options.learning_rate, discriminator_width=options.discriminator_width,
                             mismatch=options.mismatch, warm_up=options.warm_up, average=options.average, seed=seed)
    return applied(variant, settings)


def weight_of(text: str) -> tuple[str, float]:
    """`--weight NAME=VALUE`. Raises ValueError for what is none."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"weight is {text!r}; accepted: NAME=VALUE, such as gan=5")
    return name.strip(), cli.number(value)


def open_material(options: argparse.Namespace, names: list[str], pack: "Pack") -> "tuple[Material, Features]":
    """The faces of `--data` with these attributes, and what tells them apart. Raises ValueError."""
    from baselines.data.faces import open_faces
    from baselines.maae.data import Material
    from baselines.maae.identity import classifier_features, load_vgg_face

    faces = open_faces(options.data, options.size, tuple(names))
    parser = pack.parser if faces.masks is None else None
    if options.vgg_face is not None:
        features = load_vgg_face(options.vgg_face).to(pack.device)
    elif pack.classifier is not None:
        features = classifier_features(pack.classifier)
    else:
        raise ValueError(f"pack {pack.name!r} has no classifier to tell faces apart; accepted: a pack that has one, or --vgg-face FILE")
    return Material.of(faces, options.size, pack.device, parser), features


def told(line: dict, settings: "TrainSettings") -> str:
    losses = "  ".join(f"{name} {value:.3f}" for name, value in line["losses"].items())
    return f"{line['attribute']}: step {line['step']}/{settings.steps}  {losses}"


def add_training_options(parser: cli.ArgumentParser) -> None:
    """What a training and the ablation share."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="faces: CelebA, CelebA-HQ, portraits or a cache of them")
    parser.add_argument("--attribute", required=True, metavar="NAMES", help="one or more, separated by commas: a network each")
    parser.add_argument("--size", type=int, default=128, metavar="N", help="pixels, a multiple of 4 (128; the paper's are 348)")
    parser.add_argument("--width", type=int, default=64, metavar="N", help="channels of the first layer (64, as published)")
    parser.add_argument("--discriminator-width", type=int, default=64, metavar="N", help="the same of the discriminator (64, as published)")
    parser.add_argument("--residual-kernel", type=int, default=1, metavar="N", help="of the residual blocks, odd (1, as published)")
    parser.add_argument("--iterations", type=cli.positive_int, default=20000, metavar="N", help="steps an attribute (20000)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="pictures a step, of all processes together (64)")
    parser.add_argument("--learning-rate", type=float, default=1e-4, metavar="F", help="of Adam (0.0001)")
    parser.add_argument("--weight", action="append", default=[], metavar="NAME=VALUE",
                        help="of a loss, in place of the paper's: vae, gan, identity, cycle, mask, and within vae kl and reconstruction; may come again")
    parser.add_argument("--mismatch", type=float, default=0.0, metavar="F",
                        help="weight of real pictures shown to the discriminator's other side; not in the paper (0)")
    parser.add_argument("--warm-up", type=int, default=0, metavar="N",
                        help="first steps, in which the generator only learns to rebuild; not in the paper (0)")
    parser.add_argument("--average", type=float, default=0.998, metavar="F",
                        help="decay of the averaged weights that are kept (0.998; 0: the last)")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose classifier tells faces apart, "
                        "and whose parser finds the background where the data has no masks (portraits)")
    parser.add_argument("--vgg-face", type=Path, metavar="FILE", help="state dict of VGG-Face, for photos, in place of the classifier")
    parser.add_argument("--log-every", type=cli.positive_int, default=50, metavar="N", help="steps (50)")
    parser.add_argument("--save-every", type=cli.positive_int, default=500, metavar="N", help="steps (500)")
    parser.add_device()


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Train M-AAE, a network for each attribute.")
    add_training_options(parser)
    parser.add_seed()
    parser.add_argument("--variant", default="f", metavar="LETTER", help="row of figure 5: a to f (f, the whole method)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--start", type=Path, metavar="FILE", help="begin with the networks, steps and all of another training's checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with what that folder holds")
    return parser


if __name__ == "__main__":
    cli.run(main)
