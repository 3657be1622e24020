"""NVIDIA's compiler: from CUDA_HOME, from pip packages beside PyTorch, or from PATH."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import torch

from stylegan2.ops.build import BuildError, Recipe
from stylegan2.ops.compilers import SOURCES, ask, headers, host_compiler, loaded, sources

INSTALL = "run: pip install -r requirements-cuda.txt"
FLAGS = ("-std=c++17", "-O3", "-Xcompiler=-fPIC")


def cuda_recipe() -> Recipe:
    """Every `csrc/cuda/*.cu`, for the GPUs at hand. Raises BuildError: no compiler that fits."""
    runtime = loaded("libcudart.so")
    if not runtime:
        raise BuildError("this PyTorch uses no CUDA runtime of its own; install one that does")
    return recipe(nvcc(), architectures(), runtime[0])


def recipe(compiler: Path, targets: tuple[str, ...], runtime: Path) -> Recipe:
    """The library for given GPUs.

    Args:
        targets: such as ("75", "90+PTX").
        runtime: the libcudart.so that PyTorch has loaded; the loader then takes that copy.
    """
    host, identity = host_compiler()
    beside = [word for word in host if not word.startswith("-")][-1]  # without a "ccache" before it
    command = (str(compiler), *FLAGS, "-ccbin", beside, *(word for target in targets for word in _generate(target)), f"-I{SOURCES}")
    return Recipe("cuda", sources("cuda", "*.cu"), headers("cuda"), command, (*host, "-shared"), (str(runtime),),
                  identity + ask(str(compiler), "--version"), remedy=INSTALL)


def nvcc() -> Path:
    """A compiler of the same major version as PyTorch's CUDA. Raises BuildError: there is none."""
    wanted = (torch.version.cuda or "").split(".")[0]
    packaged = Path(torch.__file__).parents[1] / "nvidia" / f"cu{wanted}"
    homes = [Path(home) for home in (os.environ.get("CUDA_HOME"), packaged) if home]
    found = [home / "bin" / "nvcc" for home in homes if (home / "bin" / "nvcc").is_file()]
    found += [Path(path) for path in [shutil.which("nvcc")] if path]
    versions = {path: version(path) for path in found}
    for path, (major, _) in versions.items():
        if major == wanted:
            return path
    others = ", ".join(f"{path} is of CUDA {major}.{minor}" for path, (major, minor) in versions.items())
    raise BuildError(f"there is no CUDA {wanted} compiler{f' ({others})' if others else ''}; {INSTALL}")


def version(compiler: Path) -> tuple[str, str]:
    """("13", "2"). Raises BuildError: it does not run."""
    match = re.search(r"release (\d+)\.(\d+)", ask(str(compiler), "--version"))
    return match.groups() if match else ("?", "?")


def architectures() -> tuple[str, ...]:
    """What TORCH_CUDA_ARCH_LIST says ("8.0;9.0+PTX"), or else the GPUs of this machine."""
    chosen = os.environ.get("TORCH_CUDA_ARCH_LIST", "").replace(";", " ").split()
    for item in chosen:
        if not re.fullmatch(r"\d+\.\d+a?(\+PTX)?", item):
            raise BuildError(f"TORCH_CUDA_ARCH_LIST has {item!r}; accepted: numbers such as 8.0 or 9.0+PTX")
    here = {torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count())}
    return tuple(item.replace(".", "", 1) for item in chosen) or tuple(f"{major}{minor}" for major, minor in sorted(here))


def _generate(target: str) -> list[str]:
    """nvcc's options for one kind of GPU, and with +PTX for all that come after it."""
    number, _, later = target.partition("+")
    words = ["-gencode", f"arch=compute_{number},code=sm_{number}"]
    return words + ["-gencode", f"arch=compute_{number},code=compute_{number}"] * bool(later)
