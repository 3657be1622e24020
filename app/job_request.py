"""What a job can be asked to do: learn a direction, download a pack, find the face of a picture, compare editors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from lelsd.config import TrainConfig
from packs.fetch import offered


@dataclass(frozen=True)
class JobRequest:
    """What to train: the options of `train_eclipsed.py` that the page offers. None and "auto" leave the choice to it."""

    prompt: str
    pack: str
    part: str = "auto"
    layers: str | None = None  # as the pack has it
    steps: int | None = None
    localization_weight: float | None = None
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    visit: str = ""  # who asked: the page that gets the direction on its stack; no option of the command line
    kind: str = "train"
    result: ClassVar[str] = "direction.safetensors"

    def options(self) -> list[str]:
        """The command line without the prompt."""
        words = ["--pack", self.pack, "--part", self.part, "--device", self.device, "--seed", str(self.seed)]
        if self.layers is not None:
            words += ["--layers", self.layers]
        if self.steps is not None:
            words += ["--steps", str(self.steps)]
        if self.localization_weight is not None:
            words += ["--localization-weight", str(self.localization_weight)]
        if self.batch_size is not None:
            words += ["--batch-size", str(self.batch_size)]
        return words

    @property
    def title(self) -> str:
        """What the job is called."""
        return self.prompt

    def check(self) -> None:
        """Raises ValueError for a request that no process need be started for."""
        if not self.prompt.strip():
            raise ValueError("the prompt is empty; say what should change, such as \"a person with curly hair\"")

    def with_less_memory(self) -> JobRequest | None:
        """The same with half as many pictures a step; None where it is one picture already."""
        batch = self.batch_size or TrainConfig().batch_size
        return replace(self, batch_size=batch // 2) if batch > 1 else None


@dataclass(frozen=True)
class FetchRequest:
    """A pack to download, whose licence somebody has accepted. Downloads stand in a queue of their own."""

    pack: str
    visit: str = ""
    kind: str = "fetch"
    device: str = "network"
    steps: None = None
    result: ClassVar[None] = None  # its files go elsewhere

    @property
    def title(self) -> str:
        return f"Download {self.pack}"

    def check(self) -> None:
        """Raises ValueError for a pack that is not to be had."""
        offered(self.pack)


@dataclass(frozen=True)
class InvertRequest:
    """A picture whose face is looked for. `name`: what its file was called; the square to be found is `picture` in the job's folder."""

    name: str
    pack: str
    steps: int = 200
    visit: str = ""
    device: str = "auto"
    kind: str = "invert"
    picture: ClassVar[str] = "picture.png"
    result: ClassVar[str] = "picture_inverted.png"

    @property
    def title(self) -> str:
        return self.name

    def check(self) -> None:
        """Raises ValueError for a number of steps that nobody can take."""
        if self.steps < 0:
            raise ValueError(f"{self.steps} steps cannot be taken; accepted: 0, for the encoder alone, or more")

    def with_less_memory(self) -> None:
        """One picture is as few as there can be."""
        return None


@dataclass(frozen=True)
class CompareRequest:
    """A wish that every editor of the pack gets on the same pictures, as `baselines.side_by_side.outcomes.Wish` and `baselines.side_by_side.sources.Chosen` say it.

    words: what the pictures are. uploaded: how many of them lie in the job's folder, as `pictures` calls them.
    """

    prompt: str
    attribute: str
    value: bool
    pack: str
    words: str
    strength: float = 1.0
    source: str = "sampled"
    number: int = 0
    count: int = 1
    truncation: float = 1.0
    uploaded: int = 0
    visit: str = ""
    device: str = "auto"
    kind: str = "compare"
    steps: ClassVar[None] = None
    result: ClassVar[str] = "compared.json"

    @property
    def title(self) -> str:
        return f"“{self.prompt}” on {self.words}"

    @property
    def pictures(self) -> list[str]:
        """The names of the uploaded pictures in the job's folder."""
        return [f"picture_{place:02d}.png" for place in range(self.uploaded)]

    def options(self, folder: Path) -> list[str]:
        """The command line without what concerns the run's folder; `folder`: where the uploaded pictures lie."""
        wish = [f"--prompt={self.prompt}", *(["--attribute", self.attribute] if self.attribute else []), *([] if self.value else ["--without"])]
        made = {"sampled": ["--sampled", str(self.number), "--count", str(self.count), "--truncation", str(self.truncation)],
                "drawn": ["--drawn", str(self.number), "--count", str(self.count)]}
        pictures = made.get(self.source) or [str(folder / name) for name in self.pictures]
        return [*pictures, *wish, "--strength", str(self.strength), "--pack", self.pack, "--device", self.device]

    def check(self) -> None:
        """Raises ValueError for a request that no process need be started for."""
        if self.source == "uploaded" and not self.uploaded:
            raise ValueError("there is no picture yet; choose a file, or let one be sampled or drawn")

    def with_less_memory(self) -> None:
        """How many pictures are compared is the visitor's choice."""
        return None


Request = JobRequest | FetchRequest | InvertRequest | CompareRequest
KINDS = {request.kind: request for request in (JobRequest, FetchRequest, InvertRequest, CompareRequest)}
