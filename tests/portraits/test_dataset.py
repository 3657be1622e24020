import json
import os

import numpy as np
import pytest
import torch

from portraits import dataset
from portraits.dataset import PortraitCache, build_cache
from portraits.render import Renderer
from portraits.scene import ATTRIBUTES, attributes, latents, make_scene, sample
from portraits.topics import TOPICS


def test_a_cache_holds_what_is_drawn(small_cache):
    scene = sample(3, 7)
    picture, mask = Renderer(64).draw(scene)
    assert (small_cache.images[7] == picture).all() and (small_cache.masks[7] == mask).all()
    assert dict(zip(ATTRIBUTES, small_cache.attributes[7])) == attributes(scene)
    assert np.allclose(small_cache.quantities[7], list(scene.values.values()), atol=1e-6)
    assert small_cache.quantity_names == tuple(scene.values)
    assert make_scene(small_cache.latents[7].astype(float))["age"] == pytest.approx(scene["age"], abs=1e-6)
    assert np.allclose(small_cache.latents[7], latents(3, 7))


def test_captions_stand_with_what_they_state(small_cache):
    lines = list(small_cache.captions())
    assert [line["index"] for line in lines] == list(range(60))
    for line in lines:
        assert len(line["captions"]) == len(line["facts"]) == dataset.CAPTIONS_EACH
        for facts in line["facts"]:
            assert all(small_cache.truth[line["index"], TOPICS.index(t)] == int(v) for t, v in facts.items())


def test_processes_do_not_change_the_result(small_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "CHUNK", 20)
    other = build_cache(tmp_path / "cache", seed=3, count=60, size=64, workers=1)
    for name in ("images", "masks", "quantities", "attributes", "truth", "latents"):
        assert (getattr(other, name) == getattr(small_cache, name)).all()
    assert list(other.captions()) == list(small_cache.captions())


def test_processes_that_draw_multiply_with_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with dataset.single_threaded():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7" and "OPENBLAS_NUM_THREADS" not in os.environ


@pytest.mark.slow
def test_two_processes(small_cache, tmp_path):
    other = build_cache(tmp_path / "cache", seed=3, count=dataset.CHUNK + 10, size=64, workers=2)
    assert (other.images[:60] == small_cache.images).all()


def test_a_killed_build_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "CHUNK", 5)
    render, started = dataset._render_chunk, []

    def killed(folder, seed, count, size, start):
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(start)
        return render(folder, seed, count, size, start)

    monkeypatch.setattr(dataset, "_render_chunk", killed)
    with pytest.raises(KeyboardInterrupt):
        build_cache(tmp_path, seed=1, count=20, size=32, workers=1)
    with pytest.raises(ValueError, match="no finished cache"):
        PortraitCache(tmp_path)
    resumed = []
    monkeypatch.setattr(dataset, "_render_chunk", lambda *a: (resumed.append(a[-1]), render(*a))[1])
    cache = build_cache(tmp_path, seed=1, count=20, size=32, workers=1)
    assert resumed == [10, 15] and cache.images[19].any() and len(list(cache.captions())) == 20
    assert not list(tmp_path.rglob("*.tmp"))


def test_another_cache_is_not_overwritten(small_cache):
    with pytest.raises(ValueError, match="another cache .*seed"):
        build_cache(small_cache.folder, seed=4, count=60, size=64)


@pytest.mark.parametrize("wrong, message", [({"count": 0}, "count is 0"), ({"size": 4}, "size 4"), ({"workers": 0}, "workers is 0")])
def test_bad_arguments(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        build_cache(tmp_path / "new", **{"seed": 0, "count": 3, "size": 32, "workers": 1, **wrong})
    assert not (tmp_path / "new").exists()


def test_batches_are_ready_for_training(small_cache):
    images, masks = next(small_cache.batches(np.random.default_rng(0), 8))
    assert images.shape == (8, 3, 64, 64) and images.dtype == torch.float32
    assert -1 <= images.min() < -0.3 and 0.3 < images.max() <= 1
    assert masks.shape == (8, 64, 64) and masks.dtype == torch.int64 and masks.max() <= 18


def test_an_epoch_shows_every_training_sample_and_no_held_out_one(small_cache):
    batches = small_cache.index_batches(np.random.default_rng(0), len(small_cache.train_indices) // 3)
    seen = np.concatenate([next(batches) for _ in range(3)])
    assert len(set(seen)) == len(seen) and not set(seen) & set(small_cache.validation_indices)
    with pytest.raises(ValueError, match="batch size is 61"):
        next(small_cache.batches(np.random.default_rng(0), 61))


def test_meta_is_json_that_names_the_columns(small_cache):
    meta = json.loads((small_cache.folder / "meta.json").read_text())
    assert meta["attributes"] == list(ATTRIBUTES) and meta["topics"] == list(TOPICS)
