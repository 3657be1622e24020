"""The generator's stages one after another, on a tiny network: what each leaves in the work folder, and that the next reads it."""

import json
import time

import pytest
import torch

from portraits import generator_run, train_generator
from portraits.generator_run import Timer, run_generator, run_mapping, run_sharpen
from portraits.sharpen import Sharpening
from portraits.train_generator import SynthesisTraining
from stylegan2.checkpoints import load_generator

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(train_generator.WIDTHS, "cpu", {"channel_base": 256, "channel_max": 8})
    monkeypatch.setattr(generator_run, "VALIDATED", 4)


def run(work, cache, minutes):
    settings = SynthesisTraining(minutes=minutes, batch_size=4, grow_at=(0.0,))
    return run_generator(work, cache, CPU, "cpu", settings, look_every=0.0)


def test_stages_follow_one_another(tiny, small_cache, tmp_path):
    figures = run(tmp_path, small_cache, 0.01)
    assert 0 < figures["l1"] < 2 and (tmp_path / "synthesis.pt").exists()
    step = json.loads((tmp_path / "generator.jsonl").read_text().splitlines()[-1])["step"]
    run(tmp_path, small_cache, 0.03)
    curve = [json.loads(line) for line in (tmp_path / "generator.jsonl").read_text().splitlines()]
    assert curve[-1]["step"] > step, "more minutes carry it on"
    sharpening = Sharpening(minutes=0.02, batch_size=4, crop=32, channel_base=128, channel_max=8, tolerance=10.0)
    figures = run_sharpen(tmp_path, small_cache, CPU, "cpu", sharpening, look_every=0.0)
    sharp = [json.loads(line) for line in (tmp_path / "sharpen.jsonl").read_text().splitlines()]
    assert sharp[0]["limit"] > sharp[0]["l1"] and sharp[-1]["accepted"] and figures["l1"] == sharp[-1]["l1"]
    run_mapping(tmp_path, steps=3, batch_size=16, pool=200, faces=1)
    generator = load_generator(tmp_path / "generator.safetensors")
    assert generator.resolution == 64 and generator.config.to_dict() == json.loads((tmp_path / "generator.json").read_text())
    assert list((tmp_path / "sheets").glob("generator_*.png")) and list((tmp_path / "sheets").glob("sharpen_*.png"))


def test_sharpening_needs_something_to_sharpen(tiny, small_cache, tmp_path):
    with pytest.raises(ValueError, match="run the stage 'generator' first"):
        run_sharpen(tmp_path, small_cache, CPU, "cpu", Sharpening())


def test_timer_is_due_once_a_while(monkeypatch):
    now = iter([0.0, 1.0, 5.0, 5.0, 6.0]).__next__
    monkeypatch.setattr(time, "monotonic", now)
    timer = Timer(4.0)
    assert [timer(), timer()] == [False, True] and not timer()
