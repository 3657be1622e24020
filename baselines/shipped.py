"""The editors that a pack brings along, beside its directions: which there can be, which are here, and how to get the others.

An editor is a file of the pack, listed in `pack.json` with its size and SHA-256 like every other, and a kind, which says who
reads it. Those of `EXPECTED` are looked for under fixed names; a pack may bring more, which `pack.json` describes:

    "editors": [{"name": "maskgan", "title": "MaskGAN", "file": "maskgan.safetensors", "kind": "maskgan"}]

A new kind of editor is a line in `LOADERS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from packs import files

if TYPE_CHECKING:
    from evaluation.editor import Editor
    from packs.pack import Pack

LOADERS = {"secgan": "baselines.secgan.editor:load_editor", "maae": "baselines.maae.editor:load_editor",
           "maskgan": "baselines.maskgan.bundle:load_bundle", "semantic-vae": "baselines.shape.shaper:load_shaper"}
"""By kind, `module:function` of (path, device, parser) -> Editor, where the parser is the pack's; imported when such an editor is opened."""


@dataclass(frozen=True)
class Shipped:
    """An editor that a pack may hold. name: short and unique. training: the command that makes its file, and trained: that file in
    its RUN, where they are known."""

    name: str
    title: str
    file: str
    kind: str
    training: str = ""
    trained: str = "generator.safetensors"

    @property
    def needed(self) -> tuple[str, ...]:
        """The files of a pack that it is made of."""
        return (self.file,)

    def absence(self, pack: "Pack") -> str:
        """Why it cannot be used, in one sentence that says how to get it; "" if it can."""
        if self.file not in pack.info["files"]:
            how = f"; {self.training} trains one, {SHIP.format(self.name, self.trained)} puts it there" if self.training else ""
            return f"pack {pack.name!r} holds no {self.file}{how}"
        if self.kind not in LOADERS:
            return f"{self.title} is of kind {self.kind!r}, which this version of the studio does not read; it reads {', '.join(LOADERS)}"
        return ""

    def open(self, pack: "Pack") -> "Editor":
        """The editor, on the pack's device. Raises ValueError, one sentence, if it is absent, damaged or not what it is called."""
        if absent := self.absence(pack):
            raise ValueError(absent)
        return load(self.kind, files.checked(pack.path, pack.info, self.file), pack)


def load(kind: str, path: Path, pack: "Pack") -> "Editor":
    """The editor in a file, on the pack's device, with the pack's parser. Raises ValueError and OSError as its loader does."""
    module, function = LOADERS[kind].split(":")
    return getattr(import_module(module), function)(path, pack.device, pack.parser)


SHIP = "python -m baselines.ship {} RUN/{}"
_TRAIN = "python -m baselines.secgan.train --data DIR --method {} --size 128 --out RUN"
_MAAE = "python -m baselines.maae.train --data DIR --attribute NAME --out RUN with baselines.maae.export --run RUN --out RUN/maae.safetensors"
MASKGAN = Shipped("maskgan", "MaskGAN", "maskgan.safetensors", "maskgan", "python -m baselines.maskgan.train --data DIR --out RUN",
                  "maskgan.safetensors")
EXPECTED = (
    Shipped("secgan", "SeCGAN", "secgan.safetensors", "secgan", _TRAIN.format("secgan")),
    Shipped("secgan-baseline", "SeCGAN's baseline", "secgan_baseline.safetensors", "secgan", _TRAIN.format("baseline")),
    MASKGAN,
    Shipped("maae", "M-AAE", "maae.safetensors", "maae", _MAAE, "maae.safetensors"),
)

SEMANTIC_VAE = Shipped("semantic-vae", "Semantic-VAE", "semantic_vae.safetensors", "semantic-vae",
                       "python -m baselines.semantic_vae.train --data DIR --out RUN", "model.safetensors")
"""It changes masks and edits no picture by itself: the Shape page, and what is compared as `SHAPE_CONTROL`, paint its masks with MaskGAN."""


@dataclass(frozen=True)
class ShapeControl(Shipped):
    """Semantic-VAE and MaskGAN together, an editor where both are there."""

    @property
    def needed(self) -> tuple[str, ...]:
        return SEMANTIC_VAE.file, MASKGAN.file

    def absence(self, pack: "Pack") -> str:
        return SEMANTIC_VAE.absence(pack) or MASKGAN.absence(pack)

    def open(self, pack: "Pack") -> "Editor":
        from baselines.shape.editor import ShapeEditor

        return ShapeEditor(SEMANTIC_VAE.open(pack), MASKGAN.open(pack))


SHAPE_CONTROL = ShapeControl("semantic-vae", "Semantic-VAE and MaskGAN", SEMANTIC_VAE.file, "semantic-vae")


def compared_editors(pack: "Pack") -> list[Shipped]:
    """The editors of pictures that there are or could be, in the order in which they are compared. Raises as `shipped_editors`."""
    return [*shipped_editors(pack), SHAPE_CONTROL]


def shipped_editors(pack: "Pack") -> list[Shipped]:
    """Those that are expected of every pack, here or not, and what else the pack says it brings. Raises ValueError for a
    description that is none, or a name that is there twice. An expected one that the pack describes as well counts once."""
    expected = {(editor.name, editor.file, editor.kind) for editor in EXPECTED}
    described = [_described(entry, pack) for entry in pack.info.get("editors", [])]
    found = [*EXPECTED, *(editor for editor in described if (editor.name, editor.file, editor.kind) not in expected)]
    names = [editor.name for editor in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"pack {pack.name!r} describes the editor {twice!r} twice; accepted: each name once")
    return found


def _described(entry: object, pack: "Pack") -> Shipped:
    fields = ("name", "title", "file", "kind")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) and entry[name] for name in fields):
        raise ValueError(f"pack {pack.name!r} describes an editor as {str(entry)[:80]}; accepted: {', '.join(fields)}, each a text")
    training = entry.get("training", "")
    return Shipped(*(entry[name] for name in fields), training if isinstance(training, str) else "")


def describe_editor(pack: "Pack", editor: Shipped) -> None:
    """Say in a pack's `pack.json` that it brings an editor, whose file is yet to be added. Raises OSError."""
    info = files.read_manifest(pack.path)
    info["editors"] = [*info.get("editors", []), {name: getattr(editor, name) for name in ("name", "title", "file", "kind")}]
    files.write_manifest(pack.path, info)
