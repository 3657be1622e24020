"""Train SeCGAN or one of its baselines.

    python -m baselines.secgan.train --data DIR --backbone stargan --method secgan --out runs/secgan
    torchrun --nproc-per-node 4 -m baselines.secgan.train --data DIR --backbone attgan --method baseline --out runs/attgan
    python -m baselines.secgan.train --resume --out runs/secgan --data DIR

Without --data a small set of portraits is drawn first, into the run's folder. Defaults are the paper's.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from packs import cli

LONGER = ("iterations", "minutes")  # what a resumed run may be given anew


def main(argv: Sequence[str]) -> dict | None:
    """`python -m baselines.secgan.train`; only the first of several processes has a result. Raises ValueError and OSError."""
    options = _parser().parse_args(argv)
    from baselines.secgan.run import Run, train
    from baselines.secgan.training import Trainer
    from portraits import processes

    run = Run(options.out, options.log_every, options.save_every, options.sheet_every)
    device = processes.start(options.device)
    try:
        config = _config(options, run, processes.first())
        faces = _faces(options, config)
        trainer = Trainer(config, faces, device, _segmenter(options, config, device))
        resumed = _start(run, trainer, config, options.resume)
        _say(f"{config.backbone} {config.method} at {config.size} pixels on {len(faces.train_indices)} of {len(faces)} {faces.name} pictures, "
             f"{config.batch} a step, {'going on at' if resumed else 'from'} step {trainer.budget.step}")
        last: dict = {}
        for last in train(trainer, run):
            cli.say(_told(last))
        return _result(run, trainer, last) if processes.first() else None
    finally:
        processes.stop()


def _parser() -> argparse.ArgumentParser:
    parser = cli.ArgumentParser(description="Train SeCGAN, or one of the baselines that its paper compares with.")
    parser.add_argument("--data", type=Path, metavar="DIR",
                        help="faces: CelebA, CelebA-HQ, portraits or a cache of them; portraits are drawn if left out")
    parser.add_argument("--count", type=cli.positive_int, default=2000, metavar="N", help="how many portraits to draw without --data (2000)")
    parser.add_argument("--world", type=cli.seed, default=1, metavar="N", help="their seed (1)")
    parser.add_argument("--backbone", help="stargan or attgan (stargan)")
    parser.add_argument("--method", help="baseline, concat or secgan (secgan)")
    parser.add_argument("--size", type=int, metavar="N", help="pixels, a multiple of 64 (128)")
    parser.add_argument("--width", type=float, metavar="F", help="factor of all channel counts (1, as published)")
    parser.add_argument("--iterations", type=int, metavar="N", help="discriminator steps (200000 for stargan, 1137500 for attgan)")
    parser.add_argument("--minutes", type=float, metavar="F", help="train for a time instead of a number of steps")
    parser.add_argument("--batch-size", type=int, metavar="N", help="pictures a step and process (16 for stargan, 32 for attgan)")
    parser.add_argument("--learning-rate", type=float, metavar="F", help="at the start (0.0001 for stargan, 0.0002 for attgan)")
    parser.add_argument("--consistency", type=float, metavar="F", help="weight of the semantic consistency, lambda_sc (0.01)")
    parser.add_argument("--discriminator-steps", type=int, metavar="N", help="for each step of the generators (5)")
    parser.add_argument("--warm-up", type=int, metavar="N", help="of the iterations, so many that only rebuild pictures and learn labels come first (0)")
    parser.add_argument("--masks-from", help="source masks by the pack's parser, or the data's true ones: parser or truth (parser)")
    parser.add_argument("--average", type=float, metavar="F", help="decay of the averaged generator that is exported (0: not averaged)")
    parser.add_argument("--keep-detail", action="store_true", default=None,
                        help="the trained editor lays G(x, y) - G(x, 0) over the picture, rather than show G(x, y) (as published)")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose parser to use (portraits)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder; its own settings count")
    for name, default in (("log", 50), ("save", 1000), ("sheet", 1000)):
        parser.add_argument(f"--{name}-every", type=cli.positive_int, default=default, metavar="N", help=f"steps ({default})")
    parser.add_argument("--seed", type=cli.seed, metavar="N", help="random seed (0)")
    parser.add_device()
    return parser


def _config(options: argparse.Namespace, run, first: bool):
    """The settings asked for, or those of the run that is to go on. Raises ValueError where the two disagree."""
    from baselines.secgan.config import SecganConfig

    given = {field.name: getattr(options, field.name) for field in fields(SecganConfig) if getattr(options, field.name, None) is not None}
    if not options.resume:
        if first and run.settings.exists():
            raise ValueError(f"{run.folder} holds a run already; --resume goes on with it, another --out begins a new one")
        return SecganConfig(**given)
    config = run.config()
    budget = {name: given.get(name) for name in LONGER} if any(name in given for name in LONGER) else {}
    for name, value in given.items():
        if name not in LONGER and value != getattr(config, name):
            raise ValueError(f"{name} is {value}, but the run in {run.folder} has {getattr(config, name)}; leave it out, or begin a new run")
    return replace(config, **budget)


def _faces(options: argparse.Namespace, config):
    from baselines.data.faces import draw_faces, open_faces
    from portraits import processes

    if options.data is not None:
        return open_faces(options.data, config.size, config.attributes)
    if processes.count() > 1:
        raise ValueError("several processes cannot all draw portraits; draw them first, with `python -m portraits.render`, and give --data")
    return draw_faces(options.out / "portraits", options.world, options.count, config.size, config.attributes,
                      progress=lambda line: cli.say(f"drawn: {line['done']} of {line['count']}"))


def _segmenter(options: argparse.Namespace, config, device):
    """The pack's parser where the method needs it, else None."""
    if not config.semantic and not (config.needs_masks and config.masks_from == "parser"):
        return None
    from packs.pack import load_pack

    return load_pack(options.pack, device).parser


def _start(run, trainer, config, resume: bool) -> bool:
    from portraits import processes

    if resume:
        return run.resume(trainer)
    if processes.first():
        run.begin(config)
    return False


def _result(run, trainer, last: dict) -> dict:
    config, budget = trainer.config, trainer.budget
    return {"run": run.folder, "generator": run.generator, "backbone": config.backbone, "method": config.method, "size": config.size,
            "iterations": budget.step, "seconds": round(budget.elapsed, 1), "losses": last.get("losses", {})}


def _say(text: str) -> None:
    from portraits import processes

    if processes.first():
        cli.say(text)


def _told(line: dict) -> str:
    losses = " ".join(f"{name} {value:.3f}" for name, value in line["losses"].items())
    return f"step {line['step']} ({line['fraction']:.1%}, {line['seconds']:.0f} s): {losses}"


if __name__ == "__main__":
    cli.run(main)
