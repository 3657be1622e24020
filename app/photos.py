"""A picture of somebody's own on its way to a face that can be edited: handed in, cut out, searched for as a job, opened.

The picture is kept on disk beside the work of the visit until it is removed or another takes its place; the square that is searched for, in
the folder of its job until somebody deletes it there. Both are drawn anew, so that nothing is in them that the file said of place or camera;
only a file that the studio saved itself is kept as it is, for its recipe.
"""

from __future__ import annotations

import io
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st
from PIL import Image

from app import beside, recipes, resources
from app.components.picture import data_url
from app.drawers import Drawer
from app.files import read_json
from app.job import Job
from app.job_request import InvertRequest
from app.session import Snapshot
from lelsd.invert import prepared
from lelsd.recipe import recipe_from_file
from packs.cli import describe
from packs.pack import Pack
from stylegan2.images import to_pil
from stylegan2.inversion.align import Framing, corners, face_square, typical_points
from stylegan2.inversion.intake import read_picture

WORKING_SIDE, SHOWN_SIDE = 3072, 960  # pixels: of what is kept of a handed in picture, and of what the browser gets
MAX_NAME = 80  # characters of a file's name that are kept, its end
MAX_DRAFTS = 16  # pictures in memory; others are read from the disk again
SAMPLES = 0x70686F746F  # the world of drawn faces to try it with; no training has seen it
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Draft:
    """A picture that was handed in, upright, and where the face is in it.

    points: `align.POINTS` in its pixels; they count where `by_points`, else the middle square does. recipe: the file itself
    where the studio saved it with this pack, so that it need not be searched for.
    """

    name: str
    picture: Image.Image
    shown: str  # a data URL
    points: Points
    by_points: bool
    recipe: bytes | None = None
    uid: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def shares(self) -> list[tuple[float, float]]:
        """The points in shares of width and height."""
        return [(x / self.picture.width, y / self.picture.height) for x, y in self.points]


def read(data: bytes, name: str) -> Draft:
    """A picture that somebody hands in. Raises ValueError, one sentence, for a file that is none, is damaged, or too large."""
    draft = _draft(read_picture(data, name), name)
    return replace(draft, recipe=data) if _is_recipe(data) else draft


def _is_recipe(data: bytes) -> bool:
    """Whether a picture holds a recipe for the pack; those of another pack are pictures like any other."""
    if not data.startswith(b"\x89PNG"):
        return False
    try:
        recipe_from_file(io.BytesIO(data)).check_pack(resources.pack())
    except ValueError:
        return False
    return True


def drawn_sample(pack: Pack, index: int) -> Draft:
    """A picture from the renderer whose world the built-in pack was trained on."""
    from portraits.render import Renderer  # brings a drawing library that no other page needs
    from portraits.scene import sample

    return _draft(Image.fromarray(Renderer(min(2 * pack.resolution, 512)).draw(sample(SAMPLES, index))[0]), "A drawn face")


def _draft(picture: Image.Image, name: str) -> Draft:
    """A square picture is taken as it is; in another one the face must be shown."""
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
    shown = picture.copy()
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    points = typical_points(picture.size, Framing(**resources.pack().framing))
    return Draft(name[-MAX_NAME:], picture, data_url(shown), tuple(points), picture.width != picture.height)


def with_shares(draft: Draft, shares: Sequence[Sequence[float]]) -> Draft:
    """The same picture with its points elsewhere. Raises ValueError for what is not four pairs of numbers."""
    places = np.asarray(shares, dtype=float)
    if places.shape != (4, 2) or not np.isfinite(places).all():
        raise ValueError("four points are accepted, each with x and y")
    return replace(draft, points=tuple((x, y) for x, y in (places * draft.picture.size).tolist()))


def square_of(draft: Draft, pack: Pack) -> list[list[float]]:
    """The corners of what the points cut out, in shares of width and height. Raises ValueError for points that are on no face."""
    return (corners(face_square(draft.points, Framing(**pack.framing))) / np.array(draft.picture.size)).round(4).tolist()


def cut_out(draft: Draft, pack: Pack) -> Image.Image:
    """What is searched for, at the generator's size. Raises ValueError for points that are on no face."""
    return to_pil(prepared(pack, draft.picture, draft.points if draft.by_points else None))


def search(draft: Draft, steps: int, visit: str) -> Job:
    """Put the search in the queue. Raises ValueError for points that are on no face, or a folder that cannot be written."""
    request = InvertRequest(draft.name, resources.pack_name(), steps, visit)
    return resources.queue().submit(request, {request.picture: _png(cut_out(draft, resources.pack()))})


def _png(picture: Image.Image) -> bytes:
    """Drawn anew: nothing that the file said of place or camera is in it."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # a photograph hardly gets smaller with more, and somebody waits
    return buffer.getvalue()


def jobs() -> list[Job]:
    """The pictures that were searched for and not deleted, newest first."""
    return [job for job in resources.queue().jobs() if job.kind == "invert"]


def found(job: Job) -> Snapshot:
    """The face that was found, without edits. Raises ValueError if it has gone, or is of another pack."""
    path = job.folder / InvertRequest.result
    try:
        return recipes.snapshot_from(path.read_bytes(), job.request.title)
    except OSError as error:
        raise ValueError(f"what was found has gone: {describe(error)}") from error


def likeness(job: Job) -> dict[str, float]:
    """How like the picture what was found is, as `lelsd.likeness` measures it; only what could be told."""
    measured = read_json(job.folder / "status.json").get("likeness")
    return {name: float(value) for name, value in measured.items() if value is not None} if isinstance(measured, dict) else {}


# --- the picture of a visit -------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def _drafts() -> OrderedDict[str, Draft | None]:
    return OrderedDict()


def draft_of(visit: str) -> Draft | None:
    """The picture that this visit works on, whatever page, reload or server came between."""
    kept = _drafts()
    if visit not in kept:
        _remember(visit, beside.found(visit, beside.PHOTO, _taken_out))
    return kept.get(visit)


def keep(visit: str, draft: Draft | None) -> None:
    """Work on this picture from now on, or on none: what was kept of the one before goes."""
    _remember(visit, draft)
    if draft is None:
        beside.empty(visit, beside.PHOTO)
        return
    values = {"name": draft.name, "picture": draft.uid, "points": draft.shares, "by_points": draft.by_points}
    beside.put(visit, beside.PHOTO, values, {draft.uid: lambda: draft.recipe or _png(draft.picture)})


def _remember(visit: str, draft: Draft | None) -> None:
    """In memory, which forgets those of the oldest visits. None, too: a file that is no use is not read again."""
    kept = _drafts()
    kept[visit] = draft
    kept.move_to_end(visit)
    while len(kept) > MAX_DRAFTS:
        kept.popitem(last=False)


def _taken_out(drawer: Drawer) -> Draft:
    values = drawer.values
    draft = read(drawer.picture(values["picture"]), str(values["name"]))
    return replace(with_shares(draft, values["points"]), by_points=bool(values["by_points"]), uid=values["picture"])
