"""A trained RGB generator as an editor: pictures in, pictures out, asked by attribute and value. No latents, no masks to draw.

    editor = load_editor("runs/secgan", device)
    after = editor.edit(Samples(images), Request("", "Bangs", True))
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.data.attributes import index_of
from baselines.secgan.config import SecganConfig
from baselines.secgan.run import FILES
from baselines.secgan.segments import likeliest, log_probability
from baselines.secgan.weights import load_generator
from evaluation.editor import CannotServe, Request, Samples
from portraits.pictures import smooth
from segmentation.parser import FaceParser

BATCH = 16


class SecganEditor:
    """Edits at the size it was trained at. A picture of another size keeps its own detail: what changed is resized and laid over it.

    alpha 1 is the network's own edit, a label difference of 1 (or -1, for value False). Other strengths multiply the label
    difference, which the network takes as a number: up to 1 it interpolates, beyond it extrapolates, below 0 it asks for the
    opposite. Between -1 and 1 the part of the picture that the network cannot rebuild is faded in, so that 0 changes nothing; where the
    settings say `keep_detail`, all of it is there at every strength.
    """

    def __init__(self, generator: nn.Module, config: SecganConfig, parser: FaceParser | None = None) -> None:
        """generator: of the RGB branch, frozen. parser: on the same device. Raises ValueError for "concat" without one."""
        if config.method == "concat" and parser is None:
            raise ValueError("an editor of method 'concat' looks at masks; give it a parser, such as that of a pack")
        self.generator, self.config, self.parser = generator, config, parser
        self.name = f"{config.method}-{config.backbone}"

    @property
    def attributes(self) -> tuple[str, ...]:
        """What it can be asked for."""
        return self.config.attributes

    @property
    def device(self) -> torch.device:
        return next(self.generator.parameters()).device

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As `evaluation.editor.PromptEditor` says: nothing is left to learn. Raises CannotServe for an attribute it was not trained on."""
        self.difference(request)
        return {"source": "loaded", "seconds": 0.0, "layers": None, "steps": self.config.steps}

    def difference(self, request: Request) -> Tensor:
        """y_diff [A] of a request at its strength. Raises CannotServe for an attribute that it was not trained on."""
        try:
            index = index_of(request.attribute, self.attributes)
        except ValueError as error:
            raise CannotServe(f"editor {self.name!r} cannot serve {request.prompt or request.attribute!r}: {error}") from None
        difference = torch.zeros(len(self.attributes), device=self.device)
        difference[index] = request.alpha if request.value else -request.alpha
        return difference

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says: [N, 3, R, R] in [-1, 1], on the samples' device. Raises CannotServe as `prepare`."""
        difference = self.difference(request)
        edited = [self._edit(batch.images.to(self.device).float(), difference) for batch in samples.split(BATCH)]
        return torch.cat(edited).to(samples.images.device) if edited else samples.images

    def _edit(self, images: Tensor, difference: Tensor) -> Tensor:
        small = smooth(images, self.config.size).clamp(-1, 1)
        inputs = small if self.config.method != "concat" else torch.cat([small, likeliest(log_probability(self.parser(small)))], dim=1)
        after = self.generator(inputs, difference.expand(len(images), -1))
        detail = 1.0 if self.config.keep_detail else 1 - float(difference.abs().max())
        if detail > 0:
            after = after + detail * (small - self.generator(inputs, torch.zeros_like(difference).expand(len(images), -1)))
        if images.shape[-1] != self.config.size:
            after = images + smooth(after - small, images.shape[-1])
        return after.clamp(-1, 1)


def load_editor(path: Path | str, device: torch.device | str = "cpu", parser: FaceParser | None = None) -> SecganEditor:
    """The editor of a run's folder or of its generator.safetensors.

    Raises OSError for a file that cannot be read, ValueError for one that is damaged or something else, and for an editor of
    method "concat" without a parser.
    """
    path = Path(path)
    return SecganEditor(*load_generator(path / FILES["rgb"] if path.is_dir() else path, device), parser)
