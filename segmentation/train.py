"""Trains a face parser from pictures with class masks; made for the small one of the built-in pack.

As the published training, the loss is the sum over the three heads (BiSeNet, equation 3); here it is a cross entropy
weighted by rarity (a brow has 200 times fewer pixels than the background) and the soft Jaccard loss, with AdamW and
averaged weights. Weights alone make rare classes fat: at rarity 0.5 the built-in parser's mean IoU was 0.82, and 0.86 after
a third of that rarity was taken back from its logits.

    network = BiSeNet(width=0.25)
    for progress in train_parser(network, batches, TrainSettings(steps=2000), validation, checkpoint=folder / "parser.ckpt"):
        print(progress)
    # network holds the averaged weights: save network.state_dict(), use FaceParser(network, settings.input_size)
"""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from packs.files import unfinished
from segmentation.augment import augment
from segmentation.bisenet import BiSeNet, upsample_logits
from segmentation.metrics import confusion_matrix, mean_iou, pixel_accuracy
from segmentation.parser import IMAGENET_MEAN, IMAGENET_STD, FaceParser, preprocess

Batch = tuple[Tensor, Tensor]  # images [N, 3, H, W] in [-1, 1], masks [N, H, W] of class numbers


@dataclass(frozen=True)
class TrainSettings:
    """How a parser is trained. `seconds` ends the training early (and its learning rate with it) on a slow machine; without
    it the result depends on the data, the seed and the thread count alone."""

    steps: int = 2000
    input_size: int = 256  # what the network sees; masks keep their own size
    lr: float = 2e-3
    weight_decay: float = 0.01
    warmup: int = 50  # steps of rising learning rate
    auxiliary_weight: float = 1.0  # of the two auxiliary heads, 1 in the published training
    rarity: float = 0.2  # power of the inverse class frequency in the cross entropy: 0 is unweighted
    jaccard_weight: float = 1.0  # of the soft Jaccard loss, which is what the mean IoU asks for
    max_weight: float = 10.0  # of one class against the average pixel
    average: float = 0.995  # decay of the averaged weights per step
    augmented: bool = True
    bfloat16: bool = False  # autocast, with channels_last: several times faster where the CPU has AVX-512 BF16 or AMX
    validate_every: int = 200
    save_every: int = 200
    seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.lr <= 0 or self.validate_every < 1 or self.save_every < 1:
            raise ValueError(f"steps, lr, validate_every and save_every must be positive: {self}")
        if not 0 <= self.average < 1 or not 0 <= self.rarity <= 1 or self.jaccard_weight < 0:
            raise ValueError(f"average must lie in [0, 1), rarity in [0, 1] and jaccard_weight at or above 0: {self}")


def rarity_weights(counts: Tensor, rarity: float, max_weight: float) -> Tensor:
    """Pixel counts [C] of the classes -> weights [C] of the cross entropy: frequency to the power -rarity, scaled so that
    the average pixel weighs 1, at most `max_weight`. Classes not seen yet get the largest."""
    frequency = counts.double() / counts.sum().clamp(min=1)
    weights = frequency.clamp(min=1e-12) ** -rarity
    weights = weights / (weights * frequency).sum().clamp(min=1e-12)
    return weights.clamp(max=max_weight).float()


def soft_jaccard_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - intersection over union of the softmax of logits [N, C, H, W] with masks [N, H, W], over the whole batch, in the
    mean over the classes that the masks show: a scalar in [0, 1] (Rahman and Wang, ISVC 2016, equation 3, for many classes)."""
    probability = logits.float().softmax(dim=1).movedim(1, -1).flatten(0, -2)  # [pixels, C]
    labels = masks.long().flatten()
    counts = torch.bincount(labels, minlength=logits.shape[1])
    hits = probability.gather(1, labels[:, None])[:, 0]
    both = torch.zeros_like(counts, dtype=hits.dtype).index_add(0, labels, hits)
    iou = both / (probability.sum(0) + counts - both).clamp(min=1e-6)
    return 1.0 - iou[counts > 0].mean()


def parser_loss(heads: Sequence[Tensor], masks: Tensor, weights: Tensor, auxiliary_weight: float, jaccard_weight: float = 0.0) -> Tensor:
    """Weighted cross entropy of the first logit map [N, C, H, W], with its soft Jaccard loss, plus the cross entropy of the
    auxiliary maps: a scalar."""
    main, *auxiliary = (F.cross_entropy(head.float(), masks.long(), weights) for head in heads)
    if jaccard_weight:
        main = main + jaccard_weight * soft_jaccard_loss(heads[0], masks)
    return main + auxiliary_weight * sum(auxiliary)


def evaluate(parser: FaceParser, batches: Sequence[Batch]) -> Tensor:
    """Confusion matrix [C, C] of a parser over the batches."""
    total = None
    with torch.inference_mode():
        for images, masks in batches:
            logits = parser(images)
            counts = confusion_matrix(logits.argmax(1), masks, logits.shape[1])
            total = counts if total is None else total + counts
    return total


def train_parser(
    network: BiSeNet,
    batches: Iterator[Batch] | Callable[[int], Iterator[Batch]],
    settings: TrainSettings,
    validation: Sequence[Batch] = (),
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Iterator[dict]:
    """Train on the batches' device; `network` always holds the *averaged* weights, also if the caller stops early.

    Yields {"step", "loss", "lr", "seconds"} each step, with "mean_iou" and "pixel_accuracy" of the averaged weights added
    every `validate_every` steps and at the end. With `checkpoint`, the state is saved there (atomically) every `save_every`
    steps and at the end; `resume=True` goes on from it if it exists and gives the weights that an uninterrupted run gives.
    For that, `batches` is a function from a step's number to the batches from there on, or an iterator that starts from its
    beginning again, of which what was used before is drawn and dropped."""
    trainer = _Trainer(network, settings)
    if resume and checkpoint is not None and checkpoint.exists():
        trainer.load(checkpoint)
    if callable(batches):
        batches = batches(trainer.step_count)
    else:
        for _ in range(trainer.step_count):
            next(batches)
    last = trainer.finished
    while not last:
        progress = trainer.step(*_next_batch(batches, trainer.step_count, settings.steps))
        last = trainer.finished  # asked once a step: with a time limit the answer may change while validating
        if validation and (last or trainer.step_count % settings.validate_every == 0):
            progress |= trainer.validate(validation)
        if checkpoint is not None and (last or trainer.step_count % settings.save_every == 0):
            trainer.save(checkpoint)
        yield progress


def _next_batch(batches: Iterator[Batch], step: int, steps: int) -> Batch:
    try:
        return next(batches)
    except StopIteration:
        raise ValueError(f"the batches ended after {step} of {steps} steps: pass an endless iterator") from None


def _lasting(settings: dict) -> dict:
    """The settings that a run must keep: not how long it may take, nor the number format, which is the machine's."""
    return {name: value for name, value in settings.items() if name not in ("seconds", "bfloat16")}


class _Trainer:
    """All that changes during a training, and one step of it."""

    def __init__(self, network: BiSeNet, settings: TrainSettings):
        self.settings, self.averaged = settings, network.eval()
        self.live = copy.deepcopy(network).train()
        if settings.bfloat16:
            self.live.to(memory_format=torch.channels_last)
        decay = [p for p in self.live.parameters() if p.ndim > 1]
        plain = [p for p in self.live.parameters() if p.ndim <= 1]  # batch norms: their scale is no weight to keep small
        groups = [{"params": decay, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.lr)
        device = next(network.parameters()).device
        self.counts = torch.zeros(network.num_classes, dtype=torch.int64, device=device)
        self.mean, self.std = (torch.tensor(v, device=device) for v in (IMAGENET_MEAN, IMAGENET_STD))
        self.step_count, self._seconds_before, self._started = 0, 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Spent so far, those before an interruption included."""
        return self._seconds_before + time.monotonic() - self._started

    @property
    def done(self) -> float:
        """Share of the training that is over, in steps or in time, whichever is further."""
        in_time = self.seconds / self.settings.seconds if self.settings.seconds else 0.0
        return max(self.step_count / self.settings.steps, in_time)

    @property
    def finished(self) -> bool:
        return self.done >= 1.0

    def learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        warm = min(1.0, (self.step_count + 1) / max(1, self.settings.warmup))
        return self.settings.lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, self.done)))

    def step(self, images: Tensor, masks: Tensor) -> dict:
        """One batch. Its random changes follow from the seed and the step's number, so that resuming repeats them."""
        lr = self.learning_rate()
        if self.settings.augmented:
            generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.step_count)
            images, masks = augment(images, masks, generator)
        self.counts += torch.bincount(masks.long().flatten(), minlength=self.counts.numel())
        loss = self._loss(images, masks)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self._average()
        self.step_count += 1
        return {"step": self.step_count, "loss": loss.item(), "lr": lr, "seconds": self.seconds}

    def _loss(self, images: Tensor, masks: Tensor) -> Tensor:
        x = preprocess(images, self.settings.input_size, self.mean, self.std)
        if self.settings.bfloat16:
            x = x.contiguous(memory_format=torch.channels_last)
        weights = rarity_weights(self.counts, self.settings.rarity, self.settings.max_weight)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.settings.bfloat16):
            heads = self.live.heads(x)
        heads = [upsample_logits(head.float().contiguous(), masks.shape[1:]) for head in heads]
        return parser_loss(heads, masks, weights, self.settings.auxiliary_weight, self.settings.jaccard_weight)

    @torch.no_grad()
    def _average(self) -> None:
        """Averages weights and running statistics; the first steps count little, or the start would linger."""
        decay = min(self.settings.average, (1 + self.step_count) / (10 + self.step_count))
        for kept, new in zip(self.averaged.state_dict().values(), self.live.state_dict().values(), strict=True):
            kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)

    def validate(self, batches: Sequence[Batch]) -> dict:
        confusion = evaluate(FaceParser(self.averaged, self.settings.input_size), batches)
        return {"mean_iou": mean_iou(confusion), "pixel_accuracy": pixel_accuracy(confusion)}

    def save(self, path: Path) -> None:
        """Everything in one safetensors file, which takes its name when it is complete."""
        tensors = {f"live.{name}": tensor for name, tensor in self.live.state_dict().items()}
        tensors |= {f"averaged.{name}": tensor for name, tensor in self.averaged.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
        tensors["counts"] = self.counts
        about = {"step": self.step_count, "seconds": self.seconds, "settings": asdict(self.settings)}
        with unfinished(path) as waiting:
            save_file({k: t.contiguous() for k, t in tensors.items()}, waiting, {"training": json.dumps(about)})

    def load(self, path: Path) -> None:
        """Continue from a file of `save`; raises ValueError if it was made with other settings."""
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if _lasting(about["settings"]) != _lasting(asdict(self.settings)):
            raise ValueError(f"{path} was trained with other settings ({about['settings']}); resume with the same")
        for network, prefix in ((self.live, "live."), (self.averaged, "averaged.")):
            network.load_state_dict({k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)})
        self.counts.copy_(tensors["counts"])
        self._load_optimizer(tensors)
        self.step_count, self._seconds_before, self._started = about["step"], about["seconds"], time.monotonic()

    def _load_optimizer(self, tensors: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, field = name.split(".")
                state.setdefault(int(index), {})[field] = tensor
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})
