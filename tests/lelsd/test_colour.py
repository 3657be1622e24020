"""Prompts that name a colour: which they are, where faces go and from where, what training may change of it, and what files keep."""
from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load, save

from lelsd.colour import ALONE, AWAY, FURTHEST, OUTSIDE, ColourRows, ColourTarget, colour_target, described_colour, pinned_axes
from lelsd.colour_words import NamedColour
from lelsd.config import TrainConfig, preset, rows_seen
from lelsd.direction import FORMAT, Direction, direction_from_bytes
from lelsd.edit import Edit, EditStack, apply, base_latent, is_at_its_end
from lelsd.first import first_direction
from lelsd.objective import Objective
from lelsd.prompt import parse_prompt
from lelsd.run_folder import RunFolder
from lelsd.survey import LEARN, Survey, class_colours, part_colour
from lelsd.train import Training, describe_run, train_direction
from segmentation.parts import CLASS_INDEX, CLASSES

HAIR = CLASS_INDEX["hair"]
ROWS, WIDTH, SAMPLES = 4, 8, LEARN.stop
LAYERS = [1, 2]


def test_the_mean_colour_of_each_class():
    """By hand: two pixels of hair, black and white, one red one of skin, one of background."""
    images = torch.tensor([[[[-1.0, 1.0], [1.0, 0.5]]], [[[-1.0, 1.0], [-1.0, 0.5]]], [[[-1.0, 1.0], [-1.0, 0.5]]]]).movedim(0, 1)
    found = class_colours(images, torch.tensor([[[HAIR, HAIR], [CLASS_INDEX["skin"], 0]]]))
    assert found["shares"][0, HAIR] == 0.5 and found["colours"][0, HAIR].tolist() == [0.0, 0.0, 0.0]
    assert found["shares"][0, CLASS_INDEX["skin"]] == 0.25 and found["colours"][0, CLASS_INDEX["skin"]].tolist() == [1.0, -1.0, -1.0]
    assert found["shares"].sum() == 1.0 and not found["colours"][0, CLASS_INDEX["hat"]].any()


def test_the_colour_of_a_part_is_that_of_its_classes_by_their_size():
    shares, colours = torch.zeros(2, len(CLASSES)), torch.zeros(2, len(CLASSES), 3)
    shares[0, CLASS_INDEX["l_eye"]], shares[0, CLASS_INDEX["r_eye"]], shares[0, HAIR] = 0.03, 0.01, 0.5
    colours[0, CLASS_INDEX["l_eye"]], colours[0, HAIR] = torch.tensor([0.4, 0.8, -0.4]), 1.0
    found, there = part_colour(shares, colours, "eyes")
    assert torch.allclose(found[0], torch.tensor([0.3, 0.6, -0.3])) and there.tolist() == [True, False]


def test_axes_on_which_examples_are_alike():
    """They have a hundredth of the variance on one axis, all of it on the others."""
    colours = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)).double() * torch.tensor([1.0, 3.0, 0.5])
    having = colours * torch.tensor([1.0, 0.1, 1.0]) + torch.tensor([0.0, 2.0, 0.0])
    axes = pinned_axes(colours, having)
    assert axes.shape == (3, 1) and (having @ axes).std().item() == pytest.approx(1.0, rel=1e-3)
    assert torch.nn.functional.normalize(axes[:, 0], dim=0)[1].abs() > 0.99
    assert pinned_axes(colours, colours).shape == (3, 0)


def test_grey_pictures_have_one_axis_and_equal_ones_none():
    grey = torch.randn(500, 1, generator=torch.Generator().manual_seed(0)).double().expand(-1, 3)
    axes = pinned_axes(grey, 0.1 * grey)
    assert axes.shape == (3, 1) and (0.1 * grey @ axes).std().item() == pytest.approx(1.0, rel=1e-2)
    assert pinned_axes(torch.zeros(500, 3).double(), torch.zeros(50, 3).double()).shape == (3, 0)


def objective(more: float = 0.0, visible: float = 1.0, areas: dict | None = None, named: NamedColour | None = None, **settings) -> SimpleNamespace:
    """A world whose hair colour is the first three entries of w, and in which blond is what lies near (0.5, 0.3, -0.3), with an odd half of the
    samples (by the fourth entry) only if `more` is 0. visible: share of the samples with hair."""
    random = torch.Generator().manual_seed(1)
    w = torch.randn(SAMPLES, WIDTH, generator=random)
    colours = torch.zeros(SAMPLES, len(CLASSES), 3)
    colours[:, HAIR] = 0.4 * w[:, :3]
    distance = (colours[:, HAIR] - torch.tensor([0.5, 0.3, -0.3])).norm(dim=1)
    logits = (0.45 - distance - more * (w[:, 3] > 0))[:, None] * 10
    shares = torch.zeros(SAMPLES, len(CLASSES))
    shares[:, HAIR] = 0.2 * (torch.rand(SAMPLES, generator=random) < visible)
    survey = Survey(w, w, w, logits, shares, colours)
    effect = SimpleNamespace(of_survey=lambda survey: survey.logits[:, 0], clear=0.5, named=named)
    return SimpleNamespace(survey=survey, effect=effect, dressing=None, spread=10.0, areas=areas or {},
                           config=TrainConfig(**settings), prompt=SimpleNamespace(parts={"skin": 0.4, "hair": 1.0}), generator=SimpleNamespace(num_ws=ROWS))


@pytest.fixture(scope="module")
def target() -> ColourTarget:
    return colour_target(objective(), LAYERS)


def faces(target: ColourTarget, *colours: tuple[float, float, float]) -> torch.Tensor:
    """w+ [N, 4, 8] of these hair colours, wild in the rows that are not edited."""
    w_plus = torch.full((len(colours), ROWS, WIDTH), 50.0)
    w_plus[:, 1:3] = 0.3
    w_plus[:, 1:3, :3] = torch.tensor(colours)[:, None] / 0.4
    return w_plus


def colour_of(w_plus: torch.Tensor) -> torch.Tensor:
    return 0.4 * w_plus[:, 1:3, :3].mean(dim=1)


BLACK, RED, BLOND = (-0.8, -0.8, -0.8), (0.6, -0.5, -0.7), (0.5, 0.3, -0.3)


def test_every_face_goes_to_the_colour_from_its_own(target):
    """Black and red hair by different steps, to the edge of what blond faces are; blond hair stays, and nothing else changes."""
    before = faces(target, BLACK, RED, BLOND)
    step = target.step(before, 1.0)
    after = colour_of(before + step)
    assert (after - torch.tensor(BLOND)).norm(dim=1).max() < 0.45 < (colour_of(before)[:2] - torch.tensor(BLOND)).norm(dim=1).min()
    assert not step[2].any() and torch.nn.functional.cosine_similarity(step[0].flatten(), step[1].flatten(), dim=0) < 0.8
    assert target.read(before + step).norm(dim=1)[:2].tolist() == pytest.approx([target.radius] * 2, abs=1e-3)
    assert not step[:, [0, 3]].any() and step[..., 3:].abs().max() < 0.05 * step.abs().max()
    exact = replace(target, radius=0.0)
    assert torch.allclose(exact.read(before[:2] + exact.step(before[:2], 1.0)), torch.zeros(2, 3), atol=1e-4)


def test_who_has_the_colour_is_left_alone(target):
    """Up to half a standard deviation beyond where edits end; from one and a half on all the way is gone; half of it between."""
    unit = target.basis[:1].sum(dim=0)
    middle = faces(target, BLOND) - torch.einsum("c,cld->ld", target.read(faces(target, BLOND))[0], target.basis)
    away = torch.cat([middle + distance * unit for distance in (2.0, 2.5, 3.0)])
    steps = target.step(away, 1.0)
    assert steps[0].abs().max() < 1e-4 and target.room(away)[0].tolist() == pytest.approx([1.0, 0.5, 0.0], abs=1e-3)
    moved = [(steps[index, 1] @ unit[1] / unit[1].square().sum()).item() for index in (1, 2)]
    assert moved == pytest.approx([-0.5, -1.5], abs=1e-3) and target.radius == 1.5


def test_strengths(target):
    """Half of the way at 0.5, no more at 2, and at -1 blond faces to what the others have in the middle, which those keep."""
    before = faces(target, BLACK, BLOND)
    assert torch.allclose(target.step(before, 0.5), 0.5 * target.step(before, 1.0)) and torch.equal(target.step(before, 2.0), target.step(before, 1.0))
    assert not target.step(before, 0.0).any()
    back = target.step(before, -1.0)
    assert not back[0].any() and torch.allclose(target.read(before + back)[1], target.away, atol=1e-4) and target.lacks(before + back).tolist() == [True, True]
    several = target.step(before[:1], torch.tensor([-1.0, 0.5, 1.0]))
    assert torch.allclose(several, torch.cat([target.step(before[:1], alpha) for alpha in (-1.0, 0.5, 1.0)]))
    against, along = target.room(before)
    assert against[0] == 0 and against[1] == 1 and 0.5 < along[0] < 1 and along[1] == 0
    assert (target.read(before)[0] + 1.0).norm() > OUTSIDE and target.lacks(before).tolist() == [True, False]


@pytest.mark.parametrize("world", [
    {"more": 1.0},  # blond curls: most faces of that colour are not what is asked for
    {"visible": 0.3},  # nobody knows what colour a hat has that is not there
    {"areas": {"hair": ("beard",)}},  # part of a part: its mean colour is not what is asked for
    {"num_directions": 2}, {"space": "style"}, {"mask_mode": "outside"}, {"initial": "gradient"}, {"use_colours": False}, preset("published"),
])
def test_what_is_no_place_among_colours(world):
    assert colour_target(objective(**world), LAYERS) is None


def test_away_from_a_colour_between_all_others():
    """The middle of those that are not brown is brown: the way back leads on from there, until nobody would say so."""
    brown = objective()
    brown.effect.of_survey = lambda survey: 10 * (0.3 - survey.colours[:, HAIR].norm(dim=1))
    target = colour_target(brown, LAYERS)
    assert target.away.norm().item() == pytest.approx(AWAY, rel=1e-3) and AWAY > OUTSIDE
    before = faces(target, (0.0, 0.0, 0.0))
    assert target.lacks(before + target.step(before, -1.0)).all() and not target.lacks(before).any()


def test_what_has_no_colour_of_its_own():
    """Curls: as many colours with as without."""
    curls = objective()
    curls.effect.of_survey = lambda survey: 10 * survey.embeddings[:, 4]
    assert colour_target(curls, LAYERS) is None and 0.5 < ALONE < 1


def test_training_leaves_where_faces_arrive(target):
    """Whatever becomes of the rows, one more of a reading is one more; and at the beginning they are the target's own."""
    rows = ColourRows(target)
    assert rows.begin().square().sum(dim=2).mean(dim=1).sqrt().tolist() == pytest.approx([1.0] * 3)
    assert torch.allclose(rows.targeted(rows.begin()).basis, target.basis, atol=1e-5)
    parameters = (rows.begin() + torch.randn(rows.begin().shape, generator=torch.Generator().manual_seed(2))).requires_grad_()
    learned = rows.targeted(parameters)
    before = faces(target, BLACK, RED)
    arrived = [some.read(before + some.step(before, 1.0)) for some in (target, learned)]
    assert torch.allclose(*arrived, atol=1e-3) and not torch.allclose(target.basis, learned.basis, atol=0.1)
    assert not learned.basis[:, [0, 3]].any()
    learned.step(before, 1.0).square().sum().backward()
    assert parameters.grad.abs().min() > 0


def direction(target: ColourTarget, **changes) -> Direction:
    found, deltas, distance = described_colour(target, LAYERS)
    return replace(Direction(deltas, tuple(LAYERS), "a person with blonde hair", "hair", "tiny", "0" * 64, (distance,), colour=found), **changes)


def test_a_direction_of_a_colour(target):
    """Its one delta is the step from the middle of other colours; an edit of some layers keeps the others; it has ends."""
    made, before = direction(target), faces(target, BLACK, BLOND)
    assert torch.allclose(made.step(1.0), torch.einsum("c,cld->ld", -target.away, target.basis), atol=1e-5)
    assert made.deltas[0, LAYERS].square().sum(dim=1).mean().item() == pytest.approx(1.0) and made.has_ends
    assert torch.equal(made.step_from(before, 1.0), target.step(before, 1.0))
    some = made.step_from(before, 1.0, layers=[2])
    assert torch.equal(some[:, 2], target.step(before, 1.0)[:, 2]) and not some[:, 1].any()
    left = made.strength_left(before, torch.tensor([0.5, 1.0]))
    assert left[1] == 0 and left[0] == 0.5 * target.room(before)[1][0]


def test_files_keep_a_colour(target):
    made = replace(direction(target), colour=replace(direction(target).colour, radius=0.5))
    found = direction_from_bytes(made.to_bytes())
    assert found.to_bytes() == made.to_bytes() and found.colour.radius == 0.5
    assert torch.equal(found.step_from(faces(target, RED), 1.0), made.step_from(faces(target, RED), 1.0))


@pytest.mark.parametrize("tensors, settings, reason", [
    ({"colour_away": None}, {"radius": 1.0}, "a colour needs both the tensors"),
    ({}, None, "a colour needs both the tensors"),
    ({"colour_away": torch.zeros(2)}, {"radius": 1.0}, r"must be finite floats \[D, C\], \[C\], \[C, L, D\] and \[C\]"),
    ({"colour_basis": torch.zeros(3, ROWS, WIDTH - 1)}, {"radius": 1.0}, "must be finite floats"),
    ({"colour_readout": torch.full((WIDTH, 3), torch.inf)}, {"radius": 1.0}, "must be finite floats"),
    ({"colour_offset": torch.zeros(3, dtype=torch.int32)}, {"radius": 1.0}, "must be finite floats"),
    ({}, {"radius": -1.0}, "the radius of a colour is -1.0; accepted: 0 to 10"),
    ({}, {"radius": True}, "the radius of a colour is True"),
    ({}, [1.0], "the radius of a colour is None"),
])
def test_damaged_colours_are_refused(target, tensors, settings, reason):
    made = direction(target)
    found = {name: tensor for name, tensor in {**load(made.to_bytes()), **tensors}.items() if tensor is not None}
    header = {**made.describe(), "colour": settings}
    if settings is None:
        del header["colour"]
    with pytest.raises(ValueError, match=f"damaged direction: .*{reason}"):
        direction_from_bytes(save(found, metadata={FORMAT: json.dumps(header)}))


@pytest.mark.parametrize("text, axes", [("a person with grey hair", 3), ("a person with blue eyes", 2)])
def test_colours_of_the_pack(portraits, text, axes):
    assert first_direction(portraits, parse_prompt(text, portraits)).colour.basis.shape[:2] == (axes, portraits.generator.num_ws)


@pytest.mark.parametrize("text", ["a person with curly hair", "a person with curly blonde hair", "a person with a moustache"])
def test_what_the_pack_does_not_take_for_a_colour(portraits, text):
    assert first_direction(portraits, parse_prompt(text, portraits)).colour is None


@torch.no_grad()
def test_grey_hair_is_grey_from_black_and_from_red(portraits):
    """One step for all faces made black hair blue and red hair pink: now the channels of every picture's hair lie close together."""
    grey = first_direction(portraits, parse_prompt("a person with grey hair", portraits))
    survey = Objective(portraits, parse_prompt("a person with grey hair", portraits), TrainConfig()).survey
    colours, there = part_colour(survey.shares, survey.colours, "hair")
    black = there & (colours.amax(dim=1) < -0.4)
    red = there & (colours[:, 0] > 0.2) & (colours[:, 1:].amax(dim=1) < -0.2)
    w_plus = survey.w[torch.cat([some.nonzero()[:4, 0] for some in (black, red)])][:, None].expand(-1, portraits.generator.num_ws, -1)
    images = portraits.generator.synthesis(w_plus + grey.step_from(w_plus, 1.0)).clamp(-1, 1)
    seen = class_colours(images, portraits.parser(images).argmax(dim=1))["colours"][:, HAIR]
    assert len(seen) == 8 and (seen.amax(dim=1) - seen.amin(dim=1)).max() < 0.25 and seen.mean(dim=1).min() > 0.05


@torch.no_grad()
def test_a_second_edit_of_the_same_colour_finds_nothing_left(portraits):
    grey = first_direction(portraits, parse_prompt("a person with grey hair", portraits))
    seed = next(seed for seed in range(62, 99) if float(grey.strength_left(base_latent(portraits, seed, 1.0), 1.0)) > 0.6)
    w_plus, twice = base_latent(portraits, seed, 1.0), EditStack((Edit(grey, 1.0), Edit(grey, 1.0)))
    assert [is_at_its_end(w_plus, twice, place) for place in (0, 1)] == [False, True]
    freed = apply(w_plus, EditStack((Edit(grey, 2.0, free=True),)))
    assert torch.allclose(freed, w_plus + 2.0 * grey.step(1.0)), "past its end, an edit is one step for all"


def test_a_named_colour_that_no_face_has_is_arrived_at():
    """From black and from red hair to the same violet, on all axes; if it is too far off, towards it, as far as pictures bear."""
    violet = NamedColour("hair", (135, 80, 190))
    target = colour_target(objective(named=violet), LAYERS)
    assert target.basis.shape[0] == 3
    before = faces(target, BLACK, RED)
    exact = replace(target, radius=0.0)
    assert torch.allclose(colour_of(before + exact.step(before, 1.0)), violet.values.expand(2, 3), atol=0.03)
    near = objective(named=violet)
    near.spread = 0.5
    held = colour_target(near, LAYERS)
    assert held.typical()[LAYERS].square().sum(dim=1).mean().sqrt().item() == pytest.approx(FURTHEST * 0.5, rel=1e-3)
    step = replace(held, radius=0.0).step(before, 1.0)
    ways = [(violet.values - colour_of(some)).norm(dim=1) for some in (before, before + step)]
    assert (ways[1] < ways[0]).all() and (ways[1] > 0.1).all()


def test_a_named_colour_is_judged_by_the_picture(portraits):
    """The survey's blue backgrounds are found without CLIP or the classifier; the judge of pictures says the same of the same samples."""
    objective = Objective(portraits, parse_prompt("a person in front of a blue background", portraits), TrainConfig())
    effect, rows = objective.effect, objective.survey.part(slice(0, 16))
    assert effect.judge == "colour" and effect.asked == {} and parse_prompt("a yellow background", portraits).unknown_words == ()
    images = portraits.generator.synthesis(rows.w[:, None].expand(-1, portraits.generator.num_ws, -1))
    assert torch.allclose(objective.scores(images), effect.of_survey(rows), atol=0.02) and objective.scores(images).std() > 0.2
    assert Objective(portraits, objective.prompt, TrainConfig(use_colours=False)).effect.judge == "clip"


@torch.no_grad()
def test_pink_hair_is_pink(portraits):
    """CLIP has never seen any; the first direction reaches it on every face that has hair."""
    prompt = parse_prompt("a person with pink hair", portraits)
    pink, objective = first_direction(portraits, prompt), Objective(portraits, prompt, TrainConfig())
    survey = objective.survey.part(slice(0, 12))
    w_plus = survey.w[survey.shares[:, HAIR] > 0.02][:8, None].expand(-1, portraits.generator.num_ws, -1)
    before, after = (portraits.generator.synthesis(some) for some in (w_plus, w_plus + pink.step_from(w_plus, 1.0)))
    assert (objective.scores(before) < 0).all() and (objective.scores(after) > 0).float().mean() >= 0.75
    assert prompt.explanation == "Because of “pink hair”. The colour itself is the goal."


SHORT = TrainConfig(steps=4, batch_size=1, resolution=64, layers="5-7", preview_every=4, checkpoint_every=1, report=False)


def test_a_colour_is_learned_and_a_stopped_run_ends_the_same(portraits, tmp_path):
    prompt = parse_prompt("a person with grey hair", portraits)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = list(train_direction(portraits, prompt, SHORT, whole))[-1]
    taken = []
    list(train_direction(portraits, prompt, SHORT, parts, stop=lambda: len(taken) == 2 or taken.append(1)))
    list(train_direction(portraits, prompt, SHORT, parts, resume=True))
    assert (whole / "direction.safetensors").read_bytes() == (parts / "direction.safetensors").read_bytes()
    learned = direction_from_bytes(done.direction.read_bytes())
    first = first_direction(portraits, prompt, SHORT)
    assert learned.layers == (5, 6, 7) and not learned.colour.basis[:, :5].any() and not torch.equal(learned.colour.basis, first.colour.basis)
    assert learned.quality["reached"] is not None and done.preview.is_file()


def test_a_named_colour_needs_no_learning(portraits, tmp_path):
    """It is measured, shown, and saved as it begins; what CLIP says of it counts nowhere."""
    prompt = parse_prompt("a person in a red shirt", portraits)
    states = list(train_direction(portraits, prompt, SHORT, tmp_path / "run"))
    assert [progress.state for progress in states] == ["calibrating", "done"] and states[-1].preview.is_file()
    told = json.loads((tmp_path / "run" / "status.json").read_text())
    assert {(progress.step, progress.steps) for progress in states} == {(0, 0)} and (told["step"], told["steps"]) == (0, 0), "no step was taken"
    learned, first = direction_from_bytes(states[-1].direction.read_bytes()), first_direction(portraits, prompt, SHORT)
    assert torch.allclose(learned.colour.basis, first.colour.basis, atol=1e-5) and learned.quality["judge"] == "colour" and learned.quality["reached"] > 0.5


def test_no_layers_are_chosen_by_what_clip_says_for_a_colour_that_it_does_not_know(portraits, tmp_path):
    *_, done = train_direction(portraits, parse_prompt("a person with purple hair", portraits), replace(SHORT, layers="auto"), tmp_path / "run")
    learned = direction_from_bytes(done.direction.read_bytes())
    assert learned.layers == tuple(range(rows_seen(SHORT, portraits.resolution))) and learned.quality["reached"] > 0.5


def test_only_faces_of_other_colours_are_trained_on(portraits, tmp_path, monkeypatch):
    prompt = parse_prompt("a person with grey hair", portraits)
    run = RunFolder(tmp_path / "run")
    run.create(describe_run(portraits, prompt, SHORT))
    training = Training(portraits, prompt, replace(SHORT, batch_size=3), run, lambda: False)
    seen = []
    for name, stub in (("before", lambda w_plus, lowest: seen.append(w_plus)), ("losses", lambda *given: {}), ("total", lambda *given: None)):
        monkeypatch.setattr(training.objective, name, stub)
    for step in range(1, 6):
        training.colour_losses(step)
    assert len(seen) == 5 and all(len(some) == 3 and bool(training.colour.target.lacks(some).all()) for some in seen)
