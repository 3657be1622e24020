"""The house itself: which room may see which, that imports do nothing, that commands exist and the set-up is in order."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app", "baselines", "benchmarks", "evaluation", "lelsd", "packs", "portraits", "segmentation", "stylegan2")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")) + [ROOT / "train_eclipsed.py"]

# What a room's library modules may import (architecture.md). `packs.cli` is open to all: it is how any command speaks.
# Command lines stand on top and may import all but `app`.
MAY_SEE = {
    "stylegan2": set(),
    "segmentation": {"stylegan2"},
    "packs": {"stylegan2", "segmentation", "portraits"},
    "portraits": {"stylegan2", "segmentation"},
    "lelsd": {"stylegan2", "segmentation", "packs"},
    "baselines": {"stylegan2", "segmentation", "packs", "portraits", "lelsd", "evaluation"},
    "evaluation": {"stylegan2", "segmentation", "packs", "portraits"},
    "benchmarks": set(ROOMS) - {"app"},
    "app": set(ROOMS) | {"train_eclipsed"},
    "train_eclipsed.py": set(ROOMS) - {"app"},
}
# The back rooms of `portraits.build_pack`: they open packs to go on from, and stand on top as that command does.
ASSEMBLY = {f"portraits.{name}" for name in ("assemble", "generator_run", "shipped", "warm_start")}
PACK_FILES = ("packs.cache", "packs.cli", "packs.files", "packs.weights")  # leaves, though the room that opens packs is none
# Every command line that exists so far; the baselines join with their issues.
COMMANDS = [
    "train_eclipsed.py",
    "baselines.maae.ablation",
    "baselines.maae.edit",
    "baselines.maae.evaluate",
    "baselines.maae.export",
    "baselines.maae.train",
    "baselines.maskgan.edit",
    "baselines.maskgan.evaluate",
    "baselines.maskgan.train",
    "baselines.secgan.edit",
    "baselines.secgan.evaluate",
    "baselines.secgan.train",
    "baselines.semantic_vae.ablation",
    "baselines.semantic_vae.edit",
    "baselines.semantic_vae.evaluate",
    "baselines.semantic_vae.train",
    "baselines.ship",
    "baselines.side_by_side",
    "benchmarks.ops",
    "benchmarks.prompts",
    "benchmarks.renderer",
    "benchmarks.studio_load",
    "benchmarks.synthesis",
    "benchmarks.training_step",
    "evaluation.compare",
    "evaluation.directions",
    "evaluation.prompts",
    "evaluation.table1",
    "lelsd.edit",
    "lelsd.invert",
    "lelsd.first",
    "lelsd.import_direction",
    "lelsd.prompt",
    "lelsd.report",
    "lelsd.survey",
    "packs",
    "portraits.build_pack",
    "portraits.curves",
    "portraits.evaluate_inversion",
    "portraits.evaluate_pack",
    "portraits.pack_readme",
    "portraits.readme_pictures",
    "portraits.render",
    "segmentation.parser",
    "stylegan2.checkpoints",
    "stylegan2.generate",
]


def imported(tree: ast.AST) -> set[str]:
    """Full names of all modules that a file imports, in functions and for type checking too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_name(path: Path) -> str:
    """"portraits.render" of portraits/render.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_command(tree: ast.Module) -> bool:
    """Whether the file ends in `if __name__ == "__main__":`."""
    tests = [node.test for node in tree.body if isinstance(node, ast.If)]
    return any("__name__" in ast.unparse(test) for test in tests)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_flow_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = MAY_SEE[room] | {room}
    on_top = is_command(tree) or module_name(path) in ASSEMBLY
    if on_top and room != "app":
        allowed = set(ROOMS) - {"app"}
    assert on_top or not imported(tree) & ASSEMBLY, "what assembles packs is for commands alone"
    seen = {name for name in imported(tree) if name.split(".")[0] in {*ROOMS, "train_eclipsed"}}
    wrong = {name for name in seen if name.split(".")[0] not in allowed and not name.startswith(PACK_FILES)}
    assert not wrong, f"{room} must not import {', '.join(sorted(wrong))}"


IMPORT_ALL = """
import importlib, json, random, sys
import numpy, spacy, torch  # what spaCy draws for itself as it loads is not ours
state = torch.get_rng_state(), numpy.random.get_state()[1].tolist(), random.getstate()
for name in sys.argv[1:]:
    importlib.import_module(name)
same = torch.equal(state[0], torch.get_rng_state()) and state[1:] == (numpy.random.get_state()[1].tolist(), random.getstate())
print(json.dumps({"same_seed": same, "initialised": torch.cuda.is_initialized(), "modules": sorted(sys.modules)}))
"""


def test_imports_do_no_work(tmp_path: Path) -> None:
    """No folder, no print, no draw, no device; and Streamlit stays in the app."""
    names = [module_name(path) for path in SOURCES]
    names = [name for name in names if not name.startswith(("app.", "benchmarks.studio_"))]  # the latter speak the studio's protocol
    done = run([sys.executable, "-c", IMPORT_ALL, *names], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("\n") == 1 and not list(tmp_path.iterdir())
    report = json.loads(done.stdout)
    assert report["same_seed"] and not report["initialised"]
    assert "streamlit" not in report["modules"]


@pytest.mark.parametrize("room", ROOMS)
def test_threads_that_wait_leave_the_cores_to_others(room: str, tmp_path: Path) -> None:
    """Set before PyTorch comes in, whichever room is the first; and whoever has chosen otherwise has it."""
    asked = "import importlib, os, sys; importlib.import_module(sys.argv[1]); " \
            "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    for chosen, found in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        done = run([sys.executable, "-c", asked, room], tmp_path, environment | ({"OMP_WAIT_POLICY": chosen} if chosen else {}))
        assert done.stdout == f"{found} False\n", done.stderr[-2000:]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("packs.cli, packs.files, packs.registry, packs.__main__", "torch"),
        ("packs.pack, lelsd.train, stylegan2.generator, segmentation.parser, portraits.render", "open_clip"),
    ],
)
def test_heavy_packages_come_in_when_they_are_needed(modules: str, absent: str, tmp_path: Path) -> None:
    done = run([sys.executable, "-c", f"import sys, {modules}; print({absent!r} in sys.modules)"], tmp_path)
    assert done.stdout == "False\n", done.stderr[-2000:] or f"one of {modules} imports {absent}"


ASK_FOR_HELP = """
import contextlib, io, json, runpy, sys
answers = {}
for name in sys.argv[1:]:
    sys.argv, heard = [name, "--help"], io.StringIO()
    with contextlib.redirect_stdout(heard):
        try:
            run = runpy.run_path if name.endswith(".py") else runpy.run_module
            run(name, run_name="__main__")
            code = "went on"
        except SystemExit as stop:
            code = stop.code
        except Exception as error:
            code = repr(error)
    answers[name] = [code, heard.getvalue()]
print(json.dumps(answers))
"""


def test_every_command_answers_help() -> None:
    """In one process, since each would spend seconds on importing torch."""
    done = run([sys.executable, "-c", ASK_FOR_HELP, *COMMANDS], ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    for name, (code, text) in json.loads(done.stdout.splitlines()[-1]).items():
        assert code in (0, None) and text.startswith("usage:"), f"{name} --help: exit {code}, {text[:200]}"


def run(words: list[str], folder: Path, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess:
    environment = {**environment, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def tracked_texts() -> list[Path]:
    """The text files of the repository, by git where there is one."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listed.split("\0") if name]
    else:
        paths = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(path for path in ROOT.iterdir() if path.is_file())]
    binary = {".safetensors", ".npz", ".png", ".jpg", ".webp", ".gif"}
    return [path for path in paths if path.is_file() and path.suffix not in binary]


def test_no_path_of_a_machine_and_no_registry_in_the_repository() -> None:
    machine = re.compile(r"""(?<![\w.])/(?:work|root|home/\w+|Users/\w+|opt)/""")
    registry = re.compile(r"pypi\.org|pythonhosted|--(?:extra-)?index-url|--find-links|registry\.npmjs|conda\.anaconda")
    found = []
    for path in tracked_texts():
        if path == Path(__file__):  # it has to name what it looks for
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if machine.search(line) or registry.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def requirement_lines() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_requirements_are_pinned_and_end_in_the_studio_itself() -> None:
    *pins, last = requirement_lines()
    assert last == "-e ."
    for line in pins:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][\w.]*", line), line


def test_what_is_tested_is_what_is_pinned() -> None:
    pins = dict(line.split("==") for line in requirement_lines()[:-1])
    installed = {name: importlib.metadata.version(name).split("+")[0] for name in pins}
    assert installed == pins


def test_what_the_code_needs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.match(r"[\w-]+", line).group().replace("-", "_") for line in project["dependencies"]}
    assert needed <= {line.split("==")[0].replace("-", "_") for line in requirement_lines()}


def test_the_studio_is_private_by_default() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "localhost"
    assert config["browser"]["gatherUsageStats"] is False


def test_streamlit_knows_every_setting() -> None:
    from streamlit.config import get_config_options

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert set(flat(config)) <= set(get_config_options())


def flat(config: dict, prefix: str = "") -> list[str]:
    """Names of all settings as Streamlit writes them: "theme.sidebar.backgroundColor"."""
    pairs = [(prefix + key, value) for key, value in config.items()]
    return [name for key, value in pairs for name in (flat(value, f"{key}.") if isinstance(value, dict) else [key])]


def make(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """`make` in a folder that holds only the set-up files."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    done = make(tmp_path, "studio", "PYTHON=no-such-python")
    assert done.returncode != 0 and "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_installs_once_and_again_after_a_change(tmp_path: Path) -> None:
    assert "pip install" in make(tmp_path, "-n", "studio").stdout
    (tmp_path / ".venv").mkdir()
    stamp = tmp_path / ".venv" / ".installed"
    stamp.touch()
    os.utime(stamp, (4e9, 4e9))
    steps = make(tmp_path, "-n", "studio", "PORT=8600").stdout
    assert "pip" not in steps and "streamlit run app/sequential_editing.py --server.port 8600" in steps
    os.utime(stamp, (1e9, 1e9))
    assert "pip install" in make(tmp_path, "-n", "test").stdout


def test_the_built_in_pack_is_whole_and_small() -> None:
    from packs.__main__ import info, verify

    from baselines.shipped import EXPECTED, SEMANTIC_VAE

    assert verify("portraits")["intact"]
    editors = [ROOT / "packs" / "portraits" / editor.file for editor in (*EXPECTED, SEMANTIC_VAE)]
    others = sum(path.stat().st_size for path in editors if path.exists())
    assert info("portraits")["bytes"] - others < 40e6 and others < 42e6  # 12 MB for SeCGAN, 30 for the editors by mask


def test_every_model_of_the_built_in_pack_fits_its_description() -> None:
    import torch

    from packs.pack import load_pack

    pack = load_pack("portraits")
    w_plus = pack.generator.mapping(torch.randn(1, pack.generator.z_dim), truncation=0.7)
    images = pack.generator.synthesis(w_plus)
    assert images.shape == (1, 3, pack.resolution, pack.resolution)
    assert pack.parser(images).shape == (1, 19, pack.resolution, pack.resolution)
    assert pack.classifier(images).isfinite().all()
    assert pack.clip_model.encode_text(pack.tokenizer([pack.neutral_text])).isfinite().all()
    assert pack.unknown_words("a person with curly hair, glasses and the mouth open") == []


@pytest.mark.filterwarnings("error")
def test_what_comes_with_the_built_in_pack_is_of_its_models() -> None:
    """The ready-made directions, and the survey, without which every studio would look at samples first."""
    from lelsd import survey
    from lelsd.direction import load_direction
    from packs.pack import load_pack
    from portraits.build_pack import READY_MADE

    pack = load_pack("portraits")
    assert {path.stem for path in pack.directions()} == {name.replace(" ", "_") for name in READY_MADE}
    for path in pack.directions():
        load_direction(path).check_pack(pack)
    assert survey.NAME in pack.info["files"]
    assert len(survey.survey_of(pack).embeddings) == survey.COUNT  # of other models, it is left aside with a warning
