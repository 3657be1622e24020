"""Semantic-VAE: masks become one code a part, single codes are changed, and codes become a whole mask again.

    model = load_model(path)
    codes = model.encode(masks)                                  # [N, 19, D], one row a class
    codes = sample_part(codes, "nose", rng, model.densities)     # or perturb_part, interpolate_part
    masks = model.decode(codes).argmax(1)                        # [N, S, S]

A part is a name of `segmentation.parts.PARTS`; its codes are those of the classes that it covers. `densities` say where these
lie for the masks of the training (`baselines.semantic_vae.density`); without them parts are drawn from N(0, 1), as in the paper.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from baselines.semantic_vae.density import PREFIX, CodeDensity, from_tensors, to_tensors
from baselines.semantic_vae.layers import ClassEncoder, MaskDecoder, PartSequence
from packs.files import write_atomically
from packs.weights import halved, read_safetensors
from segmentation.parts import CLASSES, part as part_named

FORMAT = "semantic-vae"
NUM_CLASSES = len(CLASSES)

Densities = Mapping[str, CodeDensity]
NORMAL: Densities = {}  # codes of all parts from N(0, 1)


@dataclass(frozen=True)
class SemanticVAEConfig:
    """Shapes of the networks. The defaults are small; `published` has the paper's. Raises ValueError for what cannot be built."""

    size: int = 128  # pixels of a mask's side
    grid: int = 16  # side of a part's map at the decoder's start; a code has grid * grid entries
    encoder_size: int = 64  # pixels of the side that the MLP sees: shares of each class, averaged from `size`
    hidden: int = 256  # of the MLP
    separate_encoders: bool = False  # an MLP for each class instead of one for all
    lstm_layers: int = 3  # 0: the decoder gets the codes as they are
    bidirectional: bool = True
    lstm_width: int = 128  # each way
    feed_forward: int = 512
    widths: tuple[int, ...] = (96, 64, 48, 32, 16)  # of the decoder: the first, then one after each residual block

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        low = {"grid": 2, "encoder_size": 4, "hidden": 1, "lstm_width": 1, "feed_forward": 1, "lstm_layers": 0}
        for name, least in low.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; accepted: whole numbers from {least}")
        doublings = math.log2(self.size / self.grid) if self.size > 0 else -1
        if not (doublings.is_integer() and 0 <= doublings < len(self.widths)):
            sizes = ", ".join(str(self.grid * 2**i) for i in range(len(self.widths)))
            raise ValueError(f"size is {self.size}; accepted with grid {self.grid} and {len(self.widths)} widths: {sizes}")
        if any(width < 4 or width % 4 for width in self.widths):
            raise ValueError(f"widths are {self.widths}; accepted: multiples of 4")
        if not self.encoder_size <= self.size:
            raise ValueError(f"encoder_size is {self.encoder_size}; accepted: up to the mask's {self.size} pixels")

    @property
    def code_dim(self) -> int:
        """Entries of a part's code, D."""
        return self.grid**2


# Section 3.1 where it gives numbers; LSTM, feed-forward and decoder widths as the authors' demo has them.
PUBLISHED = SemanticVAEConfig(size=256, encoder_size=256, hidden=256, lstm_width=256, feed_forward=1024,
                              widths=(512, 256, 128, 64, 32))


class SemanticVAE(nn.Module):
    """Figure 1: class-wise MLP, LSTMs with feed-forward block, residual decoder.

    densities: of the codes of parts, by name, where they were fitted; on the model's device as `load_model` returns it.
    """

    def __init__(self, config: SemanticVAEConfig = SemanticVAEConfig()):
        super().__init__()
        self.config, self.densities = config, dict[str, CodeDensity]()
        matrices = NUM_CLASSES if config.separate_encoders else 1
        self.encoder = ClassEncoder(config.encoder_size**2, config.hidden, config.code_dim, matrices)
        self.sequence: nn.Module = nn.Identity()
        if config.lstm_layers:
            self.sequence = PartSequence(config.code_dim, config.lstm_layers, config.lstm_width, config.bidirectional,
                                         config.feed_forward)
        self.decoder = MaskDecoder(NUM_CLASSES, config.widths, int(math.log2(config.size / config.grid)))

    @property
    def code_shape(self) -> tuple[int, int]:
        """(19, D): of all codes of one mask."""
        return NUM_CLASSES, self.config.code_dim

    def distribution(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Masks [N, H, H] of class numbers, H from encoder_size on -> mean and log variance of the codes, each [N, 19, D]."""
        channels = masks[:, None] == torch.arange(NUM_CLASSES, device=masks.device)[:, None, None]
        shares = F.adaptive_avg_pool2d(channels.float(), self.config.encoder_size)
        return self.encoder(shares.flatten(2))

    def encode(self, masks: Tensor) -> Tensor:
        """Masks [N, H, H] of class numbers (any integers) -> the means of their codes, [N, 19, D].

        Raises ValueError for another shape, too few pixels, or a number that is no class.
        """
        least = self.config.encoder_size
        if masks.ndim != 3 or masks.shape[1] != masks.shape[2] or masks.shape[1] < least or masks.is_floating_point():
            raise ValueError(f"masks are {masks.dtype} {list(masks.shape)}; accepted: integers [N, H, H], H from {least} on")
        if masks.numel() and not 0 <= int(masks.min()) <= int(masks.max()) < NUM_CLASSES:
            raise ValueError(f"masks hold {int(masks.min())} to {int(masks.max())}; "
                             f"accepted: class numbers 0 to {NUM_CLASSES - 1}")
        return self.distribution(masks)[0]

    def maps(self, codes: Tensor) -> Tensor:
        """Codes [N, 19, D] -> what the decoder starts from, [N, 19, G, G]."""
        return self.sequence(codes).unflatten(2, (self.config.grid, self.config.grid))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [N, 19, D] -> logits [N, 19, S, S]. Raises ValueError for another shape."""
        if codes.ndim != 3 or codes.shape[1:] != self.code_shape:
            raise ValueError(f"codes are {list(codes.shape)}; accepted: [N, {NUM_CLASSES}, {self.config.code_dim}]")
        return self.decoder(self.maps(codes))

    def forward(self, masks: Tensor) -> Tensor:
        """Masks [N, H, H] -> logits [N, 19, S, S] of their reconstruction."""
        return self.decode(self.encode(masks))


def sample_part(codes: Tensor, part: str, rng: torch.Generator, densities: Densities = NORMAL) -> Tensor:
    """Generation (section 4.1): the part's codes drawn anew, the others as they are; [N, 19, D] -> the same shape.

    They are drawn from the part's density, or from N(0, 1), as in the paper, where `densities` has none. rng, densities: of the
    codes' device. Raises ValueError for an unknown part.
    """
    density = densities.get(part)
    return _with_part(codes, part, lambda rows: _noise(rows, rng) if density is None else density.draw(len(rows), rng))


def perturb_part(codes: Tensor, part: str, rng: torch.Generator, strength: float = 1.0, densities: Densities = NORMAL) -> Tensor:
    """Perturbation (section 4.1): noise times `strength` added to the part's codes.

    It is noise of the part's density, so that a strength of 1 is as far as parts lie from their mean; or of N(0, 1), as in the
    paper, where `densities` has none. rng, densities: of the codes' device. Raises ValueError for an unknown part.
    """
    density = densities.get(part)

    def noisy(rows: Tensor) -> Tensor:
        return rows + strength * (_noise(rows, rng) if density is None else density.noise(len(rows), rng))

    return _with_part(codes, part, noisy)


def interpolate_part(source: Tensor, target: Tensor, part: str, alpha: float) -> Tensor:
    """Interpolation (equation 4): the part's codes are alpha * target + (1 - alpha) * source, the others the source's.

    source, target: [N, 19, D]. alpha 0 is the source, 1 gives it the target's part. Raises ValueError for an unknown part.
    """
    if source.shape != target.shape:
        raise ValueError(f"source codes are {list(source.shape)} and target codes {list(target.shape)}; accepted: equal shapes")
    there = target[:, part_rows(part)]
    return _with_part(source, part, lambda rows: alpha * there + (1 - alpha) * rows)


def part_rows(part: str) -> list[int]:
    """The rows of the codes that belong to a part. Raises ValueError for an unknown one."""
    return list(part_named(part).classes)


def changed_masks(masks: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Only what an edit changes, put into the mask that was edited: masks [N, S, S], class logits [N, 19, S, S] of its
    reconstruction before and after the edit -> [N, S, S]. Fine outlines that a code does not hold stay as they were."""
    before, after = before.argmax(1), after.argmax(1)
    return torch.where(before == after, masks.to(after.dtype), after)


def _with_part(codes: Tensor, part: str, change) -> Tensor:
    rows, codes = part_rows(part), codes.clone()
    codes[:, rows] = change(codes[:, rows])
    return codes


def _noise(like: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=rng, device=like.device, dtype=like.dtype)


def save_model(path: Path, model: SemanticVAE, about: Mapping[str, Any] | None = None) -> None:
    """Write a safetensors file, matrices as float16, with the config and `about` (JSON-able) in its header. Raises OSError."""
    header = {FORMAT: json.dumps({"config": asdict(model.config), "about": dict(about or {})})}
    state = {**model.state_dict(), **to_tensors(model.densities)}
    write_atomically(path, save({name: halved(tensor).cpu().contiguous().clone() for name, tensor in state.items()}, metadata=header))


def load_model(path: Path | str, device: torch.device | str = "cpu") -> SemanticVAE:
    """The model of a file of `save_model`, in evaluation mode, without gradients. Raises ValueError for other files, and OSError."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no model at {path}; a run of baselines.semantic_vae.train writes model.safetensors")
    header, state = read_safetensors(path)
    try:
        config = SemanticVAEConfig(**json.loads(header[FORMAT])["config"])
        with torch.device("meta"):  # a config that does not fit the weights costs no memory
            model = SemanticVAE(config)
        fitted = {name: state.pop(name) for name in list(state) if name.startswith(PREFIX)}
        model.load_state_dict({name: value.float() for name, value in state.items()}, assign=True)
        model.densities = {part: density.to(device) for part, density in from_tensors(fitted, config.code_dim).items()}
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged or no Semantic-VAE ({error})") from error
    return model.to(device).eval().requires_grad_(False)
