"""The comparison page on the tiny pack: one picture at once, several as a job that can be left, cancelled and found again."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from app import comparison, session
from app.job_request import CompareRequest
from app.jobs import job_command
from app.session import History, Snapshot, StackEdit
from baselines.side_by_side import files, sources
from baselines.side_by_side.outcomes import TEXT, Wish
from baselines.side_by_side.sources import Chosen
from lelsd.direction import Direction, load_direction
from lelsd.edit import Edit, EditStack, StackRenderer, base_latent
from stylegan2.images import to_pil
from stylegan2.style_space import num_styles
from tests.baselines.untrained import ship_all

BANGS = "a person with bangs"
# what a comparison looks like from outside; "stays" goes on until somebody cancels it
PRETEND = """
import json, pathlib, sys, time
folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]
if how == "fails":
    sys.exit("python -m baselines.side_by_side: the pictures could not be read")
(folder / "status.json").write_text(json.dumps({"state": "running", "step": 40, "steps": 100, "note": "MaskGAN …"}))
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def compare_page(studio, visit_page):
    """`compare_page()`: the page as a visitor first sees it."""
    return lambda: visit_page(studio(), "compare")


def texts(page) -> str:
    """All that is written, without Markdown's escapes."""
    found = [*page.markdown, *page.caption, *page.error, *page.info, *page.header]
    written = " ".join(str(element.value) for element in found) + " ".join(element.proto.body for element in page.get("html"))
    return written.replace("\\", "")


def press(page):
    page.button("compare-now").click().run()
    assert not page.exception, page.exception[0].message
    return page


# --- the page ---------------------------------------------------------------------------------------------------------


def test_before_anything_is_compared_it_says_who_is_missing_and_how_to_get_them(compare_page):
    page = compare_page()
    assert "press Compare" in page.info[0].value
    told = ("holds no secgan.safetensors", "holds no secgan_baseline.safetensors", "--method secgan", "--method baseline", "ship secgan-baseline RUN",
            "holds no maskgan.safetensors", "baselines.maae.export", "holds no semantic_vae.safetensors")
    assert all(words in texts(page) for words in told)
    assert not page.error and not [button for button in page.get("download_button")]


def test_a_direction_is_measured_beside_editors_that_are_absent(compare_page, make_direction):
    make_direction(BANGS)
    page = compare_page()
    page.selectbox("compare-attribute").set_value("Bangs")
    page.number_input("compare-seed").set_value(5)
    page = press(page)
    assert not page.error and "“a person with bangs” on the face of seed 5 at truncation 0.7" in texts(page) and "at strength 1" in texts(page)
    assert texts(page).count('alt="After Text-driven direction"') == 1 and "After SeCGAN" not in texts(page), "pictures of an editor that is absent"
    assert texts(page).count('<th scope="row">') == 1 and "python -m baselines.secgan.train" in texts(page)
    found = page.session_state["compared"]
    assert [outcome.contender.name for outcome in found.outcomes] == [TEXT, "secgan", "secgan-baseline", "maskgan", "maae", "semantic-vae"]
    assert found.found is None and "FID" not in texts(page), "of one picture"
    page.slider("compare-strength").set_value(0.0)
    page = press(page)
    still = page.session_state["compared"].outcomes[0]
    assert np.array_equal(still.images, page.session_state["compared"].images) and still.measured["localization"] is None and "<td>–</td>" in texts(page)


def test_words_that_no_attribute_says_and_no_direction_was_learned_for(compare_page):
    page = compare_page()
    page.segmented_control("compare-wish").set_value("words").run()
    page.text_input("compare-prompt").set_value("a person with thin lips").run()
    assert "No attribute says the same" in texts(page)
    page = press(page)
    assert "has been learned yet" in texts(page) and "None of the editors did anything" in texts(page) and "nobody can tell" in texts(page)
    page.text_input("compare-prompt").set_value("").run()
    page = press(page)
    assert "cannot be compared" in page.error[0].value


def test_uploaded_pictures_are_compared_and_what_is_none_is_named(compare_page, make_direction, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_STEPS", 2)
    make_direction("a person with glasses")
    page = compare_page()
    page.segmented_control("compare-source").set_value("uploaded").run()
    buffer = io.BytesIO()
    Image.new("RGB", (48, 40), (200, 150, 120)).save(buffer, "PNG")
    page.file_uploader("compare-files").set_value([("me.png", buffer.getvalue(), "image/png")]).run()
    page = press(page)
    assert "“a person with glasses” on uploaded: me.png" in texts(page) and page.session_state["compared"].outcomes[0].measured is not None
    page.file_uploader("compare-files").set_value([("me.png", b"me", "image/png")]).run()
    assert "me.png is no picture" in press(page).error[0].value.replace("\\", "").replace("Me.png", "me.png")


def working_on(page, visit_page, snapshot: Snapshot):
    """The comparison page of somebody who has this on the Edit page."""
    page.session_state[session.HISTORY_KEY] = History(snapshot)
    return visit_page(page, "compare")


def test_the_picture_of_the_edit_page_is_compared_with_its_edits(studio, visit_page, make_direction, tiny_models):
    curls, bangs = make_direction("a person with curly hair"), make_direction(BANGS)
    edits = (StackEdit(str(curls), 0.5, uid="one"), StackEdit("gone.safetensors", uid="two"))
    latent = base_latent(tiny_models, 3, 0.5)[0]
    page = working_on(studio(), visit_page, Snapshot(w_plus=tuple(map(tuple, latent.tolist())), edits=edits))
    assert page.segmented_control("compare-source").value == "edited" and "The face that was opened with curly hair +0.50." in texts(page)
    page.selectbox("compare-attribute").set_value("Bangs")
    page = press(page)
    found = page.session_state["compared"]
    shown = StackRenderer(tiny_models, latent[None]).render(EditStack((Edit(load_direction(curls), 0.5),)))
    assert np.abs(found.images[0] - np.asarray(to_pil(shown))).max() <= 1 and found.found is None
    assert "“a person with bangs” on the face that was opened with curly hair +0.50" in texts(page) and found.outcomes[0].contender.name == TEXT
    after = StackRenderer(tiny_models, latent[None]).render(EditStack((Edit(load_direction(curls), 0.5), Edit(load_direction(bangs), 1.0))))
    assert np.abs(found.outcomes[0].images[0].astype(int) - np.asarray(to_pil(after))).max() <= 1, "the wish comes after the edits"


def test_edits_of_styles_cannot_be_compared_and_a_face_without_edits_is_one_of_many(studio, visit_page, runs, tiny_models):
    path = runs / "styles" / "direction.safetensors"
    path.parent.mkdir(parents=True)
    styles = torch.ones(1, num_styles(tiny_models.generator.synthesis))
    Direction(styles, (2,), "a person with curly hair", "hair", tiny_models.name, tiny_models.hash, (1.0,)).save(path)
    moved = StackEdit(str(path), 0.5, uid="one")
    page = press(working_on(studio(), visit_page, Snapshot(edits=(moved,))))
    assert "moves styles, which cannot be compared; mute it" in page.error[0].value and "compared" not in page.session_state
    muted = working_on(studio(), visit_page, Snapshot(edits=(replace(moved, muted=True),)))
    assert muted.segmented_control("compare-source").value == "sampled"
    muted.segmented_control("compare-source").set_value("edited").run()
    assert not press(muted).error and "on the face of seed 62, without edits" in texts(muted)


def test_every_editor_of_the_pack_edits_and_is_measured(compare_page, tiny_pack, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny_pack, tmp_path / "full")
    ship_all(folder, tmp_path)
    monkeypatch.setenv("ECLIPSED_PACK", str(folder))
    page = compare_page()
    assert "holds no" not in texts(page)
    page.selectbox("compare-attribute").set_value("Bangs")
    page = press(page)
    for title in ("SeCGAN", "SeCGAN's baseline", "MaskGAN", "M-AAE", "Semantic-VAE and MaskGAN"):
        assert f'alt="After {title}"'.replace("'", "&#x27;") in texts(page), title
    assert texts(page).count('<th scope="row">') == 5 and "has been learned yet" in texts(page)
    page.selectbox("compare-attribute").set_value("Young")
    page = press(page)
    assert texts(page).count('<th scope="row">') == 2 and "edits shapes" in texts(page) and "No network of M-AAE" in texts(page)


# --- several, as a job ------------------------------------------------------------------------------------------------


def ask_for_four(page):
    page.segmented_control("compare-source").set_value("drawn").run()
    page.segmented_control("compare-count").set_value(4)
    page.selectbox("compare-attribute").set_value("Bangs")
    return press(page)


def the_job():
    [job] = comparison.jobs()
    return job


def has(page, key: str) -> bool:
    return any(button.key == key for button in page.button)


def test_a_batch_is_a_job_and_a_reload_finds_what_it_came_to(compare_page, studio, visit_page, make_direction, wait_for):
    make_direction(BANGS)
    page = ask_for_four(compare_page())
    assert "“a person with bangs” on drawn faces 0 to 3" in texts(page) and "compared" not in page.session_state
    wait_for(lambda: not the_job().active, 240)
    assert the_job().state == "done", the_job().message
    page.run()
    found = page.session_state["compared"]
    assert found.images.shape == found.found.shape == (4, 32, 32, 3) and "Found again" in texts(page)
    assert not np.array_equal(found.found, found.images), "the search cannot have found noise exactly"
    assert found.outcomes[0].contender.name == TEXT and found.outcomes[0].measured["fid"] > 0 and "FID is between the 4 pictures" in texts(page)
    shown = texts(page)
    page.slider("compared-place-4").set_value(3).run()
    assert not page.exception and texts(page) != shown
    again = visit_page(studio(visit=page.session_state["visit"]), "compare")
    assert np.array_equal(again.session_state["compared"].outcomes[0].images, found.outcomes[0].images)
    other = visit_page(studio(), "compare")
    name = the_job().folder.name
    assert "compared" not in other.session_state and "everybody who opens this studio" in texts(other)
    other.button(f"compared-show-{name}").click().run()
    assert not other.exception and other.session_state["compared"].source == "drawn faces 0 to 3"
    other.button(f"compared-delete-{name}").click().run()
    assert not other.exception and comparison.jobs() == []


def test_deleting_the_newest_comparison_shows_no_older_one_in_its_place(compare_page, pretend_jobs, wait_for, monkeypatch):
    pretend_jobs(PRETEND, "fails")
    shown = []
    monkeypatch.setattr("app.comparison.load", lambda job: shown.append(job.folder.name) or None)
    page = compare_page()
    for _ in range(2):
        page = ask_for_four(page)
        wait_for(lambda: not comparison.jobs()[0].active)
        newest = comparison.jobs()[0]
        (newest.folder / files.RESULT).write_text("{}")
        (newest.folder / "status.json").write_text(json.dumps({"state": "done"}))
        page.run()
    assert shown[-1] == newest.folder.name
    page.button(f"compared-delete-{newest.folder.name}").click().run()
    assert not page.exception and shown[-1] == newest.folder.name


def test_a_job_says_how_far_it_is_and_can_be_cancelled_and_begun_again(compare_page, visit_page, pretend_jobs, wait_for):
    pretend_jobs(PRETEND, "stays")
    page = ask_for_four(compare_page())
    wait_for(lambda: the_job().step)
    page.run()
    assert [bar.proto.text for bar in page.get("progress")] == ["MaskGAN …"] and not page.info, "it says what to do though it does it"
    visit_page(page, "about") and visit_page(page, "directions")
    assert "Comparisons" in " ".join(element.value for element in page.subheader) and len(page.get("progress")) == 1
    visit_page(page, "compare")
    page.button(f"comparing-cancel-{the_job().folder.name}").click().run()
    wait_for(lambda: the_job().state == "cancelled")
    page.run()
    assert "Cancelled." in texts(page)
    (the_job().folder / "status.json").write_text(json.dumps({"state": "cancelled"}))  # as one leaves it that had time to say so
    page.button(f"comparing-again-{the_job().folder.name}").click().run()
    wait_for(lambda: the_job().state == "running")


def test_a_job_that_fails_says_why(compare_page, pretend_jobs, wait_for):
    pretend_jobs(PRETEND, "fails")
    page = ask_for_four(compare_page())
    wait_for(lambda: the_job().state == "failed")
    page.run()
    assert "The comparison did not work. The pictures could not be read" in page.error[0].value.replace("\\", "")
    page.button(f"compared-delete-{the_job().folder.name}").click().run()
    assert not page.exception and comparison.jobs() == []


def test_a_result_that_is_damaged_is_one_sentence(compare_page, pretend_jobs, wait_for):
    pretend_jobs(PRETEND, "fails")
    page = ask_for_four(compare_page())
    wait_for(lambda: the_job().state == "failed")
    (the_job().folder / files.RESULT).write_text("{}")
    (the_job().folder / "status.json").write_text(json.dumps({"state": "done"}))
    page.run()
    assert "cannot be shown" in page.error[0].value and len(page.error) == 1


def test_the_command_is_what_one_would_type(tmp_path):
    request = CompareRequest(BANGS, "Bangs", False, "portraits", "seeds", 1.5, "sampled", 3, 4, 0.7)
    words = job_command(request, tmp_path / "job", resume=True)
    assert words[1:] == ["-m", "baselines.side_by_side", "--sampled", "3", "--count", "4", "--truncation", "0.7", f"--prompt={BANGS}", "--attribute",
                         "Bangs", "--without", "--strength", "1.5", "--pack", "portraits", "--device", "auto", "--directions", str(tmp_path),
                         "--out", str(tmp_path / "job"), "--run", str(tmp_path / "job")]
    own = CompareRequest(BANGS, "", True, "portraits", "uploaded", source="uploaded", uploaded=2)
    assert own.options(tmp_path)[:3] == [str(tmp_path / "picture_00.png"), str(tmp_path / "picture_01.png"), f"--prompt={BANGS}"]
    with pytest.raises(ValueError, match="no picture yet"):
        CompareRequest(BANGS, "", True, "portraits", "", source="uploaded").check()


def test_uploaded_pictures_go_into_the_job_without_what_their_files_said(runs, tiny_models, pretend_jobs):
    pretend_jobs(PRETEND, "stays")
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x010F] = "a camera"
    Image.new("RGB", (48, 40), (200, 150, 120)).save(buffer, "JPEG", exif=exif)
    job = comparison.submit(Chosen("uploaded", files=(("a.jpg", buffer.getvalue()), ("b.jpg", buffer.getvalue()))), Wish(BANGS, "Bangs"), 1.0, "me")
    kept = [job.folder / name for name in job.request.pictures]
    assert job.request.words == "uploaded: a.jpg, b.jpg" and [Image.open(path).size for path in kept] == [(32, 32)] * 2
    assert not any(b"camera" in path.read_bytes() for path in kept)
    with pytest.raises(ValueError, match="c.jpg is no picture"):
        comparison.submit(Chosen("uploaded", files=(("c.jpg", b"no"), ("d.jpg", b""))), Wish(BANGS), 1.0, "me")
