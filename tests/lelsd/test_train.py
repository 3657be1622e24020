"""Training on the tiny pack: what a run leaves, determinism, resuming, cancelling, several directions, calibration."""
from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from benchmarks.training_step import TINY_CLIP
from benchmarks.untrained import UntrainedPack
from lelsd.calibrate import typical_distance
from lelsd.config import TrainConfig
from lelsd.direction import load_direction
from lelsd.objective import Objective, sample_noise
from lelsd.prompt import Prompt, parse_prompt
from lelsd.run_folder import RunFolder
from lelsd.sensitivity import Sensitivity, measure_sensitivity, regress_gain
from lelsd.space import spread_rows, tied_rows, unit_rows
from lelsd.train import train_direction
from stylegan2.config import GeneratorConfig

CONFIG = TrainConfig(steps=6, batch_size=2, preview_every=4, checkpoint_every=2, layers="3-5", report=False)


def run(pack, out, config=CONFIG, text="a person with curly hair", **options):
    """All the progress of a run."""
    return list(train_direction(pack, parse_prompt(text, pack), config, out, **options))


@pytest.fixture(scope="module")
def finished(tiny_models, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run(tiny_models, out)


def test_what_a_run_leaves(finished, tiny_models):
    out, progress = finished
    assert [item.step for item in progress] == [1, 2, 3, 4, 5, 6, 6, 6] and progress[-1].state == "done" and progress[-2].state == "calibrating"
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.safetensors", "direction.safetensors", "metrics.jsonl", "previews", "run.json",
                                                           "status.json"]
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics] == [1, 2, 3, 4, 5, 6] and {"total", "clip", "localization"} <= set(metrics[0])
    status = json.loads((out / "status.json").read_text())
    assert status["state"] == "done" and status["step"] == status["steps"] == 6 and {"pid", "heartbeat", "eta"} <= set(status)
    assert sorted(path.name for path in (out / "previews").iterdir()) == ["step_00004.png", "step_00006.png"]
    with Image.open(out / "previews" / "step_00006.png") as picture:
        assert picture.width == 3 * 32


def test_the_direction(finished, tiny_models):
    direction = load_direction(finished[0] / "direction.safetensors")
    direction.check_pack(tiny_models)
    assert direction.layers == (3, 4, 5) and direction.part == "hair" and direction.config["steps"] == 6
    lengths = direction.deltas[0].norm(dim=1)
    assert lengths[[0, 1, 2, 6, 7]].max() == 0.0 and lengths[3:6].square().mean().sqrt().item() == pytest.approx(1.0, abs=1e-5)
    assert direction.calibration[0] > 0 and set(direction.quality) >= {"clip_gain", "localization", "samples", "reached", "judge"} and direction.card is None


def test_same_seed_same_bits_other_seed_other_bits(finished, tiny_models, tmp_path):
    run(tiny_models, tmp_path / "a")
    run(tiny_models, tmp_path / "b", CONFIG.updated({"seed": 1}))
    first, same, other = ((path / "direction.safetensors").read_bytes() for path in (finished[0], tmp_path / "a", tmp_path / "b"))
    assert first == same and first != other


@pytest.mark.parametrize("stop_after", [0, 1, 3, 4])
def test_left_in_the_middle_and_resumed(finished, tiny_models, tmp_path, stop_after):
    """Dropped without a word after some steps, as by SIGKILL: metrics beyond the checkpoint are there, and a torn line."""
    out = tmp_path / "r"
    progress = train_direction(tiny_models, parse_prompt("a person with curly hair"), CONFIG, out)
    for _ in range(stop_after):
        next(progress)
    if stop_after:
        with (out / "metrics.jsonl").open("a") as file:
            file.write('{"step": 9')
    else:
        RunFolder(out).create(json.loads((finished[0] / "run.json").read_text()))
    run(tiny_models, out, CONFIG.updated({"seed": 77}), "ignored when resuming", resume=True)
    for name in ("direction.safetensors", "metrics.jsonl", "checkpoint.safetensors"):
        assert (out / name).read_bytes() == (finished[0] / name).read_bytes(), name


def test_of_several_parts_the_main_one_is_the_same_when_resumed(tiny_models, tmp_path):
    prompt, config = parse_prompt("curly hair", tiny_models).with_parts("mouth,eyes"), CONFIG.updated({"steps": 2})
    whole = list(train_direction(tiny_models, prompt, config, tmp_path / "whole"))[-1].direction
    next(train_direction(tiny_models, prompt, config, tmp_path / "r"))
    again = run(tiny_models, tmp_path / "r", resume=True)[-1].direction
    assert load_direction(again).part == "mouth" and again.read_bytes() == whole.read_bytes()


def test_cancel_keeps_the_checkpoint_and_resume_ends_the_same(finished, tiny_models, tmp_path):
    out, seen = tmp_path / "c", []
    for progress in train_direction(tiny_models, parse_prompt("a person with curly hair"), CONFIG, out):
        seen.append(progress)
        if progress.step == 3:
            (out / "cancel").touch()
    assert seen[-1].state == "cancelled" and seen[-1].step == 3
    assert json.loads((out / "status.json").read_text())["state"] == "cancelled"
    assert RunFolder(out).load_checkpoint()[0] == 3 and not (out / "direction.safetensors").exists()
    run(tiny_models, out, resume=True)
    assert (out / "direction.safetensors").read_bytes() == (finished[0] / "direction.safetensors").read_bytes()
    assert not (out / "cancel").exists()


def test_stop_callback_and_resume_of_a_finished_run(finished, tiny_models, tmp_path):
    assert run(tiny_models, tmp_path / "s", stop=lambda: True)[-1].state == "cancelled"
    before = (finished[0] / "direction.safetensors").read_bytes()
    assert run(tiny_models, finished[0], resume=True)[-1].state == "done"
    assert (finished[0] / "direction.safetensors").read_bytes() == before


def test_nothing_is_overwritten(finished, tiny_models, tmp_path):
    with pytest.raises(ValueError, match="already holds a run.*--resume"):
        run(tiny_models, finished[0])
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="is not a training run"):
            run(tiny_models, folder, resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        run(tiny_models, tmp_path / "file")


def test_damaged_runs(finished, tiny_models, tmp_path):
    described = json.loads((finished[0] / "run.json").read_text())
    for number, (changes, words) in enumerate([({"pack_hash": "0" * 64}, "was begun with pack"), ({"config": {"x": 1}}, "unknown training setting"),
                                               ({"prompt": ""}, "empty"), ({"parts": None}, "damaged")]):
        RunFolder(tmp_path / str(number)).create({**described, **changes})
        with pytest.raises(ValueError, match=words):
            run(tiny_models, tmp_path / str(number), resume=True)
    folder = RunFolder(tmp_path / "c")
    folder.create(described)
    (folder.path / "checkpoint.safetensors").write_bytes((finished[0] / "checkpoint.safetensors").read_bytes()[:-9])
    with pytest.raises(ValueError, match="checkpoint.safetensors is damaged"):
        run(tiny_models, folder.path, resume=True)
    assert json.loads((folder.path / "status.json").read_text())["state"] == "failed"


def test_a_full_disk_fails_with_the_reason_and_keeps_the_checkpoint(tiny_models, tmp_path, monkeypatch):
    import lelsd.run_folder as module
    real = module.write_atomically

    def full(path, data):
        if path.name == "checkpoint.safetensors" and path.exists():
            raise OSError(28, "No space left on device", str(path))
        real(path, data)
    monkeypatch.setattr(module, "write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        run(tiny_models, tmp_path / "f")
    status = json.loads((tmp_path / "f" / "status.json").read_text())
    assert status["state"] == "failed" and "No space left" in status["error"]
    monkeypatch.undo()
    assert RunFolder(tmp_path / "f").load_checkpoint()[0] == 2


def test_several_directions_and_published_settings(tiny_models, tmp_path):
    run(tiny_models, tmp_path / "k", TrainConfig(steps=2, batch_size=2, num_directions=3, layers="all", report=False))
    direction = load_direction(tmp_path / "k" / "direction.safetensors")
    assert direction.deltas.shape == (3, 8, 16) and len(direction.calibration) == 3
    from lelsd.config import preset
    run(tiny_models, tmp_path / "p", TrainConfig().updated(preset("published")).updated({"steps": 2, "report": False}), "no beard")
    assert load_direction(tmp_path / "p" / "direction.safetensors").part == "skin"


def test_the_losses_can_look_at_smaller_pictures(tmp_path):
    """An approximation: rows that only larger pictures show are not learned, and not moved."""
    pack = UntrainedPack(GeneratorConfig(64, 16, 16, 2, 512, 32), clip=TINY_CLIP, parser_width=0.125, parser_size=64)
    config = TrainConfig(steps=2, batch_size=2, resolution=32, layers="all", initial="gradient", report=False)
    objective = Objective(pack, parse_prompt("a person with curly hair", pack), config)
    before = objective.before(objective.w_plus(sample_noise(0, 0, (2, 16))[0]), 0)
    assert before.image.shape == (2, 3, 32, 32) and before.mask.shape == (2, 1, 32, 32) and max(before.features) == 6
    run(pack, tmp_path / "r", config)
    direction = load_direction(tmp_path / "r" / "direction.safetensors")
    assert direction.layers == tuple(range(8)) and direction.deltas.shape == (1, 10, 16) and direction.deltas[0, 8:].abs().max() == 0
    for wrong, words in (({"layers": "8"}, "0 to 7"), ({"resolution": 128}, "generator's own, 64")):
        with pytest.raises(ValueError, match=words):
            run(pack, tmp_path / "w", config.updated(wrong))


def test_training_finds_the_way_from_a_random_start(tiny_models, tmp_path):
    moves = []
    for steps in (1, 60):
        config = TrainConfig(steps=steps, batch_size=4, initial="random", layers="all", localization_weight=0.0, learning_rate=0.05,
                             preview_every=1000, report=False)
        moves.append(run(tiny_models, tmp_path / str(steps), config)[-1].quality["clip_move"])
    assert moves[1] > abs(moves[0]) + 1e-3


def test_objective_leaves_unedited_pictures_alone(tiny_models):
    objective = Objective(tiny_models, parse_prompt("a person with curly hair"), CONFIG)
    w_plus = objective.w_plus(sample_noise(0, 0, (2, 16))[0])
    before = objective.before(w_plus, 3)
    measured = objective.measure(before, torch.zeros_like(w_plus))
    assert measured["clip_gain"] == pytest.approx(0.0, abs=1e-6) and measured["localization"] == 1.0
    assert all(not parameter.requires_grad for parameter in tiny_models.generator.parameters())


def test_layers_by_sensitivity(tiny_models):
    sensitivity = measure_sensitivity(Objective(tiny_models, parse_prompt("a person with curly hair"), CONFIG))
    assert len(sensitivity.scores) == 8 and sensitivity.gradient.shape == (8, 16)
    assert Sensitivity((0.0, 0.3, 0.0, 1.0, 0.1), sensitivity.gradient).layers(0.2) == [1, 2, 3]
    assert Sensitivity((-1.0, 0.0), sensitivity.gradient).layers() == [0, 1]


def test_regression_knows_the_way(tiny_models):
    """Pictures moved along it agree more with the prompt, and moved against it less; the same each time."""
    objective = Objective(tiny_models, parse_prompt("a person with curly hair"), CONFIG)
    direction = regress_gain(objective)
    assert direction.shape == (16,) and direction.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(direction, regress_gain(objective))
    before = objective.before(objective.w_plus(sample_noise(3, 0, (16, 16))[0]), 0)
    step = (0.3 * objective.spread * direction).expand_as(before.w_plus)
    assert objective.measure(before, step)["clip_move"] > 0 > objective.measure(before, -step)["clip_move"]


@pytest.mark.parametrize("initial", ["regression", "gradient", "random"])
def test_every_way_to_begin(tiny_models, tmp_path, initial):
    config = TrainConfig(steps=1, batch_size=1, num_directions=2, layers="2-4", initial=initial, report=False)
    run(tiny_models, tmp_path / initial, config)
    assert load_direction(tmp_path / initial / "direction.safetensors").deltas.shape == (2, 8, 16)


def test_rows():
    rows = unit_rows(torch.randn(2, 3, 5))
    assert rows.square().sum(dim=2).mean(dim=1).tolist() == pytest.approx([1.0, 1.0])
    assert torch.equal(tied_rows(rows, 1.0), rows) or torch.allclose(tied_rows(rows, 1.0), rows)
    assert torch.allclose(tied_rows(rows, 0.0), rows.mean(dim=1, keepdim=True).expand_as(rows))
    full = spread_rows(rows, [0, 2, 3], 4)
    assert torch.equal(full[:, [0, 2, 3]], rows) and full[:, 1].abs().max() == 0


@pytest.mark.parametrize("moves, expected", [([0.3, 0.6, 1.0], 2.0), ([0.6, 0.8, 1.0], 1.0), ([1.0, 1.0, 1.0], 0.6), ([-1.0, -1.0, -2.0], 2.0),
                                             ([0.0, 0.0, 1.0], 2.6)])
def test_typical_distance(moves, expected):
    assert typical_distance((1.0, 2.0, 3.0), moves, share=0.6) == pytest.approx(expected)


def test_words_that_mean_nothing_are_refused_before_there_is_a_folder(portraits, tmp_path, monkeypatch):
    monkeypatch.setattr(Prompt, "target_text", lambda self, neutral: neutral)
    with pytest.raises(ValueError, match="sees no difference"):
        next(train_direction(portraits, parse_prompt("glasses"), TrainConfig(steps=1), tmp_path / "run"))
    assert not (tmp_path / "run").exists()
