"""Files and packs that are on this machine already: told by their hash, taken in, the rest named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from packs import registry, store
from packs.__main__ import main
from packs.pack import load_pack

GENERATOR, OTHER, PARSER, CLIP = (bytes(hashlib.shake_256(name).digest(20_000)) for name in (b"g", b"o", b"p", b"c"))
ONE = {"generator": GENERATOR, "parser": PARSER, "clip": CLIP}
TWO = {"generator": OTHER, "parser": PARSER, "clip": CLIP}


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A folder such as people have, with names that say nothing."""
    folder = tmp_path / "Downloads"
    (folder / "deeper").mkdir(parents=True)
    (folder / "stylegan (1).pt").write_bytes(GENERATOR)
    (folder / "same size.bin").write_bytes(bytes(20_000))
    (folder / "holiday.jpg").write_bytes(b"picture")
    (folder / "deeper" / "blob").write_bytes(CLIP)
    (folder / "gone").symlink_to(folder / "nowhere")
    return folder


def add(folder: Path, *words: str) -> list[dict]:
    return main(["add", str(folder), *words])["packs"]


def roles(names: Iterable[str]) -> list[str]:
    """What files are for: the catalogue of these tests calls them by it."""
    return [name.split("-")[0] for name in names]


def test_files_are_told_by_their_hash(offering: Callable, downloads: Path, capsys: pytest.CaptureFixture) -> None:
    offering({"one": ONE, "two": TWO})
    (pack,) = add(downloads)  # the generator says which of the two is meant
    assert pack["name"] == "one" and not pack["complete"]
    assert roles(pack["added"]) == ["generator", "clip"] and roles(pack["missing"]) == ["parser"]
    said = capsys.readouterr().err
    assert "one: still without parser-" in said and "python -m packs fetch one downloads the rest" in said
    assert "one" not in registry.known()
    (downloads / "deeper" / "p").write_bytes(PARSER)
    (pack,) = add(downloads / "deeper" / "p", "--name", "one")  # a single file will do
    assert pack["complete"] and roles(pack["added"]) == ["parser"] and main(["verify", "one"])["intact"]


def test_what_is_added_need_not_be_downloaded(server, offering: Callable, downloads: Path) -> None:
    offering({"one": ONE})
    add(downloads)
    assert main(["fetch", "one", "--accept-licence"])["downloaded_bytes"] == 20_000
    assert roles(path for path, _ in server.seen) == ["/parser"]


def test_the_folder_stays_as_it_is_and_may_go(offering: Callable, downloads: Path, own_cache: Path) -> None:
    offering({"one": ONE})
    (downloads / "p").write_bytes(PARSER)
    before = sorted(path.name for path in downloads.rglob("*"))
    add(downloads)
    assert sorted(path.name for path in downloads.rglob("*")) == before
    shutil.rmtree(downloads)
    assert main(["verify", "one"])["intact"]


def test_without_links_files_are_copied(offering: Callable, downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "link", no_links)
    offering({"one": ONE})
    (pack,) = add(downloads)
    path = pack["path"] / pack["added"][0]
    assert path.read_bytes() == GENERATOR and path.stat().st_nlink == 1 and len(list(pack["path"].iterdir())) == 2


def test_a_generator_for_each_pack(offering: Callable, downloads: Path) -> None:
    offering({"one": ONE, "two": TWO})
    (downloads / "o").write_bytes(OTHER)
    (downloads / "p").write_bytes(PARSER)
    assert [(pack["name"], pack["complete"]) for pack in add(downloads)] == [("one", True), ("two", True)]


def test_what_cannot_be_added(offering: Callable, downloads: Path, tmp_path: Path) -> None:
    offering({"one": ONE, "two": TWO})
    (tmp_path / "empty").mkdir()
    for folder, words, said in (
        (tmp_path / "nowhere", (), "there is no folder '.*nowhere'"),
        (tmp_path / "empty", (), r"holds no file of a pack; accepted, .* generator-\w+ \(20000 bytes\), parser-"),
        (downloads / "deeper", (), "only what several packs use; say for which with --name: one, two"),
        (downloads, ("--name", "three"), "'three' is not one that can be downloaded; accepted: one, two"),
    ):
        with pytest.raises(ValueError, match=said):
            add(folder, *words)
    assert not store.folders()


def test_a_pack_folder_is_taken_in_under_its_name(tiny_pack: Path, own_cache: Path) -> None:
    (pack,) = add(tiny_pack)
    assert pack["name"] == "tiny" and pack["complete"] and pack["path"] == own_cache / "packs" / "tiny"
    assert load_pack("tiny").hash == load_pack(tiny_pack).hash
    assert {pack["name"]: pack["state"] for pack in main(["list"])["packs"]}["tiny"] == "here"
    add(tiny_pack)  # the same again is no other pack
    (pack,) = add(tiny_pack, "--name", "mine")
    assert load_pack("mine").name == "mine" and main(["verify", "mine"])["intact"]
    assert main(["remove", "tiny"])["name"] == "tiny" and load_pack("mine").generator.resolution == 32


def test_pack_folders_that_are_refused(tiny_pack: Path, tmp_path: Path) -> None:
    add(tiny_pack)
    other = Path(shutil.copytree(tiny_pack, tmp_path / "other"))
    info = json.loads((other / "pack.json").read_text())
    (other / "pack.json").write_text(json.dumps({**info, "version": "2"}))
    with pytest.raises(ValueError, match="there is another pack 'tiny' already; accepted: another --name, or first .* remove tiny"):
        add(other)
    with pytest.raises(ValueError, match="'portraits' is the name of a pack of the studio's own"):
        add(other, "--name", "portraits")
    for name in ("../out", ".hidden", "A B", "x" * 65):
        with pytest.raises(ValueError, match="is no name for a pack; accepted"):
            add(other, "--name", name)
    path = other / "parser.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match="parser.safetensors is damaged"):
        add(other, "--name", "third")
    assert "third" not in store.folders()


def test_the_folder_of_a_download_from_another_machine(offering: Callable, tmp_path: Path, own_cache: Path) -> None:
    offering({"one": ONE})
    main(["fetch", "one", "--accept-licence"])
    elsewhere = Path(shutil.move(own_cache / "packs" / "one", tmp_path / "stick"))
    (pack,) = add(elsewhere)
    assert pack["name"] == "one" and pack["complete"] and main(["verify", "one"])["intact"]
