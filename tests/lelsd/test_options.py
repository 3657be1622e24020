"""Options of LELSD and eCLIPsed: spaces, masks, what counts as change and which maps; and directions that need no training."""
from __future__ import annotations

import pytest
import torch

from lelsd import losses
from lelsd.config import TrainConfig
from lelsd.direction import load_direction
from lelsd.first import first_direction
from lelsd.objective import Objective, sample_noise
from lelsd.prompt import parse_prompt
from lelsd.sensitivity import regress_gain
from lelsd.train import train_direction

SHORT = TrainConfig(steps=2, batch_size=2, layers="3-5", report=False, preview_every=1000)
PROMPT = "a person with curly hair"


@pytest.fixture
def bright(monkeypatch):
    """An untrained parser sees all parts everywhere; let the part be where a picture is red."""
    def mask(self, image, places=None):
        share = (image[:, :1] > image[:, :1].mean()).float()
        return share if self.config.mask_mode == "inside" else 1.0 - share
    monkeypatch.setattr(Objective, "mask", mask)


def trained(pack, out, **settings):
    """The direction of a short run."""
    progress = list(train_direction(pack, parse_prompt(PROMPT, pack), SHORT.updated(settings), out))
    return load_direction(progress[-1].direction)


def objective_and_edit(pack, **settings):
    """An objective with a batch before and after an edit of the upper rows, and the edit's mask."""
    objective = Objective(pack, parse_prompt(PROMPT), SHORT.updated(settings))
    before = objective.before(objective.w_plus(sample_noise(0, 0, (2, 16))[0]), 3)
    delta = torch.zeros(8, 16)
    delta[3:] = 0.3
    return objective, before, *objective.after(before, delta)


@pytest.mark.parametrize("initial", ["regression", "random", "gradient"])
def test_w_is_one_step_for_all_rows(tiny_models, tmp_path, initial):
    direction = trained(tiny_models, tmp_path / "w", space="w", initial=initial, num_directions=2)
    for delta in direction.deltas:
        assert torch.equal(delta[3], delta[4]) and torch.equal(delta[3], delta[5]) and delta[3].norm().item() == pytest.approx(1.0, abs=1e-5)
    assert not torch.allclose(direction.deltas[0], direction.deltas[1])
    if initial == "gradient":
        apart = trained(tiny_models, tmp_path / "w+", initial=initial).deltas[0]
        assert not torch.allclose(apart[3], apart[4])


def test_background_mode_asks_for_the_opposite(tiny_models, bright):
    objective, before, image, features = objective_and_edit(tiny_models)
    other, before_other, *_ = objective_and_edit(tiny_models, mask_mode="outside")
    assert torch.allclose(before_other.mask, 1 - before.mask)
    inside, outside = (o.localization(b, image, features, o.edit_mask(b.mask, o.mask(image))) for o, b in ((objective, before), (other, before_other)))
    assert torch.allclose(inside + outside, torch.ones(2), atol=1e-4)


def test_aggregations_are_ordered(tiny_models, bright):
    """A larger mask leaves less outside."""
    outside = {}
    for name in losses.MASKS:
        objective, before, image, features = objective_and_edit(tiny_models, mask_aggregation=name)
        outside[name] = objective.localization(before, image, features, objective.edit_mask(before.mask, objective.mask(image)))
    assert bool((outside["union"] < outside["average"]).all()) and bool((outside["average"] < outside["intersection"]).all())


def test_distances_and_weights_count(tiny_models, bright):
    objective, before, image, features = objective_and_edit(tiny_models)
    mask = objective.edit_mask(before.mask, objective.mask(image))
    found = [objective.localization(before, image, features, mask)]
    for settings in ({"distance": "l1"}, {"distance": "cosine"}, {"feature_weights": "5:1"}, {"feature_weights": "2:9,5:1,image:0"}, {"feature_weights": "image:1"}):
        objective, before, image, features = objective_and_edit(tiny_models, **settings)
        found.append(objective.localization(before, image, features, mask))
    assert torch.allclose(found[5], losses.changed_outside(before.image, image, mask)) and torch.allclose(found[3], found[4])
    assert all(not torch.allclose(found[0], other) for other in (*found[1:4], found[5]))


def test_they_train_and_change_what_is_learned(tiny_models, bright, tmp_path):
    found = [trained(tiny_models, tmp_path / "plain").deltas]
    for number, settings in enumerate(({"mask_mode": "outside"}, {"mask_aggregation": "union", "distance": "l1"},
                                       {"mask_aggregation": "intersection", "distance": "cosine"}, {"feature_weights": "4:1,5:0.5,image:2"})):
        direction = trained(tiny_models, tmp_path / str(number), **settings)
        assert {name: direction.config[name] for name in settings} == settings
        assert all(not torch.equal(direction.deltas, other) for other in found)
        found.append(direction.deltas)


def test_weights_of_what_never_changes(tiny_models, tmp_path):
    with pytest.raises(ValueError, match="feature_weights '0:1,2:1' name only maps below the edited rows 3, 4, 5"):
        trained(tiny_models, tmp_path / "a", feature_weights="0:1,2:1")
    with pytest.raises(ValueError, match=r"feature_weights have '9:1'; accepted: .*\(0 to 7\)"):
        trained(tiny_models, tmp_path / "b", feature_weights="9:1")
    assert not (tmp_path / "b").exists()


def test_a_first_direction_is_where_training_begins(tiny_models):
    prompt = parse_prompt(PROMPT, tiny_models)
    direction = first_direction(tiny_models, prompt)
    direction.check_pack(tiny_models)
    towards = regress_gain(Objective(tiny_models, prompt, TrainConfig()))
    assert direction.layers == tuple(range(8)) and torch.equal(direction.deltas[0], towards.expand(8, -1)) and direction.calibration[0] > 0
    again = first_direction(tiny_models, prompt)
    assert again.to_bytes() == direction.to_bytes()
    rows = first_direction(tiny_models, prompt, TrainConfig(layers="2,4"))
    assert rows.layers == (2, 4) and rows.deltas[0, [0, 1, 3, 5, 6, 7]].abs().max() == 0


def test_the_command_of_a_first_direction(command, tiny_pack, tmp_path):
    done = command("lelsd.first", PROMPT, "--pack", tiny_pack, "--out", tmp_path / "first.safetensors")
    assert load_direction(tmp_path / "first.safetensors").prompt == PROMPT and done.result["part"] == "hair"
    assert "the prompt is empty" in command("lelsd.first", " ", "--pack", tiny_pack, "--out", "f.safetensors", expect=2).sentence


def test_style_space_begins_at_the_same_edit_and_moves_channels(tiny_models):
    """The first direction, seen as styles, makes the pictures that it makes as rows."""
    from lelsd.space import StyleSpace, unit_rows
    from stylegan2.steps import edited
    objective = Objective(tiny_models, parse_prompt(PROMPT), SHORT)
    towards = regress_gain(objective).expand(8, -1)
    space = StyleSpace(objective, list(range(8)), objective.random_latents())
    raw = space.begin(towards)[None]
    step = space.steps(unit_rows(raw))[0] * raw.norm()
    w_plus = objective.w_plus(sample_noise(0, 0, (2, 16))[0])
    synthesis = tiny_models.generator.synthesis
    by_styles, by_rows, unmoved = (edited(synthesis, w_plus, s) for s in (step, towards, torch.zeros_like(towards)))
    assert (by_styles - by_rows).abs().max() < 0.02 * (by_rows - unmoved).abs().max()  # maps may be bfloat16, where a last bit is a hundredth
    few = StyleSpace(objective, [3, 4], objective.random_latents())
    assert len(few.channels) == few.shape[1] < space.shape[1] and few.steps(torch.ones(1, *few.shape))[0].count_nonzero() == few.shape[1]


@pytest.mark.parametrize("initial", ["regression", "random", "gradient"])
def test_style_space_trains_and_is_edited_with(tiny_models, tmp_path, initial):
    from lelsd.edit import Edit, EditStack, StackRenderer
    from lelsd.report import report_for
    from lelsd.strip import strip
    from stylegan2.style_space import num_styles
    direction = trained(tiny_models, tmp_path / "s", space="style", initial=initial, num_directions=2)
    direction.check_pack(tiny_models)
    assert direction.in_style_space and direction.deltas.shape == (2, num_styles(tiny_models.generator.synthesis)) and direction.layers == (3, 4, 5)
    renderer = StackRenderer(tiny_models, Objective(tiny_models, parse_prompt(PROMPT), SHORT).w_plus(sample_noise(1, 0, (1, 16))[0]))
    plain, styled = renderer.render(), renderer.render(EditStack((Edit(direction, 1.0),)))
    offset = direction.step(1.0)[None]
    assert torch.equal(styled, tiny_models.generator.synthesis(renderer.base, style_offset=offset)) and not torch.equal(styled, plain)
    assert torch.equal(renderer.render(EditStack((Edit(direction, 1.0, muted=True),))), plain) and torch.equal(renderer.render(), plain)
    with pytest.raises(ValueError, match="cannot be parted by layers; accepted: all of 3, 4, 5"):
        direction.step(1.0, layers=[3])
    assert strip(tiny_models, direction, [0], [-1.0, 0.0, 1.0], index=1).size[0] == 96
    if initial == "regression":
        assert len(report_for(tiny_models, direction).directions) == 2


def test_style_space_resumes_to_the_same_bits(tiny_models, tmp_path):
    whole = trained(tiny_models, tmp_path / "a", space="style", steps=4, checkpoint_every=2)
    progress = train_direction(tiny_models, parse_prompt(PROMPT, tiny_models), SHORT.updated({"space": "style", "steps": 4, "checkpoint_every": 2}), tmp_path / "b")
    for _ in range(3):
        next(progress)
    progress.close()
    list(train_direction(tiny_models, parse_prompt(PROMPT), SHORT, tmp_path / "b", resume=True))
    assert load_direction(tmp_path / "b" / "direction.safetensors").to_bytes() == whole.to_bytes()
