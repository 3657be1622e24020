"""`python -m packs` as a user types it."""

from __future__ import annotations

import shutil
from pathlib import Path

from packs.__main__ import main


def test_list_names_the_built_in_pack() -> None:
    packs = {pack["name"]: pack for pack in main(["list"])["packs"]}
    assert packs["portraits"]["built_in"] and packs["portraits"]["licence"] == "MIT"


def test_info_of_a_folder(tiny_pack: Path) -> None:
    info = main(["info", str(tiny_pack)])
    assert (info["name"], info["resolution"], info["built_in"], info["directions"]) == ("tiny", 32, False, [])
    assert info["bytes"] == sum(path.stat().st_size for path in tiny_pack.glob("*.safetensors"))


def test_verify_and_fetch(command, tiny_pack: Path) -> None:
    outcome = command("packs", "verify", tiny_pack)
    assert outcome.result["intact"] and "generator.safetensors: as it should be" in outcome.stderr
    assert main(["fetch", str(tiny_pack)])["downloaded_bytes"] == 0


def test_verify_finds_a_changed_byte(command, tiny_pack: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_pack, tmp_path / "copy"))
    path = folder / "parser.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert "parser.safetensors is damaged" in command("packs", "verify", folder, expect=2).sentence


def test_bad_input_is_one_sentence(command) -> None:
    assert "unknown pack 'nowhere', known packs:" in command("packs", "info", "nowhere", expect=2).sentence
    command("packs", "frobnicate", expect=2)
    command("packs", expect=2)


def test_packs_that_can_be_downloaded_are_listed_with_size_and_licence(command) -> None:
    outcome = command("packs", "list")
    packs = {pack["name"]: pack for pack in outcome.result["packs"]}
    assert packs["ffhq-1024"]["state"] == "available" and packs["ffhq-1024"]["bytes"] == 539_985_002
    assert "non-commercial" in packs["ffhq-1024"]["licence"]
    line = next(line for line in outcome.stderr.splitlines() if line.startswith("ffhq-1024 "))
    assert "available" in line and "540.0 MB" in line and "non-commercial" in line
    described = main(["info", "ffhq-1024"])
    assert [file["role"] for file in described["files"]] == ["generator", "parser", "clip"] and len(described["licences"]) == 3


def test_a_licence_is_shown_before_anything_is_downloaded(command) -> None:
    outcome = command("packs", "fetch", "ffhq-1024", expect=2)
    assert "NVIDIA Source Code License" in outcome.stderr and "research and evaluation only" in outcome.stderr
    assert outcome.sentence.endswith("--accept-licence does that") and not outcome.stdout


def test_adding_and_removing(command, tiny_pack: Path, tmp_path: Path) -> None:
    assert "tiny: added" in command("packs", "add", tiny_pack).stderr
    assert command("packs", "verify", "tiny").result["intact"]
    assert command("packs", "remove", "tiny").result["name"] == "tiny"
    assert "there is no folder" in command("packs", "add", tmp_path / "nowhere", expect=2).sentence
    assert "part of the studio" in command("packs", "remove", "portraits", expect=2).sentence


def test_a_cache_folder_that_would_be_another_from_each_place(command) -> None:
    said = command("packs", "verify", "ffhq-1024", expect=2, ECLIPSED_CACHE="relative").sentence
    assert "ECLIPSED_CACHE is 'relative'; accepted: an absolute path" in said
