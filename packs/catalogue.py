"""What can be downloaded: `catalogue.json`, read into two small records.

A file is listed only if its address, its exact size and its SHA-256 are known, and a pack only if each of its models is
made for its domain: the AFHQ generators (cats, dogs, wild animals) are left out for want of a parser of animal faces. A
file that several packs use is written down once, and downloaded once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from packs.files import FORMAT

PATH = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class RemoteFile:
    """name: what it is called in the pack's folder. role: generator, parser or clip. kind: how it is stored (see
    `packs.models`). size: bytes. sha256: hex. urls: where it lies, byte for byte the same, first choice first."""

    name: str
    role: str
    kind: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    licence: dict

    def entry(self) -> dict:
        """As it stands in `pack.json`."""
        return {"size": self.size, "sha256": self.sha256, "role": self.role, "kind": self.kind, "url": self.urls[0]}


@dataclass(frozen=True)
class Offer:
    """A pack that can be downloaded. info: what its `pack.json` will hold besides licence and files."""

    name: str
    info: dict
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def licences(self) -> list[dict]:
        """`covers` (a role), `name`, `url` and `summary` of the licence of each file."""
        return [{"covers": file.role, **file.licence} for file in self.files]

    @property
    def licence(self) -> str:
        """The names of all licences in a line."""
        return "; ".join(dict.fromkeys(licence["name"] for licence in self.licences))

    def manifest(self) -> dict:
        """The `pack.json` of the complete pack."""
        entries = {file.name: file.entry() for file in self.files}
        return {"format": FORMAT, **self.info, "licence": self.licence, "licences": self.licences, "files": entries}

    def describe(self) -> dict:
        """Everything about it, JSON-able."""
        return {**self.info, "licence": self.licence, "licences": self.licences, "files": [asdict(file) for file in self.files]}


def offers() -> dict[str, Offer]:
    """The packs of the catalogue by name."""
    data = json.loads(PATH.read_text(encoding="utf-8"))
    files = {key: _file(values, data["licences"]) for key, values in data["files"].items()}
    packs = [Offer(info["name"], info, tuple(files[key] for key in info.pop("files"))) for info in data["packs"]]
    return {pack.name: pack for pack in packs}


def _file(values: dict, licences: dict[str, dict]) -> RemoteFile:
    return RemoteFile(**values | {"urls": tuple(values["urls"]), "licence": licences[values["licence"]]})
