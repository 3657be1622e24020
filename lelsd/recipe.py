"""A recipe: everything needed to make a picture again, as JSON, in the text of the PNG itself.

The directions travel inside, so a picture that was sent to somebody else opens there with its whole edit stack.
"""
from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from lelsd.direction import Direction, direction_from_bytes
from lelsd.edit import Edit, EditStack, StackRenderer, base_latent
from packs.files import write_atomically
from stylegan2.generate import check_truncation

if TYPE_CHECKING:
    from packs.pack import Pack

KEY = "eclipsed-recipe"
VERSION = 1
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64_000_000  # a few bytes of a file may unpack to gigabytes


@dataclass(frozen=True, eq=False)
class Recipe:
    """pack, pack_hash: which generator. seed, or w_plus [1, L, D] for a latent that no seed gives. truncation: of the seed.

    Raises ValueError for a truncation outside 0 to 2.
    """

    pack: str
    pack_hash: str
    stack: EditStack = EditStack()
    seed: int | None = None
    w_plus: Tensor | None = None
    truncation: float = 1.0

    def __post_init__(self) -> None:
        check_truncation(self.truncation)

    def check_pack(self, pack: "Pack") -> None:
        """Raises ValueError unless the recipe was made with exactly this pack's generator."""
        if self.pack_hash != pack.hash:
            raise ValueError(f"the recipe was made with pack {self.pack!r} ({self.pack_hash[:8]}), which is not the pack "
                             f"{pack.name!r} ({pack.hash[:8]}) that is open; accepted: the pack it was made with")

    def base(self, pack: "Pack") -> Tensor:
        """The latent without edits, [1, L, D]."""
        self.check_pack(pack)
        return base_latent(pack, self.seed, self.truncation) if self.w_plus is None else self.w_plus.to(pack.device)

    def render(self, pack: "Pack") -> Tensor:
        """The picture, [1, 3, R, R]: the same as when the recipe was written. Raises ValueError for another pack."""
        return StackRenderer(pack, self.base(pack)).render(self.stack)

    def to_dict(self) -> dict:
        """JSON-able. Each direction is stored once, whatever the number of edits that use it."""
        files = {id(edit.direction): edit.direction.to_bytes() for edit in self.stack.edits}
        names = {key: hashlib.sha256(data).hexdigest()[:16] for key, data in files.items()}
        edits = [{"direction": names[id(edit.direction)], "prompt": edit.direction.prompt, "alpha": edit.alpha, "index": edit.index,
                  "layers": None if edit.layers is None else list(edit.layers), "muted": edit.muted, **({"free": True} if edit.free else {})}
                 for edit in self.stack.edits]
        base = {"seed": self.seed, "truncation": self.truncation} if self.w_plus is None else {"w_plus": _pack_array(self.w_plus)}
        return {"format": KEY, "version": VERSION, "pack": self.pack, "pack_hash": self.pack_hash, **base, "edits": edits,
                "directions": {names[key]: base64.b64encode(data).decode() for key, data in files.items()}}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "the recipe") -> "Recipe":
        """Raises ValueError, one sentence that calls the text `name`, for anything that is not a recipe."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name} is not a recipe: it is not JSON; accepted: a PNG or a JSON file that the studio exported") from error
        if not isinstance(values, dict) or values.get("format") != KEY:
            raise ValueError(f"{name} is JSON but not a recipe: it lacks \"format\": \"{KEY}\"")
        try:
            return cls._from_dict(values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{name} is a damaged recipe: {reason}") from error

    @classmethod
    def _from_dict(cls, values: dict) -> "Recipe":
        if values["version"] != VERSION:
            raise ValueError(f"its version is {values['version']!r}, this studio reads version {VERSION}")
        directions = {name: direction_from_bytes(base64.b64decode(data, validate=True), f"direction {name}")
                      for name, data in values["directions"].items()}
        stack = EditStack(tuple(_edit(entry, directions) for entry in values["edits"]))
        pack, pack_hash = values["pack"], values["pack_hash"]
        if not (isinstance(pack, str) and isinstance(pack_hash, str)):
            raise ValueError("pack and pack_hash must be texts")
        if "w_plus" in values:
            return cls(pack, pack_hash, stack, w_plus=_unpack_array(values["w_plus"]))
        seed = values["seed"]
        if type(seed) is not int or not 0 <= seed < 2**32:
            raise ValueError(f"seed {seed!r} must be a whole number from 0 to {2**32 - 1}")
        return cls(pack, pack_hash, stack, seed, None, float(values["truncation"]))


def save_png(target: Path | str | IO[bytes], image: Image.Image, recipe: Recipe) -> None:
    """Write a picture with its recipe inside; a file is written whole or not at all. Raises OSError."""
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, recipe.to_json())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=text)
    if isinstance(target, (str, Path)):
        write_atomically(Path(target), buffer.getvalue())
    else:
        target.write(buffer.getvalue())


def recipe_from_file(source: Path | str | IO[bytes]) -> Recipe:
    """The recipe in a PNG of ours or a JSON file (a path or an open file). Raises ValueError, one sentence, if there is none."""
    if isinstance(source, (str, Path)):
        name, path = str(source), Path(source)
        if not path.is_file():
            raise ValueError(f"there is no file {name!r}; accepted: a PNG or a JSON file that the studio exported")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{name} has {path.stat().st_size} bytes; accepted: up to {MAX_BYTES}")
        data = path.read_bytes()
    else:
        name, data = getattr(source, "name", "the upload"), source.read()
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _from_png(data, name)
    return Recipe.from_json(data, name)


def _from_png(data: bytes, name: str) -> Recipe:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if is_small := width * height <= MAX_PIXELS:
                picture.load()  # text may follow the pixels, and a file cut short shows only now
            text = getattr(picture, "text", {}).get(KEY) if is_small else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is a damaged PNG: {error}") from error
    if not is_small:
        raise ValueError(f"{name} has {width} x {height} pixels; accepted: up to {MAX_PIXELS // 1_000_000} million")
    if text is None:
        raise ValueError(f"{name} holds no recipe; accepted: a PNG that the studio exported (other programs may drop the recipe when they save)")
    return Recipe.from_json(text, name)


def _edit(entry: dict, directions: dict[str, Direction]) -> Edit:
    layers, muted, index, free = entry["layers"], entry["muted"], entry["index"], entry.get("free", False)
    if layers is not None and not (isinstance(layers, list) and all(type(layer) is int for layer in layers)):
        raise ValueError(f"layers {layers!r} must be whole numbers, or null")
    if type(muted) is not bool or type(free) is not bool or type(index) is not int:
        raise ValueError(f"muted {muted!r} and free {free!r} must be true or false, index {index!r} a whole number")
    if entry["direction"] not in directions:
        raise ValueError(f"direction {entry['direction']!r} is not in it")
    return Edit(directions[entry["direction"]], float(entry["alpha"]), None if layers is None else tuple(layers), muted, index, free)


def _pack_array(w_plus: Tensor) -> dict:
    array = w_plus.detach().float().cpu().numpy()
    return {"shape": list(array.shape), "float32": base64.b64encode(array.astype("<f4").tobytes()).decode()}


def _unpack_array(value: dict) -> Tensor:
    shape = value["shape"]
    array = np.frombuffer(base64.b64decode(value["float32"], validate=True), dtype="<f4")
    if len(shape) != 3 or shape[0] != 1 or not np.isfinite(array).all():
        raise ValueError(f"w_plus must be finite numbers [1, L, D], not {shape}")
    return torch.from_numpy(array.astype(np.float32).reshape(shape))
