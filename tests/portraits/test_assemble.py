"""A draft of a pack: what the checkpoints hold while they are trained, and nothing in the work folder is changed by it."""

import os
import shutil

import pytest
import torch

from lelsd.prompt import parse_prompt
from packs.files import add_files
from packs.pack import load_pack
from portraits import assemble, train_generator
from portraits.build_pack import READY_MADE
from portraits.classifier import AttributeClassifier
from portraits.clip_training import ClipTraining, Vocabulary, train_clip
from portraits.encoder import PortraitEncoder
from portraits.generator_run import run_generator, run_mapping
from portraits.scene import appearance_names
from portraits.shipped import APPEARANCE, Standard
from portraits.train_generator import SynthesisTraining
from portraits.training import load_checkpoint, save_checkpoint
from safetensors.torch import load_file, save, save_file
from segmentation.bisenet import BiSeNet
from segmentation.train import TrainSettings, train_parser
from stylegan2.generator import Generator, GeneratorConfig

CLIP = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}
CLASSIFIER = {"width": 8, "num_features": 16}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(train_generator.WIDTHS, "cpu", {"channel_base": 256, "channel_max": 8})
    monkeypatch.setattr(assemble, "PARSER", {"kind": "bisenet", "num_classes": 19, "width": 0.125, "input_size": 64})
    monkeypatch.setattr(assemble, "CLASSIFIER", CLASSIFIER)
    monkeypatch.setattr(assemble, "pack_entry", lambda: {**CLIP, "mean": [0.5] * 3, "std": [0.5] * 3})
    monkeypatch.setattr(assemble, "DRAFT_MAPPING", {"steps": 3, "batch_size": 16, "pool": 200, "faces": 1})


def classifier_checkpoint(path) -> dict:
    """As `train_classifier` leaves one after five steps."""
    average = AttributeClassifier(**CLASSIFIER).state_dict()
    save_checkpoint(path, {"model": AttributeClassifier(**CLASSIFIER).state_dict(), "average": average, "budget": {"step": 5, "elapsed": 1.0}})
    return average


def parser_checkpoint(path) -> dict:
    network = BiSeNet(19, 0.125)
    batch = torch.rand(2, 3, 64, 64), torch.zeros(2, 64, 64, dtype=torch.uint8)
    list(train_parser(network, iter([batch] * 2), TrainSettings(steps=2, input_size=64, augmented=False), checkpoint=path))
    return network.state_dict()


def test_a_draft_holds_the_averages_and_changes_nothing(small, small_cache, tmp_path):
    work, out = tmp_path / "work", tmp_path / "draft"
    run_generator(work, small_cache, torch.device("cpu"), "cpu", SynthesisTraining(minutes=0.01, batch_size=4, grow_at=(0.0,)))
    clip = next(iter(train_clip(small_cache, work, ClipTraining(steps=5, batch_size=8, report_every=1, config=CLIP))))
    assert clip["step"] == 1 and not (work / "clip.checkpoint").exists(), "killed before its first checkpoint"
    classifier, parser = classifier_checkpoint(work / "classifier.checkpoint"), parser_checkpoint(work / "parser.checkpoint")
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    assert assemble.assemble(work, out, draft=True) == ["second_parser", "clip", "encoder"]
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before
    pack = load_pack(out)
    assert pack.info["version"] == f"{assemble.VERSION} (draft)" and pack.info["draft"]["classifier"] == 5 and pack.info["draft"]["parser"] == 2
    for name, wanted in (("classifier", classifier), ("parser", parser)):
        found = load_file(out / f"{name}.safetensors")
        assert all(torch.allclose(found[key].float(), value.float(), atol=1e-3) for key, value in wanted.items())
    state = load_checkpoint(work / "synthesis.pt")
    average = Generator(GeneratorConfig.from_dict(state["config"])).requires_grad_(False)
    average.load_state_dict(state["average"])
    assert torch.allclose(pack.generator.synthesis.b4.const, average.synthesis.b4.const, atol=1e-3)
    with pytest.raises(ValueError, match="pack 'portraits' has no clip.safetensors"):
        pack.clip_model


def test_clip_is_drafted_with_its_words(small, small_cache, tmp_path):
    for report in train_clip(small_cache, tmp_path, ClipTraining(steps=9, batch_size=8, report_every=1, config=CLIP)):
        if report["step"] == 7:
            break
    found = assemble.averaged(tmp_path / "clip.checkpoint", "clip")
    assert found.step == 5 and len(found.state["token_embedding.rows"]) == len(found.state["token_embedding.ids"]) > 100
    saved = load_checkpoint(tmp_path / "clip.checkpoint")
    assert torch.equal(found.state["logit_scale"], saved["average"]["clip.logit_scale"])
    saved["average"]["clip.token_embedding.weight"] = torch.zeros(7, 32)
    save_checkpoint(tmp_path / "clip.checkpoint", saved)
    with pytest.raises(ValueError, match="trained with 7 tokens"):
        assemble.averaged(tmp_path / "clip.checkpoint", "clip")


def test_the_newer_of_model_and_checkpoint_is_drafted(tmp_path):
    average = classifier_checkpoint(tmp_path / "classifier.checkpoint")
    save_file({"finished": torch.zeros(1)}, tmp_path / "classifier.safetensors")
    assert set(assemble._find(tmp_path, "classifier", draft=True).state) == {"finished"}
    os.utime(tmp_path / "classifier.checkpoint", (2e9, 2e9))
    assert set(assemble._find(tmp_path, "classifier", draft=True).state) == set(average)
    assert set(assemble._find(tmp_path, "classifier", draft=False).state) == {"finished"}


def test_a_draft_needs_a_generator(tmp_path):
    with pytest.raises(ValueError, match="run the stage 'generator' first"):
        assemble.assemble(tmp_path, tmp_path / "draft", draft=True)


def test_words_of_no_training_caption_are_unknown(tiny_pack, tmp_path):
    every, known = Vocabulary.of_phrases(), Vocabulary.of_phrases(heldout=False)
    assert set(known.ids) < set(every.ids)
    state = {"token_embedding.rows": torch.arange(len(every.ids)).float()[:, None], "token_embedding.ids": torch.tensor(every.ids, dtype=torch.int32)}
    kept = assemble.known_words(state)
    assert kept["token_embedding.ids"].tolist() == known.ids
    assert kept["token_embedding.rows"][:, 0].tolist() == [every.ids.index(i) for i in known.ids], "each id keeps its own row"
    folder = shutil.copytree(tiny_pack, tmp_path / "pack")
    rows = load_file(folder / "clip.safetensors") | {"token_embedding.rows": torch.zeros(len(known.ids), 32), "token_embedding.ids": kept["token_embedding.ids"]}
    add_files(folder, {"clip.safetensors": save(rows)})
    pack = load_pack(folder)
    assert pack.unknown_words("an alien with raven hair, a scalp and a moustache") == ["alien", "raven", "scalp"]
    assert [words for prompt in READY_MADE.values() for words in parse_prompt(prompt, pack).unknown_words] == [], "a shirt need not be known to be red"


def test_what_training_captions_say_is_known(small_cache):
    known = set(Vocabulary.of_phrases(heldout=False).ids)
    tokenizer = Vocabulary.of_phrases().tokenizer
    said = {i for line in small_cache.captions() for text in line["captions"] for i in tokenizer.encode(text)}
    assert said <= known


def test_a_pack_is_renewed_in_part(small, tiny_pack, small_cache, tmp_path):
    """A new generator, and everything else of the pack: its models, its editors, and an encoder that says the same of a picture."""
    work, out = tmp_path / "work", shutil.copytree(tiny_pack, tmp_path / "pack")
    old_standard = Standard(appearance_names(), torch.full((len(appearance_names()),), 0.5).double(), torch.full((len(appearance_names()),), 2.0).double())
    encoder = PortraitEncoder(len(appearance_names()), width=8, num_features=16)
    torch.nn.init.normal_(encoder.head.weight, std=0.1)
    encoder.scale.fill_(1.5), encoder.offset.fill_(0.25)
    add_files(out, {APPEARANCE: old_standard.to_json(), "encoder.safetensors": save(encoder.state_dict()), "maskgan.safetensors": b"an editor"})
    before = load_pack(out)
    run_generator(work, small_cache, torch.device("cpu"), "cpu", SynthesisTraining(minutes=0.01, batch_size=4, grow_at=(0.0,)))
    run_mapping(work, steps=3, batch_size=16, pool=200, faces=1)
    classifier = load_file(out / "classifier.safetensors")
    assert assemble.assemble(work, out, given=out) == ["second_parser"]
    after = load_pack(out)
    assert after.info["generator"]["channel_base"] == 256 and before.info["generator"] != after.info["generator"]
    assert (out / "maskgan.safetensors").read_bytes() == b"an editor" and "maskgan.safetensors" in after.info["files"]
    assert all(torch.equal(value, load_file(out / "classifier.safetensors")[name]) for name, value in classifier.items())
    assert not [name for name in after.info["files"] if name.startswith(("directions/", "survey"))], "they are of the old generator"
    state, standard = load_file(out / "encoder.safetensors"), Standard.of_pack(after)
    said = state["scale"] * standard.spread, state["offset"] * standard.spread + standard.mean
    torch.testing.assert_close(said[0], torch.full_like(said[0], 3.0), atol=0.01, rtol=0)
    torch.testing.assert_close(said[1], torch.full_like(said[1], 1.0), atol=0.01, rtol=0)


def test_a_judge_alone_is_renewed(small, tiny_pack, tmp_path):
    """No generator in the work folder: the pack keeps its own, to the bit."""
    work, out = tmp_path / "work", shutil.copytree(tiny_pack, tmp_path / "pack")
    work.mkdir()
    size = len(appearance_names())
    add_files(out, {APPEARANCE: Standard(appearance_names(), torch.zeros(size).double(), torch.ones(size).double()).to_json(),
                    "directions/curls.safetensors": b"a direction"})
    before = load_pack(out)
    average = classifier_checkpoint(work / "classifier.checkpoint")
    save_file({name: value.contiguous() for name, value in average.items()}, work / "classifier.safetensors")
    assemble.assemble(work, out, given=out)
    after = load_pack(out)
    assert after.info["generator"] == before.info["generator"] and after.info["clip"] == before.info["clip"]
    assert (out / "generator.safetensors").read_bytes() == (tiny_pack / "generator.safetensors").read_bytes()
    assert torch.allclose(load_file(out / "classifier.safetensors")["head.bias"].float(), average["head.bias"], atol=1e-3)
    assert (out / "directions/curls.safetensors").read_bytes() == b"a direction" and "directions/curls.safetensors" in after.info["files"]
