"""From a prompt to its part, and from the button to a job: on the page."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app import rendering, resources
from app.jobs import JobQueue, JobRequest
from app.panels import prompt as panel
from lelsd.edit import base_latent
from lelsd.prompt import Prompt
from packs.pack import load_pack
from stylegan2.images import to_pil


@pytest.fixture
def page(studio):
    return studio()


def parts(page) -> list[str]:
    return page.session_state["parts"]


def captions(page) -> str:
    return " ".join(element.value for element in page.caption)


def test_a_prompt_shows_its_part_why_and_where(page, picture, type_prompt):
    type_prompt(page, "a person with curly hair")
    assert parts(page) == ["hair"]
    assert "Because of “curly hair”." in captions(page)
    assert picture(page)["overlay"].startswith("data:image/png")
    assert picture(page)["caption"] == "Shaded: hair"


def test_the_part_is_changeable_and_several_go_together(page, picture, type_prompt):
    page.number_input("seed").set_value(3).run()  # a face in which the untrained parser sees both parts
    type_prompt(page, "a person with curly hair")
    hair = picture(page)["overlay"]
    page.button_group("parts").set_value(["hair", "eyebrows"]).run()
    assert "Chosen by you." in captions(page)
    assert picture(page)["caption"] == "Shaded: hair, eyebrows"
    assert picture(page)["overlay"] != hair


def test_only_the_area_is_shaded_unless_parts_are_chosen_by_hand(page, monkeypatch, type_prompt):
    asked, real = [], rendering.part_overlay
    monkeypatch.setattr(rendering, "part_overlay", lambda image, parts, areas: asked.append(dict(areas)) or real(image, parts, areas))
    type_prompt(page, "a person with a moustache")
    assert asked[-1] == {"skin": ("moustache",), "mouth": ("moustache",)}
    page.button_group("parts").set_value([*parts(page), "ears"]).run()
    assert asked[-1] == {}


def test_a_moustache_is_shaded_below_the_nose(monkeypatch):
    """Of the skin, that is: the whole of it reaches from the forehead to the neck."""
    pack = load_pack("portraits")
    monkeypatch.setattr(resources, "pack", lambda: pack)
    with torch.no_grad():
        face = to_pil(pack.generator.synthesis(base_latent(pack, 62, 1.0)))
    rows = [np.asarray(rendering.part_overlay(face, {"skin": 1.0}, areas))[..., 3].max(axis=1).nonzero()[0] for areas in ({}, {"skin": ("moustache",)})]
    (forehead, neck), (top, bottom) = [(some.min(), some.max()) for some in rows]
    assert forehead + 40 < top < bottom < neck - 10 and bottom - top < 80, "of 256 rows"


def test_the_overlay_can_be_switched_off(page, picture, type_prompt):
    type_prompt(page, "a person with a red hat")
    page.toggle("show_part").set_value(False).run()
    assert picture(page)["overlay"] == ""


def test_a_misspelt_word_and_one_that_is_to_go_are_told(page, type_prompt):
    type_prompt(page, "a smiling woman with hiar and no glasses")
    assert "Because of “smiling” \\(mouth\\), “hiar”, read as “hair” \\(hair\\) and “glasses” \\(eyeglasses, to go\\)." in captions(page)


def test_another_prompt_is_another_part(page, type_prompt):
    type_prompt(page, "a person with curly hair")
    type_prompt(page, "a person with glasses")
    assert parts(page)[0] == "eyeglasses" and "hair" not in parts(page)


def test_words_the_model_does_not_know_are_named(page, type_prompt):
    type_prompt(page, "a zeppelin with curly hair")
    assert "“zeppelin”" in page.warning[0].value
    type_prompt(page, "a person with curly hair")
    assert not page.warning


def test_words_the_model_is_told_others_for_are_named(page, type_prompt):
    type_prompt(page, "a person with specs_ and [dreadlocks]")
    assert "The model knows plainer words: “specs” is read as “glasses”." in captions(page)
    assert "specs" not in page.warning[0].value and "“dreadlocks”" in page.warning[0].value
    type_prompt(page, "a person with glasses")
    assert "is read as" not in captions(page)


def test_an_example_fills_the_prompt(page):
    page.button("example-Glasses").click().run()
    assert page.text_input("prompt").value == "a person with glasses"
    assert parts(page)[0] == "eyeglasses"


def test_learn_with_an_empty_prompt_is_one_sentence(page, asked):
    page.button("learn").click().run()
    assert "prompt is empty" in page.error[0].value
    assert asked == []


def test_a_prompt_of_ten_thousand_characters_is_one_sentence(page, asked, picture, type_prompt):
    type_prompt(page, "curly " * 1700)
    assert len(page.error) == 1 and "characters" in page.error[0].value and len(page.error[0].value) < 400
    page.button("learn").click().run()
    assert asked == [] and len(page.error) == 1
    type_prompt(page, "a person with curly hair")
    assert not page.error


def test_learn_asks_for_what_the_widgets_say(page, asked, type_prompt):
    type_prompt(page, "a person with curly hair")
    page.number_input("steps").set_value(40)
    page.slider("localization").set_value(1.0)
    page.button("learn").click().run()
    job = asked[0]
    assert (job.prompt, job.part, job.layers, job.steps, job.localization_weight) == ("a person with curly hair", "auto", None, 40, 1.0)
    assert "--layers" not in job.options(), "what the pack was measured with"
    assert job.visit == page.session_state["visit"]
    assert page.session_state["show_part"] is False


def test_a_chosen_part_and_chosen_layers_go_into_the_job(page, asked, type_prompt):
    type_prompt(page, "a person with curly hair")
    page.button_group("parts").set_value(["hair", "eyebrows"])
    page.button_group("layers_mode").set_value("choose").run()
    page.button("learn").click().run()
    assert "no layer is chosen" in page.error[0].value.lower() and asked == []
    page.multiselect("layers_chosen").set_value([3, 2]).run()
    page.button("learn").click().run()
    assert (asked[0].part, asked[0].layers) == ("hair,eyebrows", "2,3")


def test_what_is_being_learned_is_not_asked_for_twice(page, type_prompt, pretend_jobs, wait_for):
    pretend_jobs("import time; time.sleep(100)")
    type_prompt(page, "a person with curly hair")
    page.button("learn").click().run()
    page.button("learn").click().run()
    assert "is being learned already" in page.error[0].value and len(resources.queue().jobs()) == 1
    page.number_input("train_seed").set_value(1)
    page.button("learn").click().run()
    assert not page.error and len(resources.queue().jobs()) == 2


def test_another_page_and_back_leaves_the_prompt_as_it_was(page, type_prompt, visit_page):
    type_prompt(page, "a person with curly hair")
    visit_page(page, "directions") and visit_page(page, "edit")
    assert page.text_input("prompt").value == "a person with curly hair" and page.button_group("parts").value == ["hair"]
    page.text_input("prompt").set_value("").run()
    visit_page(page, "directions") and visit_page(page, "edit")
    assert page.text_input("prompt").value == ""


def test_a_runs_folder_that_cannot_be_written_is_one_sentence(page, monkeypatch, tmp_path, type_prompt):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECLIPSED_RUNS", str(tmp_path / "file"))
    type_prompt(page, "a person with curly hair")
    page.button("learn").click().run()
    assert not page.exception
    assert "cannot write in" in page.error[0].value.lower()


@pytest.mark.parametrize(
    ("prompt", "chosen", "expected"),
    [
        (Prompt("curly hair", "hair", {"hair": 1.0}, "curly hair", decided_by="lexicon"), {"hair"}, "Because of “curly hair”."),
        (Prompt("no hat", "hat", {"hat": 1.0}, "hat", True, "lexicon"), {"hat"}, "Because of “hat”. It is asked to go away."),
        (Prompt("x", "hair", {"hair": 1.0}, "x", decided_by="clip"), {"hair"}, "Because the model of pictures and words connects “x” with it."),
        (Prompt("x", "face", {"face": 1.0}), {"face"}, "No part was recognised, so the whole face may change."),
        (Prompt("x", "face", {"face": 1.0}), {"nose"}, "Chosen by you."),
        (Prompt("x", "face", {"face": 1.0}), set(), "Choose at least one part, or the whole face is used."),
    ],
)
def test_why(prompt, chosen, expected):
    assert panel.why(prompt, chosen) == expected


def test_titles_are_short():
    assert resources.short_title("a person with curly hair") == "curly hair"
    assert resources.short_title("a person with the mouth open") == "mouth open"
    assert resources.short_title("an old person") == "old person"
    assert resources.short_title("smiling") == "smiling"
    assert len(resources.short_title("a person with " + "very " * 30 + "long hair")) <= 34
