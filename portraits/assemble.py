"""From a work folder to a pack: its finished models, or a draft of what their trainings have come to so far.

A draft is for trying a pack while it is still being made: it reads the averaged weights of each checkpoint, fits a mapping network
briefly, and changes nothing in the work folder. Its version says that it is a draft, and `pack.json` how far each model was.

A pack can be renewed in part: the models that a work folder lacks, and the editors that were shipped with it, are then those of the pack.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from packs.files import checked
from packs.pack import Pack, load_pack
from packs.weights import MODELS as PACKED, halved, write_pack
from portraits.classifier import CLASSIFIER
from portraits.clip_training import Vocabulary, pack_entry
from portraits.encoder import ENCODER, FRAMING
from portraits.generator_run import finish
from portraits.shipped import APPEARANCE, Standard
from portraits.training import load_checkpoint
from portraits.warm_start import read_weights

VERSION = "12"
PARSER = {"kind": "bisenet", "num_classes": 19, "width": 0.25, "input_size": 512}  # at 256 no logits at stride 8 can do better than 0.88
DRAFT_MAPPING = {"steps": 800, "batch_size": 256, "pool": 20_000}  # of `fit_mapping`: some 20 seconds of one core
MODELS = ("parser", "second_parser", "classifier", "clip", "encoder")  # each of a checkpoint of its own
JUDGE = "second_parser"  # of the parser; no part of the studio
OPTIONAL = (JUDGE, "encoder")
MADE_ANEW = {f"{name}.safetensors" for name in (*PACKED, *MODELS, "survey")} | {APPEARANCE}  # files that a renewed pack does not take over as they are


@dataclass
class Found:
    """What a work folder holds of a model: its tensors, and the step of the checkpoint they are from; None for a finished one."""

    state: dict[str, Tensor]
    step: int | None = None


def assemble(work: Path, out: Path, draft: bool = False, seed: int = 0, given: Path | str | None = None) -> list[str]:
    """Write the pack; the models it lacks, which a draft may. The second parser is packed where there is one.

    What the work folder lacks is that of the pack `given`, which may be `out`: its directions too, if the generator is, but never its
    survey, which says what the models see.

    Raises ValueError for a finished pack of which a model is missing, and for one without a generator.
    """
    pack = None if given is None else load_pack(given)
    same_generator = pack is not None and not _has_generator(work)
    config, generator, standard = _shipped_generator(pack) if same_generator else _generator(work, draft, seed)
    found = {name: _find(work, name, draft) for name in MODELS}
    shipped = {name: _shipped(pack, name) for name, model in found.items() if model is None}
    found |= shipped
    missing = [name for name, model in found.items() if model is None]
    needed = [name for name in missing if name not in OPTIONAL]
    if needed and not draft:
        raise ValueError(f"{work} has no {needed[0]}.safetensors; run the stage {needed[0]!r} first")
    found = {name: model for name, model in found.items() if model is not None} | {"generator": generator}
    if "clip" in found:
        found["clip"].state = known_words(found["clip"].state)
    if "encoder" in found:
        found["encoder"].state = _rebased(found["encoder"].state, standard)
    kept, about = _kept(pack, directions=same_generator)
    files = {**kept, APPEARANCE: standard.to_json()}
    if JUDGE in found:
        files[f"{JUDGE}.safetensors"] = save({name: halved(value).clone() for name, value in found[JUDGE].state.items()})
    info = about | describe(config) | {name: about[name] for name in shipped if name in about}
    info |= ({"version": f"{VERSION} (draft)", "draft": {name: model.step for name, model in found.items()}} if draft else {})
    # Directions of an earlier generator would be listed by nobody and fit nothing.
    shutil.rmtree(out / "directions", ignore_errors=True)
    write_pack(out, info, {name: model.state for name, model in found.items() if name != JUDGE}, files)
    return missing


def own_files(info: dict) -> dict[str, dict]:
    """The entries of a pack.json's files that this package makes: those of editors that were shipped with it are not."""
    return {name: entry for name, entry in info["files"].items() if name in MADE_ANEW or name.startswith("directions/")}


def describe(generator: dict) -> dict:
    """What pack.json says of the built-in pack with a generator of this config."""
    return {
        "name": "portraits", "version": VERSION, "domain": "drawn faces", "resolution": generator["resolution"], "neutral_text": "a person",
        "licence": "MIT", "generator": generator, "parser": PARSER, "clip": pack_entry(), "classifier": CLASSIFIER, "encoder": ENCODER,
        "framing": FRAMING, "defaults": {"truncation": 1.0, "layers": "all"},
    }


def _generator(work: Path, draft: bool, seed: int) -> tuple[dict, Found, Standard]:
    """Config, weights and the meaning of W."""
    if draft and not _finished(work, "generator", "synthesis.pt", "sharpen.pt"):
        generator, basis = finish(work, seed, **DRAFT_MAPPING)
        return generator.config.to_dict(), Found(generator.state_dict(), load_checkpoint(work / "synthesis.pt")["step"]), Standard.of(basis)
    for name in ("generator.safetensors", "generator.json", APPEARANCE):
        if not (work / name).exists():
            raise ValueError(f"{work} has no {name}; run the stage 'mapping' first")
    config = json.loads((work / "generator.json").read_text())
    return config, Found(load_file(work / "generator.safetensors")), Standard.read(work / APPEARANCE)


def _has_generator(work: Path) -> bool:
    return any((work / name).exists() for name in ("synthesis.pt", "generator.safetensors"))


def _shipped_generator(pack: Pack) -> tuple[dict, Found, Standard]:
    """As `_generator`, of a pack."""
    return pack.info["generator"], Found(read_weights(pack, "generator")), Standard.of_pack(pack)


def _finished(work: Path, name: str, *checkpoints: str) -> bool:
    """Whether the model is there and no checkpoint of it is newer."""
    times = [(work / file).stat().st_mtime for file in checkpoints if (work / file).exists()]
    model = work / f"{name}.safetensors"
    return model.exists() and model.stat().st_mtime >= max(times, default=0.0)


def _find(work: Path, name: str, draft: bool) -> Found | None:
    """The finished model, or, of a draft, the newer of that and the checkpoint's averages; None where there is nothing."""
    model, checkpoint = work / f"{name}.safetensors", work / f"{name}.checkpoint"
    if draft and checkpoint.exists() and not _finished(work, name, checkpoint.name):
        return averaged(checkpoint, name)
    return Found(load_file(model)) if model.exists() else None


def _shipped(pack: Pack | None, name: str) -> Found | None:
    """The pack's model; its encoder as one that knows nothing of the pack's own standard, as `portraits.train_encoder` leaves it."""
    if pack is None or f"{name}.safetensors" not in pack.info["files"]:
        return None
    state = load_file(checked(pack.path, pack.info, f"{name}.safetensors")) if name == JUDGE else read_weights(pack, name)
    if name == "encoder":
        standard = Standard.of_pack(pack)
        state = state | {"scale": state["scale"] * standard.spread, "offset": state["offset"] * standard.spread + standard.mean}
    return Found(state)


def _kept(pack: Pack | None, directions: bool) -> tuple[dict[str, bytes], dict]:
    """The files of a pack that no stage makes, such as editors, those of its directions if asked for, and what its description says of them."""
    if pack is None:
        return {}, {}
    names = [name for name in pack.info["files"] if name not in MADE_ANEW and (directions or "/" not in name)]
    files = {name: checked(pack.path, pack.info, name).read_bytes() for name in names}
    return files, {key: value for key, value in pack.info.items() if key not in ("format", "files", "draft")}


def averaged(checkpoint: Path, name: str) -> Found:
    """The averaged weights in a stage's checkpoint, as its finished file holds them. Raises ValueError for a broken one."""
    if name.endswith("parser"):
        with safe_open(checkpoint, framework="pt") as file:
            step = json.loads(file.metadata()["training"])["step"]
            return Found({key.removeprefix("averaged."): file.get_tensor(key) for key in file.keys() if key.startswith("averaged.")}, step)
    saved = load_checkpoint(checkpoint)
    state, step = saved["average"], saved["budget"]["step"]
    if name == "clip":
        state = {key.removeprefix("clip."): value for key, value in state.items() if key.startswith("clip.")}
        rows, ids = state.pop("token_embedding.weight"), Vocabulary.of_phrases().ids
        if len(rows) != len(ids):
            raise ValueError(f"{checkpoint} was trained with {len(rows)} tokens, the captions of this version have {len(ids)}")
        state |= {"token_embedding.rows": rows, "token_embedding.ids": torch.tensor(ids, dtype=torch.int32)}
    return Found(state, step)


def known_words(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A CLIP's state without the rows of words that no training caption has. They are as random as they were drawn, and the
    studio says of a word without a row that CLIP does not know it."""
    ids = state["token_embedding.ids"]
    known = torch.isin(ids, torch.tensor(Vocabulary.of_phrases(heldout=False).ids, dtype=ids.dtype))
    return state | {"token_embedding.rows": state["token_embedding.rows"][known], "token_embedding.ids": ids[known]}


def _rebased(state: dict[str, Tensor], standard: Standard) -> dict[str, Tensor]:
    """The encoder's state for the generator whose W stands on `standard`: the two are trained apart."""
    if len(state["offset"]) != len(standard.mean):
        raise ValueError(f"the encoder knows {len(state['offset'])} entries of the appearance, the generator's W holds {len(standard.mean)}; train it again")
    return state | {"scale": (state["scale"] / standard.spread).float(), "offset": ((state["offset"] - standard.mean) / standard.spread).float()}
