"""A pack in memory: generator, parser, CLIP and classifier, each loaded when it is first asked for.

A page that only draws samples never pays for CLIP. Models are frozen and in evaluation mode: one pack serves all sessions
of a server, so nothing may leave a hook, a gradient or a setting on them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from packs import cli, files, registry
from packs.weights import expand_rows, extract_rows, read_weights, write_pack  # noqa: F401  writing is found here too

if TYPE_CHECKING:
    from open_clip import CLIP, SimpleTokenizer

    from portraits.classifier import AttributeClassifier
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

    @cached_property
    def hash(self) -> str:
        """Identity of the generator, in hex: same hash, same picture from the same w+. Other models do not count."""
        identity = [self.info["generator"], self.info["files"]["generator.safetensors"]["sha256"]]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def generator(self) -> Generator:
        """The generator, with the number format that is fast on the device."""
        return self._model("generator", self._build_generator)

    @property
    def parser(self) -> FaceParser:
        return self._model("parser", self._build_parser)

    @property
    def clip_model(self) -> CLIP:
        """The open_clip model in float32; `clip_preprocess` says what its pictures must look like."""
        return self._model("clip", self._build_clip)

    @property
    def classifier(self) -> AttributeClassifier | None:
        """The attribute classifier, for measuring; None where a pack has none."""
        if "classifier.safetensors" not in self.info["files"]:
            return None
        return self._model("classifier", self._build_classifier)

    @property
    def clip_preprocess(self) -> dict:
        """`mean` and `std` (three numbers each, for pictures in [0, 1]) and `size` (height and width) of CLIP's input."""
        settings = self.info["clip"]
        return {"mean": settings["mean"], "std": settings["std"], "size": settings["vision_cfg"]["image_size"]}

    @cached_property
    def tokenizer(self) -> SimpleTokenizer:
        from open_clip import SimpleTokenizer

        return SimpleTokenizer(context_length=self.info["clip"]["text_cfg"]["context_length"])

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
        weights = read_weights(self.path, self.info, "clip.safetensors")
        ids = weights.get("token_embedding.ids")
        return frozenset(range(self.tokenizer.vocab_size) if ids is None else ids.tolist())

    def _model(self, name: str, build: Callable[[dict[str, Tensor]], nn.Module]) -> Any:
        """The model, built on first use by one thread, frozen and in evaluation mode, on the device."""
        with self._lock:
            if name not in self._models:
                weights = read_weights(self.path, self.info, f"{name}.safetensors")
                with torch.random.fork_rng(devices=[]):  # what a new layer draws must not change anyone's seed
                    model = self._fitting(name, build, weights)
                self._models[name] = model.to(self.device).eval().requires_grad_(False)
            return self._models[name]

    def _fitting(self, name: str, build: Callable[[dict[str, Tensor]], nn.Module], weights: dict[str, Tensor]) -> nn.Module:
        """`build(weights)`, where weights that do not fit become a sentence."""
        try:
            return build(weights)
        except (RuntimeError, TypeError, KeyError) as error:
            reason = str(error).splitlines()[-1].strip()
            path = self.path / f"{name}.safetensors"
            raise ValueError(f"{path} does not fit the {name!r} of its {files.MANIFEST}: {reason}") from error

    def _build_generator(self, weights: dict[str, Tensor]) -> Generator:
        from stylegan2.generator import Generator, GeneratorConfig, compute_dtype

        generator = Generator(GeneratorConfig.from_dict(self.info["generator"]))
        generator.load_state_dict(weights)
        generator.synthesis.dtype = compute_dtype(self.device)
        return generator

    def _build_parser(self, weights: dict[str, Tensor]) -> FaceParser:
        from segmentation.bisenet import BiSeNet
        from segmentation.parser import FaceParser, compute_dtype

        settings = dict(self.info["parser"])
        network = BiSeNet(settings.pop("num_classes"), settings.pop("width"))
        network.load_state_dict(weights)
        settings.pop("kind", None)
        return FaceParser(network, **settings, dtype=compute_dtype(self.device))

    def _build_clip(self, weights: dict[str, Tensor]) -> CLIP:
        from open_clip import CLIP

        config = {key: value for key, value in self.info["clip"].items() if key not in ("mean", "std")}
        model = CLIP(**config)
        if "token_embedding.rows" in weights:
            weights = expand_rows(weights, model.vocab_size)
        model.load_state_dict(weights)
        return model

    def _build_classifier(self, weights: dict[str, Tensor]) -> AttributeClassifier:
        from portraits.classifier import AttributeClassifier

        classifier = AttributeClassifier(**self.info.get("classifier", {}))
        classifier.load_state_dict(weights)
        return classifier
