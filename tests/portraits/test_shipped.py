"""From a pack's generator back to the one that is trained: the same pictures, whatever the new training standardises by."""

import json

import numpy as np
import pytest
import torch

from packs.files import add_files
from packs.pack import load_pack
from portraits import train_mapping
from portraits.scene import NUM_FACTORS, appearance, appearance_names, sample
from portraits.shipped import APPEARANCE, Standard, mapping_layers, translate, unlift
from portraits.train_generator import Basis, SynthesisTraining, new_trainer, synthesis_config
from stylegan2.checkpoints import load_generator, save_generator
from stylegan2.generator import Generator, GeneratorConfig

W_DIM = synthesis_config("cpu", 32).w_dim
SMALL = GeneratorConfig(resolution=32, z_dim=NUM_FACTORS, w_dim=W_DIM, num_mapping_layers=3, channel_base=256, channel_max=16)


@pytest.fixture(scope="module")
def appearances() -> np.ndarray:
    return np.stack([appearance(sample(3, i)) for i in range(60)]).astype(np.float32)


@pytest.fixture(scope="module")
def trained(appearances):
    """A generator with its basis; its weights are random, and every layer is seen in the picture."""
    trainer = new_trainer(appearances[:30], SMALL, SynthesisTraining(), torch.float32)
    generator = trainer.generator.requires_grad_(False)
    for name, parameter in generator.synthesis.named_parameters():
        if name.endswith("torgb.weight"):
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    return generator, trainer.basis


def pictures(generator: Generator, w: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return generator.synthesis(w[:, None].expand(-1, generator.num_ws, -1))


@pytest.mark.parametrize("count, seed", [(30, 0), (60, 5)], ids=["same basis", "other samples and rotation"])
def test_unlifted_generator_draws_the_same(trained, appearances, count, seed):
    generator, basis = trained
    new_basis, faces = Basis.fit(torch.from_numpy(appearances[:count]), W_DIM, seed), torch.from_numpy(appearances[:4])
    again = Generator(SMALL)
    unlift(train_mapping.lift(generator, basis), Standard.of(basis), again, new_basis)
    wanted = pictures(generator, basis.w(faces))
    assert wanted.std(0).mean() > 0.01, "faces differ, or this proves nothing"
    torch.testing.assert_close(pictures(again, new_basis.w(faces)), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(pictures(train_mapping.lift(again, new_basis), standard_pairs(new_basis, faces)), wanted, atol=1e-4, rtol=1e-4)


def standard_pairs(basis: Basis, appearances: torch.Tensor) -> torch.Tensor:
    return train_mapping.pairs((appearances - basis.mean) / basis.spread, train_mapping.W_DIM)


def test_what_was_stored_in_half_precision_draws_nearly_the_same(trained, appearances, tmp_path):
    generator, basis = trained
    again, faces = Generator(SMALL), torch.from_numpy(appearances[:4])
    stored = load_generator(save_generator(train_mapping.lift(generator, basis), tmp_path / "g.safetensors"))
    unlift(stored, Standard.of(basis), again, basis)
    wanted, found = pictures(generator, basis.w(faces)), pictures(again, basis.w(faces))
    assert 0 < (found - wanted).abs().max() < 0.02 * wanted.std()


def test_mapping_network_goes_on_where_it_was(trained, appearances):
    generator, basis = trained
    lifted = train_mapping.lift(generator, basis)
    errors = [p["error"] for p in train_mapping.fit_mapping(lifted, basis, steps=30, batch_size=64, pool=3000, faces=1)]
    other = Basis.fit(torch.from_numpy(appearances), W_DIM, seed=5)
    z = torch.randn(8, NUM_FACTORS)
    weights, biases = mapping_layers(lifted, Standard.of(basis), other)
    x = train_mapping._forward(z, weights, biases)
    lifted_x = train_mapping._forward(z, *mapping_layers(lifted, Standard.of(basis), basis))
    torch.testing.assert_close(x * other.spread + other.mean, lifted_x * basis.spread + basis.mean, atol=1e-3, rtol=1e-3)
    assert torch.allclose(train_mapping.pairs(lifted_x, 512), lifted.mapping.w(z), atol=1e-3)
    again = train_mapping.lift(generator, basis)
    start = mapping_layers(lifted, Standard.of(basis), basis)
    first = next(train_mapping.fit_mapping(again, basis, steps=30, batch_size=64, pool=3000, start=start))["error"]
    assert first < errors[0] and first < 1.1 * errors[-1]


def test_entries_are_matched_by_their_names():
    one, two = torch.tensor([1.0, 2.0]).double(), torch.tensor([2.0, 4.0]).double()
    source, target = Standard(("age", "gone"), one, two), Standard(("new", "age"), two, one)
    matrix, offset = translate(source, target)  # age: mean 1, spread 2 -> mean 4, spread 2
    assert matrix.tolist() == [[0, 0], [1, 0]] and offset.tolist() == [0, -1.5]


def test_other_mapping_networks_are_refused(trained):
    generator, basis = trained
    fewer = train_mapping.lift(generator, basis, num_mapping_layers=2)
    with pytest.raises(ValueError, match="mapping network of layers"):
        next(train_mapping.fit_mapping(train_mapping.lift(generator, basis), basis, pool=100, start=mapping_layers(fewer, Standard.of(basis), basis)))


def test_a_pack_tells_what_its_w_means(copied_pack, trained):
    basis = trained[1]
    add_files(copied_pack, {APPEARANCE: Standard.of(basis).to_json()})
    found = Standard.of_pack(load_pack(copied_pack))
    assert found.names == appearance_names() and torch.equal(found.mean, basis.mean.double()) and torch.equal(found.spread, basis.spread.double())


@pytest.mark.parametrize("text, sentence", [("{}", "does not describe"), (json.dumps({"names": ["a"], "mean": [1, 2], "spread": [1]}), "1 names, 2 means")])
def test_a_pack_that_tells_nonsense_is_refused(copied_pack, text, sentence):
    add_files(copied_pack, {APPEARANCE: text.encode()})
    with pytest.raises(ValueError, match=sentence):
        Standard.of_pack(load_pack(copied_pack))


def test_a_pack_that_does_not_tell_is_named(copied_pack):
    with pytest.raises(ValueError, match=f"has no {APPEARANCE}"):
        Standard.of_pack(load_pack(copied_pack))
