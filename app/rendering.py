"""From a snapshot to pictures: the latents of its face, its edits applied, the generator's picture, the part's mask.

A renderer of `lelsd.edit` is kept for each session: it holds the state of the synthesis below the lowest edited layer, so
a slider pays only for the layers above. The models themselves are shared, and nothing here writes to them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from app import resources
from app.components.picture import data_url
from app.components.tiles import thumbnail
from app.session import Snapshot, StackEdit, without_edits
from lelsd import edit as edits
from lelsd.edit import Edit, EditStack, StackRenderer, base_latent
from segmentation.parts import part, part_probability
from segmentation.places import area_probability
from stylegan2.images import from_pil, to_pil

RENDERER = "renderer"
OVERLAY_OPACITY = 0.55
HISTORY_SIZE, MAX_SMALL = 72, 2000  # pixels; small pictures kept for all visitors, some 2 kB each


def latents(snapshot: Snapshot) -> Tensor:
    """w+ [1, L, D] of the face before any edit. Raises ValueError if a recipe's latent does not fit the pack."""
    pack = resources.pack()
    if snapshot.w_plus is None:
        return base_latent(pack, snapshot.seed, snapshot.truncation)
    found = torch.tensor(snapshot.w_plus, device=pack.device)
    expected = [pack.generator.num_ws, pack.generator.w_dim]
    if list(found.shape) != expected:
        raise ValueError(f"the face of this recipe has rows {list(found.shape)}; accepted for this pack: {expected}")
    return found[None]


def active(snapshot: Snapshot) -> list[StackEdit]:
    """The edits that do something."""
    return [edit for edit in snapshot.edits if not edit.muted and edit.alpha != 0 and edit.layers != ()]


def is_edited(snapshot: Snapshot) -> bool:
    """Whether the picture differs from the face alone."""
    return bool(active(snapshot))


def drawable(snapshot: Snapshot) -> Snapshot:
    """Without the edits whose direction cannot be read just now; their cards say so."""
    return replace(snapshot, edits=tuple(edit for edit in snapshot.edits if _is_readable(edit)))


def _is_readable(edit: StackEdit) -> bool:
    try:
        resources.direction(edit.direction).check_pack(resources.pack())
    except ValueError:
        return False
    return True


def title(edit: StackEdit) -> str:
    """What an edit is called. Raises ValueError if its file has gone."""
    return resources.title_of(resources.direction(edit.direction))


def words(snapshot: Snapshot) -> str:
    """The picture in words, for those who do not see it. Raises ValueError if a direction has gone."""
    edits = [f"{title(edit)} {edit.alpha:+.2f}" for edit in active(snapshot)]
    face = f"The face of seed {snapshot.seed}" if snapshot.w_plus is None else "The face that was opened"
    return face + (f" with {', '.join(edits)}" if edits else ", without edits")


def stack(snapshot: Snapshot) -> EditStack:
    """The edits as `lelsd` wants them. Raises ValueError if a direction's file has gone or cannot be used."""
    return EditStack(tuple(_edit(edit) for edit in snapshot.edits))


def _edit(edit: StackEdit) -> Edit:
    return Edit(resources.direction(edit.direction), edit.alpha, edit.layers, edit.muted, edit.index, edit.free)


def has_ends(edit: StackEdit) -> bool:
    """Whether an edit goes no further than to strength 1."""
    try:
        return not edit.free and resources.direction(edit.direction).has_ends
    except ValueError:
        return False


def is_at_its_end(snapshot: Snapshot, uid: str) -> bool:
    """Whether an edit finds nothing left to change on this face. Raises ValueError if a direction has gone."""
    snapshot = drawable(snapshot)
    position = next((place for place, edit in enumerate(snapshot.edits) if edit.uid == uid), None)
    return position is not None and edits.is_at_its_end(latents(snapshot), stack(snapshot), position)


def picture(snapshot: Snapshot) -> Image.Image:
    """The picture of a snapshot, at the generator's resolution."""
    return to_pil(_renderer(snapshot).render(stack(snapshot)))


def original(snapshot: Snapshot) -> str:
    """The picture of its face without edits, as the browser takes it: a data URL, made once a face."""
    return _original(without_edits(snapshot), resources.pack().hash)


def _renderer(snapshot: Snapshot) -> StackRenderer:
    """The session's renderer for this face. It is no one else's: it keeps what it computed last."""
    face = (without_edits(snapshot), resources.pack().hash)
    kept = st.session_state.get(RENDERER)
    if kept is None or kept[0] != face:
        kept = (face, StackRenderer(resources.pack(), latents(snapshot)))
        st.session_state[RENDERER] = kept
    return kept[1]


@st.cache_data(show_spinner=False, max_entries=64)
def _original(face: Snapshot, pack_hash: str) -> str:
    return data_url(to_pil(StackRenderer(resources.pack(), latents(face)).render()))


def small(snapshot: Snapshot, made: Image.Image | None = None) -> str:
    """A small picture of a snapshot, as a data URL; taken from the one just `made` where there is one, and kept."""
    kept, key = _small(), (snapshot, resources.pack().hash)
    if key not in kept:
        kept[key] = thumbnail(made or picture(snapshot), HISTORY_SIZE)
        while len(kept) > MAX_SMALL:
            kept.pop(next(iter(kept)), None)
    return kept[key]


@st.cache_resource(show_spinner=False)
def _small() -> dict[tuple[Snapshot, str], str]:
    return {}


@st.cache_data(show_spinner=False, max_entries=64)
def thumbnails(seeds: tuple[int, ...], truncation: float, pack_hash: str) -> list[str]:
    """Small pictures of faces, as data URLs."""
    pack = resources.pack()
    w_plus = torch.cat([base_latent(pack, seed, truncation) for seed in seeds])
    with torch.no_grad():
        images = pack.generator.synthesis(w_plus)
    return [thumbnail(to_pil(image[None])) for image in images]


def part_overlay(image: Image.Image, parts: Mapping[str, float], areas: Mapping[str, Collection[str]]) -> Image.Image:
    """RGBA picture that shades the parts in `image`, each in the colour it has everywhere, fainter where it weighs less; those with areas
    (`segmentation.places`) only there."""
    pack = resources.pack()
    with torch.no_grad():
        logits = pack.parser(from_pil(image).to(pack.device))
    weight = np.zeros((*logits.shape[2:], 1), dtype=np.float32)
    colour = np.zeros((*logits.shape[2:], 3), dtype=np.float32)
    for name, share in parts.items():
        shown = part_probability(logits, name)
        if name in areas:
            shown = shown * area_probability(logits, areas[name], logits.shape[2:])
        mask = share * shown[0, 0, :, :, None].cpu().numpy()
        colour += mask * np.array(part(name).colour, dtype=np.float32)
        weight += mask
    shaded = np.concatenate([colour / np.maximum(weight, 1e-6), 255 * OVERLAY_OPACITY * np.minimum(weight, 1)], axis=2)
    return Image.fromarray(shaded.round().astype(np.uint8), "RGBA")
