"""The operations for NVIDIA GPUs build with pip packages alone, and say what is missing where they do not."""

from __future__ import annotations

import ctypes
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stylegan2.ops import bias_act, build, compilers, cuda_compiler, native

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements-cuda.txt"
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
       "--retries=1", "--timeout=15"]


@pytest.fixture(scope="module")
def compiler(tmp_path_factory) -> Path:
    """NVIDIA's compiler in a folder of its own, as pip brings it."""
    folder = tmp_path_factory.mktemp("cuda")
    try:
        done = subprocess.run([*PIP, "--target", folder, "-r", REQUIREMENTS], capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        pytest.skip("NVIDIA's compiler cannot be had: pip took more than 100 s")
    if done.returncode != 0:
        pytest.skip(f"NVIDIA's compiler cannot be had: {(done.stderr.splitlines() or ['no reason given'])[-1][:200]}")
    return next(folder.glob("nvidia/cu*/bin/nvcc"))


@pytest.fixture(scope="module")
def library(compiler, tmp_path_factory) -> native.Library:
    """All sources for GPUs from Turing on, compiled and linked against the runtime that came with the compiler."""
    runtime = next(compiler.parents[1].glob("lib/libcudart.so.*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECLIPSED_CACHE", str(tmp_path_factory.mktemp("cache")))
        path = build.built(cuda_compiler.recipe(compiler, ("75", "80", "90+PTX"), runtime))
    if not compilers.loaded("libcudart.so"):
        ctypes.CDLL(str(runtime))
    result = native.Library(str(path))
    result.gpu = True
    return result


def test_the_sources_compile(library):
    for name in ("bias_act", "bias_act_gradient", "upfirdn2d", "scale_bias_act", "scale_bias_act_gradient"):
        assert getattr(library, name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU would do as it is told")
def test_what_a_gpu_reports_is_raised(library, monkeypatch):
    monkeypatch.setattr(native, "library", lambda *tensors: library)
    with pytest.raises(RuntimeError, match=r"bias_act fails for \[2, 3\] torch.float32 on cpu: .*(CUDA|driver|device)"):
        bias_act(torch.zeros(2, 3), torch.zeros(3), "lrelu")


def test_versions_are_those_beside_torch():
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    assert pins["nvidia-cuda-nvcc"] == pins["nvidia-cuda-crt"] == pins["nvidia-nvvm"] == pins["nvidia-cuda-runtime"]
    for name in ("nvidia-cuda-runtime", "nvidia-cuda-cccl"):
        try:
            assert importlib.metadata.version(name) == pins[name]
        except importlib.metadata.PackageNotFoundError:
            assert torch.version.cuda is None or not compilers.loaded("libcudart.so")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """fake("12.4"): the only nvcc of this machine is of CUDA 12.4, and PyTorch is of CUDA 13.2."""
    def make(version: str | None) -> Path:
        program = tmp_path / "cuda" / "bin" / "nvcc"
        program.parent.mkdir(parents=True, exist_ok=True)
        if version is not None:
            program.write_text(f"#!/bin/sh\necho Cuda compilation tools, release {version}, V{version}.1\n")
            program.chmod(0o755)
        return program

    monkeypatch.setattr(cuda_compiler.torch, "__file__", str(tmp_path / "torch" / "__init__.py"))
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "cuda"))
    monkeypatch.setattr(cuda_compiler.shutil, "which", lambda name: None)
    return make


def test_a_compiler_of_the_right_version_is_found(fake):
    program = fake("13.0")
    assert cuda_compiler.nvcc() == program


@pytest.mark.parametrize("version, words", [
    ("12.4", r"there is no CUDA 13 compiler \(.*nvcc is of CUDA 12.4\)"), (None, "there is no CUDA 13 compiler")])
def test_without_a_compiler_there_is_one_warning(fake, version, words, monkeypatch):
    fake(version)
    monkeypatch.setattr(native, "_libraries", {})
    monkeypatch.setattr(cuda_compiler, "loaded", lambda name: [Path("libcudart.so.13")])
    with pytest.warns(RuntimeWarning, match=f"for the GPU are not in use: {words}; run: pip install -r requirements-cuda.txt") as caught:
        assert native.cuda() is None and native.cuda() is None
    assert len(caught) == 1


def test_architectures(monkeypatch):
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "7.5 8.6;9.0a;10.0+PTX")
    assert cuda_compiler.architectures() == ("75", "86", "90a", "100+PTX")
    assert cuda_compiler._generate("90+PTX") == [
        "-gencode", "arch=compute_90,code=sm_90", "-gencode", "arch=compute_90,code=compute_90"]
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "Hopper")
    with pytest.raises(build.BuildError, match="'Hopper'; accepted: numbers such as 8.0"):
        cuda_compiler.architectures()
    monkeypatch.delenv("TORCH_CUDA_ARCH_LIST")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: [(9, 0), (8, 0), (9, 0)][index])
    assert cuda_compiler.architectures() == ("80", "90")
