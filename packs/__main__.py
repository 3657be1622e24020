"""`python -m packs list | info | fetch | verify | add | remove`: which packs there are, and having them here, whole.

    python -m packs list                                 what is here, and what can be downloaded, with size and licence
    python -m packs fetch ffhq-1024                      shows the licence of what would be downloaded
    python -m packs fetch ffhq-1024 --accept-licence     downloads, or goes on where it was interrupted
    python -m packs add ~/Downloads --name ffhq-1024     takes files that were downloaded elsewhere, under any names
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from packs import cli


def main(argv: Sequence[str]) -> dict:
    """Run one subcommand; returns its result for `cli.run` to print."""
    options = vars(arguments().parse_args(argv))
    return options.pop("run")(**options)


def arguments() -> cli.ArgumentParser:
    """The command line; `run` of its result is the function that the other values go to."""
    parser = cli.ArgumentParser(description="List, describe, download, verify, add and remove packs of models.")
    commands = parser.add_subparsers(required=True, metavar="list|info|fetch|verify|add|remove")

    def command(name: str, run, meaning: str) -> cli.ArgumentParser:
        added = commands.add_parser(name, help=meaning, description=meaning)
        added.set_defaults(run=run)
        return added

    named = {"help": "a name from `list`, or the path of a pack folder"}
    command("list", list_packs, "the packs that are here, and those that can be downloaded")
    command("info", info, "what a pack is and holds").add_argument("name", **named)
    fetching = command("fetch", fetch, "download a pack, or what is missing of it")
    fetching.add_argument("name", **named)
    fetching.add_argument("--accept-licence", action="store_true", help="you agree to the licence, which is shown without this")
    fetching.add_argument("--status", type=Path, metavar="FILE", help="keep a JSON file that says how far it is")
    command("verify", verify, "check size and SHA-256 of every file of a pack").add_argument("name", **named)
    adding = command("add", add, "take in a pack folder, or published files that are on this machine already")
    adding.add_argument("folder", type=Path, metavar="DIR", help="a pack folder, or a folder with downloaded files under any names")
    adding.add_argument("--name", help="the pack that the files are for, or a new name for a pack folder")
    command("remove", remove, "delete a pack that was downloaded or added").add_argument("name", help="a name from `list`")
    return parser


def list_packs() -> dict:
    """Every pack in short: `state` is built-in, here, damaged (`problem` says how), unfinished or available."""
    from packs import overview

    packs = overview.packs_in_short()
    width = max(len(pack["name"]) for pack in packs)
    for pack in packs:
        about = pack.get("problem") or f"{pack['domain']}; {pack['licence']}"
        cli.say(f"{pack['name']:{width}}  {pack['state']:10}  {_size(pack['bytes']):>9}  {about}")
    return {"packs": packs}


def info(name: str) -> dict:
    """What a pack is and holds."""
    from packs import overview

    return overview.info(name)


def verify(name: str) -> dict:
    """Check every file of a pack, saying so."""
    from packs import overview

    return overview.verify(name, lambda file: cli.say(f"{file}: as it should be"))


def fetch(name: str, accept_licence: bool = False, status: Path | None = None) -> dict:
    """Make sure that a pack is on this machine and whole; one of the catalogue is downloaded. `status`: see `packs.progress`."""
    from packs.progress import write_status

    result = _fetch(name, accept_licence, status)
    if status:
        write_status(status, "done")
    return result


def _fetch(name: str, accept_licence: bool, status: Path | None) -> dict:
    from packs import overview, registry, store
    from packs.catalogue import offers

    offer = offers().get(name)
    if offer is None or name in registry.built_in():
        result = verify(name)
        return {**result, "downloaded_bytes": 0, "built_in": overview.is_built_in(result["path"])}
    before = store.bytes_here(offer)
    _download(name, accept_licence, status)
    return {**verify(name), "downloaded_bytes": offer.size - before, "built_in": False}


def _download(name: str, accept_licence: bool, status: Path | None) -> None:
    """Fetch a pack of the catalogue, showing its licence or its progress on stderr."""
    from packs import fetch as fetching
    from packs.progress import Printer

    printer = Printer(status=status)
    try:
        with closing(fetching.fetch(name, accept_licence)) as steps:
            for step in steps:
                printer.show(step)
    except fetching.LicenceNotAccepted as error:
        _show_licences(error.offer)
        raise
    finally:
        printer.close()


def _show_licences(offer) -> None:
    """The licence of each model of a pack that can be downloaded, for a person to read."""
    cli.say(f"{offer.name} ({_size(offer.size)}): {offer.info['description']}")
    for licence in offer.licences:
        cli.say(f"\n{licence['covers']}: {licence['name']}\n  {licence['summary']}\n  {licence['url']}")
    cli.say("")


def add(folder: Path, name: str | None = None) -> dict:
    """Take in a pack folder, or files that were downloaded elsewhere; says what a pack still lacks."""
    from packs.add import add as take_in

    packs = take_in(folder, name)
    for pack in packs:
        cli.say(f"{pack['name']}: added {', '.join(pack['added']) or 'nothing that was not here'}")
        if pack["missing"]:
            cli.say(f"{pack['name']}: still without {', '.join(pack['missing'])}; python -m packs fetch {pack['name']} downloads the rest")
    return {"packs": packs}


def remove(name: str) -> dict:
    """Delete a pack that was downloaded or added; says how much room that made."""
    from packs import registry, store

    if name in registry.built_in():
        raise ValueError(f"pack {name!r} is part of the studio; accepted: a pack that was downloaded or added")
    result = store.remove(name)
    cli.say(f"{name}: removed, {_size(result['freed_bytes'])} are free again"
            + (f"; {_size(result['kept_bytes'])} are kept for other packs" if result["kept_bytes"] else ""))  # fmt: skip
    return result


def _size(size: int) -> str:
    from packs.files import size_words

    return size_words(size)


if __name__ == "__main__":
    cli.run(main)
