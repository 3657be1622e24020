"""What the catalogue promises: complete facts about every file, encrypted addresses, settings that the studio knows."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from lelsd.config import TrainConfig
from packs import catalogue, models, registry
from packs.catalogue import Offer, offers
from packs.files import REQUIRED

FILES = list({file.sha256: file for offer in offers().values() for file in offer.files}.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_known_exactly(file: catalogue.RemoteFile) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and isinstance(file.size, int) and file.size > 1_000_000
    assert len(file.urls) >= 2 and len(set(file.urls)) == len(file.urls)
    assert all(urlsplit(url).scheme == "https" and urlsplit(url).hostname for url in file.urls)
    assert file.role in ("generator", "parser", "clip") and "/" not in file.name
    assert file.licence.keys() == {"name", "url", "summary"} and file.licence["url"].startswith("https://")


@pytest.mark.parametrize("offer", offers().values(), ids=lambda offer: offer.name)
def test_every_pack_has_what_a_pack_needs(offer: Offer) -> None:
    manifest = json.loads(json.dumps(offer.manifest()))
    assert set(REQUIRED) <= set(manifest) and [file.role for file in offer.files] == ["generator", "parser", "clip"]
    assert offer.size == sum(entry["size"] for entry in manifest["files"].values())
    assert offer.name not in registry.built_in() and re.fullmatch(r"[a-z0-9-]+", offer.name)
    assert TrainConfig().updated(manifest["defaults"]).truncation == 0.7
    assert manifest["parser"] == {"kind": "bisenet", "num_classes": 19, "width": 1.0, "input_size": 512}
    assert "non-commercial" in manifest["licence"] and len(manifest["licences"]) == 3


def test_nothing_is_listed_for_nothing() -> None:
    data = json.loads(catalogue.PATH.read_text())
    used = {key for pack in data["packs"] for key in pack["files"]}
    assert used == set(data["files"]) and {data["files"][key]["licence"] for key in used} == set(data["licences"])
    digests = [values["sha256"] for values in data["files"].values()]
    assert len(digests) == len(set(digests))


def test_clip_is_the_one_that_open_clip_means() -> None:
    """open_clip's own table has the address, which holds the hash, and what the pictures must look like."""
    from open_clip.pretrained import get_pretrained_url

    described = offers()["ffhq-1024"].info["clip"]
    file = next(file for file in FILES if file.role == "clip")
    assert get_pretrained_url(described["architecture"], described["tag"]) == file.urls[0] and f"/{file.sha256}/" in file.urls[0]
    settings = models.clip_settings(described)
    assert settings["mean"] == pytest.approx([0.4815, 0.4578, 0.4082], abs=1e-4)
    assert settings["std"] == pytest.approx([0.2686, 0.2613, 0.2758], abs=1e-4)
    assert settings["vision_cfg"]["image_size"] == 224 and settings["text_cfg"]["context_length"] == 77 and settings["quick_gelu"]


def test_architectures_that_open_clip_does_not_have() -> None:
    for name, tag in (("ViT-Z-9", "openai"), ("ViT-B-32-quickgelu", "mine"), ("ViT-B-32", "")):
        with pytest.raises(ValueError, match=f"open_clip has no weights '{tag}' for an architecture '{name}'"):
            models.clip_settings({"architecture": name, "tag": tag})


def test_what_is_not_here_yet_says_how_to_get_it() -> None:
    with pytest.raises(ValueError, match=r"'ffhq-1024' is not complete .*; python -m packs fetch ffhq-1024 downloads it \(540.0 MB\)"):
        registry.find("ffhq-1024")
