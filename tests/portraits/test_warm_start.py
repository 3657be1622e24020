"""Training that begins with a pack's weights: each stage starts where the shipped model stands, and goes on as it began."""

import json

import pytest
import torch

from packs.files import add_files
from packs.pack import load_pack
from portraits import generator_run, train_generator, validation
from portraits.classifier import train_classifier
from portraits.clip_training import ClipTraining, Vocabulary, build_model, train_clip
from portraits.encoder import PortraitEncoder
from portraits.generator_run import run_generator, run_mapping, run_sharpen
from portraits.scene import NUM_FACTORS, appearance_names
from portraits.sharpen import Sharpening
from portraits.shipped import APPEARANCE, Standard
from portraits.train_generator import Basis, SynthesisTraining
from portraits.training import load_checkpoint
from portraits.warm_start import REFINING, read_weights, start_clip, start_encoder, start_network, start_of
from safetensors.torch import save
from segmentation.bisenet import BiSeNet
from segmentation.parser import FaceParser
from stylegan2.generator import Generator, GeneratorConfig

CPU = torch.device("cpu")
TINY = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}


def settings(**changes) -> ClipTraining:
    return ClipTraining(**{"steps": 8, "batch_size": 12, "report_every": 1, "config": TINY, **changes})


def repacked(folder, files: dict[str, bytes], **described):
    """The pack with other files, and other descriptions of them."""
    path = folder / "pack.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | described))
    add_files(folder, files)
    return load_pack(folder)


def test_a_run_goes_on_as_it_began(copied_pack, tmp_path):
    checkpoint = tmp_path / "parser.checkpoint"
    assert not start_of(tmp_path, "parser", checkpoint, None).refining
    start = start_of(tmp_path, "parser", checkpoint, copied_pack)
    assert start.pack.name == "tiny" and start.rate(2.0) == 2.0 * REFINING
    checkpoint.write_bytes(b"")
    again = start_of(tmp_path, "parser", checkpoint, None)
    assert again.pack is None and again.refining
    assert not start_of(tmp_path, "clip", tmp_path / "clip.checkpoint", None).refining, "stages begin apart"
    record = json.loads((tmp_path / "parser.start.json").read_text())
    assert record["version"] == "1" and set(record["sha256"]) == {"generator.safetensors", "parser.safetensors", "clip.safetensors", "classifier.safetensors"}
    checkpoint.unlink()
    assert not start_of(tmp_path, "parser", checkpoint, None).refining, "a new run knows nothing of the last one"


def test_what_is_no_pack_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        start_of(tmp_path, "clip", tmp_path / "clip.checkpoint", tmp_path / "nowhere")


def test_classifier_begins_as_the_packs(copied_pack, small_cache, tmp_path):
    size = {"width": 8, "num_features": 16, "batch_size": 8, "report_every": 1}
    list(train_classifier(small_cache, tmp_path / "a", steps=60, learning_rate=4e-3, **size))
    pack = repacked(copied_pack, {"classifier.safetensors": (tmp_path / "a/classifier.safetensors").read_bytes()})
    begun = []
    def begin(model):
        start_network(model, pack, "classifier")
        begun.append({name: value.clone() for name, value in model.state_dict().items()})
    cold = next(train_classifier(small_cache, tmp_path / "b", steps=5, **size))
    warm = next(train_classifier(small_cache, tmp_path / "c", steps=5, begin=begin, **size))
    assert all(torch.equal(value, pack.classifier.state_dict()[name]) for name, value in begun[0].items())
    assert warm["loss"] < 0.9 * cold["loss"]


def test_parser_begins_as_the_packs(copied_pack):
    pack, network = load_pack(copied_pack), BiSeNet(19, 0.125)
    start_network(network, pack, "parser")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(FaceParser(network, 64, dtype=pack.parser.dtype)(images), pack.parser(images))
    with pytest.raises(ValueError, match="parser of pack 'tiny' cannot start this training"):
        start_network(BiSeNet(19, 0.25), pack, "parser")
    with pytest.raises(ValueError, match="has no second_parser.safetensors"):
        read_weights(pack, "second_parser")


def test_words_keep_their_rows_whatever_else_is_in_the_vocabulary(copied_pack):
    pack, vocabulary = load_pack(copied_pack), Vocabulary.of_phrases()
    model = build_model(pack.info["clip"], len(vocabulary.ids)).eval()
    drawn = model.token_embedding.weight.detach().clone()
    start_clip(model, vocabulary.ids, pack)
    texts, images = ["a person with curly hair", "a bald man"], torch.rand(2, 3, 64, 64)
    assert not pack.unknown_words(" ".join(texts))
    with torch.no_grad():
        torch.testing.assert_close(model.encode_text(vocabulary.encode(texts)), pack.clip_model.encode_text(pack.tokenizer(texts)), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(model.encode_image(images), pack.clip_model.encode_image(images))
    new = vocabulary.ids.index(vocabulary.tokenizer.encode("goatee")[0])
    assert pack.unknown_words("goatee") and torch.equal(model.token_embedding.weight[new], drawn[new])
    with pytest.raises(ValueError, match="clip of pack 'tiny' cannot start"):
        start_clip(build_model({**TINY, "embed_dim": 16}, len(vocabulary.ids)), vocabulary.ids, pack)


def test_clip_begins_with_the_losses_of_the_packs(copied_pack, small_cache, tmp_path, monkeypatch):
    monkeypatch.setattr("portraits.clip_training.responses", lambda *rest: {})
    before = [report for report in train_clip(small_cache, tmp_path / "a", settings(steps=60, learning_rate=4e-3)) if "loss" in report]
    pack = repacked(copied_pack, {"clip.safetensors": (tmp_path / "a/clip.safetensors").read_bytes()},
                    clip={**TINY, "mean": [0.5] * 3, "std": [0.5] * 3})
    warm = next(train_clip(small_cache, tmp_path / "b", settings(), begin=lambda clip, vocabulary: start_clip(clip, vocabulary.ids, pack)))
    learned = before[0]["loss"] - before[-1]["loss"]
    assert learned > 0.2, "it has learned something that could be lost"
    for name in ("loss", "truth_loss", "pair_loss"):
        assert warm[name] < before[-1][name] + 0.3 * learned, name


def test_encoder_says_the_same_of_pictures_in_the_new_terms(copied_pack):
    size, entries = {"width": 8, "num_features": 16}, len(appearance_names())
    shipped, images = PortraitEncoder(entries, **size).eval(), torch.rand(2, 3, 32, 32)
    shipped.scale.uniform_(0.5, 2), shipped.offset.normal_()
    standard = Standard(appearance_names(), torch.randn(entries).double(), torch.rand(entries).double() + 0.5)
    pack = repacked(copied_pack, {"encoder.safetensors": save(shipped.state_dict()), APPEARANCE: standard.to_json()})
    basis = Basis.fit(torch.randn(50, entries), entries)
    model = PortraitEncoder(entries, **size).eval()
    model.scale.copy_(basis.spread), model.offset.copy_(basis.mean)
    start_encoder(model, basis, pack)
    with torch.no_grad():
        said = (shipped.scale * shipped.standardised(images) + shipped.offset) * standard.spread + standard.mean
        assert torch.allclose((model.scale * model.standardised(images) + model.offset).double(), said.double(), atol=1e-4)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(train_generator.WIDTHS, "cpu", {"channel_base": 256, "channel_max": 8})
    monkeypatch.setattr(generator_run, "VALIDATED", 4)


def test_generator_begins_with_the_figures_of_the_packs(tiny, copied_pack, small_cache, tmp_path):
    once = SynthesisTraining(minutes=0.05, batch_size=4, grow_at=(0.0,))
    run_generator(tmp_path / "a", small_cache, CPU, "cpu", once)
    run_mapping(tmp_path / "a", steps=3, batch_size=16, pool=200, faces=1)
    files = {name: (tmp_path / "a" / name).read_bytes() for name in ("generator.safetensors", APPEARANCE)}
    pack = repacked(copied_pack, files, resolution=64, generator=json.loads((tmp_path / "a/generator.json").read_text()))
    # another basis: what the entries mean must be read from the pack, not from the new pictures
    small_cache.train_indices, kept = small_cache.train_indices[:20], small_cache.train_indices
    try:
        run_generator(tmp_path / "b", small_cache, CPU, "cpu", SynthesisTraining(minutes=0.01, batch_size=4), given=copied_pack)
    finally:
        small_cache.train_indices = kept
    first = json.loads((tmp_path / "b/generator.jsonl").read_text().splitlines()[0])
    state, material = load_checkpoint(tmp_path / "a/synthesis.pt"), generator_run.Material(small_cache, CPU)
    shipped = Generator(GeneratorConfig.from_dict(state["config"]))
    shipped.load_state_dict(state["average"])
    figures = validation.validate(shipped, Basis(**state["basis"]), material.pictures, material.appearances, material.held_out[:4], 64)
    assert first["step"] == 0 and first["resolution"] == 64 and first["l1"] == pytest.approx(figures["l1"], rel=0.01)
    assert not torch.equal(load_checkpoint(tmp_path / "b/synthesis.pt")["basis"]["mean"], state["basis"]["mean"])
    sharpening = Sharpening(minutes=0.01, batch_size=4, crop=32, channel_base=128, channel_max=8, tolerance=10.0)
    run_sharpen(tmp_path / "c", small_cache, CPU, "cpu", sharpening, given=copied_pack)
    assert json.loads((tmp_path / "c/sharpen.jsonl").read_text().splitlines()[0])["l1"] == pytest.approx(first["l1"], rel=0.01)
    run_mapping(tmp_path / "c", given=pack.path, steps=1, batch_size=16, pool=200)
    assert json.loads((tmp_path / "c/generator.json").read_text())["z_dim"] == NUM_FACTORS


def test_a_mapping_network_needs_a_generator(tmp_path):
    with pytest.raises(ValueError, match="run the stage 'generator' first"):
        run_mapping(tmp_path)
