"""What a prompt asks for and is there already, on the page: nothing need be learned twice, and several things go one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app import resources, session
from app.jobs import JobQueue, JobRequest
from lelsd.direction import load_direction
from lelsd.stops import Stops
from packs.pack import Pack


def stack(page) -> list[tuple[str, float]]:
    return [(edit.direction, edit.alpha) for edit in session.present(page.session_state).edits]


def markdown(page) -> str:
    return "\n".join(element.value for element in page.markdown)


def give_ends(path: Path) -> None:
    direction = load_direction(path)
    replace(direction, stops=Stops(torch.ones(direction.deltas.shape[2]), (-1.0,), (1.0,))).save(path)


def buttons(page) -> dict[str, str]:
    return {button.key: button.label for button in page.button}


def test_what_is_in_the_library_is_offered_in_other_words_too(studio, make_direction, asked, type_prompt):
    path = make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "a woman wearing spectacles")
    assert "There already: Glasses" in markdown(page) and buttons(page)["learn"] == "Learn this edit"
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), 1.0)] and asked == []
    assert not page.toggle("show_part").value, "what was added is better seen without shading"
    assert "on the stack" in markdown(page) and "take-wishes" not in buttons(page)
    page.button("learn").click().run()
    assert [job.prompt for job in asked] == ["a woman wearing spectacles"], "who wants to learn it may"


def test_what_is_to_be_learned_is_not_offered(studio, make_direction, type_prompt, monkeypatch):
    monkeypatch.setattr(Pack, "unknown_words", lambda pack, text: [])
    make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "a person with round glasses")
    assert "take-wishes" not in buttons(page) and buttons(page)["learn"] == "Learn this edit"


def test_what_is_close_to_something_to_be_learned_is_there_at_a_press(studio, make_direction, asked, type_prompt, monkeypatch):
    monkeypatch.setattr(Pack, "unknown_words", lambda pack, text: [])
    glasses, curls, beard = make_direction("a person with glasses", part="eyeglasses"), make_direction("curly-haired person"), make_direction("a person with a beard")
    page = type_prompt(studio(), "a person with round glasses")
    assert [label for key, label in buttons(page).items() if key.startswith("near-")] == ["Glasses"]
    page.button(f"near-{glasses}").click().run()
    assert stack(page) == [(str(glasses), 1.0)] and asked == [] and f"near-{glasses}" not in buttons(page)
    page = type_prompt(page, "a person with springy curls, round glasses and a beard")
    assert {key for key in buttons(page) if key.startswith("near-")} == {f"near-{curls}"}, "not what is on the stack, or wanted as it is"
    assert buttons(page)["learn"] == "Learn as one edit" and str(beard) not in dict(stack(page))


def test_several_things_are_taken_one_by_one_and_what_is_missing_is_learned(studio, make_direction, asked, type_prompt):
    glasses, own = make_direction("a person with glasses", part="eyeglasses"), make_direction("grey-haired person")
    page = type_prompt(studio(), "a person with grey hair, glasses and a beard")
    assert "3 things, a slider each" in markdown(page)
    assert buttons(page)["take-wishes"] == "Add 2, learn 1" and buttons(page)["learn"] == "Learn as one edit"
    page.number_input("steps").set_value(33)
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(own), 1.0), (str(glasses), 1.0)]
    assert [(job.prompt, job.part, job.steps) for job in asked] == [("a person with a beard", "auto", 33)]
    page.button("undo").click().run()
    assert stack(page) == [], "one step"


def test_as_one_edit_it_is_learned_as_it_was_typed(studio, asked, type_prompt):
    page = type_prompt(studio(), "a person with grey hair and glasses")
    page.button("learn").click().run()
    assert [(job.prompt, job.part) for job in asked] == [("a person with grey hair and glasses", "auto")]


def test_what_takes_a_thing_away_is_its_direction_at_minus_one(studio, make_direction, asked, type_prompt):
    path = make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "remove the glasses")
    assert "take-wishes" not in buttons(page), "a direction without ends may lead anywhere on its other side"
    give_ends(path)
    page = type_prompt(studio(), "remove the glasses")
    assert "There already: Glasses at −1" in markdown(page)
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), -1.0)] and asked == []


def test_the_opposite_of_what_is_on_the_stack_moves_its_slider(studio, make_direction, asked, type_prompt):
    path = make_direction("a person with glasses", part="eyeglasses")
    give_ends(path)
    page = type_prompt(studio(), "a person with glasses")
    page.button("take-wishes").click().run()
    type_prompt(page, "no glasses")
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), -1.0)]
    uid = session.present(page.session_state).edits[0].uid
    page.button(f"mute-{uid}").click().run()
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), -1.0)] and not session.present(page.session_state).edits[0].muted


def test_a_degree_is_a_strength_and_more_or_less_begins_at_the_slider(studio, make_direction, asked, type_prompt):
    path = make_direction("a person with curly hair")
    give_ends(path)
    page = type_prompt(studio(), "slightly curly hair")
    assert "There already: Curly hair at +0.5" in markdown(page).replace("\\", "")
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), 0.5)] and "take-wishes" not in buttons(page)
    for prompt, strength in {"a bit less curly hair": 0.0, "less curly hair": -0.5, "far less curly hair": -1.0}.items():
        type_prompt(page, prompt)
        assert buttons(page)["take-wishes"] == "Move its slider"
        page.button("take-wishes").click().run()
        assert stack(page) == [(str(path), strength)] and "take-wishes" not in buttons(page), "it ends where faces end, and once is enough"
    page.button("undo").click().run()
    assert "take-wishes" in buttons(page) and asked == []


def test_what_compares_moves_a_slider_that_is_there_further(studio, make_direction, asked, type_prompt):
    path = make_direction("a person with curly hair")
    page = type_prompt(studio(), "slightly curly hair")
    page.button("take-wishes").click().run()
    type_prompt(page, "curly hair")
    assert "take-wishes" not in buttons(page), "it is curly"
    type_prompt(page, "more curly hair")
    assert "Move its slider" == buttons(page)["take-wishes"]
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), 1.0)] and "take-wishes" not in buttons(page)
    type_prompt(page, "curlier hair")
    assert "take-wishes" not in buttons(page) and asked == [], "there it ends"


def test_what_is_being_learned_is_not_asked_for_again(studio, pretend_jobs, type_prompt):
    pretend_jobs("import time; time.sleep(60)")
    page = type_prompt(studio(), "a person with grey hair and glasses")
    assert buttons(page)["take-wishes"] == "Learn 2"
    page.button("take-wishes").click().run()
    assert [job.request.prompt for job in reversed(resources.queue().jobs())] == ["a person with grey hair", "a person with glasses"]
    assert markdown(page).count("being learned") == 2 and "take-wishes" not in buttons(page)


def test_words_that_the_model_does_not_know_are_named_though_the_rest_is_there(studio, make_direction, type_prompt):
    make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "a person with quokka glasses")
    assert buttons(page)["take-wishes"] == "Add it"
    assert page.warning[0].value.startswith("The model has never seen the word “quokka”")


def test_who_chooses_parts_by_hand_wants_one_edit(studio, make_direction, type_prompt):
    make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "a person with glasses")
    page.button_group("parts").set_value(["eyebrows"]).run()
    assert "take-wishes" not in buttons(page)


def test_with_a_runs_folder_that_cannot_be_written_the_rest_is_added_all_the_same(studio, make_direction, monkeypatch, type_prompt):
    def refuse(queue, request):
        raise ValueError("cannot write in runs")

    monkeypatch.setattr(JobQueue, "submit", refuse)
    path = make_direction("a person with glasses", part="eyeglasses")
    page = type_prompt(studio(), "a person with grey hair and glasses")
    page.button("take-wishes").click().run()
    assert stack(page) == [(str(path), 1.0)] and "cannot write in runs" in page.error[0].value.lower()
