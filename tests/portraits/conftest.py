import shutil

import pytest

from portraits.dataset import build_cache


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory):
    """60 samples at 64 pixels: enough to see that trainers run, resume and learn something."""
    return build_cache(tmp_path_factory.mktemp("portraits") / "cache", seed=3, count=60, size=64, workers=1)


@pytest.fixture
def copied_pack(tiny_pack, tmp_path):
    """The tiny pack in a folder that may be written to."""
    return shutil.copytree(tiny_pack, tmp_path / "pack")
