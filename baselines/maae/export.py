"""Join the networks of M-AAE's runs into one file, as a pack holds them.

    python -m baselines.maae.export --run runs/maae --run runs/more --out maae.safetensors      # --keep-detail: edits lay the change over the picture
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from packs import cli


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.maae.export`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    from dataclasses import replace

    from baselines.maae.store import load_networks, save_networks

    networks: dict = {}
    for folder in options.run:
        found = load_networks(folder)
        twice = sorted(set(found) & set(networks))
        if twice:
            raise ValueError(f"{folder} holds another network for {twice[0]}; accepted: one for each attribute")
        networks |= {name: replace(trained, keep_detail=trained.keep_detail or options.keep_detail) for name, trained in found.items()}
    path = save_networks(networks, options.out)
    return {"out": path, "attributes": list(networks), "bytes": path.stat().st_size}


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Join trained networks of M-AAE into one file.")
    parser.add_argument("--run", type=Path, required=True, action="append", metavar="RUN", help="folder or file of networks; may come again")
    parser.add_argument("--keep-detail", action="store_true", help="edits lay the change over the picture, so that it stays sharp; not in the paper")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the safetensors file to write")
    return parser


if __name__ == "__main__":
    cli.run(main)
