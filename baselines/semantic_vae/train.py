"""Trains a Semantic-VAE: masks in, masks out, a code for each part between.

    python -m baselines.semantic_vae.train --data DIR --out RUN [--steps N] [--resume]
    torchrun --nproc_per_node 4 -m baselines.semantic_vae.train --data DIR --out RUN

`--lstm-layers`, `--one-way` and `--unweighted` are the choices that the paper's table 1 compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baselines.semantic_vae.options import add_measuring, add_training, config_of
from packs import cli


def main(argv: Sequence[str]) -> dict | None:
    """Train, or go on; measure on held-out masks. With several processes, the first answers."""
    parser = cli.ArgumentParser(description="Train a Semantic-VAE on masks.")
    add_training(parser)
    parser.add_argument("--lstm-layers", type=cli.whole_number, metavar="N", help="LSTM layers, 0 for none (3)")
    parser.add_argument("--one-way", dest="bidirectional", action="store_false", default=None,
                        help="LSTMs from the first class to the last only")
    parser.add_argument("--unweighted", dest="weighted", action="store_false", help="plain cross entropy, the same for all classes")
    parser.add_argument("--kl-weight", type=float, default=5e-4, metavar="F", help="of the Kullback-Leibler divergence (0.0005)")
    parser.add_argument("--kl-warmup", type=float, default=0.3, metavar="F",
                        help="share of the steps in which that weight rises (0.3)")
    parser.add_argument("--start", type=Path, metavar="MODEL", help="a model.safetensors whose weights the training begins with")
    add_measuring(parser)
    parser.add_seed(0)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run's folder")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, whose data and settings must be given again")
    options = parser.parse_args(list(argv))
    from portraits import processes

    device = processes.start(options.device)
    try:
        return _train(options, device)
    finally:
        processes.stop()


def _train(options, device) -> dict | None:
    from baselines.semantic_vae.masks import Masks
    from baselines.semantic_vae.measure import reconstruction
    from baselines.semantic_vae.runs import MODEL, begin, open_run, prepare, train_run
    from baselines.semantic_vae.training import TrainSettings
    from portraits import processes

    config = config_of(options)
    settings = TrainSettings(options.steps, options.batch_size, options.lr, options.kl_weight, options.kl_warmup, options.weighted,
                             save_every=options.save_every, seed=options.seed, start=None if options.start is None else str(options.start))
    masks = Masks(options.data, config.size)
    begin(options.out, masks, config, settings, options.resume, device)
    prepare(masks, options.out, device)
    line: dict = {}
    for line in train_run(options.out, masks, config, settings, device):
        if processes.first():
            figures = f"loss {line['loss']:.4f}, KL {line['kl']:.1f}"
            cli.say(f"step {line['step']} of {settings.steps}: {figures}, {line['seconds']:.0f} s")
    if not processes.first():
        return None
    measured = reconstruction(open_run(options.out, device), masks, masks.held_out_indices[: options.samples])
    return {"run": options.out, "model": options.out / MODEL, "steps": settings.steps, **line, **measured}


if __name__ == "__main__":
    cli.run(main)
