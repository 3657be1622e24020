"""The built-in generator's training: what W means, how a run goes on after a kill, and the mapping network's exact parts."""

import numpy as np
import pytest
import torch

from portraits import train_mapping
from portraits.pictures import Pictures
from portraits.quantities import FACTORS, LEANS, switch
from portraits.scene import NUM_FACTORS, appearance, appearance_names, make_scene, sample
from portraits.train_generator import Basis, SynthesisTraining, new_trainer, noise_maps, stage_resolution, synthesis_config, train_synthesis
from stylegan2.generator import GeneratorConfig
from stylegan2.ops.upfirdn2d import setup_filter, upsample2d

W_DIM = synthesis_config("cpu", 32).w_dim
SMALL = GeneratorConfig(resolution=32, z_dim=NUM_FACTORS, w_dim=W_DIM, num_mapping_layers=3, channel_base=256, channel_max=16)


@pytest.fixture(scope="module")
def appearances() -> np.ndarray:
    return np.stack([appearance(sample(3, i)) for i in range(40)]).astype(np.float32)


def trainer_for(appearances, seconds=60.0):
    return new_trainer(appearances, SMALL, SynthesisTraining(minutes=seconds / 60, batch_size=4, grow_at=(0.0, 0.0)), torch.float32)


def ticks():
    """A clock that advances by one second a look."""
    return iter(range(10_000)).__next__


def pictures():
    rng = np.random.default_rng(0)
    return Pictures(rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8), rng.integers(0, 19, (40, 32, 32), dtype=np.uint8))


def test_basis_keeps_distances_of_the_standardised_appearance(appearances):
    basis = Basis.fit(torch.from_numpy(appearances), W_DIM)
    standardised = (torch.from_numpy(appearances) - basis.mean) / basis.spread
    torch.testing.assert_close(torch.cdist(basis.w(torch.from_numpy(appearances)), torch.zeros(1, W_DIM)), standardised.norm(dim=1, keepdim=True))


def test_w_must_hold_the_appearance(appearances):
    with pytest.raises(ValueError, match="w_dim 8 is smaller"):
        Basis.fit(torch.from_numpy(appearances), 8)


def test_resolution_grows_with_progress():
    settings = SynthesisTraining(grow_at=(0.1, 0.3))
    assert [stage_resolution(p, settings, 128) for p in (0.0, 0.2, 0.9)] == [32, 64, 128]


def test_training_learns_and_resumes_where_it_was(appearances, tmp_path):
    trainer = trainer_for(appearances)
    steps = train_synthesis(trainer, pictures(), appearances, ticks())
    losses = [next(steps)["loss"] for _ in range(12)]
    trainer.save(tmp_path / "synthesis.pt")
    following = next(steps)
    again = trainer_for(appearances)
    again.load(tmp_path / "synthesis.pt")
    resumed = next(train_synthesis(again, pictures(), appearances, ticks()))
    assert resumed == following
    assert min(losses[6:]) < losses[0]


def test_a_stopped_process_keeps_its_schedule(appearances):
    clock = iter([0, 1, 10_000, 10_001]).__next__
    trainer = trainer_for(appearances, seconds=200)
    steps = train_synthesis(trainer, pictures(), appearances, clock)
    assert [next(steps)["progress"] for _ in range(3)] == pytest.approx([1 / 200, 61 / 200, 62 / 200])


def test_learned_noise_maps_start_at_nothing_and_are_averaged_too(appearances):
    trainer = trainer_for(appearances)
    assert all(noise_map.abs().max() == 0 for noise_map in trainer.maps)
    steps = train_synthesis(trainer, pictures(), appearances, ticks())
    next(steps)  # after which the finest features are seen in the picture, so that a gradient reaches them
    next(steps)
    assert all(noise_map.abs().max() > 0 for noise_map in noise_maps(trainer.average)[-2:])


def test_a_resolution_that_comes_in_changes_nothing_at_first(appearances):
    trainer = trainer_for(appearances)
    rows = trainer.rows(trainer.basis.w(torch.from_numpy(appearances[:2])))
    full = SMALL.resolution
    with torch.no_grad():
        small, large = (trainer.generator.synthesis(rows, resolution=size) for size in (full // 2, full))
    blended = upsample2d(small, setup_filter())
    torch.testing.assert_close(large, blended, atol=1e-5, rtol=1e-5)


def test_lifted_generator_draws_the_same(appearances):
    trainer = trainer_for(appearances)
    lifted = train_mapping.lift(trainer.generator, trainer.basis, w_dim=512)
    appearance_batch = torch.from_numpy(appearances[:3])
    standardised = (appearance_batch - trainer.basis.mean) / trainer.basis.spread
    with torch.no_grad():
        before = trainer.generator.synthesis(trainer.basis.w(appearance_batch)[:, None].expand(-1, SMALL.num_ws, -1))
        after = lifted.synthesis(train_mapping.pairs(standardised, 512)[:, None].expand(-1, SMALL.num_ws, -1))
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_mapping_beats_the_mean_and_sets_the_average(appearances):
    trainer = trainer_for(appearances)
    lifted = train_mapping.lift(trainer.generator, trainer.basis, w_dim=512)
    errors = [p["error"] for p in train_mapping.fit_mapping(lifted, trainer.basis, steps=30, batch_size=64, pool=3000, faces=1)]
    assert errors[-1] < 0.85 < 1.0  # an entry of x has a spread of about 1, which guessing the mean would leave
    assert lifted.mapping.w_avg.abs().sum() > 0


def test_the_widths_of_both_configs_follow_the_world():
    for name in ("cpu", "gpu"):
        config = synthesis_config(name, 256)
        assert config.z_dim == NUM_FACTORS and len(appearance(sample(0, 0))) <= config.w_dim <= train_mapping.W_DIM // 2
    with pytest.raises(ValueError, match="accepted are cpu, gpu"):
        synthesis_config("tpu", 256)


def test_kinks_fill_the_first_layer():
    assert train_mapping.knots_each(NUM_FACTORS * 4 + 1) == 4
    assert train_mapping.knots_each(10_000) == train_mapping.MOST_KNOTS
    with pytest.raises(ValueError, match="too small"):
        train_mapping.knots_each(NUM_FACTORS)


def test_a_run_of_another_generator_is_refused(appearances, tmp_path):
    trainer_for(appearances).save(tmp_path / "synthesis.pt")
    other = new_trainer(appearances, GeneratorConfig(resolution=32, z_dim=NUM_FACTORS, w_dim=W_DIM, channel_base=256, channel_max=8),
                        SynthesisTraining(), torch.float32)
    with pytest.raises(ValueError, match="another generator"):
        other.load(tmp_path / "synthesis.pt")


def test_lift_needs_room_for_pairs(appearances):
    trainer = trainer_for(appearances)
    with pytest.raises(ValueError, match="too small"):
        train_mapping.lift(trainer.generator, trainer.basis, w_dim=100)


def test_leaned_factors_are_those_that_the_world_switches():
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((200, NUM_FACTORS)))
    scenes = [make_scene(row) for row in z.numpy()]
    moved = train_mapping.leaned(z)
    for name, threshold, width in (("necklace", 0.8, 0.08), ("bald", 1.35, 0.05), ("earrings", 0.6, 0.08)):
        switched = [switch(g, threshold, width) for g in moved[:, FACTORS.index(name)].tolist()]
        assert switched == pytest.approx([scene.values[name] for scene in scenes], abs=1e-6) and min(switched) == 0 < max(switched)
    unmoved = [i for i, name in enumerate(FACTORS) if name not in LEANS]
    assert torch.equal(moved[:, unmoved], z[:, unmoved])


def test_a_leaning_switch_has_its_kinks_from_the_start(appearances):
    """After a few steps few samples wear half a necklace; 0.35 of them do where the second layer begins at random."""
    trainer = trainer_for(appearances)
    lifted = train_mapping.lift(trainer.generator, trainer.basis, w_dim=512)
    list(train_mapping.fit_mapping(lifted, trainer.basis, steps=150, batch_size=128, pool=4000, faces=1))
    at, size = appearance_names().index("necklace"), len(appearance_names())
    with torch.no_grad():
        w = lifted.mapping.w(torch.from_numpy(np.random.default_rng(1).standard_normal((2000, NUM_FACTORS)).astype(np.float32)))
    worn = (w[:, at] - w[:, at + size]) / (train_mapping.GAIN * (1 + train_mapping.SLOPE)) * trainer.basis.spread[at] + trainer.basis.mean[at]
    assert ((worn > 0.2) & (worn < 0.8)).float().mean() < 0.12
