import numpy as np
import pytest
import torch
from torch import nn

from portraits.training import AveragedWeights, Budget, augment, load_checkpoint, parameter_groups, pick_indices, save_checkpoint


def test_a_budget_of_steps():
    budget = Budget(steps=100)
    assert budget.fraction == 0 and budget.learning_rate(1.0, warmup_steps=10) == pytest.approx(0.1)
    budget.step = 50
    assert budget.fraction == 0.5 and budget.learning_rate(1.0) == pytest.approx(0.505)
    budget.step = 100
    assert budget.fraction == 1 and budget.learning_rate(1.0) == pytest.approx(0.01)


def test_minutes_before_a_restart_count():
    budget = Budget(minutes=1)
    budget.resume({"step": 7, "elapsed": 45.0})
    assert budget.step == 7 and budget.fraction == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("wrong", [{}, {"steps": 1, "minutes": 1.0}, {"steps": 0}, {"minutes": -1.0}])
def test_bad_budgets(wrong):
    with pytest.raises(ValueError):
        Budget(**wrong)


def test_averaged_weights_follow():
    module = nn.Linear(2, 1)
    average = AveragedWeights(module, decay=0.5)
    before = average.values["weight"].clone()
    with torch.no_grad():
        module.weight += 1
    average.update(module, step=1000)
    assert torch.allclose(average.values["weight"], before + 0.5)


def test_checkpoints_are_whole_or_old(tmp_path):
    save_checkpoint(tmp_path / "c", {"step": 3, "x": torch.ones(2)})
    assert load_checkpoint(tmp_path / "c")["step"] == 3 and not list(tmp_path.glob("*.tmp"))
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:100])
    with pytest.raises(ValueError, match="delete it"):
        load_checkpoint(tmp_path / "c")


def test_steps_go_through_the_epochs(small_cache):
    steps = [pick_indices(small_cache, 13, 0, step) for step in range(6)]
    assert all(len(set(np.concatenate(steps[i : i + 3]))) == 39 for i in (0, 3))
    assert not (steps[0] == steps[3]).all()
    assert (pick_indices(small_cache, 13, 0, 4) == steps[4]).all()


def test_augmentation_changes_little_and_follows_its_seed(small_cache):
    images = small_cache.read_images(np.arange(32))
    once, again = (augment(images.clone(), torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(once, again) and once.shape == images.shape
    change = (once - images).abs().mean((1, 2, 3))
    assert 0 < change.min() and change.max() < 0.4


def test_gains_and_biases_do_not_decay():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Embedding(3, 4))
    decayed, free = parameter_groups(module, 0.1)
    assert len(decayed["params"]) + len(free["params"]) == len(list(module.parameters()))
    assert all(p.ndim >= 2 for p in decayed["params"]) and free["weight_decay"] == 0
