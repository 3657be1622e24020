"""Every editor that can be measured, by name, ours and those of the papers, each with its published settings.

Those that are driven by words learn what a prompt means; those of `TRAINED` were trained beforehand, edit any picture, are asked by
attribute, and are read from the pack or from a folder. What an editor learns is kept under a folder of runs, by editor, prompt, settings and pack, so that a comparison that was
stopped goes on where it was.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from baselines.eclipsed import train as eclipsed
from baselines.eclipsed.config import EclipsedConfig
from baselines.identity import IdentityLoss
from baselines.offsets import OffsetEditor
from baselines.shipped import MASKGAN, SEMANTIC_VAE, Shipped, compared_editors, load
from baselines.styleclip.global_direction import global_offset
from baselines.styleclip.optimisation import OptimisationConfig, OptimisationEditor
from baselines.styleclip.relevance import RelevanceConfig, measure_relevance
from baselines.stylemc.direction import StyleMCConfig, find_offset
from baselines.truth import TruthEditor
from evaluation.editor import CannotServe, DirectionEditor, PromptEditor, Request, Samples
from lelsd.clip_guide import ClipGuide
from lelsd.collection import Directions, Learned, run_name
from lelsd.config import TrainConfig
from lelsd.direction import load_direction
from lelsd.prompt import parse_prompt
from packs import cli, files

if TYPE_CHECKING:
    from torch import Tensor

    from evaluation.editor import Editor
    from lelsd.prompt import Prompt
    from packs.pack import Pack

TAKES_STEPS = ("ours", "eclipsed", "styleclip-optimisation")
TAKES_PICTURES = ("styleclip-global", "stylemc")
TRAINED = ("secgan", "secgan-baseline", "maskgan", "maae", "semantic-vae")


@dataclass(frozen=True)
class Settings:
    """What a user may set: None leaves an editor's own. steps: of training. pictures: that StyleSpace editors look at.

    directions: a folder with directions of ours, or None. runs: where what is learned is kept. weights: by editor of `TRAINED`, the
    file or the folder of a training, in place of what the pack holds.
    """

    runs: Path
    steps: int | None = None
    pictures: int | None = None
    seed: int = 0
    directions: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)


class LearnedEditor(DirectionEditor):
    """An editor with a direction for each prompt, which it learns when it is asked to prepare for one."""

    def __init__(self, name: str, pack: "Pack", learn: "Callable[[Prompt], Learned]") -> None:
        super().__init__(pack.generator.synthesis, {})
        self.name, self.pack, self.learn = name, pack, learn

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As the protocol says."""
        learned = self.learn(parse_prompt(request.prompt, self.pack))
        self.directions[request.prompt] = learned.direction
        return {"source": learned.source, "seconds": learned.seconds, "layers": list(learned.direction.layers),
                "steps": learned.direction.config.get("steps")}


class TrainedEditor:
    """An editor that was trained beforehand, under the name that it has in tables; asked by attribute. strongest: its largest alpha, or None."""

    def __init__(self, name: str, editor: "Editor") -> None:
        self.name, self.editor = name, editor
        self.strongest: float | None = getattr(editor, "strongest", None)

    def prepare(self, request: Request, samples: Samples) -> dict:
        """As the protocol says, and which network it is. Raises CannotServe for a request without an attribute, and as the editor does."""
        if not request.attribute:
            raise CannotServe(f"editor {self.name!r} was taught attributes, and none says what {request.prompt!r} asks for")
        ends = {} if self.strongest is None else {"strongest": self.strongest}
        return {**self.editor.prepare(request, samples), **ends, "is": self.editor.name}

    def edit(self, samples: Samples, request: Request) -> "Tensor":
        """As the protocol says."""
        return self.editor.edit(samples, request)


def make_editor(name: str, pack: "Pack", settings: Settings) -> PromptEditor:
    """The editor of a name. Raises ValueError for an unknown name, and for a setting that means nothing to it."""
    if name not in EDITORS:
        raise ValueError(f"unknown editor {name!r}; accepted: {', '.join(EDITORS)}")
    for option, value, takers in (("--steps", settings.steps, TAKES_STEPS), ("--pictures", settings.pictures, TAKES_PICTURES),
                                  ("--directions", settings.directions, ("ours",)), ("--weights", _listed(settings.weights), TRAINED)):
        if value is not None and name not in takers:
            raise ValueError(f"{option} {value} means nothing to editor {name!r}; accepted for {', '.join(takers)}")
    return EDITORS[name](pack, settings)


def applicable(name: str, settings: Settings) -> Settings:
    """The settings without those that mean nothing to an editor: one command line for several of them."""
    return replace(settings, steps=settings.steps if name in TAKES_STEPS else None,
                   pictures=settings.pictures if name in TAKES_PICTURES else None, directions=settings.directions if name == "ours" else None,
                   weights=settings.weights if name in TRAINED else {})


def present(pack: "Pack", weights: Mapping[str, Path]) -> list[str]:
    """The editors that can be made: all that learn, and those that the pack holds or `weights` names."""
    return [name for name in EDITORS if name not in TRAINED or not _absence(name, pack, weights)]


def check_present(name: str, pack: "Pack", weights: Mapping[str, Path]) -> None:
    """Raises ValueError, one sentence that says how to get it, for an editor that is neither in the pack nor in `weights`."""
    if name in TRAINED and (absence := _absence(name, pack, weights)):
        raise ValueError(f"{absence}; accepted without: --weights {name}=RUN")


def weights_hashes(name: str, pack: "Pack", weights: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 by file of what an editor of `TRAINED` is read from. Raises OSError."""
    found = {}
    for part in _parts(name, pack):
        path = weights.get(part.name, pack.path / part.file)
        inside = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
        found |= {f"{part.name}/{file.name}": files.sha256(file) for file in inside}
    return found


def train_config(pack: "Pack", settings: Settings) -> TrainConfig:
    """Our own settings: the defaults, the pack's, and the user's."""
    return TrainConfig().updated(pack.defaults).updated({"steps": settings.steps, "seed": settings.seed, "preview_every": 100_000})


def _ours(pack: "Pack", settings: Settings) -> PromptEditor:
    directions = Directions(pack, train_config(pack, settings), settings.directions, settings.runs)
    return LearnedEditor("ours", pack, directions.get)


def _eclipsed(pack: "Pack", settings: Settings) -> PromptEditor:
    config = EclipsedConfig(seed=settings.seed, **({} if settings.steps is None else {"steps": settings.steps}))
    return LearnedEditor("eclipsed", pack, lambda prompt: eclipsed_direction(pack, prompt, config, settings.runs))


def eclipsed_direction(pack: "Pack", prompt: "Prompt", config: EclipsedConfig, runs: Path) -> Learned:
    """The published algorithm's direction, trained unless its file is there."""
    path, source = runs / "eclipsed" / run_name(prompt.text, config.to_dict(), pack) / "direction.safetensors", "loaded"
    if not path.is_file():
        source = "trained"
        eclipsed.train(pack, prompt, config, partial(_say_step, prompt.text, config.steps)).save(path)
    direction = load_direction(path)
    return Learned(direction, direction.quality["seconds"], source)


def _styleclip_global(pack: "Pack", settings: Settings) -> PromptEditor:
    guide, config = ClipGuide(pack), RelevanceConfig(**({} if settings.pictures is None else {"pictures": settings.pictures}))
    folder = settings.runs / "styleclip-global" / run_name("channels", config.to_dict(), pack)
    relevance = cache(lambda: measure_relevance(pack, guide, config, folder))  # measured when the first prompt comes
    return OffsetEditor("styleclip-global", pack, lambda request: global_offset(pack, guide, relevance(), request.prompt),
                        _place(pack, settings, "styleclip-global", config.to_dict()), precompute=relevance)


def _stylemc(pack: "Pack", settings: Settings) -> PromptEditor:
    config = StyleMCConfig(seed=settings.seed, **({} if settings.pictures is None else {"pictures": settings.pictures}))
    guide, identity = ClipGuide(pack), IdentityLoss(pack)
    return OffsetEditor("stylemc", pack, lambda request: find_offset(pack, guide, identity, request.prompt, config),
                        _place(pack, settings, "stylemc", config.to_dict()))


def _styleclip_optimisation(pack: "Pack", settings: Settings) -> PromptEditor:
    config = OptimisationConfig(**({} if settings.steps is None else {"steps": settings.steps}))
    return OptimisationEditor(pack, ClipGuide(pack), config, _place(pack, settings, "styleclip-optimisation", config.to_dict()))


def _trained(name: str, pack: "Pack", settings: Settings) -> PromptEditor:
    check_present(name, pack, settings.weights)
    opened = [_opened(part, pack, settings.weights) for part in _parts(name, pack)]
    if name != SEMANTIC_VAE.name:
        return TrainedEditor(name, opened[0])
    from baselines.shape.editor import ShapeEditor

    return TrainedEditor(name, ShapeEditor(*opened))


def _opened(part: Shipped, pack: "Pack", weights: Mapping[str, Path]) -> "Editor":
    """From the file or folder that was named, else from the pack. Raises ValueError and OSError as its loader does."""
    if part.name not in weights:
        return part.open(pack)
    path = weights[part.name]
    if path.is_dir() and (path / part.trained).is_file():
        path = path / part.trained
    return load(part.kind, path, pack)


def _absence(name: str, pack: "Pack", weights: Mapping[str, Path]) -> str:
    return next((absence for part in _parts(name, pack) if part.name not in weights and (absence := part.absence(pack))), "")


def _parts(name: str, pack: "Pack") -> list[Shipped]:
    """What an editor of `TRAINED` is made of: Semantic-VAE changes masks, which MaskGAN paints."""
    if name == SEMANTIC_VAE.name:
        return [SEMANTIC_VAE, MASKGAN]
    return [next(editor for editor in compared_editors(pack) if editor.name == name)]


EDITORS: "dict[str, Callable[[Pack, Settings], PromptEditor]]" = {
    "ours": _ours, "eclipsed": _eclipsed, "styleclip-global": _styleclip_global, "styleclip-optimisation": _styleclip_optimisation,
    "stylemc": _stylemc, "truth": lambda pack, settings: TruthEditor(pack), **{name: partial(_trained, name) for name in TRAINED},
}


def _listed(weights: Mapping[str, Path]) -> str | None:
    return ", ".join(f"{name}={path}" for name, path in weights.items()) or None


def _place(pack: "Pack", settings: Settings, name: str, values: dict) -> Callable[[Request], Path]:
    """Where an editor keeps what it learned for a request."""
    return lambda request: settings.runs / name / f"{run_name(request.prompt, values, pack)}.safetensors"


def _say_step(prompt: str, steps: int, step: int, found: dict[str, float]) -> None:
    if step % 50 == 0:
        cli.say(f"{prompt}: step {step}/{steps}  " + "  ".join(f"{name} {value:.3f}" for name, value in found.items()))
