"""An editor in StyleSpace: one offset of the styles for each prompt, the same for every picture, and its file."""
from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Mapping

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from evaluation.editor import Request, Samples, latents_of
from packs.files import write_atomically
from stylegan2.steps import edited

if TYPE_CHECKING:
    from packs.pack import Pack

FORMAT = "eclipsed-style-offset"


@dataclass(frozen=True, eq=False)
class StyleOffset:
    """offset: [S], the edit at alpha 1 (`stylegan2.style_space` says in what order). about: how it was found, JSON-able."""

    offset: Tensor
    about: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises OSError."""
        write_atomically(path, save({"offset": self.offset.float().cpu().contiguous()}, metadata={FORMAT: json.dumps(dict(self.about))}))


def load_offset(path: Path) -> StyleOffset:
    """Read the file of a `StyleOffset`. Raises ValueError for one that is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return StyleOffset(file.get_tensor("offset"), json.loads(file.metadata()[FORMAT]))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); remove it, and it is made anew") from error


class OffsetEditor:
    """Adds alpha times the prompt's offset to the styles of every picture."""

    def __init__(self, name: str, pack: "Pack", learn: Callable[[Request], StyleOffset], place: Callable[[Request], Path],
                 precompute: Callable[[], object] = lambda: None) -> None:
        """learn: finds the offset of a request's prompt. place: the file in which it is kept. precompute: what is done once
        for all prompts, outside the seconds of each."""
        self.name, self.pack, self.learn, self.place, self.precompute = name, pack, learn, place, precompute
        self.offsets: dict[str, StyleOffset] = {}

    def prepare(self, request: Request, samples: Samples) -> dict:
        """Find the offset, or load it where it was found before. `seconds` is what finding it took."""
        path, source = self.place(request), "loaded"
        if not path.is_file():
            self.precompute()
            started, source = time.monotonic(), "trained"
            found = self.learn(request)
            StyleOffset(found.offset, {**found.about, "seconds": round(time.monotonic() - started, 3)}).save(path)
        self.offsets[request.prompt] = load_offset(path)
        return {"source": source, "layers": None, "steps": None, **self.offsets[request.prompt].about}

    @torch.no_grad()
    def edit(self, samples: Samples, request: Request) -> Tensor:
        """As the protocol says. Raises ValueError for samples without latents."""
        w_plus = latents_of(samples, self.name)
        if request.prompt not in self.offsets:
            self.prepare(request, samples)
        return edited(self.pack.generator.synthesis, w_plus, request.alpha * self.offsets[request.prompt].offset)
