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
