"""What the machine has to build with: a C++ compiler that fits the OpenMP runtime PyTorch has loaded."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import torch

from stylegan2.ops.build import BuildError, Recipe

SOURCES = Path(__file__).parent / "csrc"
NAMES = ("c++", "g++", "clang++")
INSTALL = ("install one (Debian and Ubuntu: sudo apt install g++; Fedora: sudo dnf install gcc-c++; macOS: xcode-select --install) "
           "or name one in CXX")
# Exact arithmetic: no -ffast-math. Without errno and floating-point traps, loops with conditions in them can be vectorised.
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-Wall")


def cpu_recipe() -> Recipe:
    """Every `csrc/cpu/*.cpp`, for this processor. Raises BuildError: no compiler that fits."""
    compiler, identity, openmp = _compiler()
    command = (*compiler, *FLAGS, *_native(), *openmp, f"-I{SOURCES}")
    runtime = openmp_runtime()
    return Recipe("cpu", sources("cpu", "*.cpp"), headers("cpu"), command, (*compiler, "-shared", f"-Wl,-rpath,{runtime.parent}"),
                  (str(runtime),), identity)


def sources(folder: str, pattern: str) -> tuple[Path, ...]:
    return tuple(sorted((SOURCES / folder).glob(pattern)))


def headers(folder: str) -> tuple[Path, ...]:
    return tuple(sorted([*SOURCES.glob("*.h"), *(SOURCES / folder).glob("*.h")]))


def openmp_runtime() -> Path:
    """The OpenMP library that PyTorch runs on. A second one in the process would be a second set of threads.

    Linking against this very file makes the loader take the copy that is loaded already.

    Raises: BuildError: PyTorch has none.
    """
    if sys.platform == "darwin":
        path = Path(torch.__file__).parent / "lib" / "libomp.dylib"
        found = [path] if path.exists() else []
    else:
        found = loaded("libgomp", "libiomp5", "libomp")
    if not found:
        raise BuildError("this PyTorch uses no OpenMP; install one that does")
    return found[0]


def loaded(*names: str) -> list[Path]:
    """Shared libraries of this process whose file names begin so; those that lie beside PyTorch come first. Linux only."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {Path(line.split(maxsplit=5)[5]) for line in lines if line.count(" ") >= 5 and "/" in line}
    beside = str(Path(torch.__file__).parent)
    return sorted((path for path in paths if path.name.startswith(names)), key=lambda path: not str(path).startswith(beside))


def _native() -> tuple[str, ...]:
    """Code for the processor at hand. What that is goes into the identity, since home folders can be shared."""
    return ("-mcpu=native",) if platform.machine() in ("arm64", "aarch64") else ("-march=native",)


def _compiler() -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The first compiler that fits: its command, its identity and its flags for OpenMP.

    `CXX` is the only candidate where it is set, and may hold several words, such as "ccache g++".
    """
    if os.name != "posix":
        raise BuildError("they are built on Linux and macOS only; nothing has to be done, this system is slower but complete")
    chosen = shlex.split(os.environ.get("CXX", ""))
    candidates = [chosen] if chosen else [[name] for name in NAMES]
    found = [words for words in candidates if shutil.which(words[0])]
    if not found:
        raise BuildError(f"there is no C++ compiler ({', '.join(shlex.join(words) for words in candidates)}); {INSTALL}")
    reasons = []
    for words in found:
        try:
            return _examine((shutil.which(words[0]), *words[1:]))
        except BuildError as error:
            reasons.append(str(error))
    raise BuildError(reasons[0])


def _examine(command: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Ask a compiler for its version, and for its macros, which tell the processor's features."""
    version = _ask(*command, "--version")
    macros = _ask(*command, *_native(), "-dM", "-E", "-x", "c++", os.devnull)
    clang, runtime = "__clang__" in macros, openmp_runtime()
    if clang and runtime.name.startswith("libgomp"):
        raise BuildError(f"{command[0]} is Clang, whose threads are not those of GCC that this PyTorch runs on ({runtime.name}); "
                         "install g++ or name it in CXX")
    return command, version + macros, ("-Xpreprocessor", "-fopenmp") if sys.platform == "darwin" else ("-fopenmp",)


def _ask(*words: str) -> str:
    try:
        done = subprocess.run(words, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{words[0]} does not run ({error}); {INSTALL}") from None
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(words[:2])} ... fails ({' '.join(done.stderr.split())[:300]}); {INSTALL}")
    return done.stdout
