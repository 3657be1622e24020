"""The built-in pack, and samples of it that are dressed sooner than in earnest."""
from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import pytest

from lelsd import dressing
from packs.pack import Pack, load_pack


@pytest.fixture(scope="module")
def portraits() -> Pack:
    return load_pack("portraits")


@pytest.fixture(scope="module")
def few_dressed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For a module that says how many are `FEW`; they are kept in a cache folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dressing, "COUNT", request.module.FEW)
        patch.setattr(dressing, "_open", WeakKeyDictionary())
        patch.setenv("ECLIPSED_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
