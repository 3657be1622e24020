"""Opening packs: what comes out is what went in, and what is wrong is said with the name of the file."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
import torch

from packs import files
from packs.pack import Pack, load_pack
from portraits.scene import ATTRIBUTES


@pytest.fixture
def copy(tiny_pack: Path, tmp_path: Path) -> Path:
    """A pack that a test may damage."""
    return Path(shutil.copytree(tiny_pack, tmp_path / "copy"))


def change(folder: Path, **values) -> None:
    info = json.loads((folder / "pack.json").read_text())
    files.write_manifest(folder, info | values)


def test_every_model_of_a_pack_works(tiny_models: Pack) -> None:
    generator, parser = tiny_models.generator, tiny_models.parser
    images = generator.synthesis(generator.mapping(torch.randn(2, generator.z_dim)))
    assert images.shape == (2, 3, 32, 32) and images.dtype == torch.float32 and images.isfinite().all()
    assert parser(images).shape == (2, 19, 32, 32)
    size = tiny_models.clip_preprocess["size"]
    assert tiny_models.clip_model.encode_image(torch.randn(2, 3, size, size)).shape == (2, 32)
    assert tiny_models.classifier(images).shape == (2, len(ATTRIBUTES))
    assert tiny_models.clip_model.encode_text(tiny_models.tokenizer(["a person"])).shape == (1, 32)


def test_models_are_frozen_shared_and_do_not_touch_the_seed(tiny_pack: Path) -> None:
    pack = load_pack(tiny_pack)
    before = torch.get_rng_state()
    models = [pack.generator, pack.parser, pack.clip_model, pack.classifier]
    assert torch.equal(before, torch.get_rng_state())
    assert models == [pack.generator, pack.parser, pack.clip_model, pack.classifier]
    for model in models:
        assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())


def test_a_model_is_loaded_only_when_it_is_asked_for(copy: Path) -> None:
    damage(copy / "clip.safetensors")
    pack = load_pack(copy)
    assert pack.generator.resolution == 32
    with pytest.raises(ValueError, match="clip.safetensors is damaged"):
        pack.clip_model


def test_threads_that_ask_at_once_get_the_same_model(tiny_pack: Path) -> None:
    pack, found = load_pack(tiny_pack), []
    threads = [threading.Thread(target=lambda: found.append(pack.generator)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(map(id, found))) == 1


def test_the_generator_is_as_fast_as_the_device_allows(tiny_models: Pack) -> None:
    from stylegan2.generator import compute_dtype

    assert tiny_models.generator.synthesis.dtype == compute_dtype("cpu")
    assert all(parameter.dtype == torch.float32 for parameter in tiny_models.generator.parameters())


def test_unknown_words_are_those_clip_was_never_taught(tiny_models: Pack) -> None:
    assert tiny_models.unknown_words("A person, with CURLY hair!") == []
    assert tiny_models.unknown_words("a zeppelin's hair; a zeppelin and a quokka") == ["zeppelin", "quokka"]
    assert tiny_models.unknown_words("...") == []


def test_a_word_never_taught_says_nothing(tiny_models: Pack) -> None:
    token = tiny_models.tokenizer.encode("zeppelin")[0]
    table = tiny_models.clip_model.token_embedding.weight
    assert table.shape == (49408, 32) and table[token].abs().sum() == 0
    assert table[tiny_models.tokenizer.encode("hair")].abs().sum() > 0


def test_the_hash_is_that_of_the_generator_alone(copy: Path, tiny_models: Pack) -> None:
    change(copy, neutral_text="a portrait")
    files.add_files(copy, {"directions/none.safetensors": b"-"})
    assert load_pack(copy).hash == tiny_models.hash
    files.add_files(copy, {"generator.safetensors": b"another one"})
    assert load_pack(copy).hash != tiny_models.hash


def test_ready_made_directions_are_listed_by_name(copy: Path) -> None:
    assert load_pack(copy).directions() == []
    files.add_files(copy, {"directions/smile.safetensors": b"1", "directions/beard.safetensors": b"2"})
    assert [path.stem for path in load_pack(copy).directions()] == ["beard", "smile"]


def test_a_pack_without_a_classifier_says_so(copy: Path) -> None:
    info = json.loads((copy / "pack.json").read_text())
    info["files"].pop("classifier.safetensors", None)
    files.write_manifest(copy, info)
    assert load_pack(copy).classifier is None


def test_unknown_packs_are_refused_with_the_known_ones() -> None:
    for name in ("nowhere", "", "x" * 5000, "a\0b", "/"):
        with pytest.raises(ValueError, match="unknown pack .* known packs: .*portraits"):
            load_pack(name)


def test_devices(tiny_pack: Path) -> None:
    assert load_pack(tiny_pack, torch.device("cpu")).device == torch.device("cpu")
    with pytest.raises(ValueError, match="'tpu', accepted are auto, cpu, cuda"):
        load_pack(tiny_pack, "tpu")


def damage(path: Path) -> None:
    """Change one byte in the middle, and nothing about the size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_damage_is_named(copy: Path) -> None:
    path = copy / "generator.safetensors"
    original = path.read_bytes()
    damage(path)
    with pytest.raises(ValueError, match=r"generator.safetensors is damaged: its SHA-256"):
        load_pack(copy).generator
    path.write_bytes(original[:1000])
    with pytest.raises(ValueError, match=r"generator.safetensors is damaged: it has 1000 bytes and should have \d+"):
        load_pack(copy)
    path.unlink()
    with pytest.raises(ValueError, match=r"'tiny' is incomplete: .*generator.safetensors is missing"):
        load_pack(copy)


def test_a_repaired_file_is_read_again(copy: Path) -> None:
    path = copy / "generator.safetensors"
    original = path.read_bytes()
    damage(path)
    with pytest.raises(ValueError, match="SHA-256"):
        load_pack(copy).generator
    path.write_bytes(original)
    assert load_pack(copy).generator.resolution == 32


def test_files_that_do_not_fit_their_description(copy: Path) -> None:
    files.add_files(copy, {"generator.safetensors": b"not tensors at all"})
    with pytest.raises(ValueError, match="generator.safetensors is damaged"):
        load_pack(copy).generator
    change(copy, parser={"kind": "bisenet", "num_classes": 19, "width": 0.25, "input_size": 64})
    with pytest.raises(ValueError, match="parser.safetensors does not fit"):
        load_pack(copy).parser


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged: it is not JSON"),
        ("[]", "it lacks format"),
        ('{"name": "x"}', "it lacks format, version"),
    ],
)
def test_a_broken_description_is_refused(copy: Path, text: str, message: str) -> None:
    (copy / "pack.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_pack(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": []}, "files is '\\[\\]'; accepted: values by name"), ({"name": 5}, "name is '5'; accepted: a text"),
        ({"clip": []}, "clip is"), ({"editors": 3}, "editors is '3'; accepted: a list"), ({"resolution": True}, "accepted: a whole number"),
        ({"files": {}}, "has no generator.safetensors, it holds no files"),
        ({"resolution": 64}, "makes pictures of 32 pixels, its pack.json says 64"),
    ],
)
def test_a_description_of_another_shape_is_refused(copy: Path, changes: dict, message: str) -> None:
    change(copy, **changes)
    with pytest.raises(ValueError, match=message):
        pack = load_pack(copy)
        assert pack.hash and pack.generator


def test_a_description_that_nests_too_deeply_is_refused(copy: Path) -> None:
    (copy / "pack.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="pack.json is damaged: it is not JSON"):
        load_pack(copy)


@pytest.mark.parametrize("changes", [{"head_width": 0}, {"width": 7}, {"layers": None}])
def test_settings_that_no_clip_can_have_are_named(copy: Path, changes: dict) -> None:
    clip = json.loads((copy / "pack.json").read_text())["clip"]
    change(copy, clip={**clip, "vision_cfg": {**clip["vision_cfg"], **changes}})
    with pytest.raises(ValueError, match="clip.safetensors does not fit the 'clip' of its pack.json"):
        load_pack(copy).clip_model


def test_a_description_cannot_reach_outside_its_folder(copy: Path) -> None:
    change(copy, files={"../secret": {"size": 1, "sha256": ""}})
    with pytest.raises(ValueError, match="only files inside the pack's folder"):
        load_pack(copy)
    change(copy, files={"clip.safetensors": 3})
    with pytest.raises(ValueError, match="clip.safetensors has no size and sha256"):
        load_pack(copy)
    change(copy, format=99)
    with pytest.raises(ValueError, match="format 99, this version of the studio reads format 1"):
        load_pack(copy)
