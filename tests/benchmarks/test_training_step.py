"""A fast step of training computes what the plain one does; the benchmark's line has its fields; bad settings are named."""

from __future__ import annotations

import pytest
import torch

from benchmarks import training_step
from benchmarks.plain_step import PlainObjective, plain_synthesis
from benchmarks.training_step import OURS, PLAIN, Case, agreement, compare, gradient, prepare

TINY = Case(architecture="tiny", resolution=64, precision="float32", repeats=1)


@pytest.mark.parametrize("settings", [{"preset": "published"}, {"preset": "default"}, {"preset": "published", "layers": "3,4"}])
def test_the_gradient_is_that_of_the_plain_step(settings):
    """Two implementations that share no more than the small formulas, in float32: equal up to rounding."""
    ours, plain = (gradient(prepare(Case(**{**vars(TINY), **settings, "side": side}))) for side in (OURS, PLAIN))
    assert plain.abs().max() > 0
    found = agreement(ours, plain)
    assert found["cosine"] > 1 - 1e-6 and found["error"] < 1e-4


def test_the_plain_synthesis_is_the_generator():
    """Each formula of the reference, against the modules that the golden files are checked with."""
    training = prepare(Case(**{**vars(TINY), "side": PLAIN}))
    assert type(training.objective) is PlainObjective
    synthesis = training.pack.generator.synthesis
    w_plus = training.objective.w_plus(torch.randn(2, 16)) + 0.1 * torch.randn(2, synthesis.num_ws, 16)
    with torch.no_grad():
        (image, features), (wanted, maps) = plain_synthesis(synthesis, w_plus), synthesis(w_plus, return_features=True)
    assert torch.allclose(image, wanted, atol=1e-4) and set(features) == set(maps)
    assert all(torch.allclose(features[layer], maps[layer], atol=1e-4) for layer in maps)


def test_an_approximation_learns_the_rows_that_it_sees():
    whole, smaller = prepare(TINY), prepare(Case(**{**vars(TINY), "looked_at": 32}))
    assert whole.layers == list(range(10)) and smaller.layers == list(range(8))
    found = agreement(gradient(smaller), gradient(whole))
    assert 0.5 < found["cosine"] < 1


def test_agreement_of_known_vectors():
    wanted = torch.tensor([[[3.0], [4.0]]])
    assert agreement(wanted, wanted) == {"cosine": pytest.approx(1.0), "error": 0.0}
    assert agreement(torch.tensor([[[3.0]]]), wanted) == {"cosine": pytest.approx(0.6), "error": pytest.approx(0.8)}


def test_the_line(command):
    """The command as a user types it: every process, and the fields of contracts.md."""
    outcome = command("benchmarks.training_step", "--architecture", "tiny", "--resolution", 32, "--batch", 1, "--repeats", 1, "--device", "cpu")
    assert outcome.result["benchmark"] == "training_step" and outcome.result["machine"]["torch"] == torch.__version__
    (line,) = outcome.result["results"]
    assert {"resolution", "batch", "precision", "device", "median_s", "peak_mb", "reference_s", "ratio", "reference_peak_mb"} <= set(line)
    assert line["exact"] and line["ratio"] == pytest.approx(line["reference_s"] / line["median_s"])
    assert line["gradient_float32"]["cosine"] > 0.99999 and line["gradient"]["cosine"] > 0.9
    assert "reference" in outcome.stderr


def test_a_line_without_the_reference(monkeypatch):
    measured = []
    monkeypatch.setattr(training_step, "measure_apart", lambda case: (measured.append(case), ({"median_s": 1.0, "peak_mb": 2.0}, None))[1])
    lines = compare(TINY, [32], reference=False, progress=lambda text: None)
    assert [line["looked_at"] for line in lines] == [64, 32] and [line["exact"] for line in lines] == [True, False]
    assert [case.looked_at for case in measured] == [0, 32] and all(case.side == OURS for case in measured)


@pytest.mark.parametrize(("words", "sentence"), [(["--resolution", "100"], "power of two"), (["--looked-at", "a"], "numbers of pixels"),
                                                 (["--resolution", "64", "--looked-at", "128"], "up to the generator's own"),
                                                 (["--layers", "18"], "0 to 17")])
def test_bad_settings_are_named(command, words, sentence):
    assert sentence in command("benchmarks.training_step", *words, expect=2).sentence
