"""Several people at once in one real server: each sees their own face, their own edit and nobody else's, and the same as alone."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.studio_load import studio, together


@pytest.mark.slow
def test_nobody_sees_what_another_one_edits(runs, make_direction, tiny_pack):
    for prompt in ("a person with curly hair", "a person with glasses", "a person with a hat"):
        make_direction(prompt)
    with studio(runs, ECLIPSED_PACK=str(tiny_pack)) as (port, pid):
        seen = asyncio.run(together(port, pid, sessions=3, moves=12, pause=0.0, training=False))
    assert seen.mixed == []
    assert len(seen.moves) == 12 and len(set(seen.pictures.values())) == len(seen.pictures) == 12


def test_a_mix_up_would_be_seen():
    from types import SimpleNamespace

    from benchmarks.studio_load import Seen, check

    seen, visitor = Seen(), SimpleNamespace(picture={"alt": "The face of seed 3 with curly hair +0.50", "after": "a"}, errors=[])
    check(visitor, (3, "add-curls", 0.5), seen)
    assert seen.mixed == []
    check(visitor, (4, "add-curls", 0.5), seen)
    check(visitor, (3, "add-curls", 1.0), seen)
    visitor.picture = {**visitor.picture, "after": "b"}
    check(visitor, (3, "add-curls", 0.5), seen)
    assert len(seen.mixed) == 3 and "another picture than before" in seen.mixed[2]
