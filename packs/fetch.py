"""Bring a pack of the catalogue onto this machine: what is not here yet is downloaded, checked and put in its place.

    for progress in fetch("ffhq-1024", accept_licence=True):
        print(progress.done, progress.total)

Stop asking for the next progress, or end the process, and the download stops; the next call goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from filelock import FileLock, Timeout

from packs import store
from packs.catalogue import Offer, offers
from packs.download import download
from packs.files import bytes_in, part_of, size_words
from packs.progress import Meter, Progress

LOCK_POLL = 0.5  # seconds


class LicenceNotAccepted(ValueError):
    """The licence of a pack was not accepted yet. `offer` says what it is."""

    def __init__(self, offer: Offer) -> None:
        super().__init__(f"the licence of pack {offer.name!r} ({offer.licence}) must be accepted before it is downloaded: "
                         "--accept-licence does that")
        self.offer = offer


def offered(name: str) -> Offer:
    """The pack of that name in the catalogue. Raises ValueError that lists them."""
    packs = offers()
    if name not in packs:
        raise ValueError(f"pack {name!r} is not one that can be downloaded; accepted: {', '.join(packs)}")
    return packs[name]


def fetch(name: str, accept_licence: bool = False) -> Iterator[Progress]:
    """Download what is missing of a pack, or damaged; afterwards `registry.find(name)` knows its folder.

    Raises: LicenceNotAccepted: only if there is something to download. ValueError (DownloadError): unknown pack, no
    source delivers, not enough room on the disk. OSError: the cache folder cannot be written.
    """
    offer = offered(name)
    if not accept_licence and store.missing(offer):
        raise LicenceNotAccepted(offer)
    lock = yield from _alone(offer)
    try:
        yield from _take_from_other_packs(offer)
        files = store.missing(offer)
        _check_room(offer, files)
        folder, meter = store.packs_folder() / name, Meter(name, offer.size)
        before = offer.size - sum(file.size for file in files)
        for file in files:
            for received in download(file.urls, folder / file.name, file.size, file.sha256):
                yield meter.at(file.name, before + received.done, received.note)
            before += file.size
        store.finish(offer)
    finally:
        lock.release()
    yield Progress(name, "", offer.size, offer.size)


def _alone(offer: Offer) -> Iterator[Progress]:
    """Wait until no other process works on the pack; returns the lock, held."""
    lock: FileLock = store.lock_of(offer.name)
    note = f"{offer.name}: {store.BUSY}; this one goes on when it has ended"
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL)
            return lock
        except Timeout:
            yield Progress(offer.name, "", store.bytes_here(offer), offer.size, note=note)
            note = ""  # said once


def _take_from_other_packs(offer: Offer) -> Iterator[Progress]:
    """Link what another pack has already."""
    for file in store.missing(offer):
        source = store.in_other_pack(file, offer.name)
        if source:
            store.place(source, store.packs_folder() / offer.name / file.name)
            yield Progress(offer.name, "", store.bytes_here(offer), offer.size, note=f"{file.name}: taken from pack {source.parent.name!r}")


def _check_room(offer: Offer, files: list) -> None:
    """Raises ValueError if the disk has no room for what is to be downloaded."""
    folder = store.packs_folder() / offer.name
    needed = sum(file.size - min(bytes_in(part_of(folder / file.name)), file.size) for file in files)
    free = store.free_bytes(folder)
    if needed > free:
        raise ValueError(f"pack {offer.name!r} needs {size_words(needed)} more, and {folder} has room for {size_words(free)}; "
                         "free some, or name another folder with ECLIPSED_CACHE")
