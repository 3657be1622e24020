"""A state dict of rosinality's, through a file of each of PyTorch's formats, makes the pictures that rosinality's code makes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from stylegan2.checkpoints import load_generator
from tests.stylegan2 import golden
from tests.stylegan2.golden import relative_error

MODELS = [("tiny64", True), ("tiny64", False), pytest.param("configf1024", True, marks=pytest.mark.slow)]


@pytest.mark.parametrize("name, zipped", MODELS)
def test_pictures_and_latents(tmp_path, name, zipped):
    config, expected = golden.reference(name, "rosinality"), golden.arrays(f"stylegan2_rosinality_{name}")
    path = tmp_path / "network.pt"
    torch.save({"g_ema": golden.rosinality(name)}, path, _use_new_zipfile_serialization=zipped)
    generator = load_generator(path)
    path.unlink()
    assert generator.resolution == config["size"] and generator.z_dim == config["style_dim"]
    w_plus = generator.mapping(expected["z"])
    assert relative_error(w_plus[:, 0], expected["w"]) < 1e-4
    image = generator.synthesis(w_plus)
    assert relative_error(F.adaptive_avg_pool2d(image, 64), expected["image_pool64"]) < 1e-4
    assert relative_error(golden.center(image, expected["image_center"]), expected["image_center"]) < 1e-4
