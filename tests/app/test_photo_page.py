"""The photo page: a picture is handed in, its face shown, searched for as a job, and edited; what is wrong is one sentence."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from app import photos, recipes, resources, session
from app.files import write_json
from app.job_request import InvertRequest
from app.jobs import job_command
from lelsd.invert import recipe_of
from lelsd.recipe import save_png
from stylegan2.images import to_pil

# what a search looks like from outside; "stays" goes on until somebody cancels it
PRETEND = """
import json, os, pathlib, shutil, signal, sys, time
folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]
if how == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "fails":
    sys.exit("python -m lelsd.invert: the picture could not be read")
(folder / "previews").mkdir(exist_ok=True)
shutil.copy(folder / "picture.png", folder / "previews" / "step_00003.png")
(folder / "status.json").write_text(json.dumps({"state": "running", "step": 3, "steps": 9, "seconds": 3.0}))
while how == "stays":
    time.sleep(0.05)
"""


@pytest.fixture
def photo_page(studio, visit_page, pretend_jobs):
    """`photo_page("stays")`: the page, whose searches are pretended."""

    def start(how="stays", **address):
        pretend_jobs(PRETEND, how)
        return visit_page(studio(**address), "photo")

    return start


def picture_file(size=(64, 64), kind="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def hand_in(page, data: bytes, name="me.png", kind="image/png"):
    page.file_uploader(f"photo-{page.session_state['photo_turn']}").set_value((name, data, kind)).run()
    assert not page.exception, page.exception[0].message
    return page


def draft(page) -> photos.Draft | None:
    return photos.draft_of(page.session_state["visit"])


def texts(page) -> str:
    found = [*page.caption, *page.markdown, *page.info, *page.error, *page.warning, *page.subheader]
    return " ".join(str(element.value) for element in found)


def has(page, key: str) -> bool:
    return any(button.key == key for button in page.button)


def the_job(page):
    [job] = photos.jobs()
    return job


@pytest.fixture
def finished(tiny_models, wait_for):
    """`finished(page)`: the page's search has come to its end, as a real one leaves it; the job and the w+ that was found."""

    def finish(page):
        page.button("photo-find").click().run()
        wait_for(lambda: not the_job(page).active)
        job, generator = the_job(page), tiny_models.generator
        w_plus = torch.randn(1, generator.num_ws, generator.w_dim)
        with torch.no_grad():
            save_png(job.folder / InvertRequest.result, to_pil(generator.synthesis(w_plus)), recipe_of(tiny_models, w_plus))
        write_json(job.folder / "status.json", {"state": "done", "step": 9, "steps": 9, "likeness": {"identity": 0.875, "pixel_error": 0.1}})
        page.run()
        assert not page.exception, page.exception[0].message
        return the_job(page), w_plus

    return finish


def test_without_a_picture_it_says_what_to_do_and_what_the_pack_cannot(photo_page):
    page = photo_page()
    assert "No picture yet" in texts(page) and "stays on this machine" in texts(page)
    assert "cannot find a real photograph well" in texts(page) and not has(page, "photo-find")
    assert not has(page, "photo-sample"), "only a pack of drawn faces has drawn samples"


def test_a_square_picture_is_taken_as_it_is_and_searched_for(photo_page, wait_for):
    page = hand_in(photo_page(), picture_file())
    assert not draft(page).by_points and "No picture yet" not in texts(page)
    page.number_input("photo_steps").set_value(9)
    page.button("photo-find").click().run()
    assert not page.exception and not page.error
    job = the_job(page)
    assert job.request == InvertRequest("me.png", resources.pack_name(), 9, page.session_state["visit"])
    with Image.open(job.folder / "picture.png") as square:
        assert square.size == (32, 32)
    wait_for(lambda: the_job(page).step)
    page.run()
    assert any("Step 3 of 9, about 6 s to go" in bar.proto.text for bar in page.get("progress"))
    page.button(f"found-cancel-{job.folder.name}").click().run()
    wait_for(lambda: the_job(page).state == "cancelled")
    page.run()
    assert "Cancelled at step 3 of 9" in texts(page) and has(page, f"found-again-{job.folder.name}")


def test_a_reload_finds_the_picture_and_the_search_again(photo_page, wait_for):
    page = hand_in(photo_page(), picture_file())
    page.button("photo-find").click().run()
    wait_for(lambda: the_job(page).step)
    later = photo_page(visit=page.session_state["visit"])
    assert draft(later) is draft(page) and has(later, "photo-find")
    assert has(later, f"found-cancel-{the_job(later).folder.name}")


def test_what_was_found_is_edited_and_undo_brings_the_face_before_back(photo_page, make_direction, finished, picture):
    make_direction("a person with curly hair")
    page = hand_in(photo_page("ends"), picture_file())
    job, w_plus = finished(page)
    assert "Likeness 0.88" in texts(page)
    page.button(f"found-edit-{job.folder.name}").click().run()
    assert not page.exception, page.exception[0].message
    present = page.session_state["history"].present
    assert torch.equal(torch.tensor(present.w_plus), w_plus[0]) and present.edits == ()
    assert picture(page)["alt"] == "The face that was opened, without edits"
    page.button("undo").click().run()
    assert page.session_state["history"].present == session.Snapshot()


def test_a_photograph_is_cut_out_by_four_points(photo_page, trigger):
    page = hand_in(photo_page(), picture_file((300, 200), "JPEG"), "me.jpg", "image/jpeg")
    first = draft(page)
    assert first.by_points and page.button_group("photo_framing").value is True
    middle = photos.cut_out(first, resources.pack())
    trigger(page, "photo-points", "placed", {"points": [[0.3, 0.3], [0.5, 0.3], [0.32, 0.6], [0.48, 0.6]], "picture": first.uid})
    assert draft(page).points[0] == pytest.approx((90, 60))
    assert photos.cut_out(draft(page), resources.pack()).tobytes() != middle.tobytes()
    trigger(page, "photo-points", "placed", {"points": [[0.1, 0.1]] * 4, "picture": "another"})
    assert draft(page).points[0] == pytest.approx((90, 60)), "points of an earlier picture came late"
    page.button_group("photo_framing").set_value(False).run()
    page.button_group("photo_framing").set_value(True).run()
    assert draft(page).points[0] == pytest.approx((90, 60)), "looking at the middle must not lose them"


def test_points_on_no_face_are_one_sentence_and_can_be_moved_on(photo_page, trigger):
    page = hand_in(photo_page(), picture_file((300, 200)))
    trigger(page, "photo-points", "placed", {"points": [[0.5, 0.5]] * 4, "picture": draft(page).uid})
    assert len(page.warning) == 1 and "too close together" in page.warning[0].value and not has(page, "photo-find")
    trigger(page, "photo-points", "placed", {"points": [[0.3, 0.3], [0.5, 0.3], [0.32, 0.6], [0.48, 0.6]], "picture": draft(page).uid})
    assert not page.warning and has(page, "photo-find")


@pytest.mark.parametrize(("data", "sentence"), [
    (b"not a picture at all", "no picture"), (picture_file((8, 8)), "at least 32 x 32"), (picture_file()[:300], "damaged"), (b"", "empty")])
def test_a_file_that_is_no_use_is_one_sentence_and_the_picture_before_stays(photo_page, data, sentence):
    page = hand_in(photo_page(), picture_file())
    before = draft(page)
    hand_in(page, data, "bad.png")
    assert len(page.error) == 1 and sentence in page.error[0].value.replace("\\", "")
    assert draft(page) is before and has(page, "photo-find")


def test_a_decompression_bomb_is_refused_by_its_header(photo_page, monkeypatch):
    monkeypatch.setattr("stylegan2.inversion.intake.MAX_PIXELS", 4000)
    page = hand_in(photo_page(), picture_file())
    assert "64 x 64 pixels" in page.error[0].value and draft(page) is None


def test_a_camera_s_rotation_is_followed_and_its_notes_are_not_kept(photo_page):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    page = hand_in(photo_page(), picture_file((300, 200), "JPEG", exif=exif), "me.jpg", "image/jpeg")
    assert draft(page).picture.size == (200, 300)
    page.button("photo-find").click().run()
    assert b"a camera" not in (the_job(page).folder / "picture.png").read_bytes()


def test_a_picture_saved_here_opens_exactly(photo_page, picture):
    shown = session.Snapshot(seed=9)
    page = photo_page()
    hand_in(page, recipes.png(shown))
    page.button("photo-recipe").click().run()
    assert not page.exception and page.session_state["history"].present == shown
    assert picture(page)["alt"].startswith("The face of seed 9")


def test_a_search_that_fails_says_why_and_can_begin_again(photo_page, wait_for):
    page = hand_in(photo_page("fails"), picture_file())
    page.button("photo-find").click().run()
    wait_for(lambda: the_job(page).state == "failed")
    page.run()
    assert len(page.error) == 1 and page.error[0].value == "The search did not work. The picture could not be read."
    assert has(page, f"found-again-{the_job(page).folder.name}") and has(page, "photo-find")


def test_want_of_memory_is_told_apart(photo_page, wait_for):
    page = hand_in(photo_page("dies"), picture_file())
    page.button("photo-find").click().run()
    wait_for(lambda: the_job(page).out_of_memory)
    page.run()
    assert "most likely for want of memory" in texts(page)


def test_deleting_takes_it_off_the_disk(photo_page, finished):
    page = hand_in(photo_page("ends"), picture_file())
    folder = finished(page)[0].folder
    page.button(f"found-delete-{folder.name}").click().run()
    assert not page.exception and not folder.exists() and photos.jobs() == []
    page.button("photo-remove").click().run()
    assert draft(page) is None and "No picture yet" in texts(page)


def test_what_has_gone_meanwhile_is_one_sentence(photo_page, finished):
    page = hand_in(photo_page("ends"), picture_file())
    job, _ = finished(page)
    (job.folder / InvertRequest.result).write_bytes(b"\x89PNG\r\n\x1a\n")
    page.button(f"found-edit-{job.folder.name}").click().run()
    assert not page.exception and "damaged PNG" in texts(page)
    assert page.session_state["history"].present == session.Snapshot()


def test_another_page_shows_the_search_beside_it(photo_page, visit_page, wait_for):
    page = hand_in(photo_page(), picture_file())
    page.button("photo-find").click().run()
    wait_for(lambda: the_job(page).step)
    visit_page(page, "about") and visit_page(page, "directions")
    assert "Your pictures" in texts(page) and any("Step 3 of 9" in bar.proto.text for bar in page.get("progress"))


def test_a_drawn_sample_fills_its_picture(tiny_models, runs):
    sample = photos.drawn_sample(tiny_models, 5)
    assert sample.picture.size == (64, 64) and not sample.by_points
    assert np.asarray(sample.picture).std() > 10


def test_the_command_is_what_one_would_type(tmp_path):
    words = job_command(InvertRequest("me.png", "portraits", 30), tmp_path, resume=True)
    assert words[1:] == ["-m", "lelsd.invert", str(tmp_path / "picture.png"), "--pack", "portraits", "--steps", "30", "--device", "auto",
                         "--out", str(tmp_path), "--run", str(tmp_path)]
    json.dumps(words)


def test_drafts_of_old_visits_are_read_again(runs, tiny_models, monkeypatch):
    monkeypatch.setattr(photos, "MAX_DRAFTS", 2)
    sample = photos.drawn_sample(tiny_models, 1)
    for visit in ("one", "two", "three"):
        photos.keep(visit, sample)
    assert list(photos._drafts()) == ["two", "three"]
    again = photos.draft_of("one")
    assert again is not sample and again.picture == sample.picture and list(photos._drafts()) == ["three", "one"]
