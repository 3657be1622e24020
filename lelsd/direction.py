"""A learned direction and its file: one safetensors file, the tensor [K, L, D] (or [K, S]) and a JSON description in its header.

Nothing in it is code, so a direction from a stranger can be opened; every field is checked before it is used.
"""
from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lelsd.card import ReportCard, card_from_dict
from packs.files import write_atomically
from segmentation.parts import PARTS

if TYPE_CHECKING:
    from lelsd.colour import ColourTarget
    from lelsd.stops import Stops
    from packs.pack import Pack

FORMAT = "eclipsed-direction"
VERSION = 1
MAX_ROWS = 32  # of w+; a generator for 1024 pixels has 18
COLOUR_TENSORS = ("readout", "offset", "basis", "away")
MAX_REACH = 4.0
MAX_BYTES = 64 * 2**20  # 16 directions of an 18 x 512 generator are 0.6 MB


@dataclass(frozen=True, eq=False)
class Direction:
    """K directions learned together.

    deltas: float32 [K, L, D]; rows outside `layers` are 0; the rows inside have a root mean square length of 1. Or [K, S],
    offsets of the styles that those rows feed (`stylegan2.style_space`), of about the effect of such rows.
    calibration: [K], the distance in W that alpha 1 moves, or where there are stops moves few faces beyond: the typical edit, so that a
    strength means the same for every direction. parts: weights by part. quality: measured on held-out samples (`clip_gain`, `localization`, ...).
    name: what somebody calls it; empty, it goes by its prompt.
    report: the card of `lelsd.card`, {} without one. stops: where the edit of a face ends (`lelsd.stops`), None if it goes on and on.
    colour: where each face goes in place of one step for all, of a prompt that names a colour (`lelsd.colour`) or a kind of glasses (`lelsd.worn`); the one delta is then what
    the step of a typical face is.
    """

    deltas: Tensor
    layers: tuple[int, ...]
    prompt: str
    part: str
    pack: str
    pack_hash: str
    calibration: tuple[float, ...]
    parts: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    name: str = field(default="", kw_only=True)
    report: Mapping[str, Any] = field(default_factory=dict)
    stops: "Stops | None" = field(default=None, kw_only=True)
    colour: "ColourTarget | None" = field(default=None, kw_only=True)

    @property
    def card(self) -> ReportCard | None:
        """What it does, as measured; None without a card."""
        return card_from_dict(self.report) if self.report else None

    @property
    def num_directions(self) -> int:
        return len(self.deltas)

    @property
    def has_ends(self) -> bool:
        """Whether strength 1 takes each face to an end of its own, and no strength further."""
        return self.stops is not None or self.colour is not None

    @property
    def in_style_space(self) -> bool:
        """Whether its steps are offsets of styles, [S], which `stylegan2.steps.edited` applies."""
        return self.deltas.ndim == 2

    def step(self, alpha: float | Tensor, index: int = 0, layers: Iterable[int] | None = None) -> Tensor:
        """What to add to any w+ for a strength, wherever faces end: alpha a number or [N] -> [L, D] or [N, L, D]; in StyleSpace [S] or [N, S].

        `layers` keeps only those rows; in StyleSpace all are kept or none. Raises ValueError for an index beyond K, a layer
        beyond L, or some layers in StyleSpace.
        """
        if not 0 <= index < self.num_directions:
            raise ValueError(f"direction index {index} is out of range; accepted: 0 to {self.num_directions - 1}")
        delta = self.deltas[index] * self.calibration[index]
        if layers is not None and self.in_style_space and set(layers) != set(self.layers):
            raise ValueError(f"the direction for {self.prompt!r} moves styles, which cannot be parted by layers; accepted: all of "
                             f"{', '.join(map(str, self.layers))}")
        if layers is not None and not self.in_style_space:
            delta = delta * row_mask(layers, len(delta))[:, None].to(delta)
        if isinstance(alpha, Tensor):
            return alpha.to(delta).view(-1, *[1] * delta.ndim) * delta
        return delta * alpha

    def step_from(self, w_plus: Tensor, alpha: float | Tensor, index: int = 0, layers: Iterable[int] | None = None) -> Tensor:
        """What to add to w_plus [N, L, D] for a strength, a number, [N], or [A] for N = 1: with ends, 1 takes each face to its own.

        Returns [N, L, D] or [A, L, D]; without ends what `step` returns. Raises ValueError as `step`.
        """
        if self.colour is not None:
            step = self.colour.step(w_plus, alpha)
            return step if layers is None else step * row_mask(layers, step.shape[1])[:, None].to(step)
        if self.stops is None:
            return self.step(alpha, index, layers)
        return self.step(self.strength_left(w_plus, alpha, index), index, layers)

    def strength_left(self, w_plus: Tensor, alpha: float | Tensor, index: int = 0) -> Tensor:
        """The strength of `step` that alpha comes to for each face, as `step_from` -> [N] or [A], with ends as far as these let it; by all
        rows that the direction moves, whatever an edit keeps of them. Raises ValueError for an index beyond K."""
        whole = self.step(1.0, index)
        alpha = torch.as_tensor(alpha).to(whole)
        if not self.has_ends:
            return alpha.expand(max(len(w_plus), alpha.numel()))
        if self.colour is None:
            against, along = (some.clamp_max(self.stops.reach) for some in self.stops.room(w_plus.to(whole), whole, index))
        else:
            against, along = self.colour.room(w_plus.to(whole))
        return torch.where(alpha > 0, along, against) * alpha.clamp(-1.0, 1.0)

    def check_pack(self, pack: "Pack") -> None:
        """Raises ValueError unless this direction was learned for exactly this pack's generator."""
        from stylegan2.style_space import num_styles
        shape = (num_styles(pack.generator.synthesis),) if self.in_style_space else (pack.generator.num_ws, pack.generator.w_dim)
        if self.pack_hash != pack.hash or tuple(self.deltas.shape[1:]) != shape:
            raise ValueError(f"the direction for {self.prompt!r} was learned with pack {self.pack!r} ({self.pack_hash[:8]}), "
                             f"it does not fit pack {pack.name!r} ({pack.hash[:8]}); accepted: directions learned with that pack")

    def describe(self) -> dict:
        """Everything but the tensor, JSON-able."""
        return {"format": FORMAT, "version": VERSION, "prompt": self.prompt, "part": self.part, "parts": dict(self.parts), "pack": self.pack,
                "pack_hash": self.pack_hash, "layers": list(self.layers), "calibration": list(self.calibration), "config": dict(self.config),
                "quality": dict(self.quality), **({"name": self.name} if self.name else {}), **({"report": dict(self.report)} if self.report else {}),
                **({"stops": {"low": list(self.stops.low), "high": list(self.stops.high), "reach": self.stops.reach}} if self.stops else {}),
                **({"colour": {"radius": self.colour.radius}} if self.colour else {})}

    def to_bytes(self) -> bytes:
        """The file's contents; the same direction gives the same bytes."""
        header = json.dumps(self.describe(), sort_keys=True, ensure_ascii=True)
        tensors = {"deltas": self.deltas, **({"readout": self.stops.readout} if self.stops else {})}
        if self.colour:
            tensors |= {f"colour_{name}": getattr(self.colour, name) for name in COLOUR_TENSORS}
        return save({name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}, metadata={FORMAT: header})

    def save(self, path: Path | str) -> None:
        """Write the file, whole or not at all. Raises OSError."""
        write_atomically(Path(path), self.to_bytes())


def row_mask(layers: Iterable[int], num_layers: int) -> Tensor:
    """[L], 1 for the given layers and 0 elsewhere. Raises ValueError for a layer beyond L."""
    mask = torch.zeros(num_layers)
    for layer in layers:
        if not 0 <= layer < num_layers:
            raise ValueError(f"layer {layer} is out of range; accepted: 0 to {num_layers - 1}")
        mask[layer] = 1.0
    return mask


def load_direction(path: Path | str) -> Direction:
    """Read a direction file. Raises ValueError, one sentence, for anything that is not one."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no direction file {str(path)!r}; accepted: a direction.safetensors written by train_eclipsed.py")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} is {path.stat().st_size} bytes long: a direction file has at most {MAX_BYTES}")
    return direction_from_bytes(path.read_bytes(), str(path))


def direction_from_bytes(data: bytes, name: str = "the upload") -> Direction:
    """Read a direction from the contents of its file; `name` is what errors call it. Raises ValueError, one sentence."""
    try:
        header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {}).get(FORMAT)
        tensors = load(data)
    except (SafetensorError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{name} is not a direction file, or was cut short: {(str(error) or type(error).__name__).splitlines()[0]}") from error
    if header is None or not {"deltas"} <= set(tensors) <= {"deltas", "readout", *(f"colour_{part}" for part in COLOUR_TENSORS)}:
        raise ValueError(f"{name} is a safetensors file but not a direction: it lacks the description {FORMAT!r} or the tensor 'deltas'")
    try:
        return _checked(tensors.pop("deltas"), tensors, json.loads(header))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{name} is a damaged direction: {reason}") from error


def _checked(deltas: Tensor, others: Mapping[str, Tensor], values: dict) -> Direction:
    """A direction from a file's contents, its deltas and its other tensors, every field looked at."""
    _require(isinstance(values, dict) and values["format"] == FORMAT and values["version"] == VERSION,
             f"only version {VERSION} of {FORMAT} can be read")
    _require(deltas.ndim in (2, 3) and deltas.is_floating_point() and 0 < len(deltas) <= 16 and bool(torch.isfinite(deltas).all()),
             f"deltas must be finite floats [K, L, D] or [K, S], not {deltas.dtype} {list(deltas.shape)}")
    layers, calibration, rows = values["layers"], values["calibration"], deltas.shape[1] if deltas.ndim == 3 else MAX_ROWS
    _require(isinstance(layers, list) and all(type(layer) is int and 0 <= layer < rows for layer in layers)
             and sorted(set(layers)) == layers and bool(layers), f"layers {layers!r} must rise from 0 to {rows - 1}")
    _require(isinstance(calibration, list) and len(calibration) == len(deltas)
             and all(_is_number(c) and 0 < c < 1e6 for c in calibration),
             f"calibration {calibration!r} must be {len(deltas)} positive numbers")
    for name, length in (("prompt", 300), ("pack", 200), ("pack_hash", 64)):
        _require(isinstance(values[name], str) and 0 < len(values[name]) <= length, f"{name} must be a text of 1 to {length} characters")
    called = values.get("name", "")
    _require(isinstance(called, str) and len(called) <= 80, "name must be a text of up to 80 characters")
    _require(values["part"] in PARTS, f"part {values['part']!r} is none of {', '.join(PARTS)}")
    parts = values["parts"]
    _require(isinstance(parts, dict) and set(parts) <= set(PARTS)
             and all(_is_number(w) and 0 <= w <= 1 for w in parts.values()), f"parts {parts!r} must be weights from 0 to 1 by part")
    _require(isinstance(values["config"], dict) and isinstance(values["quality"], dict), "config and quality must be JSON objects")
    report = values.get("report", {})
    _require(isinstance(report, dict), "report must be a JSON object")
    _require(not report or len(card_from_dict(report).directions) == len(deltas), f"the report card must be of {len(deltas)} directions")
    return Direction(deltas.float(), tuple(layers), values["prompt"], values["part"], values["pack"], values["pack_hash"],
                     tuple(float(c) for c in calibration), parts, values["config"], values["quality"], report, name=called,
                     stops=_checked_stops(deltas, others.get("readout"), values.get("stops")),
                     colour=_checked_colour(deltas, others, values.get("colour")))


def _checked_stops(deltas: Tensor, readout: Tensor | None, ends: Any) -> "Stops | None":
    """The stops of a file's tensor `readout` and its description of them; both are there or neither."""
    from lelsd.stops import Stops
    _require((readout is None) == (ends is None), "stops need both the tensor 'readout' and the field 'stops'")
    if readout is None:
        return None
    _require(deltas.ndim == 3 and tuple(readout.shape) == tuple(deltas.shape[2:]) and readout.is_floating_point()
             and bool(torch.isfinite(readout).all()), f"readout must be finite floats [D] beside deltas [K, L, D], not {list(readout.shape)}")
    _require(isinstance(ends, dict) and set(ends) - {"reach"} == {"low", "high"}
             and all(isinstance(ends[side], list) and len(ends[side]) == len(deltas) and all(map(_is_number, ends[side])) for side in ("low", "high"))
             and all(low <= high for low, high in zip(ends["low"], ends["high"])), f"stops must be {len(deltas)} numbers low and high, low first")
    reach = ends.get("reach", 1.0)  # files from before it had that one
    _require(_is_number(reach) and 1 <= reach <= MAX_REACH, f"reach {reach!r} of the stops must be a number from 1 to {MAX_REACH:g}")
    return Stops(readout.float(), tuple(map(float, ends["low"])), tuple(map(float, ends["high"])), float(reach))


def _checked_colour(deltas: Tensor, others: Mapping[str, Tensor], settings: Any) -> "ColourTarget | None":
    """The colour target of a file's tensors `colour_…` and its description of them; all are there or none."""
    from lelsd.colour import ColourTarget
    found = [others[f"colour_{name}"] for name in COLOUR_TENSORS if f"colour_{name}" in others]
    _require(len(found) == (0 if settings is None else len(COLOUR_TENSORS)),
             f"a colour needs both the tensors {', '.join(f'colour_{name}' for name in COLOUR_TENSORS)} and the field 'colour'")
    if settings is None:
        return None
    axes, shapes = found[1].numel(), [list(tensor.shape) for tensor in found]
    _require(deltas.ndim == 3 and len(deltas) == 1 and 1 <= axes <= 3
             and shapes == [[deltas.shape[2], axes], [axes], [axes, *deltas.shape[1:]], [axes]]
             and all(tensor.is_floating_point() and bool(torch.isfinite(tensor).all()) for tensor in found),
             f"the tensors of a colour must be finite floats [D, C], [C], [C, L, D] and [C] beside one delta [1, L, D], C from 1 to 3, not {shapes}")
    radius = settings.get("radius") if isinstance(settings, dict) else None
    _require(_is_number(radius) and 0 <= radius <= 10, f"the radius of a colour is {radius!r}; accepted: 0 to 10")
    return ColourTarget(*(tensor.float() for tensor in found), float(radius))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)
