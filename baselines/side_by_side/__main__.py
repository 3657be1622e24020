"""One wish on the same pictures by every editor that the pack has, side by side and measured: what the studio's Compare page shows.

    python -m baselines.side_by_side --attribute Bangs --sampled 3 --count 8 --out compared
    python -m baselines.side_by_side --prompt "a person with glasses" --drawn 0 --count 8 --strength 1.5 --out compared
    python -m baselines.side_by_side --attribute Young --without mine.png yours.png --out compared

Writes a PNG a row of pictures, with masks, and compared.csv. An editor that is not there, or that refuses, says so in the table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from baselines.side_by_side.outcomes import Compared, Wish
    from baselines.side_by_side.sources import Chosen, Progress
    from lelsd.direction import Direction
    from lelsd.run_folder import RunFolder
    from packs.pack import Pack

STEPS = 100  # what a run folder's progress is counted in
SEARCH_SHARE = 0.3  # of the progress, for the search of latents where there is one


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.side_by_side`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    from baselines.side_by_side.files import write
    from baselines.side_by_side.outcomes import rows
    from lelsd.run_folder import RunFolder

    run = None if options.run is None else RunFolder(options.run)
    if run is not None:
        run.path.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext() if run is None else run.noting_its_end():
        compared = _compare(options, teller(run))
        write(compared, options.out)
        if run is not None:
            run.status(state="done", step=STEPS, steps=STEPS, note="")
    return {"out": options.out, "pictures": len(compared.images), "editors": rows(compared)}


def teller(run: "RunFolder | None") -> "Progress":
    """Says how far it is, in a run folder too, where a file `cancel` ends it with KeyboardInterrupt."""

    def tell(share: float, words: str) -> None:
        if run is not None and run.cancelled():
            raise KeyboardInterrupt
        if run is not None:
            run.status(state="running", step=round(STEPS * share), steps=STEPS, note=words)
        cli.say(words)

    return tell


def part_of(tell: "Progress", begin: float, end: float) -> "Progress":
    """Tells of a part of the work, whose own share goes from 0 to 1."""
    return lambda share, words: tell(begin + (end - begin) * share, words)


def wish_of(options: "Namespace") -> "Wish":
    """What is asked for. Raises ValueError for nothing, and for `--without` without an attribute."""
    from baselines.side_by_side.outcomes import Wish, wish_for, wish_in_words
    from evaluation.suite import MEASURABLE
    from lelsd.lexicon import check_prompt

    if options.attribute is None and options.prompt is None:
        raise ValueError("nothing is asked for; accepted: --attribute, --prompt, or both")
    if options.attribute is None:
        if options.without:
            raise ValueError("--without means something with --attribute only")
        return wish_in_words(options.prompt)
    if options.attribute not in MEASURABLE:
        raise ValueError(f"attribute {options.attribute[:60]!r} is unknown; accepted: {', '.join(MEASURABLE)}")
    if options.prompt is None:
        return wish_for(options.attribute, not options.without)
    return Wish(check_prompt(options.prompt), options.attribute, not options.without)


def chosen_pictures(options: "Namespace") -> "Chosen":
    """What is edited. Raises ValueError for none, or several kinds at once; OSError for a file that cannot be read."""
    from baselines.side_by_side.sources import Chosen

    given = [name for name, value in (("--sampled", options.sampled), ("--drawn", options.drawn), ("IMAGE", options.images or None)) if value is not None]
    if len(given) != 1:
        raise ValueError(f"the pictures are given by {' and '.join(given) or 'nothing'}; accepted: one of --sampled, --drawn and IMAGE")
    if options.images:
        return Chosen("uploaded", files=tuple((path.name, path.read_bytes()) for path in options.images))
    if options.sampled is not None:
        return Chosen("sampled", options.sampled, options.count, options.truncation)
    return Chosen("drawn", options.drawn, options.count)


def known_directions(pack: "Pack", folder: Path | None) -> "list[Direction]":
    """Directions that fit the pack: those of the runs in a folder, newest first, then the pack's own. Those that do not are named."""
    from lelsd.collection import fitting

    own = [] if folder is None else sorted(folder.glob("*/direction.safetensors"), key=lambda path: -path.stat().st_mtime)
    return [learned.direction for learned in fitting([*own, *pack.directions()], pack)]


def _compare(options: "Namespace", tell: "Progress") -> "Compared":
    from baselines.side_by_side.outcomes import compare, contenders
    from baselines.side_by_side.sources import with_latents
    from lelsd.likeness import Likeness
    from lelsd.prompt import parse_prompt
    from packs.pack import load_pack

    tell(0.0, "Getting ready …")
    wish, chosen, pack = wish_of(options), chosen_pictures(options), load_pack(options.pack, options.device)
    samples, found = chosen.make(pack), None
    asked = contenders(pack, wish, options.strength, known_directions(pack, options.directions))
    if asked[0].editor is not None:
        samples, found = with_latents(pack, samples, part_of(tell, 0.0, SEARCH_SHARE))
    begun = 0.0 if found is None else SEARCH_SHARE
    return compare(pack, samples, wish, asked, chosen.words, parse_prompt(wish.prompt, pack), Likeness(pack).centre, found, part_of(tell, begun, 1.0))


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Let every editor of a pack do the same to the same pictures, and measure it.")
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE", help="pictures of faces, of each the middle square")
    parser.add_argument("--sampled", type=cli.seed, metavar="SEED", help="faces of the generator, from this seed on")
    parser.add_argument("--drawn", type=cli.seed, metavar="N", help="faces that the renderer draws, from this one on")
    parser.add_argument("--count", type=cli.positive_int, default=1, metavar="N", help="how many, with --sampled and --drawn (1)")
    parser.add_argument("--truncation", type=float, default=1.0, metavar="F", help="of --sampled (1)")
    parser.add_argument("--attribute", metavar="NAME", help="what is asked for, as an attribute such as Bangs")
    parser.add_argument("--without", action="store_true", help="the attribute should not be there")
    parser.add_argument("--prompt", metavar="TEXT", help="what is asked for, in words")
    parser.add_argument("--strength", type=float, default=1.0, metavar="F", help="of the text-driven direction (1)")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="a folder of training runs, beside the pack's own directions")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures and the table")
    parser.add_argument("--run", type=Path, metavar="DIR", help="say in this folder how far it is: status.json; a file `cancel` there ends it")
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
