"""Settings: ranges, presets, the learning rate's course and the choice of layers."""
from __future__ import annotations

import pytest

from lelsd.config import PRESETS, RANGES, TrainConfig, learning_rate_at, parse_feature_weights, parse_layers, preset, rows_seen


def test_round_trip_and_unknown_setting():
    config = TrainConfig(steps=7, layers="3,4")
    assert TrainConfig.from_dict(config.to_dict()) == config
    assert config.updated({"steps": None, "seed": 3}) == TrainConfig(steps=7, layers="3,4", seed=3)
    with pytest.raises(ValueError, match="stepz.*accepted"):
        config.updated({"stepz": 1})


@pytest.mark.parametrize("values", [{"steps": 0}, {"steps": 1.5}, {"steps": True}, {"learning_rate": float("nan")}, {"clip_weight": -1.0},
                                    {"clip_form": "cosine"}, {"alpha_min": 2.0, "alpha_max": 1.0}, {"seed": -1},
                                    {"clip_weight": 0.0, "localization_weight": 0.0}, {"resolution": 16}, {"resolution": 100}, {"batch_size": "4"}, {"space": "z"}, {"mask_mode": "background"},
                                    {"mask_aggregation": "mean"}, {"distance": "L3"}, {"report": 1}])
def test_bad_values_are_named(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        TrainConfig(**values)


def test_every_number_has_a_range_and_presets_are_valid():
    numbers = {name for name, value in TrainConfig().to_dict().items() if type(value) in (int, float)}
    assert numbers == set(RANGES)
    for name in PRESETS:
        TrainConfig().updated(preset(name))
    with pytest.raises(ValueError, match="published"):
        preset("none")


def test_learning_rate_is_halved_evenly():
    config = TrainConfig(steps=8, learning_rate=0.8, lr_halvings=3)
    assert [learning_rate_at(config, step) for step in range(1, 9)] == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1])
    assert learning_rate_at(TrainConfig(steps=5, lr_halvings=0), 5) == TrainConfig().learning_rate


def test_layers():
    assert parse_layers("auto", 12) is None
    assert parse_layers("all", 3) == [0, 1, 2]
    assert parse_layers(" 4, 3,3 ", 12) == [3, 4]
    assert parse_layers("2-4,9", 12) == [2, 3, 4, 9]


@pytest.mark.parametrize("text", ["12", "3,99", "-1", "a", "", "3,,4", "4-2", "1e9", "99999999999999", "1.5"])
def test_bad_layers(text):
    with pytest.raises(ValueError, match="0 to 11"):
        parse_layers(text, 12)


def test_smaller_pictures_show_fewer_rows():
    assert rows_seen(TrainConfig(), 1024) == rows_seen(TrainConfig(resolution=1024), 1024) == 18
    assert rows_seen(TrainConfig(resolution=256), 1024) == 14
    with pytest.raises(ValueError, match="resolution is 256.*up to the generator's own, 128"):
        rows_seen(TrainConfig(resolution=256), 128)


def test_feature_weights():
    assert parse_feature_weights(" Auto ", range(8)) is None
    assert parse_feature_weights("3:1, 7:0.5,image:2", range(8)) == {3: 1.0, 7: 0.5, "image": 2.0}


@pytest.mark.parametrize("text", ["8:1", "3", "3:", "3:-1", "3:nan", "3:1e9", "image:0", "3:0,4:0", "", "-1:1", "picture:1", "3:1;4:1"])
def test_bad_feature_weights(text):
    with pytest.raises(ValueError, match=r"feature_weights .*accepted: auto, or weights from 0 to 1000 by layer \(0 to 7\) or image"):
        parse_feature_weights(text, range(8))
