"""Learn a direction from a prompt:  python train_eclipsed.py "a person with curly hair"

Everything is written into a run folder (--out); a run that was stopped goes on with --resume FOLDER, to the same result.
"""
from __future__ import annotations

import re
import signal
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from packs import cli

if TYPE_CHECKING:
    from lelsd.config import TrainConfig
    from lelsd.prompt import Prompt
    from lelsd.train import Progress
    from packs.pack import Pack

FLAGS = ("layers", "steps", "batch_size", "learning_rate", "clip_weight", "localization_weight", "num_directions", "truncation", "resolution", "seed",
         "preview_every", "checkpoint_every", "report", "space", "mask_mode", "mask_aggregation", "distance", "feature_weights")
DEFAULT_PACK = "portraits"


class Stopped(KeyboardInterrupt):
    """Somebody asked for the end: exit status 130, as for Ctrl-C."""


def main(argv: Sequence[str]) -> dict:
    """Train, resume, or say what would be done."""
    options = _parser().parse_args(argv)
    if options.prompt is None and options.resume is None:
        raise ValueError("the prompt is missing; accepted: a description such as \"a person with curly hair\", or --resume with a run folder")
    if options.prompt is not None:
        from lelsd.lexicon import check_prompt  # not lelsd.prompt: spaCy takes seconds to import
        check_prompt(options.prompt)
    if options.resume is not None and (options.dry_run or options.out not in (None, options.resume)):
        raise ValueError(f"--{'dry-run' if options.dry_run else 'out'} means nothing with --resume, which goes on in its own folder; accepted: one of the two")
    if options.resume is not None and _is_run(options):
        return _resume(options)
    from packs.pack import load_pack
    pack = load_pack(options.pack or DEFAULT_PACK, options.device)
    prompt, config = _understand(options, pack)
    cli.say(f"{prompt.text!r} is about {', '.join(prompt.parts)} ({prompt.phrase or 'nothing named'}; {prompt.decided_by})")
    if prompt.read_as:
        cli.say(f"in words that the pack's CLIP knows: {prompt.reading}")
    if prompt.unknown_words:
        cli.say(f"the pack's CLIP does not know: {', '.join(prompt.unknown_words)}")
    if options.dry_run:
        return _dry_run(pack, prompt, config)
    return _train(pack, prompt, config, options.resume or options.out or default_folder(prompt.text), resume=False)


def default_folder(prompt: str) -> Path:
    """A new folder under runs/ named after the time and the prompt."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:40].strip("-") or "direction"
    return Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Learn a direction of the latent space that does what a prompt says, and only that.")
    parser.add_argument("prompt", nargs="?", help="what the edited person looks like, up to 300 characters: \"a person with curly hair\"")
    parser.add_argument("--pack", help=f"a pack's name or folder ({DEFAULT_PACK})")
    parser.add_argument("--part", default="auto", help="the part to stay within, or several separated by commas (auto: from the prompt)")
    parser.add_argument("--layers", help="rows of w+ to move: auto, all, or such as 3,4 or 2-5 (auto: those that do what the prompt says)")
    parser.add_argument("--steps", type=int, help="steps of the optimiser (the pack's default)")
    parser.add_argument("--batch-size", type=int, help="pictures a step")
    parser.add_argument("--learning-rate", type=float, help="Adam's")
    parser.add_argument("--clip-weight", type=float, help="how much the prompt counts")
    parser.add_argument("--localization-weight", type=float, help="how much staying inside the part counts")
    parser.add_argument("--num-directions", type=int, help="learn several different directions at once")
    parser.add_argument("--truncation", type=float, help="of the samples to learn from")
    parser.add_argument("--resolution", type=int, metavar="PIXELS",
                        help="let the losses look at smaller pictures, such as 256: an approximation, faster than the exact 0 (0)")
    parser.add_argument("--space", help="w+, each row of w+ a step of its own, w, one step for all, or style, the channels that the rows feed (w+)")
    parser.add_argument("--mask-mode", help="stay inside the part, or outside it: change the background of the part (inside)")
    parser.add_argument("--mask-aggregation", help="of the masks before and after an edit: average, union or intersection (average)")
    parser.add_argument("--distance", help="what counts as change: l2, l1 or cosine (l2)")
    parser.add_argument("--feature-weights", help="of the maps whose change is looked at: auto, or such as 4:1,6:0.5,image:2 (auto)")
    parser.add_argument("--preview-every", type=int, help="steps between pictures of how it goes")
    parser.add_argument("--checkpoint-every", type=int, help="steps between checkpoints")
    parser.add_argument("--no-report", dest="report", action="store_const", const=False, help="leave out the report card, made on held-out samples at the end")
    parser.add_argument("--preset", default="default", help="default, or published: the settings of the eCLIPsed report")
    parser.add_argument("--out", type=Path, help="the run folder to make (runs/…)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and how long it would take")
    parser.add_seed(None)
    parser.add_device()
    return parser


def _is_run(options: Namespace) -> bool:
    """Whether --resume names a run. A job of the studio that was stopped before its run began counts as new.

    Raises ValueError for any other folder.
    """
    if (options.resume / "run.json").exists():
        return True
    if options.prompt is not None and (options.resume / "job.json").exists():
        return False
    raise ValueError(f"{options.resume} is not a training run (it has no run.json); accepted for --resume: a folder written by train_eclipsed.py")


def _understand(options: Namespace, pack: "Pack") -> tuple["Prompt", "TrainConfig"]:
    """Prompt and settings: built-in defaults, then the pack's, then the preset's, then the flags."""
    from lelsd.config import TrainConfig, parse_layers, preset, rows_seen
    from lelsd.prompt import parse_prompt
    config = TrainConfig().updated(pack.defaults).updated(preset(options.preset))
    config = config.updated({name: getattr(options, name) for name in FLAGS})
    parse_layers(config.layers, rows_seen(config, pack.resolution))
    prompt = parse_prompt(options.prompt, pack)
    return (prompt if options.part.strip().lower() == "auto" else prompt.with_parts(options.part)), config


def _resume(options: Namespace) -> dict:
    """Go on with a run; prompt and settings are its own. Raises ValueError for others."""
    from lelsd.run_folder import RunFolder
    from lelsd.train import read_run
    from packs.pack import load_pack
    run = RunFolder(options.resume)
    pack = load_pack(options.pack or _pack_of(run.description()), options.device)
    prompt, config = read_run(run, pack)
    if options.prompt is not None and " ".join(options.prompt.split()) != prompt.text:
        raise ValueError(f"{options.resume} trains {prompt.text!r}, not {options.prompt!r}; accepted with --resume: its own prompt, or none")
    _check_settings(options, prompt, config)
    return _train(pack, prompt, config, options.resume, resume=True)


def _pack_of(described: dict) -> str:
    """The folder of the pack that a run was begun with or, where that is no longer there, its name."""
    path = str(described.get("pack_path") or "")
    return path if path and Path(path).exists() else str(described.get("pack") or DEFAULT_PACK)


def _check_settings(options: Namespace, prompt: "Prompt", config: "TrainConfig") -> None:
    """Raises ValueError for a setting on the command line that is not the run's."""
    from lelsd.config import preset
    asked = preset(options.preset) | {name: value for name in FLAGS if (value := getattr(options, name)) is not None}
    wrong = [f"{name} {getattr(config, name)!r}, not {value!r}" for name, value in asked.items() if getattr(config, name) != value]
    if options.part.strip().lower() != "auto" and prompt.with_parts(options.part) != prompt:
        wrong.append(f"part {','.join(prompt.parts)!r}, not {options.part!r}")
    if wrong:
        raise ValueError(f"{options.resume} trains with {wrong[0]}; accepted with --resume: its own settings, or none")


def _train(pack: "Pack", prompt: "Prompt", config: "TrainConfig", out: Path, resume: bool) -> dict:
    """Run to the end; progress on standard error."""
    from lelsd.train import train_direction
    from stylegan2.ops.memory import reuse_freed_memory
    reuse_freed_memory()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    started, progress = time.monotonic(), None
    try:
        for progress in train_direction(pack, prompt, config, out, resume, stop=lambda: bool(stopping)):
            _report(progress)
    except OSError as error:
        if error.filename is None:  # a disk that fills up while writing says only that
            raise OSError(error.errno, f"{error.strerror}; free some, then go on with --resume {out}", str(out)) from error
        raise
    if progress.state == "cancelled":
        cli.say(f"stopped at step {progress.step}; go on with --resume {out}")
        raise Stopped
    from lelsd.direction import load_direction
    direction = load_direction(progress.direction)
    return {"direction": progress.direction, "prompt": prompt.text, "part": direction.part, "parts": dict(direction.parts),
            "layers": list(direction.layers), "steps": progress.steps, "seconds": round(time.monotonic() - started, 1),
            "clip_gain": progress.quality["clip_gain"], "localization": progress.quality["localization"], "run": out}


def _report(progress: "Progress") -> None:
    from lelsd.config import PHASES
    if progress.state == "running" and (progress.step % 10 == 0 or progress.step == progress.steps):
        losses = "  ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
        cli.say(f"step {progress.step}/{progress.steps}  {losses}  {progress.eta:.0f} s to go")
    elif progress.state in ("calibrating", "reporting"):
        cli.say(PHASES[progress.state])


def _dry_run(pack: "Pack", prompt: "Prompt", config: "TrainConfig") -> dict:
    """Take two steps in a folder that is thrown away: which layers, how long."""
    from lelsd.run_folder import RunFolder
    from lelsd.train import Training
    with tempfile.TemporaryDirectory() as folder:
        started, seconds = time.monotonic(), 0.0
        training = Training(pack, prompt, config, RunFolder(Path(folder)), lambda: False)
        prepared = time.monotonic()
        steps = training.steps_to_take
        for step in (1, 2)[:steps]:
            begun = time.monotonic()
            training.train_step(step)
            seconds = time.monotonic() - begun
    total = 2 * (prepared - started) + seconds * steps
    return {"dry_run": True, "prompt": prompt.text, "part": prompt.part, "parts": dict(prompt.parts), "phrase": prompt.phrase,
            "decided_by": prompt.decided_by, "unknown_words": list(prompt.unknown_words), "read_as": dict(prompt.read_as), "pack": pack.name,
            "layers": training.layers, "steps": steps, "seconds_estimate": round(total, 1), "config": config.to_dict()}


if __name__ == "__main__":
    cli.run(main)
