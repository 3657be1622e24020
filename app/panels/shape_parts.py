"""A part's shape by its code: drawn anew, perturbed, or morphed towards another face's; pictures to choose from and a slider."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from app import rendering, resources, session, shaping
from app.components.tiles import Tile, thumbnail, tiles
from app.panels.shape_live import Slider, amount_slider
from app.widgets import sentence
from baselines.shape.edits import CODED, HOW, PartShape
from baselines.shape.recipe import Shape
from baselines.shape.workbench import Workbench, split
from packs.cli import describe
from segmentation.parts import PALETTE, PARTS, part as part_named

PART, WAY, FIRST, SHEET, TILES = "shape-part", "shape-how", "shape_first", "shape_sheet", "shape-tiles"
LABELS = {"sample": "New shape", "perturb": "Perturb", "morph": "Morph", "transplant": "Take over"}
HELP = {"sample": "Another shape for this part, as the network has learned that such parts look; the slider goes from the old one to it.",
        "perturb": "The part's own shape with a little chance in it.",
        "morph": "Towards another face's part, as the network sees both; the rest of the face follows.",
        "transplant": "Another face's part as it is, moved to its place. It needs no network."}
AMOUNTS = {"sample": "How far", "perturb": "How strong", "morph": "How far", "transplant": "How far"}
FROM_FACES = ("morph", "transplant")
HARDLY = 0.02  # of a part's pixels
NOTHING = {True: "This hardly changes the part: the code that the network has for it says too little here. **Take over** needs no code.",
           False: "This changes nothing: that face does not have this part, or it lies behind another."}
ROW, COLUMNS = 8, 4
ROOM = 0.35  # around a part in its small pictures, in shares of its size


def parts_panel(shape: Shape, coded: bool) -> None:
    """Draw the parts, the ways to change the chosen one, shapes to choose from, and how far to go. coded: whether there is a Semantic-VAE."""
    ways = HOW if coded else tuple(how for how in HOW if how not in CODED)
    part = st.pills("Part of the face", list(PARTS), default="hair", required=True, key=PART, persist_state="page")
    how = st.segmented_control("How", list(ways), format_func=LABELS.get, default=ways[0], required=True, key=WAY, persist_state="page",
                               help=" ".join(f"**{LABELS[how]}**: {HELP[how]}" for how in ways))
    present, numbers = chosen(shape, part, how), _numbers()
    number = numbers[0] if present is None else present.number
    try:
        shaping.bench(shape).mask(shape.edits)  # where that cannot be, there is nothing to choose
        shown = _faces(numbers) if how in FROM_FACES else _shapes(shape, part, how, numbers)
    except (ValueError, OSError) as error:
        st.caption(f":material/warning: {sentence(describe(error))}")
        shown = []
    names = "Face of seed" if how in FROM_FACES else "Shape"
    tiles([Tile(n, image, f"{names} {n}", present is not None and n == number) for n, image in zip(numbers, shown)],
          label="Faces to take the part from" if how in FROM_FACES else "Shapes to choose from", columns=COLUMNS, key=TILES,
          on_pick=lambda: _pick(part, how))
    with st.container(horizontal=True, gap="small"):
        st.button("More", icon=":material/more_horiz:", key="shape-more", on_click=_turn, args=(ROW,), help="Others to choose from")
        st.button("Back", icon=":material/arrow_back:", key="shape-fewer", on_click=_turn, args=(-ROW,), disabled=numbers[0] == 0,
                  help="Those before these")
    edit = PartShape(part, how, 0.0 if present is None else present.amount, number, _truncation(how))
    amount_slider(Slider(edit, f"shape-amount-{part}-{how}"), AMOUNTS[how], lambda amount: _set_amount(edit, amount))
    if shown and present is not None and _changes_nothing(shape, present):
        st.caption(NOTHING[how in CODED])


def chosen(shape: Shape, part: str, how: str) -> PartShape | None:
    """What is done to the part since the last stroke, this way."""
    group = split(shape.edits)[1]
    return next((edit for edit in group if edit.part == part and edit.how == how), None)


def _changes_nothing(shape: Shape, edit: PartShape) -> bool:
    """Whether the part would be as good as the same without it."""
    work = shaping.bench(shape)
    without = tuple(other for other in shape.edits if other is not edit)
    then, there = (np.isin(work.mask(edits), part_named(edit.part).classes) for edits in (shape.edits, without))
    return (then != there).sum() <= HARDLY * max(then.sum(), there.sum())


def _numbers() -> list[int]:
    first = st.session_state.setdefault(FIRST, 0)
    return list(range(first, first + ROW))


# --- small pictures ---------------------------------------------------------------------------------------------------


def _faces(numbers: list[int]) -> list[str]:
    return rendering.thumbnails(tuple(numbers), session.present(st.session_state).truncation, resources.pack().hash)


def _shapes(shape: Shape, part: str, how: str, numbers: list[int]) -> list[str]:
    """Each shape in the mask's colours, cut out around the part; drawn once for as long as nothing else changes."""
    base, group = split(shape.edits)
    others = tuple(edit for edit in group if edit.part != part)
    wanted = (shaping.name_of(shape), resources.pack().hash, base, others, part, how, tuple(numbers))
    if st.session_state.get(SHEET, (None,))[0] != wanted:
        work = shaping.bench(shape)
        side = min(work.side, work.shaper.model.config.size)
        masks = work.variants((*base, *others), [PartShape(part, how, 1.0, number) for number in numbers], side)
        st.session_state[SHEET] = (wanted, [thumbnail(Image.fromarray(PALETTE[cut])) for cut in cut_out(masks, part)])
    return st.session_state[SHEET][1]


def cut_out(masks: np.ndarray, part: str) -> np.ndarray:
    """The square [N, S, S] of masks [N, R, R] that shows the part of all of them; the whole where none has it."""
    there = np.isin(masks, part_named(part).classes).any(axis=0)
    if not there.any():
        return masks
    side = len(there)
    rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    size = min(side, round((1 + 2 * ROOM) * max(np.ptp(rows), np.ptp(columns), side // 8)))
    top, left = (min(max(0, (int(line[0]) + int(line[-1]) - size) // 2), side - size) for line in (rows, columns))
    return masks[:, top:top + size, left:left + size]


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _change(part: str, how: str, amount: float, number: int, tag: str | None = None) -> None:
    edit = PartShape(part, how, round(float(amount), 4), int(number), _truncation(how))
    shaping.commit(shaping.with_part(shaping.history().present, edit), tag)


def _truncation(how: str) -> float:
    """Of the faces that are offered."""
    return session.present(st.session_state).truncation if how in FROM_FACES else 1.0


def _pick(part: str, how: str) -> None:
    picked = st.session_state[TILES].get("picked")
    if picked is not None:
        present = chosen(shaping.history().present, part, how)
        _change(part, how, 1.0 if present is None else present.amount, picked)


def _set_amount(edit: PartShape, amount: float) -> None:
    _change(edit.part, edit.how, amount, edit.number, f"{edit.part}-{edit.how}")


def _turn(by: int) -> None:
    st.session_state[FIRST] = max(0, st.session_state[FIRST] + by)
