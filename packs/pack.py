"""A pack in memory: generator, parser, CLIP and classifier, each loaded when it is first asked for.

A page that only draws samples never pays for CLIP. Models are frozen and in evaluation mode: one pack serves all sessions
of a server, so nothing may leave a hook, a gradient or a setting on them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from packs import cli, files, models, registry
from packs.weights import write_pack  # noqa: F401  writing is found here too

if TYPE_CHECKING:
    from open_clip import CLIP, SimpleTokenizer

    from portraits.classifier import AttributeClassifier
    from portraits.encoder import PortraitEncoder
    from segmentation.parser import FaceParser
    from stylegan2.generator import Generator


def load_pack(name_or_path: str | os.PathLike = registry.DEFAULT, device: str | torch.device = "cpu") -> Pack:
    """Open a pack: read its description, check that its files are there. The models come later, one by one.

    Raises: ValueError: unknown pack (lists the known ones), or a file missing or cut short (names it); unknown device.
    """
    if not isinstance(device, torch.device):
        device = cli.resolve_device(device)
    folder = registry.find(name_or_path)
    return Pack(folder, files.read_manifest(folder), device)


@dataclass(eq=False)
class Pack:
    """Models that belong together.

    path: its folder. info: the contents of `pack.json`. device: where the models are put.
    """

    path: Path
    info: dict
    device: torch.device
    _models: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        return self.info["name"]

    @property
    def resolution(self) -> int:
        """Height and width of the generator's pictures."""
        return self.info["resolution"]

    @property
    def neutral_text(self) -> str:
        """What CLIP is told of an unedited picture, such as "a person"."""
        return self.info["neutral_text"]

    @property
    def defaults(self) -> dict:
        """Training settings that suit this pack, by field of TrainConfig."""
        return dict(self.info.get("defaults", {}))

    @property
    def truncation(self) -> float:
        """How far samples are drawn towards the mean face when nobody says otherwise: 0 all the way, 1 not at all."""
        return float(self.defaults.get("truncation", 0.7))

    @property
    def framing(self) -> dict:
        """How much of a face its pictures show, compared with FFHQ's, by field of stylegan2.inversion.align.Framing."""
        return dict(self.info.get("framing", {}))

    @cached_property
    def hash(self) -> str:
        """Identity of the generator, in hex: same hash, same picture from the same w+. Other models do not count.

        Raises ValueError for a pack without a generator."""
        identity = [self.info["generator"], files.listed_sha256(self.info, files.file_of(self.info, "generator"))]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def generator(self) -> Generator:
        """The generator, with the number format that is fast on the device."""
        return self._model("generator")

    @property
    def parser(self) -> FaceParser:
        return self._model("parser")

    @property
    def clip_model(self) -> CLIP:
        """The open_clip model in float32; `clip_preprocess` says what its pictures must look like."""
        return self._model("clip")

    @property
    def classifier(self) -> AttributeClassifier | None:
        """The attribute classifier, for measuring; None where a pack has none."""
        return self._optional_model("classifier")

    @property
    def encoder(self) -> PortraitEncoder | None:
        """Pictures [N, 3, any, any] in [-1, 1] -> w+ [N, L, D], where an inversion begins; None where a pack has none."""
        return self._optional_model("encoder")

    @property
    def clip_preprocess(self) -> dict:
        """`mean` and `std` (three numbers each, for pictures in [0, 1]) and `size` (height and width) of CLIP's input."""
        settings = self._clip_settings
        return {"mean": settings["mean"], "std": settings["std"], "size": settings["vision_cfg"]["image_size"]}

    @cached_property
    def tokenizer(self) -> SimpleTokenizer:
        from open_clip import SimpleTokenizer

        return SimpleTokenizer(context_length=self._clip_settings["text_cfg"]["context_length"])

    def directions(self) -> list[Path]:
        """The ready-made directions that come with the pack, by name."""
        names = [name for name in self.info["files"] if name.startswith("directions/") and name.endswith(".safetensors")]
        return [files.checked(self.path, self.info, name) for name in sorted(names)]

    def unknown_words(self, text: str) -> list[str]:
        """The words of `text` that CLIP was never taught, in order, each once; punctuation does not count."""
        import regex  # the tokenizer's own, whose pattern splits words

        known, unknown = self._trained_tokens, []
        for word in regex.findall(self.tokenizer.pat, self.tokenizer.clean_fn(text)):
            if word[0].isalnum() and word not in unknown and not known.issuperset(self.tokenizer.encode(word)):
                unknown.append(word)
        return unknown

    @cached_property
    def _trained_tokens(self) -> frozenset[int]:
        """Token numbers that CLIP's text encoder was trained on; all of them where a pack stores the whole table."""
        if models.kind_of(self.info, "clip") != models.SAFETENSORS:  # a published one, which knows them all
            return frozenset(range(self.tokenizer.vocab_size))
        ids = models.read_state(self.path, self.info, "clip").get("token_embedding.ids")
        return frozenset(range(self.tokenizer.vocab_size) if ids is None else ids.tolist())

    @cached_property
    def _clip_settings(self) -> dict:
        """What CLIP is like, in full, also where the pack only gives the name of its architecture."""
        return models.clip_settings(self.info["clip"])

    def _optional_model(self, role: str) -> Any:
        return self._model(role) if files.file_of(self.info, role) in self.info["files"] else None

    def _model(self, role: str) -> Any:
        """The model, built on first use by one thread, frozen and in evaluation mode, on the device."""
        with self._lock:
            if role not in self._models:
                with torch.random.fork_rng(devices=[]):  # what a new layer draws must not change anyone's seed
                    model = models.build(role, self.path, self.info, self.device)
                self._models[role] = model.to(self.device).eval().requires_grad_(False)
            return self._models[role]
