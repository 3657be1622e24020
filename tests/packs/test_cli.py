"""The manners of command lines: exit status, one sentence, one JSON line."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from packs import cli

PROGRAM = """
import sys
from packs import cli

def main(argv):
    cli.say("working")
    {body}

cli.run(main)
"""


@pytest.fixture
def program(command, tmp_path: Path):
    """Run a small command line whose `main` has this body, by the `command` fixture's contract."""

    def run(body: str, *arguments: str, expect: int = 0):
        script = tmp_path / "small.py"
        script.write_text(PROGRAM.format(body=body))
        return command(str(script), *arguments, expect=expect)

    return run


def test_success_prints_one_json_line_last(program) -> None:
    outcome = program("print('chatter'); return {'got': argv, 'nothing': float('nan')}", "a", "b")
    assert outcome.stdout.splitlines() == ["chatter", '{"got": ["a", "b"], "nothing": null}']
    assert outcome.stderr == "working\n"


def test_bad_input_is_one_sentence_and_status_2(program) -> None:
    outcome = program("raise ValueError('alpha is 9,\\n accepted: -4 to 4')", expect=2)
    assert outcome.sentence == "python small.py: alpha is 9, accepted: -4 to 4" and outcome.stdout == ""
    outcome = program("open('missing/file')", expect=2)
    assert outcome.sentence == "python small.py: missing/file: No such file or directory"


def test_long_sentences_lose_their_middle(program) -> None:
    outcome = program("raise ValueError('start ' + 'x' * 10000 + ' end')", expect=2)
    assert "start" in outcome.sentence and outcome.sentence.endswith("end") and len(outcome.sentence) < 700


def test_a_bug_of_ours_keeps_its_traceback(tmp_path: Path) -> None:
    script = tmp_path / "bug.py"
    script.write_text(PROGRAM.format(body="raise KeyError('oops')"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.mark.parametrize("error", ["MemoryError()", "RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')",
                                   "RuntimeError(\"DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes\")"])
def test_too_little_memory_is_one_sentence_that_says_what_needs_less(program, error: str) -> None:
    assert "out of memory; smaller pictures, fewer at once" in program(f"raise {error}", expect=2).sentence


def test_interrupting_gives_130(program) -> None:
    assert program("raise KeyboardInterrupt", expect=130).sentence.endswith("interrupted")


def test_a_real_ctrl_c_gives_130(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(PROGRAM.format(body="import time; time.sleep(60)"))
    # a shell that runs the tests in the background has its children ignore Ctrl+C; this child is in the foreground
    listen = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        assert process.stderr.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "Traceback" not in process.stderr.read()


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    script = tmp_path / "many.py"
    script.write_text(PROGRAM.format(body="for i in range(100000): print('line', i)"))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == "working\n"


def refusal(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """What a parser with the usual options says to these arguments, as it exits with 2."""
    parser = cli.ArgumentParser(prog="p")
    parser.add_device()
    parser.add_seed()
    parser.add_argument("--steps", type=cli.positive_int)
    parser.add_argument("--weight", type=float)
    parser.add_argument("--count", type=int)
    parser.add_argument("--layers", type=own_kind)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def own_kind(text: str) -> str:
    raise ValueError(f"layers {text!r}: accepted are auto, all or numbers")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "0"], "p: --steps: 0 is too small, a whole number from 1 on is accepted\n"),
        (["--count", "two"], "p: --count: 'two' is not a whole number\n"),
        (["--weight", "nan"], "p: --weight: 'nan' is not a number\n"),
        (["--weight", "1,5"], "p: --weight: '1,5' is not a number\n"),
        (["--seed", "-1"], "p: --seed: -1 is not a seed, 0 to 4294967295 is accepted\n"),
        (["--layers", "x"], "p: --layers: layers 'x': accepted are auto, all or numbers\n"),
        (["--what"], "p: unrecognized arguments: --what (--help lists what is accepted)\n"),
    ],
)
def test_wrong_arguments(capsys: pytest.CaptureFixture, arguments: list[str], said: str) -> None:
    assert refusal(capsys, *arguments) == said


def test_wrong_choices_list_the_right_ones(capsys: pytest.CaptureFixture) -> None:
    said = refusal(capsys, "--device", "tpu")
    assert "tpu" in said and "auto" in said and "cuda" in said and said.count("\n") == 1


def test_numbers_are_checked_outside_of_argparse_too() -> None:
    assert cli.positive_int("3") == 3 and cli.number("-1.5") == -1.5 and cli.seed("0") == 0
    with pytest.raises(ValueError, match="'x' is not a whole number"):
        cli.positive_int("x")


def test_devices() -> None:
    assert cli.resolve_device("cpu") == torch.device("cpu")
    assert cli.resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="unknown device 'mps', accepted are auto, cpu, cuda"):
        cli.resolve_device("mps")


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' is not available on this machine"):
        cli.resolve_device("cuda")


def test_json_is_strict_and_takes_what_results_hold(capsys: pytest.CaptureFixture) -> None:
    cli.print_json({"path": Path("a/b"), "n": np.float32(0.5), "t": torch.tensor([1, 2]), "bad": [math.inf], 3: None})
    assert json.loads(capsys.readouterr().out) == {"path": "a/b", "n": 0.5, "t": [1, 2], "bad": [None], "3": None}
