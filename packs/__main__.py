"""`python -m packs list | info NAME | fetch NAME | verify NAME`: which packs there are, and whether they are whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from packs import cli


def main(argv: Sequence[str]) -> dict:
    """Run one subcommand; returns its result for `cli.run` to print."""
    parser = cli.ArgumentParser(description="List, describe, fetch and verify packs of models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|info|fetch|verify")
    commands.add_parser("list", help="the packs that can be named")
    for name, meaning in (
        ("info", "what a pack is and holds"),
        ("fetch", "make sure that a pack is on this machine"),
        ("verify", "check size and SHA-256 of every file of a pack"),
    ):
        command = commands.add_parser(name, help=meaning, description=meaning)
        command.add_argument("name", help="a name from `list`, or the path of a pack folder")
    options = parser.parse_args(argv)
    if options.command == "list":
        return list_packs()
    return {"info": info, "fetch": fetch, "verify": verify}[options.command](options.name)


def list_packs() -> dict:
    """Every known pack in short."""
    from packs import registry

    return {"packs": [info(name) for name in registry.known()]}


def info(name: str) -> dict:
    """What a pack is, without its settings: name, path, domain, resolution, licence, size, parts."""
    from packs import files, registry

    folder = registry.find(name)
    manifest = files.read_manifest(folder)
    sizes = {name: entry["size"] for name, entry in manifest["files"].items()}
    kept = ("name", "version", "domain", "resolution", "neutral_text", "licence")
    return {
        **{key: manifest[key] for key in kept},
        "path": folder,
        "built_in": is_built_in(folder),
        "bytes": sum(sizes.values()),
        "files": sizes,
        "directions": [Path(name).stem for name in sizes if name.startswith("directions/")],
    }


def verify(name: str) -> dict:
    """Check every file of a pack. Raises ValueError that names the first one that is not as it should be."""
    from packs import files, registry

    folder = registry.find(name)
    manifest = files.read_manifest(folder)
    for file in manifest["files"]:
        files.checked(folder, manifest, file)
        cli.say(f"{file}: as it should be")
    return {"name": manifest["name"], "path": folder, "files": len(manifest["files"]), "intact": True}


def fetch(name: str) -> dict:
    """Make sure that a pack is here. All known packs are built in, so there is nothing to download: they are verified."""
    result = verify(name)
    return {**result, "downloaded_bytes": 0, "built_in": is_built_in(result["path"])}


def is_built_in(folder: Path) -> bool:
    """Whether the folder came with the studio."""
    from packs import registry

    return folder in registry.known().values()


if __name__ == "__main__":
    cli.run(main)
