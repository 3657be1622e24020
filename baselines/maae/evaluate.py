"""Measure trained networks of M-AAE on held-out pictures.

    python -m baselines.maae.evaluate --run runs/maae --data DIR

The last line of standard output has the means over the run's attributes, and every figure by attribute; docs/maae.md says what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    import numpy as np

    from baselines.data.faces import Faces
    from baselines.maae.editor import MaaeEditor
    from baselines.maae.measure import Bench
    from evaluation.features import Eyes
    from packs.pack import Pack


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.maae.evaluate`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    from baselines.maae.editor import MaaeEditor
    from baselines.maae.measure import means
    from baselines.maae.store import load_networks
    from packs.pack import load_pack

    pack = load_pack(options.pack, options.device)
    networks = load_networks(options.run, pack.device)
    if options.keep_detail:
        networks = {name: replace(trained, keep_detail=True) for name, trained in networks.items()}
    editor, found = MaaeEditor(networks), {}
    for attribute in networks:
        found[attribute] = measure_run(options.run, attribute, editor, options.data, pack, options.samples)
        cli.say(f"{attribute}: target rate {found[attribute]['target_rate']}, background change {found[attribute]['background_change']}")
    return {"run": options.run, **dict(means(list(found.values()))), "by_attribute": found,
            "features": {"target_rate": f"{pack.name}: classifier", "fid": eyes_of(pack).name}}


def measure_run(folder: Path, attribute: str, editor: "MaaeEditor", data: Path, pack: "Pack", samples: int) -> dict:
    """An attribute's figures (`measure.measure`), from the network in a run's folder. Raises ValueError."""
    from baselines.data.faces import open_faces
    from baselines.maae.measure import measure

    faces = open_faces(data, editor.networks[attribute].settings.network.size, (attribute,))
    return measure(editor, attribute, _bench(folder, attribute, editor, faces, pack), held_out(faces, samples))


def held_out(faces: "Faces", samples: int) -> "np.ndarray":
    """The first test pictures: 1000 an attribute in the paper."""
    return faces.test_indices[:samples]


def eyes_of(pack: "Pack") -> "Eyes":
    """What Fréchet distances are measured with: Inception where its weights are, else the pack's classifier."""
    from evaluation.features import choose_looks
    from lelsd.clip_guide import ClipGuide

    return choose_looks(pack, lambda images: ClipGuide(pack).encode_image(images)).fid  # CLIP is opened where there is nothing else


def _bench(folder: Path, attribute: str, editor: "MaaeEditor", faces: "Faces", pack: "Pack") -> "Bench":
    from baselines.maae.data import Material
    from baselines.maae.measure import Bench
    from baselines.maae.run import Run, load_discriminator
    from packs.attributes import ATTRIBUTES

    if pack.classifier is None or attribute not in ATTRIBUTES:
        raise ValueError(f"pack {pack.name!r} has no classifier that knows {attribute}; accepted: a pack with one, for {', '.join(ATTRIBUTES)}")
    material = Material.of(faces, editor.networks[attribute].settings.network.size, pack.device, pack.parser if faces.masks is None else None)
    return Bench(material, pack.classifier, eyes_of(pack), load_discriminator(Run(folder, attribute)))


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Measure trained networks of M-AAE on held-out pictures.")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder that baselines.maae.train wrote")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="faces, as for training; those held out are measured on")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose classifier judges (portraits)")
    parser.add_argument("--samples", type=cli.positive_int, default=1000, metavar="N", help="pictures an attribute at most (1000, as published)")
    parser.add_argument("--keep-detail", action="store_true", help="measure edits that lay the change over the picture (docs/maae.md)")
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
