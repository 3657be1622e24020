"""Trains MaskGAN: `python -m baselines.maskgan.train --data DIR --out RUN`, which may be stopped and goes on with --resume.

The stages come in this order, each with its checkpoint and its networks in RUN:

    dense     RUN/dense.pt     dense.json, dense.safetensors       the painter, from masks and pictures alone
    maskvae   RUN/maskvae.pt   maskvae.json, maskvae.safetensors   masks as latents
    ebst      RUN/ebst.pt      ebst.json, ebst.safetensors         the painter, trained on with simulated edits
    control   RUN/control.pt   control.json, control.safetensors   the painter, trained on as long without them

Also in RUN: run.json (what it is trained on), metrics.jsonl, sheets/ (held-out pictures and their paintings), donors.json and
donors.safetensors; and maskgan.safetensors, the best painter there is and its donors in one file, for a pack. `torchrun --nproc-per-node N -m baselines.maskgan.train ...` shares the batch out to N processes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.begun import begin_with
from baselines.data.faces import Faces, open_faces
from baselines.maskgan.bundle import NAME as BUNDLE
from baselines.maskgan.bundle import save_bundle
from baselines.maskgan.config import PRESETS, MaskGANConfig, TrainSettings, preset
from baselines.maskgan.donors import NAME as DONORS
from baselines.maskgan.donors import choose_donors, load_donors
from baselines.maskgan.editor import Painter, load_painter
from baselines.maskgan.layers import one_hot
from baselines.maskgan.material import Material
from baselines.maskgan.perceptual import KINDS, PerceptualFeatures, perceptual_features
from baselines.maskgan.shapes import SHAPES
from baselines.maskgan.stages import DenseStage, EbstStage, MaskVAEStage, Stage, new_networks
from baselines.maskgan.weights import load_network, save_network
from packs import cli
from packs.pack import load_pack
from portraits import processes
from portraits.training import load_checkpoint
from segmentation.parser import colour_labels
from stylegan2.images import grid, save_png

ATTRIBUTES = (*SHAPES, "Male", "Heavy_Makeup", "No_Beard")  # that donors, and `evaluate`, ask for
ORDER = ("dense", "maskvae", "ebst", "control")
PERCEIVING = ("dense", "ebst", "control")  # stages with a perceptual loss
SHOWN = 8  # held-out pictures on a sheet


def stages_of(choice: str) -> tuple[str, ...]:
    """`all` is what the paper trains."""
    return ("dense", "maskvae", "ebst") if choice == "all" else (choice,)


def make_stage(out: Path, config: MaskGANConfig, settings: TrainSettings, device: torch.device,
               features: PerceptualFeatures | None) -> Stage:
    """A stage as it begins: later ones take up the networks of earlier ones, as they were left in `out`.

    Raises ValueError where those are missing or unfinished.
    """
    if settings.stage == "maskvae":
        return MaskVAEStage(new_networks(("maskvae",), config, settings.seed), config, settings, device)
    if settings.stage == "dense":
        return DenseStage(new_networks(("dense", "critic"), config, settings.seed), config, settings, device, features)
    networks = new_networks(("dense", "critic", "blender"), config, settings.seed)
    before = _finished(out, "dense")
    networks["dense"].load_state_dict(before["averages"]["dense"])
    networks["critic"].load_state_dict(before["networks"]["critic"])
    if settings.stage == "control":
        del networks["blender"]
        return DenseStage(networks, config, settings, device, features)
    _finished(out, "maskvae")
    vae, _, _ = load_network(out / "maskvae.json", "maskvae")
    return EbstStage(networks, vae, config, settings, device, features)


def _finished(out: Path, stage: str) -> dict:
    """The last checkpoint of an earlier stage. Raises ValueError where there is none, or it is not the last."""
    path = out / f"{stage}.pt"
    if not path.is_file():
        raise ValueError(f"{out} has no {path.name} to go on from; run --stage {stage} first")
    state = load_checkpoint(path)
    if state["step"] < state["settings"]["iterations"]:
        raise ValueError(f"{path} stopped at step {state['step']} of {state['settings']['iterations']}; "
                         f"--stage {stage} --resume finishes it")
    return state


def run_stage(stage: Stage, material: Material, out: Path, resume: bool, save_every: int, report_every: int, about: dict) -> dict:
    """Train to the end, save the networks; {"stage", "steps", "seconds" and the last losses}.

    Raises ValueError for a checkpoint that is there without `resume`, or is of another training.
    """
    name, path = stage.settings.stage, out / f"{stage.settings.stage}.pt"
    if path.exists():
        if not resume:
            raise ValueError(f"{path} is there already; --resume goes on from it, another --out begins anew")
        stage.load(path)
    begun, line = time.monotonic(), {}
    batches = material.batches(stage.settings.batch_size, stage.settings.seed, stage.step, stage.references)
    while not stage.finished:
        found = stage.train_step(*next(batches))
        last = stage.finished
        if processes.first() and (stage.step % report_every == 0 or last):
            line = {"stage": name, "step": stage.step, **{key: round(float(value), 5) for key, value in found.items()}}
            _record(out, {**line, "seconds": round(time.monotonic() - begun, 1)})
        if processes.first() and (stage.step % save_every == 0 or last):
            stage.save(path)
            _show(stage, material, out)
    if processes.first():
        for kind in stage.kept:
            save_network(out / f"{name}.json", kind, stage.averaged(kind), stage.config, {**about, **stage.settings.to_dict()})
    processes.shared(0.0, stage.device)  # the next stage reads these files in every process
    return {**line, "stage": name, "steps": stage.step, "seconds": round(time.monotonic() - begun, 1)}


@torch.no_grad()
def _show(stage: Stage, material: Material, out: Path) -> None:
    """A sheet of held-out pictures, their masks and what the averaged networks make of them."""
    (out / "sheets").mkdir(exist_ok=True)
    images, masks = material.read(material.held_out[:SHOWN])
    if "maskvae" in stage.kept:
        vae = stage.averaged("maskvae")
        made = colour_labels(vae.decode(vae.encode(one_hot(masks, stage.config.num_classes))[0]).argmax(dim=1))
    else:
        made = Painter(stage.averaged("dense"), stage.config).paint(masks, images, masks)
    rows = torch.cat([images.cpu(), colour_labels(masks).cpu(), made.cpu()])
    save_png(out / "sheets" / f"{stage.settings.stage}_{stage.step:07d}.png", grid(rows, columns=len(images)))


def _record(out: Path, line: dict) -> None:
    with open(out / "metrics.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    cli.say("  ".join(f"{key} {value}" for key, value in line.items()))


def open_data(folder: Path, size: int) -> Faces:
    """The faces with the attributes that are asked for here. Raises as `open_faces`."""
    return open_faces(folder, size, ATTRIBUTES)


def main(argv: Sequence[str] | None = None) -> dict | None:
    """The command line."""
    parser = cli.ArgumentParser(prog="python -m baselines.maskgan.train", description="Train MaskGAN, stage by stage.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="CelebAMask-HQ's layout, or a cache of portraits")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--stage", choices=("all", *ORDER), default="all", help="which stage; all (default) is dense, maskvae, ebst")
    parser.add_argument("--size", type=cli.positive_int, default=128, metavar="N", help="pixels a side (default 128)")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="small", help="widths of the networks (default small)")
    parser.add_argument("--iterations", type=cli.positive_int, default=20000, metavar="N", help="steps of each stage (default 20000)")
    parser.add_argument("--batch-size", type=cli.positive_int, default=8, metavar="N",
                        help="pictures a step, of all processes together (default 8)")
    parser.add_argument("--learning-rate", type=float, default=0.0, metavar="F", help="at its highest; 0 (default) is the stage's own")
    parser.add_argument("--features", choices=KINDS, default="auto",
                        help="of the perceptual loss; auto: VGG-19 where its file lies, else the pack's classifier")
    parser.add_argument("--pack", default="portraits", help="name or folder of the pack whose classifier that is")
    parser.add_argument("--resume", action="store_true", help="go on where RUN was stopped")
    parser.add_argument("--save-every", type=cli.positive_int, default=1000, metavar="N", help="steps between checkpoints (1000)")
    parser.add_argument("--report-every", type=cli.positive_int, default=50, metavar="N", help="steps between reports (default 50)")
    parser.add_device()
    parser.add_seed()
    options = parser.parse_args(argv)
    config = preset(options.preset, options.size)
    faces = open_data(options.data, options.size)
    device = processes.start(options.device)
    try:
        return _train(options, config, faces, device)
    finally:
        processes.stop()


def _train(options, config: MaskGANConfig, faces: Faces, device: torch.device) -> dict | None:
    """The stages that are asked for; what is reported, by the first process alone."""
    out, names = options.out, stages_of(options.stage)
    perceives = any(name in PERCEIVING for name in names)
    features = perceptual_features(options.features, load_pack(options.pack, device)) if perceives else None
    material = Material(faces, options.size, device)
    out.mkdir(parents=True, exist_ok=True)
    begin_with(out, {"preset": options.preset, "size": options.size, "data": os.fspath(options.data.resolve()), "seed": options.seed})
    if processes.first() and not (out / DONORS).exists():
        choose_donors(material).save(out / DONORS)
    results = []
    for name in names:
        settings = TrainSettings(name, options.iterations, options.batch_size, options.learning_rate, seed=options.seed)
        about = {"data": faces.name, "pictures": len(material.train_indices), "features": "none" if features is None else features.name}
        stage = make_stage(out, config, settings, device, features if name in PERCEIVING else None)
        results.append(run_stage(stage, material, out, options.resume, options.save_every, options.report_every, about))
        if processes.first() and name in PERCEIVING:
            save_bundle(out / BUNDLE, load_painter(out), load_donors(out / DONORS))
    if not processes.first():
        return None
    return {"run": out, "stages": results, "features": "none" if features is None else features.name, "device": str(device)}


if __name__ == "__main__":
    cli.run(main)
