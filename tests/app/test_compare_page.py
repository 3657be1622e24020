"""The comparison page on the tiny pack: who takes part, who cannot and why, what is measured of whom."""

from __future__ import annotations

import csv
import io
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from app import comparison, sources
from app.comparison import TEXT, Wish
from app.resources import Entry
from baselines import shipped
from evaluation.measure import NAMES
from lelsd.direction import load_direction
from packs.files import add_files
from packs.pack import load_pack
from stylegan2.images import to_pil

BANGS = "a person with bangs"


class Painter:
    """An editor that was taught labels, and paints the top half white for all of them but one."""

    name = "painter"

    def edit(self, samples, request):
        if request.attribute == "Young":
            raise ValueError("editor 'painter' was not taught 'Young'; accepted: Bangs")
        images = samples.images.clone()
        images[:, :, : images.shape[2] // 2] = 1.0 if request.value else -1.0
        return images


def open_painter(path, device, parser):
    if path.read_bytes() != b"paint":
        raise ValueError(f"{path} holds no paint")
    return Painter()


@pytest.fixture
def painted_pack(tiny_pack, tmp_path, monkeypatch):
    """The tiny pack with a further editor of a further kind, opened."""
    monkeypatch.setitem(shipped.LOADERS, "painter", f"{__name__}:open_painter")
    folder = tmp_path / "painted"
    shutil.copytree(tiny_pack, folder)
    add_files(folder, {"painter.bin": b"paint"})
    info = json.loads((folder / "pack.json").read_text())
    info["editors"] = [{"name": "painter", "title": "The painter", "file": "painter.bin", "kind": "painter"}]
    (folder / "pack.json").write_text(json.dumps(info))
    return load_pack(folder, "cpu")


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
    told = ("holds no secgan.safetensors", "holds no secgan_baseline.safetensors", "--method secgan", "--method baseline", "ship secgan-baseline RUN")
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
    assert [outcome.contender.name for outcome in found.outcomes] == [TEXT, "secgan", "secgan-baseline"] and found.found is None
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


def test_a_batch_of_drawn_faces_is_looked_for_in_the_generator(compare_page, make_direction, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_STEPS", 2)
    make_direction(BANGS)
    page = compare_page()
    page.segmented_control("compare-source").set_value("drawn").run()
    page.segmented_control("compare-count").set_value(4)
    page.selectbox("compare-attribute").set_value("Bangs")
    page = press(page)
    found = page.session_state["compared"]
    assert found.images.shape == found.found.shape == (4, 32, 32, 3) and "Found again" in texts(page) and "drawn faces 0 to 3" in texts(page)
    assert not np.array_equal(found.found, found.images), "the search cannot have found noise exactly"
    shown = texts(page)
    page.slider("compared-place-4").set_value(3).run()
    assert not page.exception and texts(page) != shown
    page.segmented_control("compare-source").set_value("uploaded").run()
    assert "There is no picture yet" in press(page).error[0].value


# --- what stands behind it --------------------------------------------------------------------------------------------


def compared(pack, wish, runs, count=2, strength=1.0):
    samples = sources.sampled(pack, 3, count, 1.0)
    return comparison.compare(pack, samples, wish, comparison.contenders(pack, wish, strength), "samples")


@pytest.fixture
def opened(monkeypatch, runs, painted_pack):
    """The studio is pointed at the painted pack."""
    monkeypatch.setenv("ECLIPSED_PACK", str(painted_pack.path))
    return painted_pack


def test_a_further_editor_of_the_pack_takes_part_by_itself(opened, runs):
    found = compared(opened, Wish(BANGS, "Bangs"), runs)
    text, secgan, _, painter = found.outcomes
    assert painter.contender.title == "The painter" and (painter.images[:, :16] == 255).all()
    assert np.array_equal(painter.images[:, 16:], found.images[:, 16:])
    assert set(painter.measured) == set(NAMES) and 0 <= painter.measured["side_effect_rate"] <= 1 and painter.measured["identity"] is not None
    assert text.images is None is secgan.images and not text.measured and "no direction for" in text.trouble
    rows = list(csv.DictReader(io.StringIO(comparison.as_csv(found))))
    assert [row["editor"] for row in rows] == ["Text-driven direction", "SeCGAN", "SeCGAN's baseline", "The painter"]
    assert rows[3]["pictures"] == "2" and float(rows[3]["side_effect_rate"]) == pytest.approx(painter.measured["side_effect_rate"], abs=1e-5)
    assert rows[0]["side_effect_rate"] == "" != rows[0]["trouble"] and rows[3]["trouble"] == "" and rows[3]["attribute"] == "Bangs"


def test_an_editor_says_itself_what_it_cannot_do(opened, runs):
    assert "not taught 'Young'" in compared(opened, Wish("a young person", "Young"), runs).outcomes[-1].trouble
    assert "none says what" in compared(opened, Wish("a person with thin lips"), runs).outcomes[-1].trouble
    (opened.path / "painter.bin").write_bytes(b"Paint")  # same size, other contents
    comparison._opened.clear()
    assert "SHA-256" in compared(opened, Wish(BANGS, "Bangs"), runs).outcomes[-1].trouble


def test_what_a_pack_says_of_its_editors_is_checked(tiny_models):
    def described(*editors):
        return type("Described", (), {"name": "mine", "info": {"files": {"a": {}}, "editors": list(editors)}})()

    entry = {"name": "a", "title": "A", "file": "a", "kind": "new"}
    assert "kind 'new'" in shipped.shipped_editors(described(entry))[-1].absence(described(entry))
    with pytest.raises(ValueError, match="'secgan' twice"):
        shipped.shipped_editors(described({**entry, "name": "secgan"}))
    for wrong in ("A", {"name": "a"}, {**entry, "kind": 3}):
        with pytest.raises(ValueError, match="describes an editor as"):
            shipped.shipped_editors(described(wrong))
    with pytest.raises(ValueError, match="holds no secgan.safetensors"):
        shipped.EXPECTED[0].open(tiny_models)


def test_the_direction_of_the_words_then_of_the_attribute_then_of_its_opposite(make_direction):
    prompts = ("a person with glasses", "a person with spectacles", "a bald person")
    entries = {name: Entry(name, load_direction(make_direction(name)), True) for name in prompts}

    def chosen(prompt, attribute="", value=True):
        found = comparison.direction_for(list(entries.values()), Wish(prompt, attribute, value))
        return found and (found[0].path, found[1])

    assert chosen("A person with  spectacles", "Eyeglasses") == ("a person with spectacles", 1)
    assert chosen("a person with eyeglasses", "Eyeglasses") == ("a person with glasses", 1)
    assert chosen("a person with no glasses", "Eyeglasses", False) == ("a person with glasses", -1)
    assert chosen("a person with a hat", "Wearing_Hat") is None and chosen("a person with thin lips") is None


def test_wishes():
    assert comparison.wish_in_words(" a person without a hat ") == Wish("a person without a hat", "Wearing_Hat", False)
    assert comparison.wish_in_words("a person with thin lips") == Wish("a person with thin lips")
    assert comparison.wish_for("Eyeglasses", False) == Wish("a person with no glasses", "Eyeglasses", False)
    with pytest.raises(ValueError):
        comparison.wish_in_words("  ")


def test_pictures_are_those_that_were_asked_for(tiny_models, runs, tmp_path):
    three, last = sources.sampled(tiny_models, 7, 3, 0.7), sources.sampled(tiny_models, 9, 1, 0.7)
    assert torch.allclose(three.images[2:], last.images, atol=1e-3) and torch.allclose(three.w_plus[2:], last.w_plus, atol=1e-6)
    two, second = sources.drawn(tiny_models, 0, 2), sources.drawn(tiny_models, 1, 1)
    assert torch.equal(two.images[1:], second.images) and two.w_plus is None and not torch.equal(two.images[0], two.images[1])
    buffer = io.BytesIO()
    to_pil(two.images[0]).resize((64, 64)).save(buffer, "PNG")
    own = sources.uploaded(tiny_models, [("me.png", buffer.getvalue())])
    assert own.images.shape == (1, 3, 32, 32) and (own.images - two.images[:1]).abs().mean() < 0.1
    with pytest.raises(ValueError, match="me.txt is no picture"):
        sources.uploaded(tiny_models, [("me.txt", b"me")])
    assert [sources.most(type("Sized", (), {"resolution": size})) for size in (32, 512, 1024, 4096)] == [16, 16, 4, 1]
    for wrong in (lambda: sources.sampled(tiny_models, 0, 17, 1.0), lambda: sources.uploaded(tiny_models, []),
                  lambda: sources.sampled(tiny_models, 2**32 - 1, 2, 1.0)):
        with pytest.raises(ValueError, match="accepted"):
            wrong()


def test_a_latent_is_looked_for_once_and_a_sample_has_one(tiny_models, runs, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_STEPS", 2)
    samples, told = sources.drawn(tiny_models, 5, 1), []
    first, found = sources.with_latents(tiny_models, samples, lambda share, words: told.append(share))
    assert told == [0.0, 0.5, 1.0] and torch.allclose(tiny_models.generator.synthesis(first.w_plus), found, atol=1e-4)
    again, _ = sources.with_latents(tiny_models, samples, lambda share, words: told.append(share))
    assert len(told) == 3 and torch.equal(again.w_plus, first.w_plus)
    own = sources.sampled(tiny_models, 0, 1, 1.0)
    assert sources.with_latents(tiny_models, own) == (own, None)


def test_uploaded_pictures_are_compared_and_what_is_none_is_named(compare_page, make_direction, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_STEPS", 2)
    make_direction("a bald person")
    page = compare_page()
    page.segmented_control("compare-source").set_value("uploaded").run()
    buffer = io.BytesIO()
    Image.new("RGB", (48, 40), (200, 150, 120)).save(buffer, "PNG")
    page.file_uploader("compare-files").set_value([("me.png", buffer.getvalue(), "image/png")]).run()
    page = press(page)
    assert "“a person with no hair” on uploaded: me.png" in texts(page) and page.session_state["compared"].outcomes[0].measured is not None
    page.file_uploader("compare-files").set_value([("me.png", b"me", "image/png")]).run()
    assert "me.png is no picture" in press(page).error[0].value.replace("\\", "").replace("Me.png", "me.png")
