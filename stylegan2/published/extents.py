"""Places in a file: read when they are needed, never beyond their end, and no memory is taken for what is not there."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_LINE = 256
CHUNK = 4096  # bytes read ahead


def shown(value: object, limit: int = 80) -> str:
    """A value from a file as it may appear in a sentence: short, on one line, without control characters."""
    if isinstance(value, str):
        text = ascii(value)[1:-1]
    else:
        text = str(value) if isinstance(value, (int, float, type(None))) else type(value).__name__
    return text if len(text) <= limit else f"{text[:limit - 3]}..."


@dataclass(frozen=True)
class Extent:
    """A stretch of an open file. Raises ValueError if the file has no such stretch."""

    file: BinaryIO
    start: int
    length: int

    def part(self, start: int, length: int) -> Extent:
        if start < 0 or length < 0 or start + length > self.length:
            raise ValueError(f"ends early: {length} bytes are announced where {max(0, self.length - start)} are left")
        return Extent(self.file, self.start + start, length)

    def read(self) -> bytes:
        data = bytearray(self.length)
        self.fill(memoryview(data))
        return bytes(data)

    def fill(self, memory: memoryview) -> None:
        """Read all of it into memory of its length."""
        self.file.seek(self.start)
        if self.file.readinto(memory) != self.length:
            raise ValueError("ends early: the file has become shorter")


class Reader:
    """Reads an extent from its beginning, a little ahead and never beyond its end."""

    def __init__(self, extent: Extent) -> None:
        self.extent, self.position = extent, 0
        self._ahead, self._ahead_at = b"", 0

    def read(self, count: int) -> bytes:
        start = self.position - self._ahead_at
        if not 0 <= start <= len(self._ahead) - count:
            left = self.extent.length - self.position
            self._ahead = self.extent.part(self.position, max(count, min(CHUNK, left))).read()
            self._ahead_at, start = self.position, 0
        self.position += count
        return self._ahead[start:start + count]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def extent_of(self, count: int) -> Extent:
        """The next `count` bytes, unread."""
        found = self.extent.part(self.position, count)
        self.position += count
        return found

    def line(self) -> str:
        """Up to the next newline, which is not part of it."""
        taken = bytearray()
        while (byte := self.read(1)) != b"\n":
            taken += byte
            if len(taken) > MAX_LINE:
                raise ValueError(f"holds a name of more than {MAX_LINE} characters")
        return taken.decode()
