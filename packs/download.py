"""One file over HTTP, whole or not at all, and never twice the same bytes.

What arrives is appended to `NAME.part`. A broken connection is taken up where it ended, now or in a later call, from the
same source or the next: the sources are the same byte for byte, and the SHA-256 of the whole decides, so no ETag is asked.
Only a file of the right size and hash gets its name. (pooch, which this project might have used, cannot resume, and throws
away what had arrived.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions
from urllib3.exceptions import MaxRetryError

from packs.files import NO_ROOM, bytes_in, part_of, sha256, size_words

CHUNK = 64 * 1024  # bytes: also the most that a broken connection loses
TIMEOUT = (10.0, 30.0)  # seconds to connect, and of silence
PAUSES = (1.0, 2.0, 4.0)  # seconds before each further try of a source that brings nothing new
LONGEST_PAUSE = 60.0  # seconds, if a server asks for more patience than that
REDIRECTS = 10
BUSY = (408, 425, 429, 500, 502, 503, 504)  # answers that may be another one soon


class DownloadError(ValueError):
    """A file could not be had; the sentence says why, and what to do."""


class SourceFailed(Exception):
    """This source will not do, another one may."""


class Interrupted(Exception):
    """The same source may do better at the next try, after `pause` seconds if it said so."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class Received:
    """done: bytes that lie on the disk. note: what happened, where that is worth a line."""

    done: int
    note: str = ""


def download(urls: Sequence[str], path: Path, size: int, digest: str) -> Iterator[Received]:
    """Download to `path`, telling at least every 64 kB how far it is; whoever stops asking leaves a part to go on from.

    urls: sources of the same bytes, tried in order. size, digest: bytes and SHA-256 in hex of the whole file.
    Proxies are those of the environment (HTTPS_PROXY, NO_PROXY ...).

    Raises: DownloadError: no source delivered, or the disk is full; one sentence. OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part, failures = part_of(path), []
    with requests.Session() as session:
        for url in urls:
            try:
                yield from _whole_file(session, url, part, size, digest)
            except SourceFailed as failure:
                failures.append(f"{url}: {failure}")
                yield Received(bytes_in(part), failures[-1])
            else:
                os.replace(part, path)
                return
    raise DownloadError(f"{path.name} ({size_words(size)}) could not be downloaded: {'; '.join(failures)}. Files that were "
                        "downloaded elsewhere are accepted too: python -m packs add DIR")


def _whole_file(session: requests.Session, url: str, part: Path, size: int, digest: str) -> Iterator[Received]:
    """Fill `part` from one source and check it. Raises SourceFailed."""
    for last in (False, True):
        in_pieces = yield from _all_bytes(session, url, part, size)
        found = sha256(part)
        if found == digest:
            return
        part.unlink()
        wrong = f"the SHA-256 is {found} and should be {digest}, so it was deleted"
        if last or not in_pieces:
            raise SourceFailed(wrong)
        # a piece from an earlier call or another source may be to blame
        yield Received(0, f"{url}: {wrong}; as it came in pieces, once more from the start")


def _all_bytes(session: requests.Session, url: str, part: Path, size: int) -> Iterator[Received]:
    """Append until `part` has its size; returns whether that took more than one piece. Raises SourceFailed."""
    most, tries, in_pieces = bytes_in(part), 0, bytes_in(part) > 0
    while True:
        try:
            yield from _one_piece(session, url, part, size)
            return in_pieces
        except Interrupted as interruption:
            held = bytes_in(part)
            if held - most >= max(1, size // 100):  # it does bring something new, if slowly
                most, tries = held, 0
            if tries == len(PAUSES):
                raise SourceFailed(f"{interruption}, {tries + 1} times in a row") from None
            pause = PAUSES[tries] if interruption.pause is None else min(interruption.pause, LONGEST_PAUSE)
            yield Received(held, f"{url}: {interruption}; trying again in {pause:.0f} s")
            time.sleep(pause)
            tries, in_pieces = tries + 1, in_pieces or held > 0


def _one_piece(session: requests.Session, url: str, part: Path, size: int) -> Iterator[Received]:
    """One request for what is missing. Raises Interrupted or SourceFailed; `part` keeps what arrived."""
    start = bytes_in(part)
    if start > size:
        part.unlink()
        start = 0
    if start == size:
        return
    try:
        with _request(session, url, start) as response:
            yield from _append(response, part, _first_byte(response, start, size), size)
    except exceptions.RequestException as error:
        raise _as_failure(error) from error
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DownloadError(f"the disk is full: {part.parent} has no room for the rest of {part.stem}; free some, or name another "
                            "folder with ECLIPSED_CACHE, and call again: what has arrived is kept") from error


def _append(response: requests.Response, part: Path, start: int, size: int) -> Iterator[Received]:
    """Write what a response brings into `part` from byte `start` on."""
    done = start
    with part.open("r+b" if part.exists() else "wb", buffering=0) as file:
        file.truncate(start)
        file.seek(start)
        yield Received(done)
        for chunk in response.iter_content(CHUNK):
            if done + len(chunk) > size:
                part.unlink()
                raise SourceFailed(f"it sends more than the {size} bytes of the file")
            file.write(chunk)
            done += len(chunk)
            yield Received(done)
        os.fsync(file.fileno())
    if done < size:
        raise Interrupted(f"the connection ended after {done} of {size} bytes")


def _request(session: requests.Session, url: str, start: int) -> requests.Response:
    """The answer to a request for everything from byte `start` on, after following redirects."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "eclipsed-studio"} | ({"Range": f"bytes={start}-"} if start else {})
    for _ in range(REDIRECTS + 1):
        response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False)
        if not response.is_redirect:
            return response
        response.close()
        url = redirected(url, response.headers["Location"])
    raise SourceFailed(f"it redirects more than {REDIRECTS} times")


def redirected(url: str, location: str) -> str:
    """Where a redirect leads. Raises SourceFailed if that is not HTTP, or gives up the encryption."""
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https") or (scheme == "http" and urlsplit(url).scheme == "https"):
        raise SourceFailed(f"it redirects to {target}; accepted from there: an https address")
    return target


def _first_byte(response: requests.Response, start: int, size: int) -> int:
    """Which byte of the file a response begins with: `start`, or 0 from a server that knows no ranges.

    Raises: Interrupted: a busy server. SourceFailed: an error, a web page, a file of another size.
    """
    status = response.status_code
    if status in BUSY:
        raise Interrupted(f"{status} {response.reason}", _retry_after(response))
    if status not in (200, 206):
        raise SourceFailed(f"{status} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise SourceFailed("it sends a web page in place of the file (the sign-in page of this network?)")
    begins = start if status == 206 else 0
    if status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise SourceFailed(f"asked for bytes from {start} on, it sends {response.headers.get('Content-Range')!r}")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and "Content-Encoding" not in response.headers and begins + int(length) != size:
        raise SourceFailed(f"its file has {begins + int(length)} bytes and should have {size}")
    return begins


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that a busy server asks to wait, if it says so in seconds."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _as_failure(error: exceptions.RequestException) -> SourceFailed | Interrupted:
    """What an error of the network means, in a few words."""
    if isinstance(error, exceptions.SSLError):
        return SourceFailed("its certificate is not accepted (a proxy that opens encrypted connections?)")
    if isinstance(error, exceptions.ProxyError):
        return Interrupted("the proxy that the environment names does not answer")
    if isinstance(error, exceptions.ConnectTimeout):
        return Interrupted(f"no connection within {TIMEOUT[0]:.0f} s")
    if isinstance(error, exceptions.Timeout) or "timed out" in str(error).lower():
        return Interrupted(f"silence for {TIMEOUT[1]:.0f} s")
    if isinstance(error, exceptions.ConnectionError) and isinstance(next(iter(error.args), None), MaxRetryError):
        return Interrupted("no connection (is this machine offline?)")
    if isinstance(error, (exceptions.ConnectionError, exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        return Interrupted("the connection broke")
    return SourceFailed(str(error))
