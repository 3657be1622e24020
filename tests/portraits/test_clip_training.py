import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from packs.weights import expand_rows
from portraits.clip_evaluation import area_under_curve, evaluate_clip, prompts_for, responses, score_texts
from portraits.clip_losses import agreement, contrastive_loss, pair_loss, topic_loss, truth_loss
from portraits.clip_texts import Captions, PromptTable, with_fillers
from portraits.clip_training import CLIP_CONFIG, ClipTraining, Vocabulary, build_model, encode_images, encode_tokens, pack_entry, train_clip
from portraits.phrases import FILLERS
from portraits.scene import ATTRIBUTES
from portraits.topics import NEVER_SAID, TOPICS

TINY = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}


def settings(**changes):
    return ClipTraining(**{"steps": 8, "batch_size": 12, "report_every": 1, "config": TINY, **changes})


@pytest.fixture
def brief_responses(monkeypatch):
    """One prompt and two faces instead of six and eight: measuring takes longer than these trainings."""
    monkeypatch.setattr("portraits.clip_evaluation.RESPONSES", {"a person with glasses": ("glasses", (0.0, 1.0))})
    monkeypatch.setattr("portraits.clip_training.responses", lambda images, texts, size: responses(images, texts, size, scenes=2))


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.of_phrases()


def test_every_word_of_the_captions_has_a_row(small_cache, vocabulary):
    assert len(vocabulary.ids) < 1500
    texts = [text for line in small_cache.captions() for text in line["captions"]]
    tokens = vocabulary.tokenizer(texts + prompts_for("Eyeglasses", True, "heldout") + [" ".join(FILLERS[i : i + 12]) for i in range(0, 200, 12)])
    assert set(tokens.unique().tolist()) <= set(vocabulary.ids)


def test_a_word_without_a_row_is_left_out(vocabulary):
    assert torch.equal(vocabulary.encode(["a person with zeppelin glasses"])[:, :4], vocabulary.encode(["a person with glasses"])[:, :4])


def test_sentences_are_read_as_open_clip_reads_them(vocabulary):
    torch.manual_seed(0)
    model = build_model(TINY, len(vocabulary.ids)).eval()
    tokens = vocabulary.encode(["a person", "a person with curly hair and a hat", "someone", "a smiling woman", "a bald man with a grey beard"])
    assert torch.allclose(encode_tokens(model, tokens), model.encode_text(tokens, normalize=True), atol=1e-5)


def test_pictures_are_read_as_open_clip_reads_them():
    model = build_model(TINY, 10).eval()
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.allclose(encode_images(model, images), model.encode_image(images, normalize=True), atol=1e-6)
    assert encode_images(model, torch.rand(2, 3, 100, 100)).shape == (2, 32)


def test_agreement_by_hand():
    said = torch.tensor([[0, 0, 0], [1, 0, 0], [1, -1, 0]], dtype=torch.int8)
    shown = torch.tensor([[1, 0, 0], [1, 1, 0], [-1, 1, 0], [-1, 0, 1], [0, -1, 1]], dtype=torch.int8)
    true, known = agreement(said, shown)
    assert true.tolist() == [[True] * 5, [True, True, False, False, False], [True, False, False, False, False]]
    assert known.tolist() == [[True] * 5, [True, True, False, False, True], [True, True, True, False, True]]


def test_contrastive_loss_by_hand():
    yes = torch.eye(2, dtype=torch.bool)
    everything = torch.ones(2, 2, dtype=torch.bool)
    scale = torch.tensor(1.0)
    same = torch.zeros(2, 2)
    assert contrastive_loss(same, scale, yes, everything).item() == pytest.approx(math.log(2))
    assert contrastive_loss(same, scale, everything, everything).item() == pytest.approx(0, abs=1e-6)  # all are true: nothing to tell apart
    assert contrastive_loss(same, scale, yes, yes).item() == pytest.approx(0, abs=1e-6)  # the others are not known
    assert contrastive_loss(torch.eye(2), torch.tensor(50.0), yes, everything).item() < 1e-6


def test_pair_loss_by_hand():
    """Two pictures on either side of the boundary between two prompts, and one that nobody can tell."""
    pictures = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    wanted, unwanted, target = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[1], [0], [-1]], dtype=torch.int8)
    right = pair_loss(pictures, wanted, unwanted, torch.tensor(2.0), target)
    assert right.item() == pytest.approx(math.log(1 + math.exp(-2.0)))
    assert pair_loss(pictures, unwanted, wanted, torch.tensor(2.0), target).item() == pytest.approx(math.log(1 + math.exp(2.0)))


def test_prompts_ask_and_deny_in_training_words():
    table = PromptTable()
    columns, texts = table.pick(5, np.random.default_rng(0))
    assert len(set(columns)) == 5 and len(texts) == 10
    for column, wanted, unwanted in zip(columns, texts[:5], texts[5:]):
        topic = TOPICS[column]
        assert wanted in prompts_for(topic, True, limit=100)
        assert unwanted in (prompts_for(topic, False, limit=100) or ["a person"])


def test_truth_loss_by_hand():
    true = torch.tensor([[True, False, False, False]])
    known = torch.ones(1, 4, dtype=torch.bool)
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert truth_loss(torch.zeros(1, 4), one, zero, true, known).item() == pytest.approx(math.log(2))
    # the three wrong ones weigh together as much as the right one: softplus(-1)/2 + softplus(2)/2
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(2))) / 2
    assert truth_loss(torch.tensor([[1.0, 2, 2, 2]]), one, zero, true, known).item() == pytest.approx(expected)


def test_topic_loss_by_hand():
    embedding, prototypes = torch.eye(2), 3 * torch.eye(2)
    target = torch.tensor([[1, -1], [0, 1]], dtype=torch.int8)
    low = math.log1p(math.exp(-1))
    expected = ((low + math.log(2)) + low) / 4  # first topic: one yes, one no; second: a yes alone
    assert topic_loss(embedding, prototypes, torch.tensor(1.0), torch.zeros(2), target).item() == pytest.approx(expected)


def test_captions_come_with_what_they_say_and_are_true(small_cache):
    captions, seen = Captions(small_cache), set()
    for seed in range(6):
        texts, said = captions.pick(np.array([7, 4, 7]), np.random.default_rng(seed), 0.0)
        assert said.shape == (3, len(TOPICS)) and said.dtype == torch.int8
        for index, text, row in zip((7, 4, 7), texts, said.numpy()):
            assert all(small_cache.truth[index][column] == (row[column] == 1) for column in np.flatnonzero(row)), text
            assert row.any() or "with" not in text, text
        seen |= set(texts)
    assert len(seen) > 15  # composed anew each time
    again, _ = captions.pick(np.array([7, 4, 7]), np.random.default_rng(5), 0.0)
    assert again == texts


def test_fillers_are_put_between_the_words():
    text = with_fillers("a person with glasses", np.random.default_rng(0))
    assert len(text.split()) > 4 and [w for w in text.split() if w in ("a", "person", "with", "glasses")] == ["a", "person", "with", "glasses"]


def test_training_yields_progress_and_a_file_for_a_pack(small_cache, tmp_path, vocabulary, brief_responses):
    reports = list(train_clip(small_cache, tmp_path, settings()))
    assert [r["step"] for r in reports] == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert all(math.isfinite(r["loss"] + r["truth_loss"] + r["topic_loss"]) for r in reports[:-1])
    final = reports[-1]
    assert 0 <= final["auc"] <= 1 and "a person with glasses" in final["responses"]
    state = load_file(tmp_path / "clip.safetensors")
    ids = state["token_embedding.ids"]
    assert ids.dtype == torch.int32 and len(ids) == len(state["token_embedding.rows"]) == len(vocabulary.ids)
    model = build_model(TINY, 49408).eval()
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in expand_rows(state, 49408).items()})
    small = build_model(TINY, len(vocabulary.ids)).eval()
    small.load_state_dict({k.replace(".rows", ".weight"): v.float() if v.is_floating_point() else v for k, v in state.items()
                           if k != "token_embedding.ids"})
    texts = ["a person with curly hair", "a bald man"]
    full = model.encode_text(vocabulary.tokenizer(texts), normalize=True)
    assert torch.allclose(full, encode_tokens(small, vocabulary.encode(texts)), atol=1e-4)


def test_a_killed_run_ends_as_one_left_alone(small_cache, tmp_path, brief_responses):
    list(train_clip(small_cache, tmp_path / "a", settings()))
    for report in train_clip(small_cache, tmp_path / "b", settings()):
        if report["step"] == 7:  # the last checkpoint is of step 5
            break
    resumed = list(train_clip(small_cache, tmp_path / "b", settings()))
    assert resumed[0]["step"] == 6
    assert (tmp_path / "a/clip.safetensors").read_bytes() == (tmp_path / "b/clip.safetensors").read_bytes()


def test_the_pack_is_told_the_architecture():
    entry = pack_entry()
    model = build_model(CLIP_CONFIG, 10)
    assert entry["embed_dim"] == model.text_projection.shape[1] and entry["mean"] == entry["std"] == [0.5, 0.5, 0.5]
    assert 2e6 < sum(p.numel() for p in model.parameters()) < 7.5e6


def test_every_attribute_can_be_asked_for():
    for name in ATTRIBUTES:
        if name not in NEVER_SAID:
            assert prompts_for(name, True) and prompts_for(name, True, "heldout"), name
    assert prompts_for("Eyeglasses", True)[0].startswith("a ") and prompts_for("nothing", True) == []


def test_area_under_curve_by_hand():
    assert area_under_curve(np.array([1.0, 2, 3, 4]), np.array([False, False, True, True])) == 1
    assert area_under_curve(np.array([1.0, 4, 3, 2]), np.array([False, True, False, True])) == 0.75
    assert area_under_curve(np.zeros(4), np.array([False, True, False, True])) == 0.5


def test_a_model_that_knows_everything_scores_full_marks(small_cache):
    """Embeddings that read off the truth: what the measurement itself loses must be nothing."""
    truth = torch.from_numpy(np.array(small_cache.truth)).float()
    column = {"Wearing_Hat": small_cache.topic_names.index("Wearing_Hat")}
    lookup = {small_cache.read_images(np.array([i])).numpy().tobytes(): truth[i, column["Wearing_Hat"]] for i in range(60)}

    def images(batch):
        return torch.stack([torch.tensor([lookup[x[None].numpy().tobytes()], 1.0]) for x in batch])

    def texts(sentences):
        return torch.tensor([[1.0 if ("hat" in s or "cap" in s) and "no" not in s else -1.0, 0.0] for s in sentences])

    small_cache.validation_indices, kept = np.arange(60), small_cache.validation_indices
    try:
        scores = evaluate_clip(images, texts, small_cache, split="train")
    finally:
        small_cache.validation_indices = kept
    assert scores["auc_by_attribute"]["Wearing_Hat"] == 1


def test_sentence_forms_held_out_take_training_words_and_are_in_no_caption(small_cache):
    for value in (True, False):
        words, forms = prompts_for("Eyeglasses", value, "train", 99), prompts_for("Eyeglasses", value, "templates", 99)
        assert len(words) == len(forms) and not set(words) & set(forms)
    assert prompts_for("Curly_Hair", True, "templates", 99)[1] == "an image of a person that has curly hair"
    beginnings = ("an image of", "this is")
    assert all(text.startswith(beginnings) for topic in ("Smiling", "Bald", "Wearing_Hat") for text in prompts_for(topic, True, "templates", 99))
    assert not any(text.startswith(beginnings) for line in small_cache.captions() for text in line["captions"])


def test_retrieval_is_the_mean_over_hundreds(monkeypatch, small_cache):
    """Pictures that are their own numbers, and texts found by a table: the first twenty of sixty are mistaken for the next one."""
    monkeypatch.setattr("portraits.clip_evaluation.AMONG", 20)
    truth, images, asked = np.array(small_cache.truth), torch.eye(60), []

    def texts(sentences):
        if len(sentences) != 20:  # zero-shot prompts
            return torch.zeros(len(sentences), 60)
        asked.append(sentences)
        return torch.eye(60)[torch.arange(20) + 20 * (len(asked) - 1)].roll(1 if len(asked) == 1 else 0, 0)

    scores = score_texts(images, truth, texts, "train")
    assert len(asked) == 3 and scores["recall_at_1"] == pytest.approx(2 / 3)
    assert scores["accuracy"] == 0.5 and scores["auc"] == 0.5  # nothing is nearer to either side


def test_responses_measure_steadiness():
    def images(batch):  # brightness of the picture as its embedding
        return batch.mean((1, 2, 3))[:, None]

    curves = responses(images, lambda texts: torch.ones(len(texts), 1) * torch.tensor([[float(t != "a person")] for t in texts]), 32, scenes=2)
    blonde = curves["a person with blonde hair"]
    assert blonde["monotone"] == 1 and blonde["curve"] == sorted(blonde["curve"])  # fairer hair makes a brighter picture
