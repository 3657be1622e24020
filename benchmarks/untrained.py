"""A pack of the published architectures with random weights: as slow, and as large, as the real one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import torch
from torch import nn

from segmentation.bisenet import BiSeNet
from segmentation.parser import FaceParser
from stylegan2.generator import Generator, GeneratorConfig

if TYPE_CHECKING:
    from open_clip import CLIP, SimpleTokenizer

CLIP_NAME = "ViT-B-32-quickgelu"  # that of eCLIPsed


@dataclass(eq=False)
class UntrainedPack:
    """What `packs.pack.Pack` offers to training, of other sizes if asked for.

    config: of the generator. dtype: of its feature maps and of the parser; CLIP is float32. clip: an open_clip
    architecture, by name or described. parser_width, parser_size: of BiSeNet and of its input.
    """

    config: GeneratorConfig
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")
    clip: str | dict = CLIP_NAME
    parser_width: float = 1.0
    parser_size: int = 512
    name: str = "untrained"
    hash: str = "0" * 64
    neutral_text: str = "a person"
    path: Path = field(default=Path("untrained"))
    classifier: None = None

    @property
    def info(self) -> dict:
        """No files, so nothing about it is worth keeping."""
        return {"files": {}}

    @property
    def defaults(self) -> dict:
        """No settings of its own."""
        return {}

    @property
    def resolution(self) -> int:
        return self.config.resolution

    @cached_property
    def generator(self) -> Generator:
        with _seeded(1):
            generator = Generator(self.config)
            _draw_what_starts_at_zero(generator)
            generator.mapping.track_average(generator.mapping.w(torch.randn(1000, generator.z_dim)), decay=0.0)
        generator.synthesis.dtype = self.dtype
        return generator.to(self.device).eval().requires_grad_(False)

    @property
    def network(self) -> BiSeNet:
        """The parser's network as it is published, its batch norms apart; made anew each time."""
        with _seeded(2):
            network = BiSeNet(width=self.parser_width)
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.weight.data += 0.1 * torch.randn(module.num_features)
                    module.bias.data += 0.1 * torch.randn(module.num_features)
                    module.running_mean += 0.1 * torch.randn(module.num_features)
                    module.running_var += 0.1 * torch.randn(module.num_features).abs()
        return network.to(self.device).eval().requires_grad_(False)

    @cached_property
    def parser(self) -> FaceParser:
        return FaceParser(self.network, self.parser_size, dtype=self.dtype).to(self.device).eval()

    @cached_property
    def clip_model(self) -> CLIP:
        from open_clip import CLIP

        with _seeded(3):
            return CLIP(**self._clip_config).to(self.device).eval().requires_grad_(False)

    @property
    def clip_preprocess(self) -> dict:
        from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

        return {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD, "size": self._clip_config["vision_cfg"]["image_size"]}

    @cached_property
    def tokenizer(self) -> SimpleTokenizer:
        from open_clip import SimpleTokenizer

        return SimpleTokenizer(context_length=self._clip_config["text_cfg"]["context_length"])

    def unknown_words(self, text: str) -> list[str]:
        """None: nothing was taught, and nothing left out."""
        return []

    @property
    def _clip_config(self) -> dict:
        from open_clip import get_model_config

        return get_model_config(self.clip) if isinstance(self.clip, str) else self.clip


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draws in here are always the same, and change nobody else's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _draw_what_starts_at_zero(generator: Generator) -> None:
    """Biases and noise strengths as the golden files have them: at zero some arithmetic would be free."""
    for name, parameter in generator.named_parameters():
        if name.endswith((".bias", "noise_strength")):
            parameter.data += 0.1 * torch.randn(parameter.shape)
