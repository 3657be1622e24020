"""The two networks of shape control as a pack ships them, or the sentence that says that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.shape.shaper import Shaper
from baselines.shipped import MASKGAN, SEMANTIC_VAE, Shipped, shipped_editors

if TYPE_CHECKING:
    from baselines.maskgan.editor import Painter
    from packs.pack import Pack


def painter_entry(pack: "Pack") -> Shipped:
    """The MaskGAN of a pack, under whatever name; the one that it lacks where it has none. Raises ValueError for a damaged description."""
    found = [editor for editor in shipped_editors(pack) if editor.kind == "maskgan"]
    return next((editor for editor in found if not editor.absence(pack)), MASKGAN)


def open_shaper(pack: "Pack") -> Shaper:
    """The pack's Semantic-VAE, on its device. Raises ValueError, one sentence, if it is absent or damaged; OSError."""
    return SEMANTIC_VAE.open(pack)


def open_painter(pack: "Pack") -> "Painter":
    """The pack's MaskGAN, on its device. Raises ValueError, one sentence, if it is absent or damaged; OSError."""
    return painter_entry(pack).open(pack).painter


def needs(pack: "Pack") -> dict[str, str]:
    """What decides what a part's shape comes to: the pack's hash (a morph draws faces with it), and its Semantic-VAE's."""
    return {"pack": pack.hash, "semantic-vae": pack.info["files"].get(SEMANTIC_VAE.file, {}).get("sha256", "")}
