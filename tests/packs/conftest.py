"""A cache folder for each test, no way out to the internet, and a local server that can do all that servers do wrong."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packs import catalogue, download
from packs.cache import cache_folder

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test alone, but for the compiled operations, which need not be compiled once a test."""
    compiled, own = cache_folder() / "ops", tmp_path_factory.mktemp("cache")
    compiled.mkdir(parents=True, exist_ok=True)
    (own / "ops").symlink_to(compiled, target_is_directory=True)
    monkeypatch.setenv("ECLIPSED_CACHE", str(own))
    return own


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are not resolved and connections refused, but for this machine's own; proxies of the environment are not used."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def local_names(host: str, *rest: object, **options: object) -> list:
        if host not in LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, f"a test asked for {host!r}")
        return resolve(host, *rest, **options)

    def local_addresses(own: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            raise ConnectionRefusedError(f"a test went to {address!r}")
        connect(own, address)

    monkeypatch.setattr(socket, "getaddrinfo", local_names)
    monkeypatch.setattr(socket.socket, "connect", local_addresses)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries, and half a second of silence is a long time."""
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "TIMEOUT", (2.0, 0.5))


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; the first of `server.plans[path]`, if there is one, answers in its stead."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        path = self.path.split("?")[0]
        server.seen.append((self.path, dict(self.headers)))
        plan = server.plans.get(path, [])
        answer = plan.pop(0) if plan else whole
        try:
            answer(self, server.files.get(path))
        except (BrokenPipeError, ConnectionResetError):  # the client had enough
            self.close_connection = True

    def start(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests print what they want to say."""


    def begin_rest(self, data: bytes) -> int:
        """The head of an answer to a request with or without a range; returns the first byte that was asked for."""
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if first:
            self.start(206, len(data) - first, Content_Range=f"bytes {first}-{len(data) - 1}/{len(data)}")
        else:
            self.start(200, len(data))
        return first


Answer = Callable[[Handler, bytes | None], None]


def whole(handler: Handler, data: bytes | None) -> None:
    """What a good server does, ranges included."""
    if data is None:
        return status(404)(handler, data)
    handler.wfile.write(data[handler.begin_rest(data) :])


def status(code: int, **headers: str) -> Answer:
    """Nothing but an error."""

    def answer(handler: Handler, data: bytes | None) -> None:
        handler.start(code, 0, **headers)

    return answer


def ignoring_ranges(handler: Handler, data: bytes) -> None:
    handler.start(200, len(data))
    handler.wfile.write(data)


def breaking_after(count: int, ranges: bool = True) -> Answer:
    """The connection ends `count` bytes further on."""

    def answer(handler: Handler, data: bytes) -> None:
        first = 0
        if ranges:
            first = handler.begin_rest(data)
        else:
            handler.start(200, len(data))
        handler.wfile.write(data[first : first + count])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return answer


def stalling_after(count: int, seconds: float) -> Answer:
    """Silence after `count` bytes."""

    def answer(handler: Handler, data: bytes) -> None:
        handler.start(200, len(data))
        handler.wfile.write(data[:count])
        handler.wfile.flush()
        time.sleep(seconds)
        handler.close_connection = True

    return answer


def slow(pieces: int, pause: float) -> Answer:
    """All of it, with pauses."""

    def answer(handler: Handler, data: bytes) -> None:
        first = handler.begin_rest(data)
        step = -(-len(data) // pieces)
        for start in range(first, len(data), step):
            handler.wfile.write(data[start : start + step])
            handler.wfile.flush()
            time.sleep(pause)

    return answer


def without_length(data_of: Callable[[bytes], bytes]) -> Answer:
    """Another content, of a length that the server does not tell."""

    def answer(handler: Handler, data: bytes) -> None:
        handler.close_connection = True
        handler.start(200, None, Connection="close")
        handler.wfile.write(data_of(data))

    return answer


def redirecting(location: str) -> Answer:
    return status(302, Location=location)


def web_page(handler: Handler, data: bytes | None) -> None:
    page = b"<html>Please sign in</html>"
    handler.start(200, len(page), Content_Type="text/html; charset=utf-8")
    handler.wfile.write(page)


class Behaviours:
    """The answers above, for tests to name."""

    whole, status, web_page, slow = staticmethod(whole), staticmethod(status), staticmethod(web_page), staticmethod(slow)
    breaking_after, stalling_after = staticmethod(breaking_after), staticmethod(stalling_after)
    without_length, redirecting = staticmethod(without_length), staticmethod(redirecting)
    ignoring_ranges = staticmethod(ignoring_ranges)


class Server(ThreadingHTTPServer):
    """files: content by path. plans: answers by path, one a request. seen: path and headers of each request."""

    daemon_threads = True
    does = Behaviours

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.plans: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, dict]] = []

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what these tests are about."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def ranges(self) -> list[str | None]:
        """The Range header of each request so far."""
        return [headers.get("Range") for _, headers in self.seen]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def offering(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`offering({"one": {"generator": b"...", ...}})`: the catalogue of this test offers these packs, from the server.

    A file is one for each different content, at /NAME with a mirror at /mirror/NAME. kinds: how they are stored, by role.
    info: what else the packs say of themselves. Returns the catalogue's path.
    """

    def write(packs: dict[str, dict[str, bytes]], kinds: dict[str, str] | None = None, **info: object) -> Path:
        files, listed = {}, []
        for name, contents in packs.items():
            for role, data in contents.items():
                digest = hashlib.sha256(data).hexdigest()
                file = f"{role}-{digest[:6]}"
                server.files[f"/{file}"] = server.files[f"/mirror/{file}"] = data
                files[digest] = {"name": file, "role": role, "kind": (kinds or {}).get(role, "raw"), "licence": "test", "size": len(data),
                                 "sha256": digest, "urls": [server.url(f"/{file}"), server.url(f"/mirror/{file}")]}  # fmt: skip
            listed.append({"name": name, "version": "1", "domain": "tests", "resolution": 32, "neutral_text": "a person",
                           "description": "d", "generator": {}, "parser": {}, "clip": {}, "defaults": {"truncation": 0.7}, **info,
                           "files": [hashlib.sha256(data).hexdigest() for data in contents.values()]})  # fmt: skip
        licence = {"name": "Test Licence", "url": "https://example.invalid/licence", "summary": "For tests only."}
        path = tmp_path / "catalogue.json"
        path.write_text(json.dumps({"licences": {"test": licence}, "files": files, "packs": listed}))
        monkeypatch.setattr(catalogue, "PATH", path)
        return path

    return write
