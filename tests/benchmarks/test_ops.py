"""The benchmark of the compiled operations: its line has its fields, both sides run, and wrong names are refused."""

from __future__ import annotations

import pytest
import torch

from benchmarks import ops
from stylegan2.ops import native

FIELDS = {"resolution", "batch", "precision", "device", "median_s", "peak_mb", "reference_s", "ratio", "psnr_db"}
CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ops, "SIZES", {op: [(4, 16)] for op in ops.SIZES})


def test_the_line(small, capsys):
    result = ops.main(["--json", "--device", "cpu", "--repeats", "1", "--batch", "2"])
    assert result["benchmark"] == "ops" and result["machine"]["torch"] == torch.__version__
    assert result["compiled"] == (native.cpu() is not None)
    assert {line["op"] for line in result["results"]} == set(ops.SIZES) - {"scale_bias_act"}
    for line in result["results"]:
        assert FIELDS <= set(line) and line["batch"] == 2 and line["resolution"] == 16
        assert line["ratio"] == pytest.approx(line["reference_s"] / line["median_s"])
        assert line["psnr_db"] is None or line["psnr_db"] > (90 if line["precision"] == "float32" else 35), line
    assert capsys.readouterr().err == ""


def test_one_side_is_compiled_and_the_other_is_not(small, monkeypatch):
    if native.cpu() is None:
        pytest.skip("nothing is compiled here")
    used, run = [], native.run
    monkeypatch.setattr(native, "run", lambda *arguments: used.append(native._only_reference.get()) or run(*arguments))
    ops.measure(ops.Case("bias_act", 4, 16, 1, "float32", "channels_last", True), CPU, repeats=1)
    assert used and not any(used)


@pytest.mark.parametrize("option, wrong", [("--ops", "bias_act,nothing"), ("--dtypes", "int8"), ("--ops", "")])
def test_what_is_refused(option, wrong):
    with pytest.raises((ValueError, SystemExit)):
        ops.main([option, wrong])
