"""The directions page: search, cards, names, deleting and taking back, taking in and handing out."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from app import directions, report_card, resources
from lelsd.direction import direction_from_bytes, load_direction

CURLS, GLASSES = "a person with curly hair", "a person with glasses"


@pytest.fixture
def library(studio, visit_page, make_direction):
    """The page with two directions of one's own."""
    paths = make_direction(CURLS), make_direction(GLASSES, "eyeglasses")
    return visit_page(studio(), "directions"), *map(str, paths)


def titles(page) -> list[str]:
    return [text.value.split("**")[1] for text in page.markdown if text.value.startswith("**")]


def texts(page) -> str:
    return " ".join(str(element.value) for element in [*page.caption, *page.info, *page.error, *page.success, *page.markdown])


def test_without_directions_the_page_says_how_to_get_some(studio, visit_page):
    page = visit_page(studio(), "directions")
    assert "There are no directions yet" in page.info[0].value and titles(page) == []


def test_a_card_for_each_and_search_by_name_and_part(library):
    page, curls, glasses = library
    assert sorted(titles(page)) == ["Curly hair", "Glasses"]
    assert "learned here · layers 2 to 4" in texts(page)
    page.text_input("library_words").set_value("eyeglasses").run()
    assert titles(page) == ["Glasses"]
    page.text_input("library_words").set_value("hair GLASSES").run()
    assert titles(page) == [] and "No direction matches “hair GLASSES”" in page.info[0].value
    page.text_input("library_words").set_value("")
    page.button_group("library_whose").set_value("pack").run()
    assert titles(page) == [] and "No ready-made direction is here yet" in page.info[0].value


def test_a_card_says_what_must_be_worn(studio, visit_page, make_direction):
    make_direction("a person whose hat is red", "hat"), make_direction("a person with a hat", "hat")
    page = visit_page(studio(), "directions")
    said = {caption.value.split(" · ")[0]: caption.value for caption in page.caption if " · learned here" in caption.value}
    assert said["“a person whose hat is red”"].endswith("layers 2 to 4 · needs a hat") and said["“a person with a hat”"].endswith("layers 2 to 4")


def test_use_puts_it_on_the_stack_and_goes_there(library, picture):
    page, curls, _ = library
    page.button(f"use-{curls}").click().run()
    assert [edit.direction for edit in page.session_state["history"].present.edits] == [curls]
    assert "curly hair +1.00" in picture(page)["alt"]


def test_a_name_is_shown_searched_and_handed_out(library):
    page, curls, _ = library
    page.text_input(f"name-{curls}").set_value("  Wild   curls ").run()
    assert "Wild curls" in titles(page) and load_direction(curls).name == "Wild curls"
    page.text_input("library_words").set_value("wild").run()
    assert titles(page) == ["Wild curls"]
    page.text_input(f"name-{curls}").set_value("   ").run()
    assert "A name of 0 characters" in page.error[0].value and load_direction(curls).name == "Wild curls"
    assert page.text_input(f"name-{curls}").value == "Wild curls"
    page.text_input(f"name-{curls}").set_value("glasses").run()
    assert "There is a direction called glasses already" in page.error[0].value and load_direction(curls).name == "Wild curls"
    page.text_input("library_words").set_value("").run()
    page.text_input(f"name-{curls}").set_value(":red[x] :material/home:").run()
    assert not [title for title in titles(page) if ":red[" in title or ":material" in title], "read as Markdown"


def test_deleting_can_be_undone_at_once_and_later(library, visit_page, studio):
    page, curls, glasses = library
    page.button(f"delete-{curls}").click().run()
    assert titles(page) == ["Glasses"] and not Path(curls).exists() and "Deleted Curly hair" in page.success[0].value
    page.button("undo-delete").click().run()
    assert sorted(titles(page)) == ["Curly hair", "Glasses"] and Path(curls).exists() and not page.success
    page.button(f"delete-{glasses}").click().run()
    later = visit_page(studio(), "directions")
    later.button(f"restore-{Path(glasses).parent.name}").click().run()
    assert sorted(titles(later)) == ["Curly hair", "Glasses"]


def test_a_stack_waits_for_a_direction_that_was_deleted(library, visit_page, picture):
    page, curls, _ = library
    page.button(f"use-{curls}").click().run()
    folder = directions.delete(curls)
    visit_page(page, "edit")
    assert page.error[0].value == "Curly hair was deleted from the library." and "without edits" in picture(page)["alt"]
    [edit] = page.session_state["history"].present.edits
    page.button(f"restore-{edit.uid}").click().run()
    assert not page.error and not folder.exists() and "curly hair +1.00" in picture(page)["alt"]


def test_what_was_deleted_can_be_thrown_away(library, runs):
    page, curls, glasses = library
    for path in (curls, glasses):
        page.button(f"delete-{path}").click().run()
    page.button("forget").click().run()
    assert list((runs / directions.DELETED).glob("*")) == [] and "no directions yet" in page.info[0].value


def test_the_queue_does_not_look_into_what_was_deleted(library, runs):
    _, curls, _ = library
    (Path(curls).parent / "job.json").write_text('{"request": {"prompt": "x", "pack": "p"}, "created": 1}')
    assert len(resources.queue().jobs()) == 1
    directions.delete(curls)
    assert resources.queue().jobs() == []


def test_directions_of_the_pack_and_other_files_are_not_touched(studio, tmp_path, tiny_pack):
    studio()
    for path in (tiny_pack / "directions" / "curls.safetensors", tmp_path / "elsewhere" / "direction.safetensors"):
        for change in (directions.delete, lambda path: directions.rename(path, "mine")):
            with pytest.raises(ValueError, match="belongs to a pack"):
                change(path)


def test_a_step_in_w_comes_in_calibrated_and_goes_out_again(studio, visit_page, tiny_models):
    page = visit_page(studio(), "directions")
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(0).normal(size=(1, tiny_models.generator.w_dim)))
    page.file_uploader("bring-0").set_value(("age.npy", buffer.getvalue(), "application/octet-stream")).run()
    page.button("bring-now").click().run()
    assert "needs a description" in page.error[0].value
    page.text_input("bring-prompt-0").set_value("an old person")
    page.multiselect("bring-parts-0").set_value(["skin", "hair"])
    page.button("bring-now").click().run()
    assert not page.error and "Old person is in the library" in texts(page).replace("old person is", "Old person is")
    entry = resources.library()[0][0]
    assert entry.direction.parts == {"skin": 1.0, "hair": 1.0} and directions.origin(entry) == "brought here"
    step = np.load(io.BytesIO(directions.as_numpy(entry.direction)), allow_pickle=False)
    assert step.shape == (tiny_models.generator.num_ws, tiny_models.generator.w_dim)
    assert np.allclose(step, entry.direction.step(1.0).numpy())
    assert entry.direction.deltas.shape == direction_from_bytes(entry.direction.to_bytes()).deltas.shape


def test_a_direction_of_ours_comes_in_as_it_is_and_only_once(library, runs):
    _, curls, _ = library
    named = replace(load_direction(curls), name="Mine")
    assert directions.bring(named.to_bytes(), "curls.safetensors") == Path(curls)
    fresh = replace(named, prompt="a person with bangs")
    path = directions.bring(fresh.to_bytes(), "bangs.safetensors")
    assert load_direction(path).name == "Mine" and load_direction(path).prompt == "a person with bangs"


@pytest.mark.parametrize("name, data", [("a.pt", b"\x80\x04N."), ("a.npy", b""), ("a.safetensors", b"\0" * 40), ("a.npy", b"\x93NUMPY\1\0")])
def test_a_file_that_is_no_use_leaves_a_sentence(studio, runs, name, data):
    studio()
    with pytest.raises(ValueError, match=f"^{name} .*accepted"):
        directions.bring(data, name, "an old person")
    assert not list(runs.glob("*"))


# --- report cards -----------------------------------------------------------------------------------------------------


def strength(alpha: float, **changes) -> SimpleNamespace:
    """A strength of a card, as `lelsd.card` has it."""
    values = {"alpha": alpha, "samples": 48, "target_rate": 0.875, "eligible": 32, "away_rate": 0.5, "away_eligible": 16, "side_effect_rate": 0.05,
              "avoidable_side_effect_rate": 0.03, "localization": 0.8, "by_part": {"hair": 0.8, "skin": 0.19, "hat": 0.01}, "identity": 0.91,
              "side_effects": (SimpleNamespace(name="Big_Nose", appears=0.125, disappears=0.0), SimpleNamespace(name="Smiling", appears=0.0, disappears=0.01))}
    return SimpleNamespace(**{**values, **changes})


def carded(*strengths) -> SimpleNamespace:
    card = SimpleNamespace(directions=(strengths,), target_judge="classifier", other_judge="clip",
                           at=lambda alpha, index=0: next((s for s in strengths if s.alpha == alpha), None))
    return SimpleNamespace(card=card, quality={}, num_directions=1)


def test_a_card_in_words():
    direction = carded(strength(-1.0), strength(1.0))
    assert [(fact.label, fact.value) for fact in report_card.facts(direction)] == [("Works", "88 %"), ("Stays inside", "80 %"), ("Side effects", "3 %")]
    said = " ".join(report_card.sentences(direction))
    assert "88 % of 32 faces" in said and "At strength -1, 50 % of 16 faces" in said
    assert "hair 80 %, skin 19 %." in said and "“big nose” appears in 12 %." in said and "smiling" not in said
    assert report_card.table(direction)["Strength"] == ["-1", "1"] and report_card.table(direction)["As asked"] == ["50 %", "88 %"]


def test_a_card_on_which_nobody_could_tell():
    direction = carded(strength(1.0, target_rate=None, away_rate=None, localization=None, by_part={}, side_effects=()))
    assert [fact.label for fact in report_card.facts(direction)] == ["Side effects"]
    assert len(report_card.sentences(direction)) == 1 and report_card.table(direction)["As asked"] == ["–"]


@pytest.mark.parametrize("quality, shown", [({}, []), ({"localization": 0.461}, ["46 %"]), ({"localization": "much"}, []), ({"localization": 7}, [])])
def test_without_a_card_what_there_is_is_shown(quality, shown):
    direction = SimpleNamespace(quality=quality, num_directions=1)
    assert [fact.value for fact in report_card.facts(direction)] == shown
    assert report_card.sentences(direction) == [] and report_card.table(direction) == {}
