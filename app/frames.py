"""Frames rendered ahead: pictures of the strengths that may be dragged to next, coarse to fine, as small JPEGs.

A *target* is one edit of the stack (a slider) or two (the palette). Its frames stay good as long as everything else in the
snapshot does: the *basis*. The browser keeps the frames, says how many it has, and gets the next few. So the server
remembers nothing, and whoever stops dragging, moves something else or closes the page asks for no more.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from app import rendering, resources, session
from app.session import ALPHA_LIMIT, Snapshot, StackEdit

STRENGTHS = (9, 17, 33)  # frames of a slider, coarse to fine; each set holds the one before
GRID = (3, 7)  # frames along each side of the palette
BATCH_SECONDS = 0.06  # an exact picture that is asked for meanwhile waits no longer than this and one frame
AHEAD_SECONDS = 5.0  # where all frames together take longer, only the coarser ones are rendered
FRAME_SIZE = 512  # pixels; a frame is seen for a moment
JPEG_QUALITY = 85


@dataclass(frozen=True)
class Frame:
    """The picture at `point`, a strength for each edit of the target."""

    point: tuple[float, ...]
    jpeg: bytes


def limit(edit: StackEdit) -> float:
    """How far its slider goes either way: to where faces end, if they do; a recipe from the command line may go further."""
    return max(1.0 if rendering.has_ends(edit) else ALPHA_LIMIT, abs(edit.alpha))


def points(limits: Sequence[float]) -> list[tuple[float, ...]]:
    """The strengths to render, in the order in which they are rendered. limits: one for each edit of the target."""
    counts = STRENGTHS if len(limits) == 1 else GRID
    finest = counts[-1] - 1
    found: dict[tuple[int, ...], None] = {}
    for count in counts:
        places = range(0, finest + 1, finest // (count - 1))
        found.update(dict.fromkeys(itertools.product(places, repeat=len(limits))))
    return [tuple(round(size * (2 * place / finest - 1), 4) for size, place in zip(limits, chosen)) for chosen in found]


def affordable(dimensions: int, seconds: float) -> int:
    """How many frames to render for one edit or two where a frame takes `seconds`: the finest level that is ready in time."""
    counts = [count**dimensions for count in (STRENGTHS if dimensions == 1 else GRID)]
    return max([count for count in counts if count * seconds <= AHEAD_SECONDS], default=counts[0])


def with_strengths(snapshot: Snapshot, target: Sequence[str], point: Sequence[float]) -> Snapshot:
    """The snapshot with the edits of `target` at these strengths."""
    for uid, alpha in zip(target, point, strict=True):
        snapshot = session.changed(snapshot, uid, alpha=float(alpha))
    return snapshot


def edits_of(snapshot: Snapshot, target: Sequence[str]) -> list[StackEdit]:
    """The edits of `target` in its order; none of those that are muted or have gone."""
    found = {edit.uid: edit for edit in snapshot.edits if not edit.muted}
    return [found[uid] for uid in target if uid in found]


def basis(snapshot: Snapshot, target: Sequence[str]) -> str:
    """A name for all that the frames of `target` depend on: two states with the same name share their frames."""
    limits = tuple(limit(edit) for edit in edits_of(snapshot, target))
    rest = with_strengths(rendering.drawable(snapshot), target, [0.0] * len(target))
    return name_of(rest, limits, resources.pack().hash)


def name_of(*values: object) -> str:
    """A short name for values that are told apart by what Python writes of them; `hash` takes -1 and -2 for the same."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def frames(snapshot: Snapshot, target: Sequence[str], have: int, seconds: float = BATCH_SECONDS) -> list[Frame]:
    """The next frames of `target` after the first `have`: as many as `seconds` allow, but one at least while there are any."""
    return list(until(_rendered(snapshot, target, have), time.monotonic() + seconds))


def _rendered(snapshot: Snapshot, target: Sequence[str], have: int) -> Iterator[Frame]:
    snapshot = rendering.drawable(snapshot)
    for point in points([limit(edit) for edit in edits_of(snapshot, target)])[have:]:
        yield Frame(point, jpeg(rendering.picture(with_strengths(snapshot, target, point))))


def until(found: Iterator[Frame], end: float) -> Iterator[Frame]:
    """Those frames that are ready by the time `end`, but one at least."""
    for frame in found:
        yield frame
        if time.monotonic() >= end:
            return


def jpeg(picture: Image.Image) -> bytes:
    """A frame as the browser takes it."""
    if max(picture.size) > FRAME_SIZE:
        picture.thumbnail((FRAME_SIZE, FRAME_SIZE))
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
