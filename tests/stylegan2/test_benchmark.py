"""The benchmark's line has the fields that contracts.md fixes, and its figures mean something."""

from __future__ import annotations

import time

import pytest
import torch

from benchmarks import measure, synthesis

FIELDS = {"resolution", "batch", "precision", "device", "median_s", "peak_mb", "reference_s", "ratio", "psnr_db"}


def test_the_line(tiny_pack, capsys):
    result = synthesis.main(["--json", "--pack", str(tiny_pack), "--device", "cpu", "--batch", "1,2", "--repeats", "2"])
    assert result["benchmark"] == "synthesis" and result["machine"]["torch"] == torch.__version__
    assert [line["batch"] for line in result["results"]] == [1, 2]
    for line in result["results"]:
        assert FIELDS <= set(line) and line["resolution"] == 32 and line["device"] == "cpu"
        assert line["ratio"] == pytest.approx(line["reference_s"] / line["median_s"])
        assert line["psnr_db"] is None or line["psnr_db"] > 30
    assert capsys.readouterr().err == ""


def test_float32_is_its_own_reference_up_to_rounding(tiny_models):
    line = synthesis.measure(tiny_models.generator, 1, "float32", 1)
    assert line["dtype"] == "float32" and (line["psnr_db"] is None or line["psnr_db"] > 110)


def test_a_slider_starts_above_what_it_leaves(tiny_models):
    line = synthesis.measure(tiny_models.generator, 2, "bfloat16", 1, first_layer=6)
    assert line["first_layer"] == 6 and line["psnr_db"] > 30


def test_an_untrained_generator_makes_pictures_as_bright_as_photographs():
    generator = synthesis.untrained(32, torch.device("cpu"))
    assert float(generator(torch.randn(8, 512)).std()) == pytest.approx(0.5, rel=0.3)


def test_the_clock_runs_in_turn_and_skips_the_first_round():
    calls = []
    medians = measure.in_turn(
        [lambda: calls.append("a"), lambda: (calls.append("b"), time.sleep(0.02))], 3, torch.device("cpu"))
    assert calls == ["a", "b"] * 4
    assert medians[1] >= 0.02 > medians[0]


def test_peak_memory_sees_what_a_call_allocates():
    def hungry():
        return torch.ones(256, 2**20).sum()  # a gigabyte; what earlier calls have left with the process is less

    idle = measure.peak_mb(lambda: None, torch.device("cpu"))
    if idle is None:
        pytest.skip("this system does not tell a process its peak memory")
    assert measure.peak_mb(hungry, torch.device("cpu")) > idle + 500


@pytest.mark.parametrize("wrong", ["0", "a", "1,,2", "-1", ""])
def test_batches_that_do_not_parse(wrong):
    with pytest.raises(ValueError, match="accepted"):
        synthesis.parse_batches(wrong)
