"""What there is to say of packs: all of them in short, one in full, and whether its files are as they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from packs import cli, files, registry, store
from packs.catalogue import offers


def packs_in_short() -> list[dict]:
    """A line for each pack that is here or can be had: `name`, `state` (built-in, here, damaged, unfinished or available) ..."""
    return [in_short(name) for name in dict.fromkeys((*registry.known(), *offers()))]


def in_short(name: str) -> dict:
    """A pack's line in the list. One that is damaged must not hide the others."""
    offer = offers().get(name)
    if name in registry.known():
        try:
            found = info(name)
            return {**found, "name": name, "state": "built-in" if found["built_in"] else "here"}
        except (ValueError, OSError) as error:
            return {"name": name, "state": "damaged", "problem": cli.describe(error), "bytes": offer.size if offer else 0, "built_in": False}
    here = store.bytes_here(offer)
    kept = {key: offer.info[key] for key in ("version", "domain", "resolution", "neutral_text", "description")}
    return {"name": name, "state": "unfinished" if here else "available", **kept, "licence": offer.licence, "bytes": offer.size,
            "bytes_here": here, "built_in": False}  # fmt: skip


def info(name: str) -> dict:
    """What a pack is, without its settings: name, path, domain, resolution, licence, size, parts. Of one that is not here,
    what the catalogue says."""
    if name not in registry.known() and name in offers():
        return {**offers()[name].describe(), **in_short(name)}
    folder = registry.find(name)
    manifest = files.read_manifest(folder)
    sizes = {name: entry["size"] for name, entry in manifest["files"].items()}
    kept = ("name", "version", "domain", "resolution", "neutral_text", "licence", "licences", "description")
    return {
        **{key: manifest[key] for key in kept if key in manifest},
        "path": folder,
        "built_in": is_built_in(folder),
        "bytes": sum(sizes.values()),
        "files": sizes,
        "directions": [Path(name).stem for name in sizes if name.startswith("directions/")],
    }


def verify(name: str, said: Callable[[str], None] = lambda file: None) -> dict:
    """Check every file of a pack. Raises ValueError that names the first one that is not as it should be.

    The files of a downloaded pack must have the hashes of the catalogue, not only those of their own `pack.json`.
    """
    folder = registry.find(name)
    offer = offers().get(folder.name) if not is_built_in(folder) and registry.known().get(folder.name) == folder else None
    try:
        manifest = files.read_manifest(folder)
        if offer and manifest["files"] != offer.manifest()["files"]:
            raise ValueError(f"{folder / files.MANIFEST} lists other files than the catalogue does")
        for file in manifest["files"]:
            files.checked(folder, manifest, file)
            said(file)
    except ValueError as error:
        raise ValueError(f"{error}; python -m packs fetch {offer.name} mends it") if offer else error from None
    return {"name": manifest["name"], "path": folder, "files": len(manifest["files"]), "intact": True}


def is_built_in(folder: Path) -> bool:
    """Whether the folder came with the studio."""
    return folder in registry.built_in().values()
