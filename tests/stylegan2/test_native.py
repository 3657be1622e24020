"""The compiled operations are built once, safely, and never stand in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from stylegan2.ops import build, compilers, native

ROOT = Path(__file__).resolve().parents[2]
# A fresh process that uses the operations twice and says whether they are compiled.
USE = """
import torch, warnings
from stylegan2.ops import native
first, second = native.cpu(), native.cpu()
assert first is second
print("reference" if first is None else "compiled")
"""
WARNING = "the fast operations are not in use"


def use(cache: Path, **environment: str) -> tuple[str, str]:
    """What it printed, and its standard error."""
    done = start(cache, **environment)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err[-3000:]
    return out.strip(), err


def start(cache: Path, **environment: str) -> subprocess.Popen:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "ECLIPSED_CACHE": str(cache), **environment}
    return subprocess.Popen([sys.executable, "-c", USE], env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def recipe() -> build.Recipe:
    try:
        return compilers.cpu_recipe()
    except build.BuildError as error:
        pytest.skip(str(error))


@pytest.fixture
def small(recipe, tmp_path, monkeypatch):
    """A recipe of one small file, in a cache folder of its own."""
    source = tmp_path / "a folder" / "one.cpp"
    source.parent.mkdir()
    source.write_text('extern "C" int one(int x) { return x + 1; }\n')
    monkeypatch.setenv("ECLIPSED_CACHE", str(tmp_path / "cache"))
    return build.Recipe("small", (source,), (), recipe.compile, recipe.link, recipe.libraries, recipe.identity)


@pytest.fixture
def afresh(monkeypatch):
    """As in a process that has not asked for a library yet."""
    monkeypatch.setattr(native, "_libraries", {})


def test_threads_are_those_of_pytorch(recipe):
    library = native.cpu()
    for wanted in (1, 2):
        assert native.function(library, "threads", "i")(wanted) == wanted
    assert len(compilers.loaded("libgomp", "libiomp5", "libomp")) == 1


def test_reference_is_for_this_thread_and_block_only(recipe):
    assert native.cpu() is not None
    with native.reference():
        assert native.cpu() is None
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(native.cpu).result() is not None
    assert native.cpu() is not None


def test_many_threads_load_it_once(monkeypatch, afresh):
    made, go = [], threading.Barrier(8)
    monkeypatch.setattr(native, "_load", lambda recipe: made.append(recipe) or object())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (go.wait(), native.cpu())[1], range(8)))
    assert len(made) == 1 and len(set(map(id, found))) == 1


def test_importing_builds_nothing(tmp_path):
    subprocess.run([sys.executable, "-c", "import stylegan2.ops.native"], check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(ROOT), "ECLIPSED_CACHE": str(tmp_path / "cache")})
    assert not (tmp_path / "cache").exists()


def test_two_processes_build_at_once(recipe, tmp_path):
    both = [start(tmp_path), start(tmp_path)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.strip(), err) == (0, "compiled", "")
    assert sorted(path.name for path in (tmp_path / "ops").rglob("*.so*")) == ["cpu.so", "cpu.so.sha256"]


def test_a_hit_does_not_build(small, monkeypatch):
    path = build.built(small)
    monkeypatch.setattr(build, "_run_ninja", lambda work: pytest.fail("built again"))
    assert build.built(small) == path
    with pytest.raises(pytest.fail.Exception):
        build.built(small, anew=True)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * len(data)])
def test_a_damaged_library_is_built_again(small, damage):
    path = build.built(small)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert build.built(small) == path and path.read_bytes()[:4] == whole[:4] and build.is_whole(path)


def test_a_library_that_does_not_load_is_built_again(small, monkeypatch, afresh):
    monkeypatch.setattr(native, "cpu_recipe", lambda: small)
    path = build.built(small)
    build.write_atomically(path, b"whole, but no library")
    build.write_atomically(build._checksum(path), build.hashlib.sha256(b"whole, but no library").hexdigest().encode())
    assert build.is_whole(path)
    assert native.function(native.cpu(), "one", "i")(41) == 42


def test_what_changes_the_key(small, tmp_path):
    key = small.key()
    assert small.key() == key
    for field, value in {"identity": small.identity + "!", "compile": (*small.compile, "-g"), "name": "other"}.items():
        assert build.Recipe(**{**small.__dict__, field: value}).key() != key
    small.sources[0].write_text(small.sources[0].read_text() + "\n")
    assert small.key() != key


def test_a_compiler_upgrade_changes_the_key(recipe, tmp_path, monkeypatch):
    """The same command, answering with another version."""
    compiler = tmp_path / "compiler"
    keys = []
    for version in ("12.2.0", "12.3.0"):
        compiler.write_text(f'#!/bin/sh\ncase "$*" in *--version) echo {version};; *) exec {recipe.compile[0]} "$@";; esac\n')
        compiler.chmod(0o755)
        monkeypatch.setenv("CXX", f"{compiler} -Wextra")
        keys.append(compilers.cpu_recipe().key())
    assert keys[0] != keys[1]


def only_warning(err: str) -> str:
    """The one warning in a standard error that holds nothing else."""
    assert err.count("Warning") == 1 and WARNING in err, err
    return err


def test_without_a_compiler(tmp_path):
    out, err = use(tmp_path, PATH="", CXX="")
    assert out == "reference" and "there is no C++ compiler (c++, g++, clang++); install one" in only_warning(err)


def test_a_named_compiler_that_is_not_there(tmp_path):
    out, err = use(tmp_path, CXX="no-such-compiler")
    assert out == "reference" and "(no-such-compiler)" in only_warning(err)


def test_the_reference_on_request_builds_nothing(tmp_path):
    assert use(tmp_path, ECLIPSED_OPS="reference") == ("reference", "")
    assert not list(tmp_path.iterdir())


def test_a_wrong_choice_is_refused(monkeypatch, afresh):
    monkeypatch.setenv("ECLIPSED_OPS", "fast")
    with pytest.raises(ValueError, match="ECLIPSED_OPS is 'fast'; accepted: compiled, reference"):
        native.cpu()


def test_a_source_that_does_not_compile_is_told_once(small, monkeypatch, afresh):
    small.sources[0].write_text("int one( {\n")
    monkeypatch.setattr(native, "cpu_recipe", lambda: small)
    with pytest.warns(RuntimeWarning, match=r"the compiler says: .*one\.cpp:1.*error") as caught:
        assert native.cpu() is None and native.cpu() is None
    assert len(caught) == 1 and "Until then" in str(caught[0].message)
    assert not list((small.sources[0].parents[1] / "cache").rglob("*.so"))


def test_a_folder_that_cannot_be_written(small, monkeypatch, afresh):
    monkeypatch.setenv("ECLIPSED_CACHE", str(small.sources[0]))  # a file, so that it holds for root too
    monkeypatch.setattr(native, "cpu_recipe", lambda: small)
    with pytest.warns(RuntimeWarning, match="cannot be written .* set ECLIPSED_CACHE to a folder that can be"):
        assert native.cpu() is None


def test_clang_is_refused_where_pytorch_runs_on_gnu_threads(monkeypatch):
    monkeypatch.setattr(compilers, "_ask", lambda *words: "#define __clang__ 1")
    monkeypatch.setattr(compilers, "openmp_runtime", lambda: Path("libgomp.so.1"))
    with pytest.raises(build.BuildError, match="is Clang, .* install g"):
        compilers._examine(("clang++",))
