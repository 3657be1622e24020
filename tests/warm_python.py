"""A Python that has imported the large packages already. Run by the fixture `command`, whose command lines are forks of it:
importing torch, open_clip and spaCy again in each would take longer than most of them.

What is ours is not imported here, so that every command imports it itself. Each line on standard input is a command as JSON,
{"program": "lelsd.prompt" or "/path/of/a.py", "words": [...], "folder": path, "environment": {...}, "stdout": path,
"stderr": path}; its exit status is the line that answers it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import sys
import traceback

import open_clip, scipy.linalg, skia, spacy, torch, torchvision  # noqa: F401 - only to have them


def next_command() -> dict | None:
    """Fork at each line that comes. In the fork it is returned; here None when there are no more, and no fork is left."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            return json.loads(line)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def become(program: str, words: list[str], folder: str, environment: dict[str, str], stdout: str, stderr: str) -> int:
    """Go on as `python -m program words`, or `python program words` for a file. The exit status that Python would give."""
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, stdout, os.O_WRONLY), (2, stderr, os.O_WRONLY)):
        os.dup2(os.open(path, flags), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    is_file = program.endswith(".py")
    sys.path[0] = os.path.dirname(program) if is_file else folder
    sys.argv = [program, *words]
    try:
        if is_file:
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    gc.freeze()  # a fork that looks through what was imported here would have to copy it
    if asked := next_command():
        status = become(**asked)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # to take the large packages down takes longer than most commands, and they report what is frozen as leaks
