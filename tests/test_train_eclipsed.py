"""The command line as a person types it, and a run that is killed without warning."""
from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import train_eclipsed

SCRIPT = Path(train_eclipsed.__file__)
SETTINGS = ["--steps", "40", "--batch-size", "2", "--layers", "3-5", "--checkpoint-every", "3", "--device", "cpu"]


def start(*words: object, log: Path) -> subprocess.Popen:
    """The command in the background, with this process's number of threads (sums are rounded by it)."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), os.environ.get("PYTHONPATH", "")]),
                   "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, words)], stdout=file, stderr=file, env=environment)


def wait_for_step(process: subprocess.Popen, out: Path, step: int) -> None:
    """Until metrics.jsonl has that many lines."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "metrics.jsonl").exists() and (out / "metrics.jsonl").read_bytes().count(b"\n") >= step:
            return
        time.sleep(0.005)
    pytest.fail(f"the run did not reach step {step}: exit status {process.poll()}")


def test_killed_at_random_steps_and_resumed_gives_the_same_bits(tiny_pack, tmp_path):
    prompt = "a person with curly hair"
    whole = train_eclipsed.main([prompt, "--pack", str(tiny_pack), "--out", str(tmp_path / "whole"), *SETTINGS])
    out = tmp_path / "killed"
    process = start(prompt, "--pack", tiny_pack, "--out", out, *SETTINGS, log=tmp_path / "log")
    wait_for_step(process, out, random.randint(1, 30))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert json.loads((out / "status.json").read_text())["state"] == "running" and not (out / "direction.safetensors").exists()
    again = train_eclipsed.main(["--resume", str(out), "--device", "cpu"])
    for name in ("direction.safetensors", "metrics.jsonl", "checkpoint.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert again["clip_gain"] == whole["clip_gain"] and again["layers"] == [3, 4, 5]
    assert {"direction", "part", "layers", "steps", "seconds", "clip_gain", "localization"} <= set(whole)


def test_sigterm_stops_after_the_step(tiny_pack, tmp_path):
    out = tmp_path / "run"
    process = start("curly hair", "--pack", tiny_pack, "--out", out, *SETTINGS[2:], "--steps", 5000, log=tmp_path / "log")
    wait_for_step(process, out, 2)
    process.terminate()
    assert process.wait(timeout=60) == 130
    assert json.loads((out / "status.json").read_text())["state"] == "cancelled" and (out / "checkpoint.safetensors").exists()
    assert "--resume" in (tmp_path / "log").read_text()


BAD = [
    ([], "the prompt is missing"), ([""], "empty"), (["hair " * 2000], "at most 300"), (["hair", "--pack", "nowhere"], "nowhere"),
    (["hair", "--part", "knee"], "unknown part 'knee'"), (["hair", "--layers", "3,99"], "0 to 7"), (["hair", "--steps", "0"], "steps is 0"),
    (["hair", "--batch-size", "1000"], "batch_size is 1000"), (["hair", "--preset", "x"], "unknown preset"), (["--resume", "."], "is not a training run"),
    (["--resume", "no such folder"], "is not a training run"), (["hair", "--out", "/proc/nothing/here"], "nothing"),
    (["hair", "--out", "file"], "file"), (["hair", "--out", "file/in"], "file"), (["hair", "--num-directions", "0"], "num_directions is 0"),
    (["hair", "--clip-weight", "-1"], "clip_weight is -1"), (["hair", "--clip-weight", "0", "--localization-weight", "0"], "both 0")]


@pytest.mark.parametrize("words, said", BAD)
def test_bad_input_is_one_sentence(tiny_pack, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    words = words if "--pack" in words else [*words, "--pack", str(tiny_pack)]
    with pytest.raises((ValueError, OSError), match=said):
        train_eclipsed.main([*words, "--device", "cpu"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "kept"


def test_bad_input_exits_with_2(command, tiny_pack):
    done = command("train_eclipsed.py", "x" * 10_000, "--pack", tiny_pack, expect=2)
    assert "10000 characters" in done.sentence and "300" in done.sentence


def test_resume_with_another_prompt(tiny_pack, tmp_path):
    train_eclipsed.main(["a person with a hat", "--pack", str(tiny_pack), "--out", str(tmp_path / "r"), "--steps", "1", "--part", "hat,hair", "--device", "cpu"])
    assert json.loads((tmp_path / "r" / "run.json").read_text())["parts"] == {"hat": 1.0, "hair": 1.0}
    with pytest.raises(ValueError, match="its own prompt"):
        train_eclipsed.main(["glasses", "--resume", str(tmp_path / "r"), "--pack", str(tiny_pack), "--device", "cpu"])


def test_resume_with_other_settings(tiny_pack, tmp_path):
    """Those of the run may be given again, as the studio does."""
    out, own = tmp_path / "r", ["--steps", "1", "--seed", "3", "--part", "hat,hair", "--layers", "auto", "--no-report", "--device", "cpu", "--pack", str(tiny_pack)]
    train_eclipsed.main(["a person with a hat", *own, "--out", str(out)])
    before = (out / "direction.safetensors").stat().st_mtime_ns
    for words, said in [(["--steps", "2"], "steps 1, not 2; accepted with --resume: its own settings"), (["--seed", "0"], "seed 3, not 0"), (["--part", "eyes"], "part 'hat,hair', not 'eyes'"),
                        (["--preset", "published"], "steps 1, not 200"), (["--layers", "3"], "layers 'auto', not '3'"),
                        (["--dry-run"], "--dry-run means nothing with --resume"), (["--out", "there"], "--out means nothing with --resume")]:
        with pytest.raises(ValueError, match=said):
            train_eclipsed.main(["--resume", str(out), "--pack", str(tiny_pack), "--device", "cpu", *words])
    assert (out / "direction.safetensors").stat().st_mtime_ns == before
    assert train_eclipsed.main([*own, "--resume", str(out), "--", "a person with a hat"])["part"] == "hat"


def test_a_run_whose_pack_has_moved(monkeypatch, tmp_path):
    """By its name; that it is the same pack is checked by its hash."""
    (tmp_path / "run.json").write_text(json.dumps({"prompt": "hat", "pack": "tiny", "pack_path": str(tmp_path / "gone"), "pack_hash": "0", "parts": {}, "config": {}}))
    monkeypatch.setattr("packs.pack.load_pack", lambda name, device: pytest.fail(f"opened {name}"))
    with pytest.raises(pytest.fail.Exception, match="opened tiny"):
        train_eclipsed.main(["--resume", str(tmp_path)])


def test_a_job_that_was_stopped_before_its_run_began(tiny_pack, tmp_path):
    (tmp_path / "job.json").write_text("{}")
    done = train_eclipsed.main(["glasses", "--resume", str(tmp_path), "--pack", str(tiny_pack), "--steps", "1", "--device", "cpu"])
    assert done["part"] == "eyeglasses" and (tmp_path / "direction.safetensors").exists()


def test_dry_run_writes_nothing(tiny_pack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = train_eclipsed.main(["a smiling person", "--pack", str(tiny_pack), "--dry-run", "--device", "cpu", "--steps", "500"])
    assert done["part"] == "mouth" and done["steps"] == 500 and done["seconds_estimate"] > 0 and done["config"]["seed"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_takes_no_step_where_nothing_is_learned(tmp_path):
    done = train_eclipsed.main(["pink hair", "--dry-run", "--device", "cpu"])
    assert done["steps"] == 0 and done["seconds_estimate"] > 0


def test_the_result_tells_the_steps_that_were_taken(tmp_path):
    done = train_eclipsed.main(["pink hair", "--no-report", "--device", "cpu", "--out", str(tmp_path / "r")])
    assert done["steps"] == 0, "a named colour needs none"


def test_a_full_disk_names_the_folder_and_the_way_on(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lelsd.train.train_direction", refuse)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(OSError, match="free some, then go on with --resume") as refused:
        train_eclipsed._train(None, None, None, tmp_path, False)
    assert refused.value.filename == str(tmp_path)
