"""Put a trained editor into a pack, where the studio's Compare and Shape pages find it.

    python -m baselines.ship secgan runs/secgan/generator.safetensors --pack portraits
    python -m baselines.ship semantic-vae runs/shapes/model.safetensors
    python -m baselines.ship mine FILE --kind secgan --title "SeCGAN, wider"        # one that no pack is expected to have

The file is opened before it is copied: what is no editor of its kind does not get in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from baselines.shipped import Shipped
    from packs.pack import Pack


def main(argv: Sequence[str]) -> dict:
    """`python -m baselines.ship`. Raises ValueError and OSError for what a user got wrong."""
    options = _parser().parse_args(argv)
    from baselines.shipped import SEMANTIC_VAE, describe_editor, load, shipped_editors
    from packs.files import add_files
    from packs.pack import load_pack

    pack = load_pack(options.pack, "cpu")
    shipped = described(options, pack)
    data = options.file.read_bytes()
    editor = load(shipped.kind, options.file, pack)
    if shipped not in (*shipped_editors(pack), SEMANTIC_VAE):
        describe_editor(pack, shipped)
    add_files(pack.path, {shipped.file: data})
    return {"pack": pack.name, "editor": shipped.name, "is": editor.name, "file": pack.path / shipped.file, "bytes": len(data)}


def described(options: "Namespace", pack: "Pack") -> "Shipped":
    """The editor of that name, or a new one. Raises ValueError for a name that says too little, or whose file is another's."""
    from baselines.shipped import LOADERS, SEMANTIC_VAE, Shipped, shipped_editors

    known = {editor.name: editor for editor in (*shipped_editors(pack), SEMANTIC_VAE)}
    if options.name in known:
        if options.title not in (None, known[options.name].title) or options.kind not in (None, known[options.name].kind):
            raise ValueError(f"editor {options.name!r} is known already, as {known[options.name].title!r} of kind {known[options.name].kind!r}; "
                             "accepted: no other --title and no other --kind, or another name")
        return known[options.name]
    if options.kind not in LOADERS or not options.name.isidentifier():
        raise ValueError(f"editor {options.name!r} is none of {', '.join(known)}; accepted for a new one: a name of letters, digits and _, and "
                         f"--kind {'|'.join(LOADERS)}")
    file = f"{options.name}.safetensors"
    if file in {*pack.info["files"], *(editor.file for editor in known.values())}:
        raise ValueError(f"editor {options.name!r} would be kept as {file}, which is another file of pack {pack.name!r}; accepted: another name")
    return Shipped(options.name, options.title or options.name, file, options.kind)


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Put a trained editor into a pack, where the studio's Compare and Shape pages find it.")
    parser.add_argument("name", help="secgan, secgan-baseline, maskgan, maae, semantic-vae, or a new name")
    parser.add_argument("file", type=Path, help="what was trained, such as RUN/generator.safetensors")
    parser.add_argument("--pack", default="portraits", help="a pack's name or folder (portraits)")
    parser.add_argument("--kind", help="who reads the file, for a new name")
    parser.add_argument("--title", help="what the page calls it, for a new name (the name)")
    return parser


if __name__ == "__main__":
    cli.run(main)
