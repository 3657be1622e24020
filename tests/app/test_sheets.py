"""Grids and sweeps: every picture where it belongs, and files that open."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app import frames, rendering, sheets
from app.session import Snapshot, StackEdit, with_face
from lelsd.strip import CAPTION_HEIGHT, names_width

SIZE = 32


@pytest.fixture
def snapshot(make_direction) -> Snapshot:
    """Two edits, "one" and "two", of which "one" is varied."""
    curls, glasses = make_direction("a person with curly hair"), make_direction("a person with glasses", "eyeglasses")
    return Snapshot(edits=(StackEdit(str(curls), 1.0, uid="one"), StackEdit(str(glasses), 0.5, uid="two")))


def test_strengths_are_even_and_hold_both_ends():
    assert sheets.strengths(-2.0, 1.0, 4) == [-2.0, -1.0, 0.0, 1.0]


def test_a_grid_has_a_row_a_seed_and_a_column_a_strength_with_the_other_edits_kept(snapshot):
    shown = sheets.grid(snapshot, "one", [7, 9], [-1.0, 0.0, 2.0])
    left = names_width(["7", "9"], SIZE)
    assert shown.size == (left + 3 * SIZE, CAPTION_HEIGHT + 2 * SIZE)
    tile = shown.crop((left + 2 * SIZE, CAPTION_HEIGHT + SIZE, left + 3 * SIZE, CAPTION_HEIGHT + 2 * SIZE))
    expected = rendering.picture(frames.with_strengths(with_face(snapshot, 9), ["one"], [2.0]))
    assert np.array_equal(np.asarray(tile), np.asarray(expected))


def test_each_row_of_a_grid_says_its_seed(snapshot):
    grid, other = (np.asarray(sheets.grid(snapshot, "one", seeds, [0.0])) for seeds in ([5, 123], [6, 123]))
    left = names_width(["5", "123"], SIZE)
    first, second = (slice(CAPTION_HEIGHT + row * SIZE, CAPTION_HEIGHT + (row + 1) * SIZE) for row in range(2))
    assert (grid[first, :left] != other[first, :left]).any() and (grid[second, :left] == other[second, :left]).all()
    inked = np.flatnonzero((grid[second, :left] < 255).any(axis=(0, 2)))
    assert 0 < inked[0] and inked[-1] < left - 1, "the longest one has air on both sides"


@pytest.mark.parametrize("count", [0, sheets.MAX_FACES + 1])
def test_too_few_or_too_many_faces_are_refused(snapshot, count):
    with pytest.raises(ValueError, match=f"{count} seeds; accepted: 1 to {sheets.MAX_FACES}"):
        sheets.grid(snapshot, "one", range(count), [0.0])


@pytest.mark.parametrize("kind", sheets.FORMATS)
def test_a_sweep_goes_there_and_back_and_loops(snapshot, kind):
    pictures = sheets.sweep(snapshot, "one", [-1.0, 0.0, 1.0])
    assert len(pictures) == 4 and pictures[3] == pictures[1] != pictures[0]
    opened = Image.open(io.BytesIO(sheets.animation(pictures, kind)))
    assert (opened.format, opened.n_frames, opened.size) == (kind.upper(), 4, (SIZE, SIZE))
    assert opened.info["loop"] == 0


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="'AVI'; accepted: GIF, WebP"):
        sheets.animation([Image.new("RGB", (2, 2))], "AVI")


def test_a_grid_begins_at_the_face_and_is_not_shown_as_a_sweep(studio, make_direction):
    direction = make_direction("a person with curly hair")
    page = studio()
    page.button(f"add-{direction}").click().run()
    assert page.text_input("sheet-seeds").value.startswith(f"{page.session_state['history'].present.seed}-")
    page.text_input("sheet-seeds").set_value("0-100000").run()
    page.button("draw-grid").click().run()
    assert "up to 12 at once" in page.error[0].value
    page.text_input("sheet-seeds").set_value("3").run()
    page.button("draw-grid").click().run()
    found = len(page.get("download_button"))
    page.segmented_control("sheet-kind").set_value("sweep").run()
    assert len(page.get("download_button")) == found - 1 and not page.exception


def test_on_the_page_a_grid_is_drawn_and_a_bad_list_of_seeds_is_one_sentence(studio, make_direction):
    path = make_direction("a person with curly hair")
    page = studio()
    assert not any(button.key == "draw-grid" for button in page.button)
    page.button(f"add-{path}").click().run()
    page.text_input("sheet-seeds").set_value("5,9")
    page.number_input("sheet-columns").set_value(3)
    page.button("draw-grid").click().run()
    made = page.session_state["sheet_made"]
    assert Image.open(io.BytesIO(made.data)).size == (names_width(["5", "9"], SIZE) + 3 * SIZE, CAPTION_HEIGHT + 2 * SIZE)
    page.text_input("sheet-seeds").set_value("five")
    page.button("draw-grid").click().run()
    assert len(page.error) == 1 and "five" in page.error[0].value and page.session_state["sheet_made"] is None
    assert not page.exception
