"""The tensors of a pack: safetensors files in float16 where that costs nothing visible, and how a pack is written.

CLIP's token embedding is most of a small CLIP, and nearly all of its 49,408 rows are words that a small world never says.
So only the rows of the trained tokens are stored, as `token_embedding.rows` [n, width] and `token_embedding.ids` [n] int32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from packs.files import FORMAT, REQUIRED, checked, write_atomically, write_manifest

MODELS = ("generator", "parser", "clip", "classifier", "encoder")


def read_weights(folder: Path, info: dict, name: str) -> dict[str, Tensor]:
    """The tensors of a checked safetensors file, on the CPU, in the format they are stored in."""
    return read_safetensors(checked(folder, info, name))[1]


def read_safetensors(path: Path | str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header's texts by name and the tensors of a file, on the CPU, as they are stored.

    Raises OSError where it cannot be read, ValueError where it is damaged or something else; both name it.
    """
    with open(path, "rb"):  # a missing file as OSError with its name
        pass
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None


def expand_rows(state: Mapping[str, Tensor], vocab_size: int) -> dict[str, Tensor]:
    """A CLIP state dict whose `token_embedding.rows` [n, width] and `.ids` [n] become the whole table [vocab_size, width].

    A word that was never trained gets zeros: it says nothing, where random numbers would say something wrong.
    """
    state = dict(state)
    rows, ids = state.pop("token_embedding.rows"), state.pop("token_embedding.ids").long()
    table = rows.new_zeros(vocab_size, rows.shape[1])
    table[ids] = rows
    return state | {"token_embedding.weight": table}


def extract_rows(state: Mapping[str, Tensor], ids: Iterable[int]) -> dict[str, Tensor]:
    """The reverse of `expand_rows`: of the token embedding, keep only the rows of the tokens that were trained."""
    state = dict(state)
    table, kept = state.pop("token_embedding.weight"), torch.tensor(sorted(set(ids)), dtype=torch.int32)
    return state | {"token_embedding.rows": table[kept.long()].clone(), "token_embedding.ids": kept}


def halved(tensor: Tensor) -> Tensor:
    """Weights and maps as float16; vectors (biases, batch statistics) and what float16 cannot hold stay as they are."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.ndim < 2 or tensor.dtype != torch.float32:
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


def write_pack(
    folder: Path | str,
    info: Mapping,
    models: Mapping[str, Mapping[str, Tensor]],
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a pack folder; `pack.json` comes last, so that a folder with one is complete.

    Args:
        folder: made if need be; files of an earlier pack in it stay unless they are written again.
        info: everything of `pack.json` but `format` and `files`.
        models: a state dict for each of generator, parser, clip (see `extract_rows`) and, if there are any, classifier and encoder.
        files: further files by their path in the pack, such as "directions/curly_hair.safetensors" or "README.md".

    Raises: ValueError: a model that no pack has, or something missing in `info`.
    """
    folder = Path(folder)
    unknown = sorted(set(models) - set(MODELS))
    if unknown:
        raise ValueError(f"a pack has no model {unknown[0]!r}, accepted are {', '.join(MODELS)}")
    missing = [key for key in REQUIRED if key not in info and key not in ("format", "files")]
    if missing:
        raise ValueError(f"the description of a pack lacks {', '.join(missing)}")
    contents = {f"{name}.safetensors": _serialise(state) for name, state in models.items()} | dict(files or {})
    for name, data in contents.items():
        write_atomically(folder / name, data)
    listed = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in sorted(contents.items())}
    write_manifest(folder, {"format": FORMAT, **info, "files": listed})
    return folder


def _serialise(state: Mapping[str, Tensor]) -> bytes:
    """A state dict as the bytes of a safetensors file."""
    return save({name: halved(tensor).clone() for name, tensor in state.items()})
