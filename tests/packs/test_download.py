"""Downloads against a server that does all that servers, networks and disks do wrong."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from packs import download as module
from packs.download import DownloadError, SourceFailed, download, redirected
from packs.files import part_of

DATA = bytes(hashlib.shake_256(b"a file").digest(300_000))
DIGEST = hashlib.sha256(DATA).hexdigest()

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "file.bin"


def take(urls: str | list[str], path: Path, size: int = len(DATA), digest: str = DIGEST) -> list:
    """Download to the end; what was told on the way."""
    return list(download([urls] if isinstance(urls, str) else urls, path, size, digest))


def notes(told: list) -> str:
    return " | ".join(step.note for step in told if step.note)


def refusal(urls: str | list[str], path: Path) -> str:
    with pytest.raises(DownloadError) as caught:
        take(urls, path)
    assert not path.exists()
    return str(caught.value)


@pytest.fixture
def url(server) -> str:
    server.files["/file"] = DATA
    return server.url("/file")


def test_a_file_arrives_whole_and_tells_how_far_it_is(url: str, path: Path) -> None:
    told = take(url, path)
    assert path.read_bytes() == DATA and [file.name for file in path.parent.iterdir()] == ["file.bin"]
    done = [step.done for step in told]
    assert done == sorted(done) and done[0] == 0 and done[-1] == len(DATA) and len(done) >= 5 and not notes(told)


def test_a_broken_connection_is_taken_up_where_it_ended(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.breaking_after(100_000), server.does.breaking_after(140_000)]
    told = take(url, path)
    assert path.read_bytes() == DATA
    first, second, third = server.ranges()
    assert first is None and second == "bytes=65536-" and third == f"bytes={65536 + 131072}-"
    assert notes(told).count("the connection broke; trying again") == 2


def test_a_later_call_takes_up_an_interrupted_one(server, url: str, path: Path) -> None:
    steps = download([url], path, len(DATA), DIGEST)
    while next(steps).done < 100_000:
        pass
    steps.close()
    held = part_of(path).stat().st_size
    assert not path.exists() and part_of(path).read_bytes() == DATA[:held] and held >= 100_000
    told = take(url, path)
    assert path.read_bytes() == DATA and server.ranges()[-1] == f"bytes={held}-" and told[0].done == held


def test_a_server_that_ignores_ranges_starts_again(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.breaking_after(200_000), server.does.ignoring_ranges]
    take(url, path)
    assert path.read_bytes() == DATA and server.ranges()[1] is not None and len(server.seen) == 2


def test_a_server_that_always_breaks_at_the_same_place_is_given_up(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.breaking_after(200_000, ranges=False) for _ in range(50)]
    assert "the connection broke, 4 times in a row" in refusal(url, path)
    assert len(server.seen) == 4


def test_the_next_source_goes_on_with_what_the_first_sent(server, url: str, path: Path) -> None:
    server.files["/dies"] = DATA
    server.plans["/dies"] = [server.does.breaking_after(150_000)] + [server.does.status(404)]
    told = take([server.url("/dies"), url], path)
    assert path.read_bytes() == DATA and server.ranges()[-1] == "bytes=131072-" and "404 Not Found" in notes(told)


def test_wrong_bytes_never_get_the_name(server, url: str, path: Path) -> None:
    server.files["/wrong"] = bytes(len(DATA))
    wrong = hashlib.sha256(bytes(len(DATA))).hexdigest()
    told = take([server.url("/wrong"), url], path)
    assert f"the SHA-256 is {wrong} and should be {DIGEST}" in notes(told) and path.read_bytes() == DATA
    path.unlink()
    said = refusal(server.url("/wrong"), path)
    assert wrong in said and DIGEST in said and not part_of(path).exists()


def test_what_an_old_part_spoils_is_downloaded_again(server, url: str, path: Path) -> None:
    path.parent.mkdir()
    part_of(path).write_bytes(bytes(70_000))
    told = take(url, path)
    assert path.read_bytes() == DATA and "once more from the start" in notes(told) and server.ranges() == ["bytes=70000-", None]


def test_a_part_that_is_whole_or_too_long(server, url: str, path: Path) -> None:
    path.parent.mkdir()
    part_of(path).write_bytes(DATA)
    take(url, path)
    assert path.read_bytes() == DATA and not server.seen
    part_of(path).write_bytes(DATA + b"more")
    take(url, path)
    assert path.read_bytes() == DATA and server.ranges() == [None]


def test_more_than_the_file_is_cut_off(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.without_length(lambda data: data + bytes(10_000_000))]
    said = refusal(url, path)
    assert "sends more than the 300000 bytes" in said and not part_of(path).exists()


def test_less_than_the_file_without_a_length_is_a_broken_connection(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.without_length(lambda data: data[:100_000])]
    told = take(url, path)
    assert path.read_bytes() == DATA and "ended after 100000 of 300000 bytes" in notes(told)


def test_a_file_of_another_size_is_not_begun(server, path: Path) -> None:
    server.files["/longer"] = DATA + b"more"
    assert "its file has 300004 bytes and should have 300000" in refusal(server.url("/longer"), path)
    assert not part_of(path).exists()


def test_web_pages_in_place_of_the_file(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.web_page]
    assert "a web page in place of the file" in refusal(url, path)


def test_redirects_are_followed_and_keep_the_range(server, url: str, path: Path) -> None:
    server.plans["/old"] = [server.does.redirecting("/newer"), server.does.redirecting("/newer")]
    server.plans["/newer"] = [server.does.redirecting(url), server.does.redirecting(url)]
    server.plans["/file"] = [server.does.breaking_after(70_000)]
    take(server.url("/old"), path)
    assert path.read_bytes() == DATA and server.seen[-1][0] == "/file" and server.ranges()[-1] == "bytes=65536-"


def test_redirects_in_a_circle(server, path: Path) -> None:
    server.plans["/round"] = [server.does.redirecting("/round") for _ in range(20)]
    assert "redirects more than 10 times" in refusal(server.url("/round"), path)


def test_a_redirect_does_not_give_up_encryption() -> None:
    assert redirected("https://a.example/x", "/y") == "https://a.example/y"
    assert redirected("http://a.example/x", "https://b.example/y") == "https://b.example/y"
    for target in ("http://a.example/x", "file:///secret", "ftp://a.example/x"):
        with pytest.raises(SourceFailed, match="accepted from there: an https address"):
            redirected("https://a.example/x", target)


def test_a_busy_server_is_asked_again_and_a_wrong_address_is_not(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.status(503, Retry_After="0"), server.does.status(500), server.does.status(429)]
    told = take(url, path)
    assert path.read_bytes() == DATA and "503 Service Unavailable; trying again in 0 s" in notes(told)
    path.unlink()
    server.seen.clear()
    assert "404 Not Found" in refusal(server.url("/nothing"), path) and len(server.seen) == 1


def test_a_server_that_hangs_up_without_an_answer(server, url: str, path: Path) -> None:
    def silent(handler, data: bytes) -> None:
        handler.close_connection = True

    server.plans["/file"] = [silent]
    assert "the connection broke; trying again" in notes(take(url, path)) and path.read_bytes() == DATA


def test_a_server_that_stays_busy_is_given_up(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.status(502) for _ in range(50)]
    assert "502 Bad Gateway, 4 times in a row" in refusal(url, path) and len(server.seen) == 4


def test_the_patience_that_a_server_asks_for_is_limited(server, url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    server.plans["/file"] = [server.does.status(503, Retry_After="7"), server.does.status(503, Retry_After="86400")]
    take(url, path)
    assert [pause for pause in slept if pause >= 1] == [7.0, 60.0]


def test_silence_ends_a_try(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.stalling_after(70_000, 1.5)]
    told = take(url, path)
    assert path.read_bytes() == DATA and "silence for" in notes(told) and server.ranges()[1] == "bytes=65536-"


def test_a_slow_server_is_waited_for(server, url: str, path: Path) -> None:
    server.plans["/file"] = [server.does.slow(pieces=6, pause=0.1)]
    assert not notes(take(url, path)) and path.read_bytes() == DATA


def test_a_server_that_answers_another_range(server, url: str, path: Path) -> None:
    def wrong_range(handler, data: bytes) -> None:
        handler.start(206, len(data), Content_Range=f"bytes 0-{len(data) - 1}/{len(data)}")
        handler.wfile.write(data)

    path.parent.mkdir()
    part_of(path).write_bytes(DATA[:1000])
    server.plans["/file"] = [wrong_range]
    assert "asked for bytes from 1000 on, it sends 'bytes 0-299999/300000'" in refusal(url, path)


def test_offline_is_said_in_clear_words(path: Path) -> None:
    said = refusal(["https://weights.example/file.bin"], path)
    assert "file.bin (300.0 kB) could not be downloaded: https://weights.example/file.bin: no connection" in said
    assert "offline" in said and "python -m packs add DIR" in said


def test_a_proxy_of_the_environment_is_used(server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is asked for whole addresses; the host itself could not be reached from here."""
    address = "http://weights.example/file.bin"
    server.files[address] = DATA
    monkeypatch.setenv("http_proxy", server.url(""))
    take(address, path)
    assert path.read_bytes() == DATA and server.seen[0][0] == address
    path.unlink()
    monkeypatch.setenv("no_proxy", "weights.example")
    assert "no connection" in refusal(address, path)


def test_a_proxy_that_is_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "the proxy that the environment names does not answer" in refusal("http://weights.example/file.bin", path)


def test_a_full_disk_is_said_and_what_arrived_is_kept(url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_all = module._append

    def full(*arguments):
        for step in take_all(*arguments):
            yield step
            if step.done > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_append", full)
    said = refusal(url, path)
    assert "the disk is full" in said and str(path.parent) in said and "ECLIPSED_CACHE" in said
    assert part_of(path).stat().st_size > 100_000


def test_a_folder_that_cannot_be_written_keeps_its_own_words(url: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="taken"):
        take(url, tmp_path / "taken" / "file.bin")


def test_tests_cannot_reach_the_internet() -> None:
    import requests

    with pytest.raises(requests.ConnectionError):
        requests.get("https://huggingface.co", timeout=5)
    with pytest.raises(requests.ConnectionError):
        requests.get("http://192.0.2.1", timeout=5)
