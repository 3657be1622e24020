"""A small CLIP trained on drawn portraits and their captions: the ear of the built-in pack.

An `open_clip.CLIP` of our own configuration with open_clip's tokenizer, so that it is used as any other CLIP is. Two
things differ from training on the web. What a caption states is known fact by fact, so for every caption and picture of
a batch it is known whether the one is true of the other; every pair that is true counts as right (with one to five
facts a caption, most batches hold several), and a pair that cannot be decided (hair under a hat) does not count. And
the words are few, so only their rows of the token table are trained and stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from packs.weights import halved
from portraits.clip_evaluation import evaluate_clip, responses
from portraits.dataset import PortraitCache
from portraits.phrases import FILLERS, KINDS, NOUNS, OPENINGS, PHRASES
from portraits.topics import TOPICS
from portraits.training import (
    AveragedWeights, Budget, augment, load_checkpoint, parameter_groups, pick_indices, save_checkpoint, set_learning_rate,
)

FULL_VOCABULARY = 49408
CLIP_CONFIG = {
    "embed_dim": 192,
    "vision_cfg": {"image_size": 128, "layers": [1, 1, 1, 1], "width": 20, "head_width": 64},
    "text_cfg": {"context_length": 32, "vocab_size": FULL_VOCABULARY, "width": 192, "heads": 4, "layers": 3},
}
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # so that images in [-1, 1] are what the network sees


def pack_entry(config: dict = CLIP_CONFIG) -> dict:
    """What pack.json says under "clip"."""
    return {**config, "mean": list(MEAN), "std": list(STD)}


class Vocabulary:
    """The tokens that are trained: open_clip's ids, in order, renumbered 0 .. n-1.

    Order is kept because CLIP reads a sentence at its highest id, the end of text; 0 stays 0, which is the padding.
    """

    def __init__(self, ids: list[int], context_length: int = 32):
        self.ids = sorted({0, *ids})
        self.tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
        self._number = torch.full((FULL_VOCABULARY,), -1, dtype=torch.int64)
        self._number[self.ids] = torch.arange(len(self.ids))

    @staticmethod
    def of_phrases(context_length: int = 32) -> "Vocabulary":
        """Every word of `portraits.phrases`, held-out ones too, and what joins them."""
        words = [part for phrases in PHRASES.values() for part in phrases] + [*NOUNS.values(), KINDS, OPENINGS, *FILLERS]
        words += ["with without who has having that featuring wearing wears and is are not somebody someone a an the man woman , . ' the hair is"]
        tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
        ids = {i for text in words for i in tokenizer.encode(text.replace("|", " ").replace("//", " "))}
        return Vocabulary([*ids, tokenizer.sot_token_id, tokenizer.eot_token_id], context_length)

    def encode(self, texts: list[str]) -> Tensor:
        """int64 [N, context length]; words that are not of the vocabulary are left out, as their rows are zero."""
        tokens = self._number[self.tokenizer(texts)]
        if (tokens >= 0).all():
            return tokens
        kept = [row[row >= 0] for row in tokens]
        return torch.stack([F.pad(row, (0, tokens.shape[1] - len(row))) for row in kept])


def build_model(config: dict, vocabulary_size: int) -> open_clip.CLIP:
    """A CLIP with random weights and a token table of `vocabulary_size` rows."""
    return open_clip.CLIP(config["embed_dim"], dict(config["vision_cfg"]), {**config["text_cfg"], "vocab_size": vocabulary_size})


def encode_tokens(model: open_clip.CLIP, tokens: Tensor) -> Tensor:
    """`model.encode_text(tokens, normalize=True)` in four groups by length, each without the columns that are padding.

    Most captions take a third of the context, so this takes a third of the time.
    """
    lengths = (tokens != 0).sum(1)
    order = lengths.argsort()
    groups = [_encode_group(model, tokens[rows, : int(lengths[rows].max())]) for rows in order.chunk(4)]
    return F.normalize(torch.cat(groups)[order.argsort()].float(), dim=-1)


def _encode_group(model: open_clip.CLIP, tokens: Tensor) -> Tensor:
    length = tokens.shape[1]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    return x[torch.arange(len(x), device=x.device), tokens.argmax(1)] @ model.text_projection


def encode_images(model: open_clip.CLIP, images: Tensor) -> Tensor:
    """Normalised embeddings [N, E] of images [N, 3, S, S] in [-1, 1]."""
    size = model.visual.image_size
    size = size if isinstance(size, int) else size[0]
    if images.shape[-1] != size:
        images = F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=images.shape[-1] > size)
    return F.normalize(model.visual(images.contiguous(memory_format=torch.channels_last)).float(), dim=-1)


def agreement(said: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Which captions are true of which pictures, and of which it is known: two bool tensors [texts, images].

    said int8 [texts, T]: 1 says that a topic holds, -1 that it does not, 0 nothing; shown int8 [images, T]: 1, 0, or -1
    for not to be seen.
    """
    says_yes, says_no = (said == 1).float(), (said == -1).float()
    is_so, is_not = (shown == 1).float(), (shown == 0).float()
    agreed = says_yes @ is_so.T + says_no @ is_not.T
    denied = says_yes @ is_not.T + says_no @ is_so.T
    true = agreed == (says_yes + says_no).sum(1, keepdim=True)
    return true, true | (denied > 0)


def contrastive_loss(similarity: Tensor, scale: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """InfoNCE (Radford et al. 2021) in both directions, the target shared evenly by all pairs that are true.

    similarity [texts, images]; true, known bool of the same shape; unknown pairs are outside the softmax.
    """
    logits = (scale * similarity).masked_fill(~known, -1e4)
    losses = []
    for direction, positive in ((logits, true), (logits.T, true.T)):
        target = positive.float() / positive.sum(1, keepdim=True).clamp_min(1)
        # the entropy of the target is taken off, so that 0 is perfect whatever the number of positives
        entropy = -torch.xlogy(target, target).sum(1)
        losses.append((-(target * direction.log_softmax(1)).sum(1) - entropy).mean())
    return (losses[0] + losses[1]) / 2


def truth_loss(similarity: Tensor, scale: Tensor, bias: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """Is this caption true of this picture? (Zhai et al. 2023, pairwise sigmoid), for each caption the pictures that it
    is true of weighing as much as those that it is not true of. This is what an edit by text asks of CLIP."""
    logits = scale * similarity + bias
    wrong = known & ~true
    right_loss = (F.softplus(-logits) * true).sum(1) / true.sum(1).clamp_min(1)
    wrong_loss = (F.softplus(logits) * wrong).sum(1) / wrong.sum(1).clamp_min(1)
    return (right_loss + wrong_loss).mean() / 2


def topic_loss(embedding: Tensor, prototypes: Tensor, scale: Tensor, bias: Tensor, target: Tensor) -> Tensor:
    """How well single topics can be read from embeddings [N, E] by their similarity to prototypes [T, E].

    target int8 [N, T]: 1 or 0 where the topic is known, -1 where not. Positives and negatives of a topic weigh the same.
    Pictures and sentences are read with the same prototypes: each then has something to learn by before the other
    makes sense, which is what takes most of the time in the plain contrastive game.
    """
    logits = scale * embedding @ F.normalize(prototypes, dim=1).T + bias
    yes, no = target == 1, target == 0
    right = (F.softplus(-logits) * yes).sum(0) / yes.sum(0).clamp_min(1)
    wrong = (F.softplus(logits) * no).sum(0) / no.sum(0).clamp_min(1)
    return (right + wrong).mean() / 2


@dataclass
class ClipTraining:
    """Settings of `train_clip`; exactly one of `minutes` and `steps`."""

    minutes: float | None = None
    steps: int | None = None
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    truth_weight: float = 1.0  # of truth_loss beside contrastive_loss
    topic_weight: float = 1.0  # of topic_loss, at first; it fades out as the budget is used
    filler_rate: float = 0.25  # share of captions with a harmless word put in
    seed: int = 0
    report_every: int = 10
    config: dict = field(default_factory=lambda: CLIP_CONFIG)


class _Student(nn.Module):
    """The CLIP, and what the losses need beside it, which is not stored with it."""

    def __init__(self, config: dict, vocabulary_size: int):
        super().__init__()
        self.clip = build_model(config, vocabulary_size)
        self.truth_scale, self.truth_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.tensor(0.0))
        self.prototypes = nn.Parameter(torch.randn(len(TOPICS), config["embed_dim"]))
        self.image_scale, self.image_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.zeros(len(TOPICS)))
        self.text_scale, self.text_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.zeros(2 * len(TOPICS)))


class CaptionTable:
    """All captions of a cache and what they say, as text and as int8 [N, each, T]."""

    def __init__(self, cache: PortraitCache):
        column = {name: i for i, name in enumerate(cache.topic_names)}
        self.texts, self.said = [], None
        for line in cache.captions():
            if self.said is None:
                self.said = np.zeros((cache.count, len(line["captions"]), len(column)), np.int8)
            for k, facts in enumerate(line["facts"]):
                for topic, value in facts.items():
                    self.said[line["index"], k, column[topic]] = 1 if value else -1
            self.texts.append(line["captions"])

    def pick(self, indices: np.ndarray, rng: np.random.Generator, filler_rate: float) -> tuple[list[str], Tensor]:
        """One caption for each sample, some with harmless words put in, and int8 [B, T] of what they say."""
        which = rng.integers(self.said.shape[1], size=len(indices))
        texts = [self.texts[i][k] for i, k in zip(indices, which)]
        texts = [with_fillers(text, rng) if rng.random() < filler_rate else text for text in texts]
        return texts, torch.from_numpy(self.said[indices, which])


def with_fillers(text: str, rng: np.random.Generator) -> str:
    """One to three harmless words, near the beginning or at the end."""
    words = text.split()
    for filler in rng.choice(FILLERS, int(rng.integers(1, 4))):
        place = len(words) if rng.random() < 0.25 else int(rng.integers(0, min(3, len(words)) + 1))
        words.insert(place, str(filler))
    return " ".join(words)


def train_clip(cache: PortraitCache, out: Path | str, settings: ClipTraining, device: torch.device | str = "cpu") -> Iterator[dict]:
    """Train on `cache`; at the end write out/clip.safetensors (float16, averaged weights) for a pack.

    Yields {"step", "fraction", "seconds", "loss", "truth_loss", "topic_loss"} every `report_every` steps and the scores of
    `evaluate_clip` and `responses` last. A run that was killed goes on from out/clip.checkpoint.
    """
    out, device = Path(out), torch.device(device)
    out.mkdir(parents=True, exist_ok=True)
    budget = Budget(settings.steps, settings.minutes)
    torch.manual_seed(settings.seed)
    vocabulary, captions = Vocabulary.of_phrases(settings.config["text_cfg"]["context_length"]), CaptionTable(cache)
    student = _Student(settings.config, len(vocabulary.ids)).to(device, memory_format=torch.channels_last)
    average = AveragedWeights(student)
    optimizer = torch.optim.AdamW(parameter_groups(student, settings.weight_decay), betas=(0.9, 0.98))
    checkpoint = out / "clip.checkpoint"
    if checkpoint.exists():
        state = load_checkpoint(checkpoint)
        student.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.values = state["average"]
        budget.resume(state["budget"])
    while budget.fraction < 1:
        losses = _train_step(student, optimizer, budget, cache, captions, vocabulary, settings)
        average.update(student, budget.step)
        if budget.step % settings.report_every == 0:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, **losses}
        if budget.step % (5 * settings.report_every) == 0:
            save_checkpoint(checkpoint, {"model": student.state_dict(), "optimizer": optimizer.state_dict(),
                                         "average": average.values, "budget": budget.state()})
    student.load_state_dict(average.values)
    save_clip(student.clip, vocabulary, out / "clip.safetensors")
    yield {"step": budget.step, "fraction": 1.0, "seconds": budget.elapsed, **score(student.clip.eval(), vocabulary, cache)}


def _train_step(student, optimizer, budget, cache, captions, vocabulary, settings) -> dict[str, float]:
    indices = pick_indices(cache, settings.batch_size, settings.seed, budget.step)
    device = student.truth_bias.device
    images = augment(cache.read_images(indices).to(device), torch.Generator().manual_seed(settings.seed * 1_000_003 + budget.step))
    texts, said = captions.pick(indices, np.random.default_rng([settings.seed, budget.step]), settings.filler_rate)
    said, shown = said.to(device), torch.from_numpy(np.array(cache.truth[indices])).to(device)
    true, known = agreement(said, shown)
    set_learning_rate(optimizer, budget.learning_rate(settings.learning_rate))
    student.train()
    with torch.autocast(device.type, torch.bfloat16):
        pictures = encode_images(student.clip, images)
        sentences = encode_tokens(student.clip, vocabulary.encode(texts).to(device))
    similarity = sentences @ pictures.T
    contrast = contrastive_loss(similarity, student.clip.logit_scale.exp().clamp(max=100), true, known)
    truth = truth_loss(similarity, student.truth_scale.exp(), student.truth_bias, true, known)
    topic = _topic_losses(student, pictures, sentences, shown, said)
    optimizer.zero_grad(set_to_none=True)
    (contrast + settings.truth_weight * truth + settings.topic_weight * (1 - budget.fraction) * topic).backward()
    nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimizer.step()
    budget.step += 1
    return {"loss": float(contrast.detach()), "truth_loss": float(truth.detach()), "topic_loss": float(topic.detach())}


def _topic_losses(student: _Student, pictures: Tensor, sentences: Tensor, shown: Tensor, said: Tensor) -> Tensor:
    """What pictures show and what sentences say: a negation lies opposite to its topic."""
    seen = topic_loss(pictures, student.prototypes, student.image_scale.exp(), student.image_bias, shown)
    says = torch.cat([said == 1, said == -1], 1).to(torch.int8)
    both = torch.cat([student.prototypes, -student.prototypes])
    return seen + topic_loss(sentences, both, student.text_scale.exp(), student.text_bias, says)


def score(model: open_clip.CLIP, vocabulary: Vocabulary, cache: PortraitCache) -> dict:
    """`evaluate_clip` with held-out words and `responses` of a model in eval mode."""
    device = model.logit_scale.device

    def texts(sentences: list[str]) -> Tensor:
        return encode_tokens(model, vocabulary.encode(sentences).to(device))

    def images(pictures: Tensor) -> Tensor:
        return encode_images(model, pictures.to(device))

    return {**evaluate_clip(images, texts, cache), "responses": responses(images, texts, cache.size)}


def save_clip(model: open_clip.CLIP, vocabulary: Vocabulary, path: Path) -> None:
    """float16 safetensors for a pack: the state dict, with the token table as its trained rows and their ids."""
    state = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    state["token_embedding.rows"] = state.pop("token_embedding.weight")
    state = {name: halved(value) for name, value in state.items()}
    state["token_embedding.ids"] = torch.tensor(vocabulary.ids, dtype=torch.int32)
    temporary = path.with_name(path.name + ".tmp")
    save_file(state, temporary)
    temporary.replace(path)
