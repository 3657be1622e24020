"""Inversion finds a latent that draws the target, stays near where edits work, and can be stopped, repeated and started anywhere."""

import pytest
import torch

from stylegan2.generator import Generator, GeneratorConfig
from stylegan2.inversion.optimise import Inversion, average_start, invert, pixel_distance, spread


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(3)
    made = Generator(GeneratorConfig(resolution=32, z_dim=8, w_dim=8, num_mapping_layers=2, channel_base=256, channel_max=16))
    made.mapping.track_average(made.mapping.w(torch.randn(1000, 8)), decay=0.0)
    return made


@pytest.fixture(scope="module")
def target(generator):
    with torch.no_grad():
        return generator(torch.randn(2, 8, generator=torch.Generator().manual_seed(1)))


def last(steps):
    *_, final = steps
    return final


def test_the_picture_is_found_again(generator, target):
    told = list(invert(generator, target, average_start(generator), settings=Inversion(steps=120, patience=120)))
    first, final = told[0], told[-1]
    assert (first.step, first.finished, final.finished) == (0, False, True)
    assert torch.allclose(first.w_plus, average_start(generator).expand_as(first.w_plus))
    assert (final.pixel < 0.35 * first.pixel).all()
    with torch.no_grad():  # picture and latent belong together
        assert torch.allclose(generator.synthesis(final.w_plus), final.image, atol=1e-5)
    assert pixel_distance(final.image, target).tolist() == pytest.approx(final.pixel.tolist(), rel=1e-4)


def test_the_loss_that_is_told_never_rises(generator, target):
    losses = [told.loss for told in invert(generator, target, average_start(generator), settings=Inversion(steps=30, learning_rate=0.5))]
    assert all((after <= before).all() for before, after in zip(losses, losses[1:]))


def test_each_picture_is_searched_for_on_its_own(generator, target):
    settings = Inversion(steps=10)
    together = last(invert(generator, target, average_start(generator), settings=settings)).w_plus
    alone = last(invert(generator, target[1:], average_start(generator), settings=settings)).w_plus
    assert torch.allclose(together[1:], alone, atol=1e-3)


def test_a_good_start_is_kept(generator):
    with torch.no_grad():
        w_plus = generator.mapping(torch.randn(1, 8, generator=torch.Generator().manual_seed(2)))
        image = generator.synthesis(w_plus)
    final = last(invert(generator, image, w_plus, settings=Inversion(steps=60, patience=5)))
    assert final.step == 5 and torch.equal(final.w_plus, w_plus)


def test_a_pull_keeps_w_near_the_start_and_its_rows_together(generator, target):
    def strayed(**changes):
        final = last(invert(generator, target, average_start(generator), settings=Inversion(steps=60, **changes)))
        step = (final.w_plus - average_start(generator)) / spread(generator)
        return step.square().mean().item(), (step - step.mean(1, keepdim=True)).square().mean().item()

    free, held, together = strayed(pull=0.0, pull_apart=0.0), strayed(pull=5.0, pull_apart=5.0), strayed(pull=0.0, pull_apart=5.0)
    assert held[0] < 0.3 * free[0] and together[1] < 0.3 * free[1]


def test_the_distance_of_features_leads_too(generator, target):
    def red(images):
        return (images[:, 0] - target[:, 0]).square().mean(dim=(1, 2))

    told = list(invert(generator, target, average_start(generator), red, Inversion(steps=40, pixel_weight=0.0)))
    assert (told[-1].feature < 0.5 * told[0].feature).all()
    assert told[0].feature.tolist() == pytest.approx(red(told[0].image).tolist(), rel=1e-4)


def test_twice_the_same_and_nothing_is_left_behind(generator, target):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    with torch.no_grad():  # a page may call it so
        ends = [last(invert(generator, target, average_start(generator), settings=Inversion(steps=8))) for _ in range(2)]
    assert torch.equal(ends[0].w_plus, ends[1].w_plus)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_stopping_to_ask_cancels(generator, target):
    steps = invert(generator, target, average_start(generator))
    assert next(steps).step == 0
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_large_pictures_are_compared_smaller(generator, target):
    sizes = []

    def distance(images):
        sizes.append(tuple(images.shape[2:]))
        return images.square().mean(dim=(1, 2, 3))

    next(invert(generator, target, average_start(generator), distance, Inversion(compare_at=16)))
    assert sizes == [(16, 16)]


def test_pixel_distance_by_hand():
    a, b = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16)
    a[0] = 0.5  # differs by 0.5 at every scale
    a[1, :, ::2], a[1, :, 1::2] = 1.0, -1.0  # stripes, which the half size does not see
    assert pixel_distance(a, b).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("changes", [{"steps": -1}, {"patience": 0}, {"noise": "random"}, {"learning_rate": 0.0}, {"pull": -1.0}, {"compare_at": 4}])
def test_settings_that_mean_nothing_are_refused(changes):
    with pytest.raises(ValueError, match="accepted"):
        Inversion(**changes)


def test_shapes_that_do_not_fit_are_named(generator, target):
    with pytest.raises(ValueError, match=r"\[N, 3, 32, 32\]"):
        next(invert(generator, target[:, :, :16], average_start(generator)))
    with pytest.raises(ValueError, match="start has shape"):
        next(invert(generator, target, average_start(generator)[:, :2]))
