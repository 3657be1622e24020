"""Packs of a catalogue of our own, from a local server, into a cache folder of our own."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from packs import catalogue, registry, store
from packs import fetch as module
from packs.__main__ import main
from packs.fetch import LicenceNotAccepted, fetch
from packs.files import part_of

ROOT = Path(__file__).resolve().parents[2]
GENERATOR, PARSER, CLIP = (bytes(hashlib.shake_256(name).digest(200_000)) for name in (b"generator", b"parser", b"clip"))
ONE = {"generator": GENERATOR, "parser": PARSER, "clip": CLIP}
TWO = {"generator": GENERATOR[::-1], "parser": PARSER, "clip": CLIP}

pytestmark = pytest.mark.usefixtures("impatient")


def take(name: str) -> list:
    return list(fetch(name, accept_licence=True))


def names(server) -> list[str]:
    """What was asked of the server, by role and source."""
    return [path.split("-")[0] for path, _ in server.seen]


def test_a_fetched_pack_is_known_and_whole(server, offering: Callable, own_cache: Path) -> None:
    offering({"one": ONE})
    steps = take("one")
    folder = own_cache / "packs" / "one"
    assert registry.find("one") == registry.known()["one"] == folder and names(server) == ["/generator", "/parser", "/clip"]
    assert sorted(path.read_bytes() for path in folder.iterdir() if path.suffix != ".json") == sorted(ONE.values())
    assert steps[-1].done == steps[-1].total == 600_000 and {step.pack for step in steps} == {"one"}
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    info = json.loads((folder / "pack.json").read_text())
    assert info["licence"] == "Test Licence" and info["licences"][0]["covers"] == "generator" and info["neutral_text"] == "a person"
    assert main(["verify", "one"])["intact"]


def test_nothing_is_downloaded_twice(server, offering: Callable) -> None:
    offering({"one": ONE})
    take("one")
    server.seen.clear()
    assert main(["fetch", "one"])["downloaded_bytes"] == 0 and not server.seen


def test_what_packs_share_is_downloaded_once(server, offering: Callable) -> None:
    offering({"one": ONE, "two": TWO})
    take("one")
    server.seen.clear()
    notes = [step.note for step in take("two") if step.note]
    assert names(server) == ["/generator"] and len([note for note in notes if "taken from pack 'one'" in note]) == 2
    result = main(["remove", "one"])
    assert result["kept_bytes"] == 400_000 and 200_000 < result["freed_bytes"] < 210_000  # its generator and its pack.json
    assert main(["verify", "two"])["intact"]


def test_the_licence_comes_first(server, offering: Callable) -> None:
    offering({"one": ONE})
    with pytest.raises(LicenceNotAccepted, match="the licence of pack 'one' .Test Licence. must be accepted .* --accept-licence") as caught:
        next(fetch("one"))
    licence = {"name": "Test Licence", "url": "https://example.invalid/licence", "summary": "For tests only."}
    assert caught.value.offer.licences[1] == {"covers": "parser", **licence}
    assert not server.seen and not store.folders()


def test_a_mirror_helps_out(server, offering: Callable) -> None:
    offering({"one": ONE})
    for path in [path for path in server.files if not path.startswith("/mirror")]:
        del server.files[path]
    steps = take("one")
    assert main(["verify", "one"])["intact"] and sum("404 Not Found" in step.note for step in steps) == 3


def test_an_unfinished_pack_goes_on_where_it_was(server, offering: Callable, own_cache: Path) -> None:
    offering({"one": ONE})
    steps = fetch("one", accept_licence=True)
    while next(steps).done < 270_000:
        pass
    steps.close()
    state = next(pack for pack in main(["list"])["packs"] if pack["name"] == "one")
    assert state["state"] == "unfinished" and 270_000 <= state["bytes_here"] < 400_000
    with pytest.raises(ValueError, match=r"pack 'one' is not complete .* python -m packs fetch one downloads it \(\d+"):
        registry.find("one")
    server.seen.clear()
    take("one")
    assert names(server) == ["/parser", "/clip"] and server.ranges()[0] is not None and main(["verify", "one"])["intact"]


def test_a_damaged_file_is_mended(server, offering: Callable, own_cache: Path) -> None:
    offering({"one": ONE})
    take("one")
    path = next((own_cache / "packs" / "one").glob("parser-*"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match="parser-.* is damaged: its SHA-256 .*; python -m packs fetch one mends it"):
        main(["verify", "one"])
    with pytest.raises(LicenceNotAccepted):
        next(fetch("one"))
    server.seen.clear()
    take("one")
    assert names(server) == ["/parser"] and main(["verify", "one"])["intact"]


def test_a_damaged_pack_does_not_hide_the_others(offering: Callable, own_cache: Path, capsys: pytest.CaptureFixture) -> None:
    offering({"one": ONE})
    take("one")
    description = own_cache / "packs" / "one" / "pack.json"
    before = json.loads(description.read_text())
    description.write_text(json.dumps({**before, "files": {"long" * 100: {"size": 1, "sha256": ""}}}))
    assert "File name too long" in main(["list"])["packs"][1]["problem"]  # what the disk refuses
    description.write_text("{")
    packs = main(["list"])["packs"]
    assert {pack["name"]: pack["state"] for pack in packs} == {"portraits": "built-in", "one": "damaged"}
    assert "is damaged: it is not JSON" in packs[1]["problem"] and "is damaged: it is not JSON" in capsys.readouterr().err
    take("one")
    assert main(["verify", "one"])["intact"]


def test_verify_trusts_the_catalogue_rather_than_the_folder(offering: Callable, own_cache: Path) -> None:
    offering({"one": ONE})
    take("one")
    folder = own_cache / "packs" / "one"
    info = json.loads((folder / "pack.json").read_text())
    name = next(iter(info["files"]))
    (folder / name).write_bytes(b"other")
    info["files"][name] |= {"size": 5, "sha256": hashlib.sha256(b"other").hexdigest()}
    (folder / "pack.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match="lists other files than the catalogue does"):
        main(["verify", "one"])


def test_room_on_the_disk_is_checked_first(server, offering: Callable, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    offering({"one": ONE})
    monkeypatch.setattr(store, "free_bytes", lambda folder: 599_999)
    with pytest.raises(ValueError, match=r"needs 600.0 kB more, and .*packs/one has room for 600.0 kB; .* ECLIPSED_CACHE"):
        take("one")
    assert not server.seen
    folder = own_cache / "packs" / "one"
    folder.mkdir(parents=True)
    name = catalogue.offers()["one"].files[0].name
    part_of(folder / name).write_bytes(GENERATOR[:1000])
    take("one")  # what is here already needs no room
    assert server.ranges()[0] == "bytes=1000-"


def test_free_room_is_asked_of_the_folder_that_there_is(tmp_path: Path) -> None:
    assert store.free_bytes(tmp_path / "not" / "yet") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)


def test_a_hash_that_never_fits(server, offering: Callable) -> None:
    offering({"one": ONE})
    for path in server.files:
        if "clip" in path:
            server.files[path] = bytes(200_000)
    with pytest.raises(ValueError, match="clip-.* could not be downloaded: .* the SHA-256 is .* and should be"):
        take("one")
    assert "one" not in registry.known() and store.bytes_here(catalogue.offers()["one"]) == 400_000


def test_unknown_packs(offering: Callable) -> None:
    offering({"one": ONE})
    with pytest.raises(ValueError, match="unknown pack 'onee', known packs: portraits .*; to be downloaded: one"):
        main(["fetch", "onee"])
    with pytest.raises(ValueError, match="'onee' is not one that can be downloaded; accepted: one"):
        next(fetch("onee"))


def test_a_second_fetch_waits_and_says_so(server, offering: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_POLL", 0.02)
    offering({"one": ONE})
    first = fetch("one", accept_licence=True)
    next(first)
    second = fetch("one", accept_licence=True)
    waits = [next(second) for _ in range(3)]
    assert "another process is working on this pack" in waits[0].note and not waits[1].note
    with pytest.raises(ValueError, match="another process is working on this pack"):
        store.remove("one")
    list(first)
    server.seen.clear()
    assert [step.done for step in second][-1] == 600_000 and not server.seen


def test_removing(offering: Callable, own_cache: Path) -> None:
    offering({"one": ONE})
    next(fetch("one", accept_licence=True))
    assert main(["remove", "one"])["name"] == "one" and not (own_cache / "packs" / "one").exists()
    for name, said in (("one", "cannot be removed; accepted: none"), ("portraits", "is part of the studio"), ("..", "cannot be removed")):
        with pytest.raises(ValueError, match=said):
            main(["remove", name])


def test_a_status_file_says_how_far_it_is_and_when_it_is_done(server, offering: Callable, tmp_path: Path, monkeypatch) -> None:
    from packs import progress

    monkeypatch.setattr(progress, "NOTE", 0.0)
    written, write = [], progress.write_atomically
    monkeypatch.setattr(progress, "write_atomically", lambda path, data: (written.append(json.loads(data)), write(path, data)))
    offering({"one": ONE})
    main(["fetch", "one", "--accept-licence", "--status", str(tmp_path / "status.json")])
    steps = [status["step"] for status in written[:-1]]
    assert {status["state"] for status in written[:-1]} == {"running"} and steps == sorted(steps) and steps[-1] == written[0]["steps"] == 600_000
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "done"


PROGRAM = """
import sys
from pathlib import Path
from packs import catalogue, cli, download
catalogue.PATH = Path(sys.argv.pop(1))
download.PAUSES = (0.1,)
from packs.__main__ import main
cli.run(main)
"""


def start(path: Path, *words: str) -> subprocess.Popen:
    """`python -m packs` with another catalogue."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    listen = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731  jobs in the background of a shell ignore it
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), *words], cwd=ROOT, preexec_fn=listen, **pipes)


def test_two_processes_at_once(server, offering: Callable) -> None:
    path = offering({"one": ONE})
    for name in [name for name in server.files if not name.startswith("/mirror")]:
        server.plans[name] = [server.does.slow(pieces=5, pause=0.1)]
    both = [start(path, "fetch", "one", "--accept-licence") for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert all(json.loads(out.splitlines()[-1])["intact"] for out, _ in results) and len(server.seen) == 3
    assert sum("another process is working" in errors for _, errors in results) == 1


def test_ctrl_c_leaves_a_part_to_go_on_from(server, offering: Callable, own_cache: Path) -> None:
    path = offering({"one": ONE})
    file = catalogue.offers()["one"].files[0]
    server.plans[f"/{file.name}"] = [server.does.slow(pieces=2, pause=20.0)]
    process, part = start(path, "fetch", "one", "--accept-licence"), part_of(own_cache / "packs" / "one" / file.name)
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and errors.splitlines()[-1].endswith("interrupted") and part.stat().st_size >= 65536
    server.plans.clear()
    server.seen.clear()
    done = start(path, "fetch", "one", "--accept-licence")
    assert json.loads(done.communicate(timeout=60)[0])["downloaded_bytes"] < 600_000 and server.ranges()[0] is not None


def test_the_command_shows_licences_and_progress(server, offering: Callable) -> None:
    path = offering({"one": ONE})
    refused = start(path, "fetch", "one")
    out, errors = refused.communicate(timeout=60)
    assert refused.returncode == 2 and not out and "For tests only." in errors and "https://example.invalid/licence" in errors
    assert "--accept-licence" in errors.splitlines()[-1] and not server.seen
    out, errors = start(path, "fetch", "one", "--accept-licence").communicate(timeout=60)
    lines = [line for line in errors.splitlines() if line.startswith("one: ")]
    assert len(lines) == 3 and "of 600.0 kB" in lines[0]  # no terminal: a line when a file begins, and then now and then
    assert json.loads(out.splitlines()[-1])["downloaded_bytes"] == 600_000


def test_offline_is_one_sentence_with_the_address(server, offering: Callable) -> None:
    path = offering({"one": ONE})
    server.shutdown()
    server.server_close()
    process = start(path, "fetch", "one", "--accept-licence")
    out, errors = process.communicate(timeout=60)
    last = errors.splitlines()[-1]
    assert process.returncode == 2 and not out and "Traceback" not in errors
    assert server.url("/generator") in last and "offline" in last and "python -m packs add DIR" in last
