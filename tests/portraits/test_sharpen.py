"""The adversarial phase: what the critic minimises, how far it is heard, which weights are kept, and that a run goes on."""

import numpy as np
import pytest
import torch

from portraits.pictures import Pictures
from portraits.scene import NUM_FACTORS, appearance, sample
from portraits.sharpen import CONTRAST, Critic, Sharpener, Sharpening, detail, r1_penalty, sharpen
from portraits.train_generator import SynthesisTraining, new_trainer, synthesis_config
from stylegan2.discriminator import DiscriminatorConfig
from stylegan2.generator import GeneratorConfig

W_DIM = synthesis_config("cpu", 32).w_dim
SMALL = GeneratorConfig(resolution=32, z_dim=NUM_FACTORS, w_dim=W_DIM, num_mapping_layers=3, channel_base=256, channel_max=16)
SETTINGS = Sharpening(minutes=1.0, batch_size=4, crop=16, channel_base=128, channel_max=8, penalty_every=2)


@pytest.fixture(scope="module")
def appearances() -> np.ndarray:
    return np.stack([appearance(sample(3, i)) for i in range(24)]).astype(np.float32)


def pictures():
    rng = np.random.default_rng(0)
    return Pictures(rng.integers(0, 255, (24, 32, 32, 3), dtype=np.uint8), rng.integers(0, 19, (24, 32, 32), dtype=np.uint8))


def sharpener_for(appearances) -> Sharpener:
    return Sharpener(new_trainer(appearances, SMALL, SynthesisTraining(batch_size=4), torch.float32), SETTINGS)


def ticks():
    return iter(range(10_000)).__next__


def test_r1_is_the_squared_gradient_of_the_critic():
    torch.manual_seed(0)
    critic = Critic(DiscriminatorConfig(8, 32, 8, group_size=1), w_dim=3)
    real, condition = torch.randn(2, 3, 8, 8), torch.randn(2, 5)
    penalty = r1_penalty(critic, real, condition, gamma=3.0)
    point = real.double().requires_grad_()
    gradient, = torch.autograd.grad(critic.float()(point.float(), condition).sum(), point)
    assert penalty.item() == pytest.approx(1.5 * gradient.square().sum((1, 2, 3)).mean().item(), rel=1e-4)
    penalty.backward()
    assert critic.b8.conv0.weight.grad.abs().sum() > 0


def test_the_critic_looks_at_the_face_it_is_told_of():
    torch.manual_seed(0)
    critic = Critic(DiscriminatorConfig(8, 32, 8, group_size=1), w_dim=3)
    image = torch.randn(1, 3, 8, 8).expand(2, -1, -1, -1)
    one, other = critic(image, torch.tensor([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]]))
    assert one != other


def test_the_adversarial_gradient_has_its_share(appearances):
    sharpener = sharpener_for(appearances)
    drawn, target, weights = torch.randn(4, 3, 32, 32), torch.randn(4, 3, 32, 32), torch.ones(4, 1, 32, 32)
    crop, condition = sharpener._crop(32, torch.randn(4, W_DIM))
    sharpener.share = 0.0
    _, regression = sharpener._on_picture(drawn.clone(), target, weights, crop, condition)
    sharpener.share = 0.25
    _, both = sharpener._on_picture(drawn.clone(), target, weights, crop, condition)
    assert (both - regression).norm().item() == pytest.approx(0.25 * regression.norm().item(), rel=1e-3)


def test_worse_pictures_are_not_kept_and_the_critic_is_heard_less(appearances):
    sharpener = sharpener_for(appearances)
    name = "synthesis.b4.const"
    before = sharpener.accepted[name].clone()
    sharpener.begin(0.1)
    with torch.no_grad():
        sharpener.trainer.average.state_dict()[name].add_(1)
    assert not sharpener.judge(0.1 * (1 + 2 * SETTINGS.tolerance))
    assert torch.equal(sharpener.accepted[name], before) and sharpener.share == SETTINGS.share / 2
    assert sharpener.judge(0.1)
    assert torch.equal(sharpener.accepted[name], before + 1) and SETTINGS.share / 2 < sharpener.share <= SETTINGS.share


def test_a_killed_phase_goes_on_where_it_was(appearances, tmp_path):
    sharpener = sharpener_for(appearances)
    sharpener.begin(0.2)
    steps = sharpen(sharpener, pictures(), appearances, ticks())
    for _ in range(3):
        next(steps)
    sharpener.save(tmp_path / "sharpen.pt")
    following = next(steps)
    again = sharpener_for(appearances)
    again.load(tmp_path / "sharpen.pt")
    resumed = next(sharpen(again, pictures(), appearances, ticks()))
    assert resumed == following and again.limit == sharpener.limit


def test_the_phase_ends_with_its_minutes(appearances):
    sharpener = sharpener_for(appearances)
    steps = sharpen(sharpener, pictures(), appearances, iter(range(0, 1000, 20)).__next__)
    assert [round(s["progress"], 2) for s in steps] == [0.33, 0.67, 1.0]


def test_detail_is_what_a_blur_takes_away():
    flat = torch.full((1, 3, 16, 16), 0.7)
    assert detail(flat).abs().max() < 1e-5
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 3, 16, 16)
    inside = detail(stripes)[..., 3:-3, 3:-3]  # a box of 5 holds three of one and two of the other: a mean of a fifth
    assert inside.abs().min() == pytest.approx(CONTRAST * 0.8, rel=1e-5) and (inside * stripes[..., 3:-3, 3:-3] > 0).all()


def test_the_critic_soon_tells_soft_pictures_from_drawn_ones():
    """Shown whole pictures, it could not: they are the same but for their detail."""
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.randn(8, 3, 4, 4), 32, mode="bicubic")
    drawn, condition = smooth + 0.05 * torch.randn(8, 3, 32, 32), torch.zeros(8, 5)
    critic = Critic(DiscriminatorConfig(32, 256, 16), w_dim=3)
    optimiser = torch.optim.Adam(critic.parameters(), Sharpening.critic_rate, betas=(0.0, 0.99))
    for _ in range(30):
        optimiser.zero_grad()
        (torch.nn.functional.softplus(-critic(drawn, condition)) + torch.nn.functional.softplus(critic(smooth, condition))).mean().backward()
        optimiser.step()
    assert (critic(drawn, condition) - critic(smooth, condition)).mean() > 0.3  # shown whole pictures: 0.002
