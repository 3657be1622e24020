"""Where the codes of parts lie: what is fitted, what is drawn from it, and how a model's file keeps it."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from baselines.semantic_vae.density import LEAST, CodeDensity, fit_densities
from baselines.semantic_vae.model import SemanticVAE, load_model, part_rows, perturb_part, sample_part, save_model
from packs.weights import read_safetensors
from segmentation.parts import CLASS_INDEX

EYES = part_rows("eyes")


class Coded:
    """Stands in for a network: the codes of a mask are what `codes` says of the number in its corner, which is a class that it shows."""

    def __init__(self, codes: torch.Tensor):
        self.codes = torch.nn.Parameter(codes)
        self.next = 0

    def parameters(self):
        yield self.codes

    def encode(self, masks: torch.Tensor) -> torch.Tensor:
        first, self.next = self.next, self.next + len(masks)
        return self.codes[first : self.next]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def density(part: str, dim: int, seed: int = 1) -> CodeDensity:
    rows = len(part_rows(part))
    return CodeDensity(torch.randn(rows, dim, generator=rng(seed)), torch.randn(2, rows, dim, generator=rng(seed + 1)))


def test_draws_have_the_mean_and_covariance_of_the_codes():
    """Codes that were drawn from a known density with two axes."""
    known = density("hair", 6)
    codes = torch.zeros(4000, 19, 6)
    codes[:, part_rows("hair")] = known.draw(4000, rng())
    fitted = fit_densities(Coded(codes), torch.full((4000, 2, 2), CLASS_INDEX["hair"]).split(500))["hair"]
    assert len(fitted.axes) == 2, "no more axes than the codes spread along"
    drawn = fitted.draw(20000, rng(5))[:, 0]
    assert torch.allclose(drawn.mean(0), known.mean[0], atol=0.1)
    spread = known.axes[:, 0].T @ known.axes[:, 0]
    assert torch.allclose(torch.cov(drawn.T), spread, atol=0.05 * spread.abs().max().item())


def test_pairs_are_drawn_together():
    """Eyes whose codes are equal on both sides stay so."""
    codes = torch.zeros(50, 19, 4)
    codes[:, EYES] = torch.randn(50, 1, 4, generator=rng()).expand(-1, 2, -1)
    found = fit_densities(Coded(codes), [torch.full((50, 2, 2), CLASS_INDEX["l_eye"])])["eyes"]
    drawn = found.draw(5, rng())
    assert torch.allclose(drawn[:, 0], drawn[:, 1], atol=1e-5) and drawn.std() > 0.1


def test_only_masks_that_show_a_part_say_where_its_codes_lie():
    codes = torch.zeros(40, 19, 4)
    masks = torch.zeros(40, 2, 2, dtype=torch.uint8)
    masks[:20], codes[:20] = CLASS_INDEX["hat"], 3.0
    masks[0] = CLASS_INDEX["nose"]
    found = fit_densities(Coded(codes), [masks])
    assert 1 < LEAST <= 19 and set(found) == {"hat", "background"}, "a nose in one mask is too little"
    assert torch.equal(found["hat"].mean, torch.full((1, 4), 3.0)) and not found["hat"].noise(3, rng()).any()


def test_a_part_is_drawn_and_perturbed_by_its_density():
    codes, densities = torch.randn(3, 19, 8, generator=rng(9)), {"eyes": density("eyes", 8)}
    drawn, noisy = sample_part(codes, "eyes", rng(), densities), perturb_part(codes, "eyes", rng(), 0.5, densities)
    assert torch.equal(drawn[:, EYES], densities["eyes"].draw(3, rng()))
    assert torch.allclose(noisy[:, EYES], codes[:, EYES] + 0.5 * densities["eyes"].noise(3, rng()))
    others = [row for row in range(19) if row not in EYES]
    assert torch.equal(drawn[:, others], codes[:, others]) and torch.equal(noisy[:, others], codes[:, others])
    nose = sample_part(codes, "nose", rng(), densities)[:, part_rows("nose")]
    assert torch.equal(nose, torch.randn(3, 1, 8, generator=rng())), "a part without a density is drawn as in the paper"


def test_a_file_keeps_them(config, tmp_path):
    model, path = SemanticVAE(config), tmp_path / "m.safetensors"
    model.densities = {"eyes": density("eyes", config.code_dim), "hair": density("hair", config.code_dim)}
    save_model(path, model)
    loaded = load_model(path)
    assert set(loaded.densities) == {"eyes", "hair"}
    for part, kept in loaded.densities.items():
        assert torch.allclose(kept.mean, model.densities[part].mean, atol=2e-3) and torch.allclose(kept.axes, model.densities[part].axes, atol=2e-3)


@pytest.mark.parametrize("name, shape, named", [("density.wing.mean", (1, 16), "of no part"), ("density.eyes.axes", (2, 1, 16), "of another shape"),
                                                ("density.nose.mean", (1, 16), "lacks a tensor")])
def test_a_damaged_one_is_named(config, tmp_path, name, shape, named):
    model, path = SemanticVAE(config), tmp_path / "m.safetensors"
    model.densities = {"eyes": density("eyes", config.code_dim)}
    save_model(path, model)
    header, _ = read_safetensors(path)
    save_file({**load_file(path), name: torch.zeros(shape)}, path, metadata=header)
    with pytest.raises(ValueError, match=named):
        load_model(path)
