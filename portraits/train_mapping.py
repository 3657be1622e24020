"""The built-in generator's mapping network: which w belongs to a latent z.

A latent's factors, scaled to a mean square of 1 as StyleGAN2 does, are those of a drawn face (`scene.make_scene`), and
its w must be that face's appearance. Most factors act through narrow switches (a hat is on or off), so the first layer
starts with its kinks where the appearance bends, and the rest is regression on endless samples. Some switches act on a
factor that leans with the sexes (`quantities.LEANS`): the second layer starts with theirs. Where it did not, one sample in
eight wore half a necklace.

The last layer of a mapping network has a leaky ReLU, so each standardised entry x of the appearance is stored as a pair,
leaky(x) and leaky(-x), whose difference is 1.2 x: `lift` makes the synthesis network read just that.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from portraits.quantities import LEANS, lean_of
from portraits.scene import FACTORS, NUM_FACTORS, appearance, make_scene
from portraits.train_generator import Basis
from stylegan2.generator import Generator

SLOPE, GAIN = 0.2, math.sqrt(2)  # of the leaky ReLU
Layers = tuple[list[torch.Tensor], list[torch.Tensor]]  # weights and biases
LEARNING_RATE = 2e-3  # at its highest
W_DIM = 512  # of the finished generator, which its directions are made for
MOST_KNOTS = 8


def knots_each(w_dim: int) -> int:
    """How many kinks the first layer spends on each factor: even, at most `MOST_KNOTS`. ValueError where there is no room for two."""
    count = min(MOST_KNOTS, w_dim // NUM_FACTORS // 2 * 2)
    if count < 2:
        raise ValueError(f"w_dim {w_dim} is too small; 2 kinks for each of {NUM_FACTORS} factors need {2 * NUM_FACTORS}")
    return count


@torch.no_grad()
def lift(trained: Generator, basis: Basis, w_dim: int = W_DIM, num_mapping_layers: int = 3) -> Generator:
    """A generator with a wider W that draws the same: from w = x @ rotation [D] to pairs of x [w_dim], x [P] standardised."""
    size = len(basis.rotation)
    if w_dim < 2 * size:
        raise ValueError(f"w_dim {w_dim} is too small; {size} pairs need at least {2 * size}")
    config = dataclasses.replace(trained.config, w_dim=w_dim, num_mapping_layers=num_mapping_layers)
    lifted = Generator(config)
    state = {name: value for name, value in trained.state_dict().items() if not name.startswith("mapping.")}
    for name, weight in state.items():
        if name.endswith("affine.weight"):
            read = weight @ basis.rotation.t() / (GAIN * (1 + SLOPE) * math.sqrt(trained.w_dim))
            state[name] = F.pad(torch.cat([read, -read], 1), (0, w_dim - 2 * size)) * math.sqrt(w_dim)
    lifted.load_state_dict({**lifted.state_dict(), **state})
    return lifted


def pairs(standardised: torch.Tensor, w_dim: int) -> torch.Tensor:
    """x [N, P] -> w [N, w_dim]: what the mapping network's output layer makes of (x, -x, 0 ...)."""
    both = F.leaky_relu(torch.cat([standardised, -standardised], 1), SLOPE) * GAIN
    return F.pad(both, (0, w_dim - both.shape[1]))


def fit_mapping(generator: Generator, basis: Basis, steps: int = 25_000, batch_size: int = 512, pool: int = 150_000,
                faces: int = 4, seed: int = 0, start: Layers | None = None, learning_rate: float = LEARNING_RATE) -> Iterator[dict]:
    """Train `generator.mapping` and set its `w_avg`; yields {step, error}, the root mean square error of an entry of x.

    Kinks are placed by how the appearance of `faces` random faces bends, unless there are layers to `start` from
    (`shipped.mapping_layers`); `pool` latents are learned from. ValueError for layers of other sizes.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, 1]))
    z, x = _pool(basis, random, pool)
    weights, biases = start or _initial_layers(generator, basis, z[:20_000], x[:20_000], faces, seed)
    _check(generator, len(basis.mean), weights)
    parameters = [tensor.requires_grad_() for tensor in weights + biases]
    optimiser = torch.optim.Adam(parameters, betas=(0.9, 0.99))
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps)) * min(1.0, (step + 1) / 100)
        picked = torch.from_numpy(random.integers(0, pool, batch_size))
        error = (_forward(z[picked], weights, biases) - x[picked]).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        yield {"step": step + 1, "error": error.sqrt().item()}
    _store(generator, weights, biases)
    with torch.no_grad():
        generator.mapping.w_avg.copy_(generator.mapping.w(z[:50_000]).mean(0))


def _check(generator: Generator, size: int, weights: list[torch.Tensor]) -> None:
    width, middle = generator.w_dim, generator.config.num_mapping_layers - 2
    expected = [(width, generator.z_dim), *[(width, width)] * middle, (size, width)]
    found = [tuple(weight.shape) for weight in weights]
    if found != expected:
        raise ValueError(f"a mapping network of layers {found} cannot start the training of one of {expected}")


def _normalised(z: torch.Tensor) -> torch.Tensor:
    return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)


def _pool(basis: Basis, random: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents [N, factors] and their standardised appearance [N, P]."""
    z = torch.from_numpy(random.standard_normal((count, NUM_FACTORS)).astype(np.float32))
    appearances = np.stack([appearance(make_scene(g)) for g in _normalised(z).double().numpy()])
    return z, (torch.from_numpy(appearances.astype(np.float32)) - basis.mean) / basis.spread


def _forward(z: torch.Tensor, weights, biases) -> torch.Tensor:
    """z -> x: the mapping network without its last activation."""
    hidden = _normalised(z)
    for weight, bias in zip(weights[:-1], biases[:-1]):
        hidden = F.leaky_relu(F.linear(hidden, weight, bias), SLOPE) * GAIN
    return F.linear(hidden, weights[-1], biases[-1])


def _initial_layers(generator: Generator, basis: Basis, z, x, faces: int, seed: int) -> Layers:
    """First layer: kinks of single factors; second: of those that lean, and random ones; further ones: random. The last by least squares on (z, x)."""
    width, noise = generator.w_dim, torch.Generator().manual_seed(seed)
    knots = torch.from_numpy(bends(basis, knots_each(width), faces)).float()  # [factors, each]
    layers = [_kinks(torch.eye(NUM_FACTORS), torch.zeros(NUM_FACTORS), knots, width)]
    for _ in range(generator.config.num_mapping_layers - 2):
        layers.append((torch.randn(width, width, generator=noise) / math.sqrt(width), torch.zeros(width)))
    if len(layers) > 1:
        leaning = [FACTORS.index(name) for name in LEANS]
        read = _least_squares(_hidden(z, layers[:1]), leaned(_normalised(z))[:, leaning])
        used = knots[leaning].numel()
        for own, kinked in zip(layers[1], _kinks(*read, knots[leaning], width)):
            own[:used] = kinked[:used]
    layers.append(_least_squares(_hidden(z, layers), x))
    weights, biases = zip(*layers)
    return list(weights), list(biases)


def leaned(z: torch.Tensor) -> torch.Tensor:
    """The factors [N, factors] as the world's switches see them: those of `LEANS` moved by how feminine the face is."""
    moved = z.clone()
    lean = torch.tensor([lean_of(feminine) for feminine in z[:, FACTORS.index("feminine")].tolist()]).to(z)
    for name, move in LEANS.items():
        moved[:, FACTORS.index(name)] += move * lean
    return moved


def _kinks(read: torch.Tensor, start: torch.Tensor, knots: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A layer [width, inputs] whose first units bend where what `read` [K, inputs] and `start` [K] make of its inputs is at a knot.

    knots [K, each]: the lower half of each row is looked at from above, the upper from below. The other units are zero.
    """
    each = knots.shape[1]
    signs = torch.tensor([-1.0] * (each // 2) + [1.0] * (each // 2)).repeat(len(knots))
    weight, offset = torch.zeros(width, read.shape[1]), torch.zeros(width)
    weight[: len(signs)] = signs[:, None] * read.repeat_interleave(each, 0)
    offset[: len(signs)] = signs * (start.repeat_interleave(each) - knots.flatten())
    return weight, offset


def _hidden(z: torch.Tensor, layers) -> torch.Tensor:
    """What the last of these layers gives for latents z, after its activation."""
    identity = torch.eye(len(layers[-1][1]))
    return _forward(z, [weight for weight, _ in layers] + [identity], [offset for _, offset in layers] + [torch.zeros(len(identity))])


def _least_squares(inputs: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight [K, inputs] and bias [K] that make `wanted` [N, K] of `inputs` [N, inputs], with a small ridge."""
    inputs = F.pad(inputs, (0, 1), value=1.0)
    gram = inputs.t() @ inputs / len(inputs) + 1e-4 * torch.eye(inputs.shape[1])
    solution = torch.linalg.solve(gram, inputs.t() @ wanted / len(inputs))
    return solution[:-1].t().contiguous(), solution[-1].clone()


def bends(basis: Basis, each: int, faces: int = 4, seed: int = 1) -> np.ndarray:
    """Where the appearance bends along each factor: knots [factors, each], denser where the curvature is larger.

    Looked at in faces that lean to neither sex, so that the knots of what leans are those of its switch.
    """
    random, grid = np.random.Generator(np.random.Philox(seed)), np.linspace(-2.6, 2.6, 181)
    base, spread = 0.5 * random.standard_normal((faces, NUM_FACTORS)), basis.spread.numpy()
    base[:, FACTORS.index("feminine")] = 0.0
    knots = np.empty((NUM_FACTORS, each))
    for factor in range(NUM_FACTORS):
        density = np.zeros(len(grid) - 2)
        for g in base:
            moved = np.repeat(g[None], len(grid), 0)
            moved[:, factor] = grid
            response = np.stack([appearance(make_scene(row)) for row in moved]) / spread
            density += np.sqrt(np.linalg.norm(np.diff(response, 2, axis=0), axis=1))
        total = np.cumsum(0.85 * density / max(density.sum(), 1e-9) + 0.15 / len(density))
        knots[factor] = np.interp((np.arange(each) + 0.5) / each, total, grid[1:-1])
    return knots


@torch.no_grad()
def _store(generator: Generator, weights, biases) -> None:
    """Put plain layers into the mapping network, whose stored weights are scaled when used."""
    mapping, pad = generator.mapping, generator.w_dim - 2 * len(biases[-1])
    weights = [*weights[:-1], F.pad(torch.cat([weights[-1], -weights[-1]]), (0, 0, 0, pad))]
    biases = [*biases[:-1], F.pad(torch.cat([biases[-1], -biases[-1]]), (0, pad))]
    for i, (weight, bias) in enumerate(zip(weights, biases)):
        layer = getattr(mapping, f"fc{i}")
        layer.weight.copy_(weight / layer.weight_gain)
        layer.bias.copy_(bias / layer.bias_gain)
