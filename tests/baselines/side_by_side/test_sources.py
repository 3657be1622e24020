"""Pictures to compare on: those that were asked for, and latents that are looked for once."""

from __future__ import annotations

import io
from collections import OrderedDict

import pytest
import torch

from baselines.side_by_side import sources
from baselines.side_by_side.sources import Chosen
from stylegan2.images import to_pil


def test_pictures_are_those_that_were_asked_for(tiny_models):
    three, last = Chosen("sampled", 7, 3, 0.7).make(tiny_models), Chosen("sampled", 9, 1, 0.7).make(tiny_models)
    assert torch.allclose(three.images[2:], last.images, atol=1e-3) and torch.allclose(three.w_plus[2:], last.w_plus, atol=1e-6)
    two, second = Chosen("drawn", 0, 2).make(tiny_models), Chosen("drawn", 1, 1).make(tiny_models)
    assert torch.equal(two.images[1:], second.images) and two.w_plus is None and not torch.equal(two.images[0], two.images[1])
    buffer = io.BytesIO()
    to_pil(two.images[0]).resize((64, 64)).save(buffer, "PNG")
    own = Chosen("uploaded", files=(("me.png", buffer.getvalue()),)).make(tiny_models)
    assert own.images.shape == (1, 3, 32, 32) and (own.images - two.images[:1]).abs().mean() < 0.1
    with pytest.raises(ValueError, match="me.txt is no picture"):
        sources.uploaded(tiny_models, [("me.txt", b"me")])
    assert [sources.most(type("Sized", (), {"resolution": size})) for size in (32, 512, 1024, 4096)] == [16, 16, 4, 1]
    for wrong in (lambda: sources.sampled(tiny_models, 0, 17, 1.0), lambda: sources.uploaded(tiny_models, []),
                  lambda: sources.sampled(tiny_models, 2**32 - 1, 2, 1.0)):
        with pytest.raises(ValueError, match="accepted"):
            wrong()


def test_what_they_are_called():
    assert Chosen("sampled", 3).words == "the face of seed 3" and Chosen("sampled", 3, 2, 0.7).words == "the faces of seeds 3 to 4 at truncation 0.7"
    assert Chosen("drawn", 0, 4).words == "drawn faces 0 to 3" and len(Chosen("drawn", 0, 4)) == 4
    own = Chosen("uploaded", files=(("a.png", b""), ("b.png", b"")))
    assert own.words == "uploaded: a.png, b.png" and len(own) == 2


def test_a_latent_is_looked_for_once_and_a_sample_has_one(tiny_models, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_STEPS", 2)
    samples, told, kept = sources.drawn(tiny_models, 5, 1), [], OrderedDict()
    first, found = sources.with_latents(tiny_models, samples, lambda share, words: told.append(share), kept)
    assert told == [0.0, 0.5, 1.0] and torch.allclose(tiny_models.generator.synthesis(first.w_plus), found, atol=1e-4)
    again, _ = sources.with_latents(tiny_models, samples, lambda share, words: told.append(share), kept)
    assert len(told) == 3 and torch.equal(again.w_plus, first.w_plus)
    own = sources.sampled(tiny_models, 0, 1, 1.0)
    assert sources.with_latents(tiny_models, own) == (own, None)
