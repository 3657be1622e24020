"""The manners of every command line: `--help`, progress on stderr, one JSON line last on stdout, exact exit codes.

A command is a function `main(argv) -> dict | None` and, at the end of its file,

    if __name__ == "__main__":
        cli.run(main)

It raises ValueError for what a user got wrong and OSError for what the disk refuses; `run` turns both into one sentence.
Importing this module is quick: torch comes in only when a device is asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import torch

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
DEVICES = ("auto", "cpu", "cuda")
MAX_SEED = 2**32 - 1  # numpy's RandomState, which NVIDIA's seeds are defined by, takes no more
MAX_SENTENCE = 600  # a pasted prompt of 10,000 characters must not drown the sentence about it


def run(main: Callable[[Sequence[str]], dict | None]) -> NoReturn:
    """Call `main(sys.argv[1:])`, print the dict it returns as one JSON line, and exit by the contract.

    Exit status: 0 on success, 2 on ValueError, OSError, wrong arguments or too little memory (one sentence on stderr), 130 on Ctrl-C.
    Any other exception is a bug of ours and keeps its traceback.
    """
    try:
        result = main(sys.argv[1:])
        if result is not None:
            print_json(result)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{program_name()}: interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # the reader (`| head`) has gone; without this, Python complains once more while it shuts down
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (ValueError, OSError) as error:
        print(f"{program_name()}: {describe(error)}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print(f"{program_name()}: out of memory; smaller pictures, fewer at once or another --device need less", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    sys.exit(0)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was not enough: Python's, or one of torch's, which it tells apart by words only."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words


def print_json(result: dict) -> None:
    """Print a result as one line of strict JSON on stdout; paths become strings, NaN and infinity become null."""
    print(json.dumps(_plain(result), allow_nan=False), flush=True)


def say(text: str) -> None:
    """Print a line of progress, on stderr, where it does not get into anyone's pipe."""
    print(text, file=sys.stderr, flush=True)


def describe(error: BaseException) -> str:
    """One sentence for an exception, on one line and of readable length."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return sentence(f"{where}{error.strerror}")
    return sentence(str(error) or type(error).__name__)


def sentence(text: str) -> str:
    """`text` on one line; a very long one loses its middle."""
    line = " ".join(text.split())
    if len(line) <= MAX_SENTENCE:
        return line
    half = MAX_SENTENCE // 2
    return f"{line[:half]} … {line[-half:]}"


def program_name() -> str:
    """What the user typed: `python -m packs` or `python train_eclipsed.py`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        return f"python {os.path.basename(sys.argv[0]) or '-'}"
    return f"python -m {spec.name.removesuffix('.__main__')}"


class BadArgument(ValueError, argparse.ArgumentTypeError):
    """A wrong value, in a form that keeps its sentence both inside argparse and outside."""


class ArgumentParser(argparse.ArgumentParser):
    """argparse whose errors are one sentence (no usage block), saying what is accepted.

    A `type=` function may raise ValueError with its own sentence; argparse alone would replace it by the function's name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prog", program_name())
        super().__init__(*args, **kwargs)
        self.register("type", int, whole_number)
        self.register("type", float, number)

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        kind = kwargs.get("type")
        if callable(kind) and kind not in (int, float, str):
            kwargs["type"] = _keeping_the_sentence(kind)
        return super().add_argument(*names, **kwargs)

    def add_device(self) -> argparse.Action:
        """Add `--device auto|cpu|cuda`; give its value to `resolve_device`."""
        return self.add_argument(
            "--device", choices=DEVICES, default="auto", help="where to compute; auto takes a GPU if there is one"
        )

    def add_seed(self, default: int | None = 0) -> argparse.Action:
        """Add `--seed N`; the same seed, device and thread count give the same result."""
        return self.add_argument("--seed", type=seed, default=default, metavar="N", help=f"random seed ({default})")

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument ", "", message)
        if message.startswith("unrecognized arguments"):
            message += " (--help lists what is accepted)"
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {sentence(message)}\n")


def whole_number(text: str) -> int:
    """An int from the command line. Raises BadArgument, which names the text."""
    try:
        return int(text)
    except ValueError:
        raise BadArgument(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A finite float from the command line. Raises for nan and inf too: no setting of ours means anything with them."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadArgument(f"{text!r} is not a number")
    return value


def positive_int(text: str) -> int:
    """A whole number of at least 1, as for `--steps`."""
    value = whole_number(text)
    if value < 1:
        raise BadArgument(f"{value} is too small, a whole number from 1 on is accepted")
    return value


def seed(text: str) -> int:
    """A random seed, 0 to 2^32 - 1."""
    value = whole_number(text)
    if not 0 <= value <= MAX_SEED:
        raise BadArgument(f"{value} is not a seed, 0 to {MAX_SEED} is accepted")
    return value


def resolve_device(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as a device. Raises ValueError for another name, and for cuda where there is none."""
    import torch  # seconds of import that `--help` need not pay

    if name not in DEVICES:
        raise ValueError(f"unknown device {name!r}, accepted are {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' is not available on this machine, accepted here are auto, cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _keeping_the_sentence(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """`kind`, with its ValueError passed on in the one form whose message argparse keeps."""

    def convert(text: str) -> Any:
        try:
            return kind(text)
        except ValueError as error:
            raise BadArgument(describe(error)) from error

    return convert


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it: paths as strings, NumPy and torch numbers as numbers, NaN and infinity as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy and torch, scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value
