"""What every test can use: a small real pack, command lines checked against their contract, the same seed each time."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
import torch

from packs.pack import Pack, load_pack, write_pack
from packs.weights import extract_rows

REPOSITORY = Path(__file__).resolve().parents[1]
LIGHT = ("packs",)  # commands that import nothing large: they are started anew each time

# All that the tiny CLIP has been "taught": enough for the prompts in the tests, and nothing of, say, a zeppelin.
VOCABULARY = """a an the person man woman face portrait of with without and no in is has smiling smile young old
curly straight wavy long short blonde blond black brown red grey gray white bald hair fringe bangs beard mustache
glasses sunglasses eyes eye blue green closed eyebrows bushy mouth open lips lipstick nose big small ears earrings
skin pale dark freckles neck necklace hat clothes shirt tie background"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that run together: those of a file, which share what it prepares, and all of those that drive a browser, which share a
    studio and should not wait for one another's pictures."""
    for item in items:
        group = "browser" if "browser" in item.keywords else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """As many threads as the machine that runs the tests for everyone has; more of them would round sums otherwise."""
    torch.set_num_threads(min(2, torch.get_num_threads()))


@pytest.fixture(autouse=True)
def same_seed() -> None:
    """A test that draws without a generator of its own still draws the same each time, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pack like any other, only small and untrained: 32 pixels, random weights from a fixed seed.

    Read it, do not write to it: it is shared by the whole session. Copy it to damage it.
    """
    info = {
        "name": "tiny",
        "version": "1",
        "domain": "noise",
        "resolution": 32,
        "neutral_text": "a person",
        "licence": "MIT",
        "defaults": {},
        "generator": {"resolution": 32, "z_dim": 16, "w_dim": 16, "num_mapping_layers": 2, "channel_base": 512, "channel_max": 32},
        "parser": {"kind": "bisenet", "num_classes": 19, "width": 0.125, "input_size": 64},
        "clip": {
            "embed_dim": 32,
            "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8},
            "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
            "mean": [0.48, 0.46, 0.41],
            "std": [0.27, 0.26, 0.28],
        },
        "classifier": {"width": 8, "num_features": 16},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        models = untrained_models(info)
    return write_pack(tmp_path_factory.mktemp("packs") / "tiny", info, models)


def untrained_models(info: dict) -> dict[str, dict[str, torch.Tensor]]:
    """State dicts of the models that `info` describes."""
    from open_clip import CLIP

    from portraits.classifier import AttributeClassifier
    from segmentation.bisenet import BiSeNet
    from stylegan2.generator import Generator, GeneratorConfig

    generator = Generator(GeneratorConfig.from_dict(info["generator"]))
    generator.mapping.track_average(generator.mapping.w(torch.randn(1000, generator.z_dim)), decay=0.0)
    clip = CLIP(**{key: value for key, value in info["clip"].items() if key not in ("mean", "std")})
    return {
        "generator": generator.state_dict(),
        "parser": BiSeNet(19, info["parser"]["width"]).state_dict(),
        "clip": extract_rows(clip.state_dict(), trained_tokens(VOCABULARY)),
        "classifier": AttributeClassifier(**info["classifier"]).state_dict(),
    }


def trained_tokens(text: str) -> set[int]:
    """The tokens of these words, and the two that begin and end every text."""
    from open_clip import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return {*tokenizer.encode(text), tokenizer.sot_token_id, tokenizer.eot_token_id}


@pytest.fixture(scope="session")
def tiny_models(tiny_pack: Path) -> Pack:
    """The tiny pack, opened once on the CPU; its models are loaded by whoever first asks for one."""
    return load_pack(tiny_pack, "cpu")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict:
        """The JSON line that ends standard output."""
        return json.loads(self.stdout.splitlines()[-1])

    @property
    def sentence(self) -> str:
        """The last line of standard error: what went wrong."""
        return self.stderr.splitlines()[-1]


class WarmPython:
    """Runs command lines as forks of a Python that has imported the large packages (warm_python.py). Started at the first one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def run(self, program: str, words: list[str], folder: Path, environment: dict[str, str], timeout: float) -> Outcome:
        """Raises subprocess.TimeoutExpired for a command that takes longer; it is ended."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, str(REPOSITORY / "tests" / "warm_python.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, start_new_session=True)
        with tempfile.NamedTemporaryFile("r") as stdout, tempfile.NamedTemporaryFile("r") as stderr:
            asked = {"program": program, "words": words, "folder": str(folder), "environment": environment}
            self._process.stdin.write(json.dumps({**asked, "stdout": stdout.name, "stderr": stderr.name}) + "\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], timeout)[0]:
                self.close()
                raise subprocess.TimeoutExpired([program, *words], timeout, stdout.read(), stderr.read())
            status = self._process.stdout.readline()
            assert status, "the Python whose forks the command lines are has ended"
            return Outcome(int(status), stdout.read(), stderr.read())

    def close(self) -> None:
        """End it, and a command that still runs."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None


@pytest.fixture(scope="session")
def warm_python() -> Iterator[WarmPython]:
    """One for the whole session, since to start it takes as long as it saves each time."""
    warm = WarmPython()
    yield warm
    warm.close()


@pytest.fixture
def command(tmp_path: Path, warm_python: WarmPython) -> Callable[..., Outcome]:
    """`command("lelsd.prompt", "text", expect=0)`: run a command line as a user would, in an empty folder.

    The first word is a module for `python -m`, or a script at the top of the repository. Checks what every command line
    promises: the exit status `expect`, a JSON line last on stdout when that is 0 (but for --help), one sentence of
    readable length and no traceback on stderr when it is 2.
    """

    def run(*words: object, expect: int = 0, folder: Path = tmp_path, timeout: float = 300, **environment: str) -> Outcome:
        name, *rest = map(str, words)
        program = str(REPOSITORY / name) if name.endswith(".py") else name
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
        if name in LIGHT:
            done = subprocess.run(
                [sys.executable, "-m", name, *rest], cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout)
            outcome = Outcome(done.returncode, done.stdout, done.stderr)
        else:
            outcome = warm_python.run(program, rest, folder, environment, timeout)
        check_contract(outcome, expect, asked_for_help="--help" in rest)
        return outcome

    return run


def check_contract(outcome: Outcome, expect: int, asked_for_help: bool = False) -> None:
    """The promises of contracts.md that can be seen from outside."""
    assert outcome.code == expect, f"exit status {outcome.code} instead of {expect}\n{outcome.stderr[-3000:]}"
    assert "Traceback" not in outcome.stderr, outcome.stderr[-3000:]
    if expect == 0 and not asked_for_help:
        assert isinstance(outcome.result, dict)
    if expect == 2:
        assert outcome.stderr.strip(), "bad input was refused without a word"
        assert 10 < len(outcome.sentence) < 1000, outcome.sentence
