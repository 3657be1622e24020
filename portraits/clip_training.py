"""A small CLIP trained on drawn portraits and their captions: the ear of the built-in pack.

An `open_clip.CLIP` of our own configuration with open_clip's tokenizer, so that it is used as any other CLIP is. Two
things differ from training on the web. What a caption states is known fact by fact, so for every caption and picture of
a batch it is known whether the one is true of the other; every pair that is true counts as right (with one to five
facts a caption, most batches hold several), and a pair that cannot be decided (hair under a hat) does not count. And
the words are few, so only their rows of the token table are trained and stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from packs.files import unfinished
from packs.weights import halved
from portraits.clip_evaluation import evaluate_clip, responses
from portraits.clip_losses import agreement, contrastive_loss, pair_loss, topic_loss, truth_loss
from portraits.clip_texts import Captions, PromptTable
from portraits.dataset import PortraitCache
from portraits.phrases import FILLERS, KINDS, NOUNS, OPENINGS, PHRASES
from portraits.pictures import Pictures, ahead, smooth
from portraits.topics import TOPICS
from portraits.training import (
    LEARNING_RATE, AveragedWeights, Budget, RunState, augment, autocast, parameter_groups, pick_indices, set_learning_rate, step_rng,
)

FULL_VOCABULARY = 49408
CLIP_CONFIG = {
    "embed_dim": 192,
    "vision_cfg": {"image_size": 128, "layers": [2, 2, 2, 2], "width": 28, "head_width": 64},
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
    def of_phrases(context_length: int = 32, heldout: bool = True) -> "Vocabulary":
        """Every word of `portraits.phrases`, and what joins them; without `heldout` only those that training captions may use."""
        words = [part for phrases in PHRASES.values() for part in phrases] + [*NOUNS.values(), KINDS, OPENINGS, *FILLERS]
        words += ["with without who has having that featuring wearing wears and is are not somebody someone a an the man woman , . ' the hair is"]
        tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
        used = [text.replace("//", "|") if heldout else text.partition("//")[0] for text in words]
        ids = {i for text in used for i in tokenizer.encode(text.replace("|", " "))}
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
    images = smooth(images, size if isinstance(size, int) else size[0])
    return F.normalize(model.visual(images.contiguous(memory_format=torch.channels_last)).float(), dim=-1)


@dataclass
class ClipTraining:
    """Settings of `train_clip`; exactly one of `minutes` and `steps`."""

    minutes: float | None = None
    steps: int | None = None
    batch_size: int = 256
    learning_rate: float = LEARNING_RATE
    weight_decay: float = 0.05
    truth_weight: float = 1.0  # of truth_loss beside contrastive_loss
    topic_weight: float = 1.0  # of topic_loss, at first; it fades out as the budget is used
    pair_weight: float = 1.0  # of pair_loss
    pairs: int = 24  # topics asked about a step
    filler_rate: float = 0.25  # share of captions with a harmless word put in
    seed: int = 0
    report_every: int = 10
    look_every: float = 600.0  # seconds between looks at the held-out pictures
    config: dict = field(default_factory=lambda: CLIP_CONFIG)


class Student(nn.Module):
    """The CLIP, and what the losses need beside it, which is not stored with it."""

    def __init__(self, config: dict, vocabulary_size: int):
        super().__init__()
        self.clip = build_model(config, vocabulary_size)
        self.truth_scale, self.truth_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.tensor(0.0))
        self.prototypes = nn.Parameter(torch.randn(len(TOPICS), config["embed_dim"]))
        self.pair_scale = nn.Parameter(torch.tensor(2.3))
        self.image_scale, self.image_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.zeros(len(TOPICS)))
        self.text_scale, self.text_bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.zeros(2 * len(TOPICS)))


def train_clip(cache: PortraitCache, out: Path | str, settings: ClipTraining, device: torch.device | str = "cpu",
               begin: Callable[[open_clip.CLIP, Vocabulary], None] | None = None) -> Iterator[dict]:
    """Train on `cache`; at the end write out/clip.safetensors (float16, averaged weights) for a pack.

    `begin` may give a new run's CLIP, whose token rows are those of the vocabulary, other weights than random ones.

    Yields {"step", "fraction", "seconds", "loss", "truth_loss", "topic_loss", "pair_loss"} every `report_every` steps, with the
    scores of `evaluate_clip` now and then, and those and `responses` last. A run that was killed goes on from out/clip.checkpoint.
    """
    out, device = Path(out), torch.device(device)
    out.mkdir(parents=True, exist_ok=True)
    budget = Budget(settings.steps, settings.minutes)
    torch.manual_seed(settings.seed)
    vocabulary = Vocabulary.of_phrases(settings.config["text_cfg"]["context_length"])
    student = Student(settings.config, len(vocabulary.ids)).to(device, memory_format=torch.channels_last)
    average = AveragedWeights(student)
    optimizer = torch.optim.AdamW(parameter_groups(student, settings.weight_decay), betas=(0.9, 0.98))
    checkpoint = out / "clip.checkpoint"
    state = RunState(checkpoint, student, optimizer, average, budget)
    state.resume()
    lesson, looked = Lesson(student, optimizer, budget, cache, vocabulary, settings), budget.elapsed
    if begin is not None and not checkpoint.exists():
        begin(student.clip, vocabulary)
        lesson.settle()
        average = state.average = AveragedWeights(student)
    while budget.fraction < 1:
        losses = lesson.step()
        average.update(student, budget.step)
        if budget.elapsed - looked > settings.look_every:
            looked, losses = budget.elapsed, losses | score(average.of(student).clip, vocabulary, cache, 300)
        if budget.step % settings.report_every == 0 or "auc" in losses:
            yield {"step": budget.step, "fraction": budget.fraction, "seconds": budget.elapsed, **losses}
        if budget.step % (5 * settings.report_every) == 0 or budget.fraction >= 1:
            state.save()
    yield {"step": budget.step, "fraction": 1.0, "seconds": budget.elapsed, **finish(average.of(student).clip, vocabulary, cache, out)}


def finish(model: open_clip.CLIP, vocabulary: Vocabulary, cache: PortraitCache, out: Path) -> dict:
    """Write out/clip.safetensors; the model's scores with words held out and with known ones, and its responses."""
    save_clip(model, vocabulary, out / "clip.safetensors")
    known = {f"{name}_known_words": value for name, value in score(model, vocabulary, cache, split="train").items()}
    return {**score(model, vocabulary, cache), **known, "responses": curves(model, vocabulary, cache.size)}


class Lesson:
    """One step after another, pictures, words and truths read ahead."""

    def __init__(self, student: Student, optimizer, budget: Budget, cache: PortraitCache, vocabulary: Vocabulary, settings: ClipTraining):
        self.student, self.optimizer, self.budget, self.settings = student, optimizer, budget, settings
        self.device, self.cache, self.vocabulary = student.truth_bias.device, cache, vocabulary
        self.captions, self.prompts, self.truth = Captions(cache), PromptTable(), np.array(cache.truth)
        self.pictures = Pictures(cache.images, device=self.device, shrink=smooth)
        self.size = settings.config["vision_cfg"]["image_size"]
        self.batches = ahead(self._read, count(budget.step))

    def _read(self, step: int) -> tuple:
        """Pictures, said [B, T], shown [B, T], columns of the prompted topics, and tokens of captions and prompts together."""
        indices = pick_indices(self.cache, self.settings.batch_size, self.settings.seed, step)
        rng = np.random.default_rng([self.settings.seed, step])
        texts, said = self.captions.pick(indices, rng, self.settings.filler_rate)
        columns, prompts = self.prompts.pick(self.settings.pairs, rng)
        tokens = self.vocabulary.encode(texts + prompts)
        shown = torch.from_numpy(self.truth[indices])
        return self.pictures.only(indices, self.size), said.to(self.device), shown.to(self.device), columns, tokens.to(self.device)

    def settle(self, iterations: int = 20) -> None:
        """Fit the temperatures and the bias that are not stored with a CLIP to a first batch, by L-BFGS; the CLIP stays."""
        student = self.student.eval()
        with torch.no_grad():
            embedded = self._embed(self._read(self.budget.step))
        fitted = [student.truth_scale, student.truth_bias, student.pair_scale]
        optimizer = torch.optim.LBFGS(fitted, max_iter=iterations, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimizer.zero_grad()
            losses = self._losses(*embedded)
            total = losses["truth_loss"] + losses["pair_loss"]
            total.backward()
            return total

        optimizer.step(loss)
        student.zero_grad(set_to_none=True)

    def _embed(self, batch: tuple) -> tuple:
        """The arguments of `_losses`, from what `_read` read."""
        images, said, shown, columns, tokens = batch
        images = augment(images, step_rng(self.settings.seed, self.budget.step, self.device))
        with autocast(self.device):
            pictures = encode_images(self.student.clip, images)
            sentences, wanted, unwanted = encode_tokens(self.student.clip, tokens).split([len(images), len(columns), len(columns)])
        return pictures, sentences, wanted, unwanted, said, shown, shown[:, columns]

    def step(self) -> dict[str, float]:
        set_learning_rate(self.optimizer, self.budget.learning_rate(self.settings.learning_rate))
        self.student.train()
        losses = self._losses(*self._embed(next(self.batches)))
        weights = (1.0, self.settings.truth_weight, self.settings.topic_weight * (1 - self.budget.fraction), self.settings.pair_weight)
        self.optimizer.zero_grad(set_to_none=True)
        sum(weight * loss for weight, loss in zip(weights, losses.values())).backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.budget.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _losses(self, pictures, sentences, wanted, unwanted, said, shown, asked) -> dict[str, Tensor]:
        """Contrastive, truth, topic and pair loss, in this order."""
        student, similarity, (true, known) = self.student, sentences @ pictures.T, agreement(said, shown)
        return {
            "loss": contrastive_loss(similarity, student.clip.logit_scale.exp().clamp(max=100), true, known),
            "truth_loss": truth_loss(similarity, student.truth_scale.exp(), student.truth_bias, true, known),
            "topic_loss": _topic_losses(student, pictures, sentences, shown, said),
            "pair_loss": pair_loss(pictures, wanted, unwanted, student.pair_scale.exp(), asked),
        }


def _topic_losses(student: Student, pictures: Tensor, sentences: Tensor, shown: Tensor, said: Tensor) -> Tensor:
    """What pictures show and what sentences say: a negation lies opposite to its topic."""
    seen = topic_loss(pictures, student.prototypes, student.image_scale.exp(), student.image_bias, shown)
    says = torch.cat([said == 1, said == -1], 1).to(torch.int8)
    both = torch.cat([student.prototypes, -student.prototypes])
    return seen + topic_loss(sentences, both, student.text_scale.exp(), student.text_bias, says)


def _encoders(model: open_clip.CLIP, vocabulary: Vocabulary):
    device = model.logit_scale.device
    return (lambda pictures: encode_images(model, pictures.to(device)),
            lambda sentences: encode_tokens(model, vocabulary.encode(sentences).to(device)))


def score(model: open_clip.CLIP, vocabulary: Vocabulary, cache: PortraitCache, limit: int = 1000, split: str = "heldout") -> dict:
    """`evaluate_clip` of a model in eval mode, with the words of `split` on `limit` held-out pictures."""
    return evaluate_clip(*_encoders(model, vocabulary), cache, split, limit)


def curves(model: open_clip.CLIP, vocabulary: Vocabulary, size: int) -> dict:
    """`responses` of a model in eval mode."""
    return responses(*_encoders(model, vocabulary), size)


def save_clip(model: open_clip.CLIP, vocabulary: Vocabulary, path: Path) -> None:
    """float16 safetensors for a pack: the state dict, with the token table as its trained rows and their ids."""
    state = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    state["token_embedding.rows"] = state.pop("token_embedding.weight")
    state = {name: halved(value) for name, value in state.items()}
    state["token_embedding.ids"] = torch.tensor(vocabulary.ids, dtype=torch.int32)
    with unfinished(path) as waiting:
        save_file(state, waiting)
