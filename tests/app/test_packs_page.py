"""The packs page: what is here and what can be had, licences first, downloads as jobs, verifying, deleting, adding."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from safetensors.torch import load_file, save_file

from app import resources
from packs import files, store
from packs.catalogue import offers

NAME = "ffhq-1024"
FETCH = """
import json, pathlib, sys, time
folder, fails = pathlib.Path(sys.argv[1]), sys.argv[2] == "fails"
if fails:
    sys.exit("python -m packs: ffhq.pt (381.0 MB) could not be downloaded: https://a.example: no connection (is this machine offline?), 4 times in a row.")
(folder / "status.json").write_text(json.dumps({"state": "running", "step": 250_000_000, "steps": 1_000_000_000, "rate": 5e6, "eta": 150}))
time.sleep(120)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder of downloaded packs."""
    monkeypatch.setenv("ECLIPSED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "packs"


@pytest.fixture
def packs_page(cache, studio, visit_page, pretend_jobs):
    """`packs_page("runs")`: the page, whose downloads are pretended: they go on and on, or ("fails") find no network."""

    def start(how="runs"):
        pretend_jobs(FETCH, how)
        return visit_page(studio(), "packs")

    return start


def texts(page) -> str:
    return " ".join(str(element.value) for element in [*page.markdown, *page.caption, *page.error, *page.info, *page.success])


def accept_and_download(page):
    page.checkbox(f"accept-{NAME}").check().run()
    page.button(f"fetch-{NAME}").click().run()
    assert not page.exception
    return page


def test_what_is_here_what_can_be_had_and_under_which_licence(packs_page):
    page = packs_page()
    assert f"**{NAME}".replace("-", "\\-") in texts(page) and "comes with the studio" in texts(page)
    assert all(licence["summary"][:20] in texts(page).replace("\\", "") for licence in offers()[NAME].licences)
    assert page.button(f"fetch-{NAME}").disabled, "a download before its licence is accepted"
    page.checkbox(f"accept-{NAME}").check().run()
    assert not page.button(f"fetch-{NAME}").disabled


def test_a_download_is_a_job_that_a_reload_finds_again(packs_page, wait_for, studio, visit_page):
    page = accept_and_download(packs_page())
    wait_for(lambda: (jobs := resources.queue().jobs()) and jobs[0].step)
    later = visit_page(studio(), "packs")
    assert not later.exception and [button for button in later.button if button.key == f"stop-{NAME}"]
    progress = [element.proto.text for element in later.get("progress")]
    assert any("250.0 MB of 1.00 GB, 5.0 MB/s, about 2 min 30 s to go" in text for text in progress), progress
    assert not [button for button in later.button if button.key == f"fetch-{NAME}"], "the same download could be started twice"
    later.button(f"stop-{NAME}").click().run()
    wait_for(lambda: resources.queue().jobs()[0].state == "cancelled")
    later.run()
    assert "what has come is kept" in texts(later) and not page.exception


def test_without_a_network_it_says_so_and_offers_another_try(packs_page, wait_for):
    page = accept_and_download(packs_page("fails"))
    wait_for(lambda: resources.queue().jobs()[0].state == "failed")
    page.run()
    assert any("The download did not work" in error.value and "is this machine offline?" in error.value for error in page.error)
    assert page.button(f"fetch-{NAME}")


def test_verifying_names_the_file_that_is_damaged(packs_page, cache, tiny_pack):
    shutil.copytree(tiny_pack, cache / "mine")
    page = packs_page()
    page.button("verify-mine").click().run()
    assert "each as it should be" in texts(page)
    path = cache / "mine" / "parser.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    page.button("verify-mine").click().run()
    assert "parser" in page.error[0].value and "is damaged" in page.error[0].value


def test_deleting_says_how_much_room_that_made(packs_page, cache, tiny_pack):
    shutil.copytree(tiny_pack, cache / "mine")
    page = packs_page()
    page.button("remove-mine").click().run()
    assert "mine is deleted" in texts(page) and not (cache / "mine").exists() and "mine" not in store.folders()


def test_a_folder_is_added_or_it_says_why_not(packs_page, cache, tiny_pack, tmp_path):
    page = packs_page()
    page.text_input("add-folder").set_value(str(tmp_path / "none")).run()
    page.button("add-now").click().run()
    assert "there is no folder" in page.error[0].value.lower()
    page.text_input("add-folder").set_value(str(tiny_pack))
    page.text_input("add-name").set_value("mine").run()
    page.button("add-now").click().run()
    assert not page.error and (cache / "mine" / "pack.json").exists() and "mine: added" in texts(page).replace("\\", "")


def test_a_damaged_pack_is_shown_with_what_is_wrong(packs_page, cache, tiny_pack):
    shutil.copytree(tiny_pack, cache / "mine")
    (cache / "mine" / "clip.safetensors").unlink()
    page = packs_page()
    assert any("clip" in error.value and "is missing" in error.value for error in page.error)
    assert page.button("remove-mine")


@pytest.fixture
def another_pack(cache, tiny_pack):
    """A pack "mine" beside the tiny one: other weights, so that its hash differs and nothing of one fits the other."""
    shutil.copytree(tiny_pack, cache / "mine")
    manifest = json.loads((cache / "mine" / "pack.json").read_text())
    weights = {name: tensor * 1.01 for name, tensor in load_file(cache / "mine" / "generator.safetensors").items()}
    save_file(weights, cache / "mine" / "generator.safetensors")
    manifest["files"]["generator.safetensors"] |= {"sha256": files.sha256(cache / "mine" / "generator.safetensors"),
                                                   "size": (cache / "mine" / "generator.safetensors").stat().st_size}
    (cache / "mine" / "pack.json").write_text(json.dumps({**manifest, "name": "mine", "defaults": {"truncation": 0.4, "steps": 7}}))
    return cache / "mine"


def edits(page) -> tuple:
    return page.session_state["history"].present.edits


def test_another_pack_is_used_and_nothing_of_the_old_one_is_left(another_pack, packs_page, studio, visit_page, picture, make_direction, tiny_pack):
    path = str(make_direction("a person with curly hair"))
    page = packs_page()
    visit_page(page, "edit")
    page.button(f"add-{path}").click().run()
    page.text_input("prompt").set_value("a person with glasses").run()
    old = picture(page)["after"]
    page.session_state["sheet_made"] = "a grid of the old pack"
    visit_page(page, "packs")
    page.button("use-mine").click().run()
    assert not page.exception, page.exception[0].message
    assert edits(page) == () and picture(page)["after"] != old and f"add-{path}" not in [button.key for button in page.button]
    assert page.slider("truncation").value == 0.4 and page.number_input("steps").value == 7 and page.text_input("prompt").value == ""
    assert "sheet_made" not in page.session_state
    visit_page(page, "edit").number_input("seed").set_value(11).run()

    again = studio(visit=page.session_state["visit"])
    assert again.number_input("seed").value == 11 and again.slider("truncation").value == 0.4, "a reload is in the other pack"
    visit_page(again, "packs")
    again.button(f"use-{tiny_pack}").click().run()
    assert [edit.direction for edit in edits(again)] == [path] and picture(again)["after"] == old, "on the way back all is as it was"


def test_a_pack_that_cannot_be_opened_is_not_used(another_pack, packs_page):
    page = packs_page()
    data = bytearray((another_pack / "generator.safetensors").read_bytes())
    data[-1] ^= 1
    (another_pack / "generator.safetensors").write_bytes(data)
    page.button("use-mine").click().run()
    assert "damaged" in page.error[0].value and not page.exception
    assert [button.key for button in page.button if button.key.startswith("use-")] == ["use-portraits", "use-mine"], "the tiny one is still in use"


def test_a_chosen_pack_that_has_gone_leaves_a_way_back(another_pack, packs_page, studio):
    page = packs_page()
    page.button("use-mine").click().run()
    visit = page.session_state["visit"]
    store.remove("mine")
    page = studio(visit=visit)
    assert "Unknown pack 'mine'" in page.error[0].value.replace("\\", "")
    page.button("own-pack").click().run()
    assert not page.error and not page.exception and page.slider("truncation").value == 0.7


def test_a_browser_comes_back_to_a_visit_in_another_pack(another_pack, packs_page, studio, visit_page, cookie):
    page = packs_page()
    page.button("use-mine").click().run()
    visit_page(page, "edit").number_input("seed").set_value(11).run()
    cookie(page.session_state["visit"])
    later = studio()
    assert any("a face of the pack mine" in line.value for line in later.markdown)
    later.button("go-on").click().run()
    assert not later.exception and later.number_input("seed").value == 11 and later.slider("truncation").value == 0.4
    store.remove("mine")
    assert "go-on" not in {button.key for button in studio().button}, "the pack has gone"


def test_another_visitor_stays_with_their_pack(another_pack, packs_page, studio, visit_page):
    other = visit_page(studio(), "packs")
    page = packs_page()
    page.button("use-mine").click().run()
    other.run()
    assert "use-mine" in [button.key for button in other.button]


def test_another_pack_that_comes_under_the_same_name_is_opened_anew(another_pack, monkeypatch):
    monkeypatch.setenv("ECLIPSED_PACK", "mine")
    assert resources.pack() is resources.pack() and resources.pack().truncation == 0.4
    path = another_pack / "pack.json"
    path.write_text(path.read_text().replace("0.4", "0.6"))
    os.utime(path, ns=(1, 1))
    assert resources.pack().truncation == 0.6
