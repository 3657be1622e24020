"""Builds a shared library with ninja and keeps it under the hash of everything that went into it.

    cache folder/ops/<hash>/cpu.so and cpu.so.sha256, beside <hash>.lock

The libraries have a plain C interface and include no header of PyTorch's: they compile in seconds, and the same file
serves every version of PyTorch and Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ninja
from filelock import FileLock, Timeout

from packs.cache import VARIABLE, cache_folder
from packs.files import write_atomically

INTERFACE = 1  # raised when the way of calling the libraries changes
SECONDS_TO_WAIT = 600  # for another process that builds the same


class BuildError(Exception):
    """There can be no library on this machine as it is; the text names the cause and the remedy."""


@dataclass(frozen=True)
class Recipe:
    """How a library is made.

    name: of the library, without its ending.
    sources: what is compiled, each file by itself.
    headers: what the sources include of ours.
    compile: the command that makes an object file, up to the names of its output and input.
    link: the command that makes the library.
    libraries: what the link command needs after the object files.
    identity: all that the result depends on and that the commands do not show: the compiler's version, the processor.
    """

    name: str
    sources: tuple[Path, ...]
    headers: tuple[Path, ...]
    compile: tuple[str, ...]
    link: tuple[str, ...]
    libraries: tuple[str, ...]
    identity: str

    def key(self) -> str:
        """The hash that the library is kept under."""
        texts = [(path.name, path.read_text(encoding="utf-8")) for path in (*self.sources, *self.headers)]
        parts = [INTERFACE, self.name, texts, self.compile, self.link, self.libraries, self.identity]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def built(recipe: Recipe, anew: bool = False) -> Path:
    """The path of the library, built unless it is there already and whole. Any number of processes may call this at once.

    Args:
        anew: build it even if it is there.
    Raises: BuildError: the compiler fails, or the cache folder cannot be written.
    """
    folder, key = cache_folder() / "ops", recipe.key()
    path = folder / key / f"{recipe.name}.so"
    if not anew and is_whole(path):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock", timeout=SECONDS_TO_WAIT):
            if anew or not is_whole(path):
                _build(recipe, folder, path)
    except Timeout:
        raise BuildError(f"another process has been building in {folder} for {SECONDS_TO_WAIT} s; "
                         f"delete {folder / key}.lock if that process is gone") from None
    except OSError as error:
        raise BuildError(f"{folder} cannot be written ({error.strerror or error}); "
                         f"set {VARIABLE} to a folder that can be") from None
    return path


def is_whole(path: Path) -> bool:
    """Whether the library is there and is what was written. Loading half of one can end the process."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == _checksum(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


def _checksum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _build(recipe: Recipe, folder: Path, path: Path) -> None:
    """Compile and link in a folder of its own, then put the result in its place."""
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as name:
        work = Path(name)
        write_ninja(recipe, work / "build.ninja")
        _run_ninja(work)
        library = (work / f"{recipe.name}.so").read_bytes()
    write_atomically(path, library)
    write_atomically(_checksum(path), hashlib.sha256(library).hexdigest().encode())


def write_ninja(recipe: Recipe, path: Path) -> None:
    """The build as ninja's file; commands run in the folder of that file."""
    words = {name: ninja.escape(shlex.join(getattr(recipe, name))) for name in ("compile", "link", "libraries")}
    with path.open("w", encoding="utf-8") as file:
        writer = ninja.Writer(file, width=10**6)
        writer.rule("compile", f"{words['compile']} -o $out -c $in", description="compile $in")
        writer.rule("link", f"{words['link']} -o $out $in {words['libraries']}", description="link $out")
        objects = [f"{source.name}.o" for source in recipe.sources]
        for source, target in zip(recipe.sources, objects):
            writer.build(target, "compile", str(source))
        writer.build(f"{recipe.name}.so", "link", objects)


def _run_ninja(work: Path) -> None:
    """Raises BuildError with the first of the compiler's complaints."""
    program = Path(ninja.BIN_DIR) / "ninja"
    done = subprocess.run([program, "-C", work], env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise BuildError(f"the compiler says: {complaint(done.stdout)}; install a current g++ or name one in CXX")


def complaint(output: str, lines: int = 3) -> str:
    """The first lines of a compiler's output that speak of an error, or else its last, as one line."""
    spoken = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in spoken if "error" in line.lower() and not line.startswith("ninja:")]
    return " | ".join(errors[:lines] or spoken[-lines:])[:600]
