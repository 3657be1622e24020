"""Command lines as forks of a warm Python: they end as they would have in a Python of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENDS = {
    "at its end": "import os, sys; print(sys.argv[1:], os.getcwd(), __name__, os.environ.get('WORD'), repr(sys.stdin.read()))",
    "with a status": "import sys; sys.exit(2)",
    "with a sentence": "import sys; sys.exit('it is wrong')",
    "with an error": "1 / 0",
    "at once": "import os; os._exit(3)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "after its last duties": "import atexit; atexit.register(print, 'done')",
}


@pytest.mark.parametrize("body", ENDS.values(), ids=ENDS.keys())
def test_it_ends_as_it_would_alone(warm_python, tmp_path: Path, body: str) -> None:
    script, environment = tmp_path / "script.py", {"WORD": "é", "PYTHONUTF8": "1"}
    script.write_text(body)
    forked = warm_python.run(str(script), ["a b"], tmp_path, environment, 120)
    alone = subprocess.run(
        [sys.executable, script, "a b"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (forked.code, forked.stdout) == (alone.returncode, alone.stdout)
    assert forked.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]
