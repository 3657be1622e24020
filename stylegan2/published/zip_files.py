"""Zip files as PyTorch writes them: members lie as they are, none is compressed."""

from __future__ import annotations

import struct
import zipfile
from typing import BinaryIO

from stylegan2.published.extents import Extent, shown

MAX_DIRECTORY = 1 << 22  # bytes of a zip's table of contents; a training checkpoint has 0.1 MiB


class _Careful:
    """A file from which nothing reads more than a zip's table of contents has at most."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self.seekable, self._file = file.seek, file.tell, file.seekable, file

    def read(self, count: int = -1) -> bytes:
        if count > MAX_DIRECTORY:
            raise ValueError(f"has a table of contents of {count} bytes; accepted: up to {MAX_DIRECTORY}")
        return self._file.read(MAX_DIRECTORY if count < 0 else count)


def zip_members(extent: Extent) -> dict[str, tuple[Extent, int]]:
    """Where each member of a zip file lies, uncompressed as `torch.save` leaves them, and its CRC-32.

    Raises: ValueError: it is no zip, or a member is compressed (as in a zip bomb), encrypted, twice there or out of bounds.
    """
    try:
        with zipfile.ZipFile(_Careful(extent.file)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, struct.error, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"is damaged: it is no whole zip file ({shown(str(error))})") from None
    members: dict[str, tuple[Extent, int]] = {}
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            raise ValueError(f"has a compressed or encrypted member {shown(entry.filename)}, which torch.save does not write")
        if entry.filename in members:
            raise ValueError(f"has two members {shown(entry.filename)}")
        signature, name, extra = struct.unpack("<4s22xHH", extent.part(entry.header_offset, 30).read())
        if signature != b"PK\3\4":
            raise ValueError(f"is damaged: its member {shown(entry.filename)} is not where it should be")
        members[entry.filename] = extent.part(entry.header_offset + 30 + name + extra, entry.file_size), entry.CRC
    return members
