"""The line that the drawing benchmark prints, in one process and in two."""

from __future__ import annotations

import pytest

from benchmarks import renderer

TINY = ["--size", "32", "--count", "2", "--repeats", "2", "--seed", "3"]


def test_one_process(capsys):
    result = renderer.main([*TINY, "--processes", "1", "--json"])
    assert result["benchmark"] == "renderer" and (result["size"], result["count"], result["seed"]) == (32, 2, 3)
    (line,) = result["results"]
    assert line["processes"] == 1 and line["picture_cpu_s"] > 0 and line["sample_cpu_s"] > 0
    assert line["per_second"] > 0 and capsys.readouterr().err == ""


def test_two_processes_draw_at_once():
    line = renderer.many_cores(size=32, count=2, repeats=1, seed=3, processes=2)
    assert line["processes"] == 2 and line["per_second"] > 0


def test_a_size_that_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="size 4"):
        renderer.main([*TINY, "--size", "4"])
