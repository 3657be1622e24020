"""Shapes on their way to pictures: the visitor's history, the networks of the pack, the picture of a shape, files out and in."""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
import torch
from PIL import Image

from app import beside, rendering, resources, session, shape_history
from app.session import History
from baselines.maskgan.editor import Painter
from baselines.shape.edits import PartShape, Stroke
from baselines.shape.masks import given_mask, is_mask, mask_png
from baselines.shape.networks import needs, open_painter, open_shaper, painter_entry
from baselines.shape.recipe import Shape, shape_from_png, shape_png
from baselines.shape.shaper import Shaper
from baselines.shape.workbench import Workbench, nearest, replaced, split
from baselines.shipped import SEMANTIC_VAE
from baselines.side_by_side import sources
from evaluation.editor import Samples
from packs.cli import describe
from packs.pack import Pack
from stylegan2.images import from_pil, to_pil
from stylegan2.inversion.intake import read_picture

BENCH = "shape_bench"
OF_SEED, DRAWN = "The face of seed", "Drawn face"  # how titles begin of faces that can be had again
MAX_VISITS = 32  # whose shapes are in memory; others are read from the disk again


@dataclass(frozen=True, eq=False)
class Networks:
    """What a pack brings for the page; None where it does not, and then why in a sentence."""

    shaper: Shaper | None
    painter: Painter | None
    no_shaper: str = ""
    no_painter: str = ""


def networks(pack: Pack) -> Networks:
    """Those of the pack, opened once for all visitors. Raises ValueError for a pack that describes its editors wrongly."""
    files = [pack.info["files"].get(entry.file, {}).get("sha256", "") for entry in (SEMANTIC_VAE, painter_entry(pack))]
    return _networks(str(pack.path), *files, pack)


@st.cache_resource(show_spinner=False, max_entries=4)
def _networks(folder: str, shaper_file: str, painter_file: str, _pack: Pack) -> Networks:
    shaper, no_shaper = _opened(open_shaper, _pack)
    painter, no_painter = _opened(open_painter, _pack)
    return Networks(shaper, painter, no_shaper, no_painter)


def _opened(opening, pack: Pack):
    try:
        return opening(pack), ""
    except (ValueError, OSError) as error:
        return None, describe(error)


# --- where a shape begins ---------------------------------------------------------------------------------------------


def of_edit_page() -> Shape:
    """The picture of the Edit page, with its edits."""
    snapshot = rendering.drawable(session.present(st.session_state))
    return _begun(rendering.words(snapshot), rendering.picture(snapshot))


def of_seed(seed: int, truncation: float) -> Shape:
    """The face of a seed. Raises ValueError for what is no seed."""
    return _begun(f"{OF_SEED} {seed}", _picture(sources.sampled(resources.pack(), seed, 1, truncation)))


def of_drawn(number: int) -> Shape:
    """A face that the renderer draws."""
    return _begun(f"{DRAWN} {number}", _picture(sources.drawn(resources.pack(), number, 1)))


def of_upload(data: bytes, name: str) -> Shape:
    """The middle square of a picture. Raises ValueError, which names the file, for what is none."""
    return _begun(name, _picture(sources.uploaded(resources.pack(), [(name, data)])))


def _picture(samples: Samples) -> Image.Image:
    return to_pil(samples.images)


def _begun(title: str, picture: Image.Image) -> Shape:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG")
    return Shape(title, buffer.getvalue())


# --- what it comes to -------------------------------------------------------------------------------------------------


def bench(shape: Shape) -> Workbench:
    """The session's workbench for the picture that a shape begins with. It is no one else's: it keeps what it computed."""
    pack = resources.pack()
    found = networks(pack)
    wanted = (name_of(shape), pack.hash, found)
    kept = st.session_state.get(BENCH)
    if kept is None or kept[0] != wanted:
        image = from_pil(read_picture(shape.png, shape.title)).to(pack.device)
        kept = (wanted, Workbench(image, pack.parser, found.shaper, found.painter, lambda edit: _other(edit, image.shape[-1])))
        st.session_state[BENCH] = kept
    return kept[1]


def _other(edit: PartShape, side: int) -> np.ndarray:
    return nearest(_face_mask(edit.number, edit.truncation, resources.pack().hash), side)


@st.cache_data(show_spinner=False, max_entries=64)
def _face_mask(seed: int, truncation: float, pack_hash: str) -> np.ndarray:
    """The mask of the face of a seed, uint8 [R, R]."""
    pack = resources.pack()
    with torch.no_grad():
        return pack.parser(sources.sampled(pack, seed, 1, truncation).images)[0].argmax(dim=0).to(torch.uint8).cpu().numpy()


def name_of(shape: Shape) -> str:
    """A short name of the picture that it begins with: the same for the same pixels."""
    return shape_history.name_of(shape.png)


def words(shape: Shape) -> str:
    """The picture in words, for those who do not see it."""
    told = [f"{edit.part} {HOW_DONE[edit.how]} {edit.amount:.2f}" for edit in shape.edits if isinstance(edit, PartShape)]
    if strokes := sum(isinstance(edit, Stroke) for edit in shape.edits):
        told.append(f"{strokes} stroke{'' if strokes == 1 else 's'} of the brush")
    if others := len(shape.edits) - strokes - sum(isinstance(edit, PartShape) for edit in shape.edits):
        told.append(f"{others} mask{'' if others == 1 else 's'} opened")
    return f"{shape.title}: {', '.join(told) or 'the shape as it was'}"


HOW_DONE = {"sample": "drawn anew", "perturb": "perturbed", "morph": "morphed", "transplant": "taken over"}


def with_part(shape: Shape, edit: PartShape) -> Shape:
    """With this shape of its part, instead of the one before it since the last stroke; without any for an amount of 0."""
    base, group = split(shape.edits)
    changed = replaced(group, edit)
    return replace(shape, edits=(*base, *(other for other in changed if other.amount)))


# --- files ------------------------------------------------------------------------------------------------------------


def png(shape: Shape) -> bytes:
    """The picture as the page shows it, with its recipe inside."""
    work = bench(shape)
    return shape_png(to_pil(work.picture(shape.edits, shape.whole)), shape, needs(resources.pack()), work.mask(shape.edits))


def labels(shape: Shape) -> bytes:
    """The mask as a PNG of class numbers."""
    return mask_png(bench(shape).mask(shape.edits))


def opened(data: bytes, name: str, present: Shape) -> tuple[Shape, str]:
    """What a file makes of the present shape, and a sentence about it: a shape that was saved here, a mask, or another picture.

    Raises ValueError, one sentence, for a file that is none of them.
    """
    if found := shape_from_png(data, name):
        shape, same = found.for_networks(needs(resources.pack()))
        return shape, "" if same else "Its parts were shaped by other networks than this pack's: the mask is as it was, its steps are gone."
    if is_mask(data):
        return replace(present, edits=(*present.edits, given_mask(data, bench(present).side, name))), ""
    return of_upload(data, name), ""


# --- the visitor's history --------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def _histories() -> OrderedDict[tuple[str, str], History]:
    return OrderedDict()


def _here() -> tuple[str, str]:
    return session.visit(st.session_state), resources.pack().hash


def history() -> History:
    """This visit's shapes with the pack in use, whatever page, reload or server came between; the Edit page's picture at first."""
    if _here() not in _histories():
        found = beside.found(_here()[0], _drawer(), lambda drawer: shape_history.taken_out(drawer, partial(beside.tell_some_lost, beside.SHAPES)))
        _remember(found or History(of_edit_page()))
    return _histories()[_here()]


def keep(changed: History) -> None:
    """Go on with this history, and keep it on disk: something was changed."""
    _remember(changed)
    beside.put(_here()[0], _drawer(), *shape_history.put_away(changed))


def is_own(shape: Shape) -> bool:
    """Whether it begins with a visitor's picture, and not with a face that can be had again."""
    return not shape.title.startswith((OF_SEED, DRAWN))


def forget(png: bytes) -> None:
    """Take a picture that shapes begin with, and all that was done to it, from the history and from the disk."""
    keep(history().only(lambda shape: shape.png != png) or History(of_edit_page()))


def _drawer() -> str:
    return f"{beside.SHAPES}-{resources.pack().hash[:16]}"


def _remember(changed: History) -> None:
    """In memory, which forgets those of the oldest visits."""
    kept = _histories()
    kept[_here()] = changed
    kept.move_to_end(_here())
    while len(kept) > MAX_VISITS:
        kept.popitem(last=False)


def commit(shape: Shape, tag: str | None = None) -> None:
    """Make `shape` the present one, as one step of undo."""
    keep(history().push(shape, tag))
