"""Builds the built-in pack from nothing: `python -m portraits.build_pack --work DIR`, or one `--stage` of it.

Every stage reads what the earlier ones left in the work folder and writes one model. One that was killed goes on from its last
checkpoint; mapping, align, survey and cards, which have none, begin again. Minutes count from the first start; a stage whose
minutes are spent only writes its model again, and more `--minutes` carry it on.
`--start PACK` begins new runs with that pack's weights and refines them, so that what one machine had time for is not lost;
`--stage assemble --draft` makes a pack of the checkpoints while they are still trained; with `--start PACK`, what the work folder lacks
is the pack's own, so a pack can be renewed in part.

    data        renders of the drawn world with masks, attributes and captions
    generator   the synthesis network by regression    sharpen  against a critic    mapping  its mapping network
    parser      Face-BiSeNet    second_parser  another one, to judge with    classifier  attributes, to judge with
    clip        an open_clip model of our own size    see  its picture tower, for what captions seldom say    align  its text tower
                to what that sees
    encoder     pictures to w+, to begin an inversion with
    assemble    the pack folder
    survey      what its models see in samples, so that no studio has to look first
    directions  the ready-made directions, trained with the assembled pack
    cards       no part of "all": those that a pack has, calibrated and measured again, for one that has another judge now

`--config cpu` and `--config gpu` (portraits/plans.py) differ in widths, batches and minutes; a checkpoint goes on on any device.
`torchrun --nproc_per_node N -m portraits.build_pack --stage generator` (or sharpen) trains with N processes.
"""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import torch

from packs import cli
from packs.files import add_files, unfinished
from packs.pack import load_pack
from portraits import processes
from portraits.assemble import PARSER, assemble
from portraits.classifier import train_classifier
from portraits.clip_alignment import ALIGNING_RATE, align_clip
from portraits.clip_seeing import Seeing, see_better
from portraits.clip_training import ClipTraining, train_clip
from portraits.dataset import PortraitCache, build_cache
from portraits.generator_run import run_generator, run_mapping, run_sharpen
from portraits.pictures import Pictures, ahead
from portraits.plans import PLANS, SIZE
from portraits.sharpen import Sharpening
from portraits.train_encoder import train_encoder
from portraits.train_generator import SynthesisTraining
from portraits.training import LEARNING_RATE, maps_dtype, pick_indices
from portraits.warm_start import Start, start_clip, start_encoder, start_network, start_of
from safetensors.torch import save_file
from segmentation.bisenet import BiSeNet
from segmentation.train import TrainSettings, train_parser

BUILT_IN = Path(__file__).resolve().parents[1] / "packs" / "portraits"
DATA_SEED = 1
TOGETHER = ("generator", "sharpen")  # stages that several processes can share
READY_MADE = {
    "curly hair": "a person with curly hair", "wavy hair": "a person with wavy hair", "blonde hair": "a person with blonde hair",
    "black hair": "a person with black hair", "red hair": "a person with red hair", "grey hair": "a person with grey hair",
    "long hair": "a person with long hair", "short hair": "a person with short hair", "bangs": "a person with bangs",
    "bald": "a bald person", "smile": "a smiling person", "surprised": "a surprised person", "sad": "a sad person",
    "open mouth": "a person with the mouth open", "red lipstick": "a person wearing lipstick", "closed eyes": "a person with closed eyes",
    "blue eyes": "a person with blue eyes", "bushy eyebrows": "a person with bushy eyebrows", "glasses": "a person with glasses",
    "sunglasses": "a person wearing sunglasses", "beard": "a person with a beard", "moustache": "a person with a moustache",
    "hat": "a person with a hat", "earrings": "a person with earrings", "necklace": "a person wearing a necklace",
    "heavy makeup": "a person wearing heavy makeup", "elderly": "an elderly person", "freckles": "a person with freckles",
    "rosy cheeks": "a person with rosy cheeks", "angry": "an angry person", "big nose": "a person with a big nose",
    "brown hair": "a person with brown hair", "green eyes": "a person with green eyes", "brown eyes": "a person with brown eyes",
    "pale skin": "a pale person", "dark skin": "a person with dark skin", "pink hair": "a person with pink hair",
    "blue hair": "a person with blue hair", "red shirt": "a person wearing a red shirt", "blue background": "a person with a blue background",
    "red hat": "a person whose hat is red", "straight hair": "a person with straight hair", "full lips": "a person with full lips",
    "woman": "a woman", "man": "a man", "stubble": "a person with stubble", "chubby": "a chubby person",
}


def stage_data(work: Path, options) -> None:
    build_cache(work / "cache", DATA_SEED, options.count or PLANS[options.config].samples, SIZE, workers=os.cpu_count() or 1,
                progress=lambda p: cli.say(f"data: {p['done']} of {p['count']}"))


def stage_generator(work: Path, options) -> None:
    settings = SynthesisTraining(minutes=_minutes(options, "generator"), batch_size=_batch(options, "generator"), seed=options.seed)
    run_generator(work, PortraitCache(work / "cache"), options.on, options.config, settings, given=options.start)


def stage_sharpen(work: Path, options) -> None:
    settings = Sharpening(minutes=_minutes(options, "sharpen"), batch_size=_batch(options, "sharpen"), seed=options.seed)
    run_sharpen(work, PortraitCache(work / "cache"), options.on, options.config, settings, given=options.start)


def stage_mapping(work: Path, options) -> None:
    run_mapping(work, options.seed, options.start)


def stage_parser(work: Path, options, name: str = "parser", seed: int = 0) -> None:
    cache, seed = PortraitCache(work / "cache"), options.seed + seed
    torch.manual_seed(seed)
    network, start = BiSeNet(PARSER["num_classes"], PARSER["width"]).to(options.on), _start(work, name, options)
    if start.pack is not None:
        start_network(network, start.pack, name)
    pictures, size = Pictures(cache.images, cache.masks, options.on), _batch(options, name)
    held_out = [pictures.batch(cache.validation_indices[i : i + 32]) for i in range(0, min(256, len(cache.validation_indices)), 32)]
    settings = TrainSettings(
        steps=1_000_000, lr=start.rate(TrainSettings.lr), input_size=PARSER["input_size"],
        bfloat16=maps_dtype(options.on) == torch.bfloat16, seconds=60 * _minutes(options, name), validate_every=500, seed=seed)

    def batches(first: int) -> Iterator:
        return ahead(pictures.batch, (pick_indices(cache, size, seed, step) for step in count(first)))

    for progress in train_parser(network, batches, settings, held_out, work / f"{name}.checkpoint", resume=True):
        if "mean_iou" in progress or progress["step"] % 50 == 0:
            _tell(name, progress)
    _save(work / f"{name}.safetensors", network.state_dict())


def stage_second_parser(work: Path, options) -> None:
    stage_parser(work, options, "second_parser", seed=1000)


def stage_classifier(work: Path, options) -> None:
    start = _start(work, "classifier", options)
    begin = None if start.pack is None else lambda model: start_network(model, start.pack, "classifier")
    for progress in train_classifier(
            PortraitCache(work / "cache"), work, minutes=_minutes(options, "classifier"), seed=options.seed,
            batch_size=_batch(options, "classifier"), learning_rate=start.rate(LEARNING_RATE), device=options.on, begin=begin):
        _tell("classifier", progress)


def stage_clip(work: Path, options) -> None:
    start, begin = _clip_start(work, options)
    settings = ClipTraining(minutes=_minutes(options, "clip"), batch_size=_batch(options, "clip"), seed=options.seed,
                            learning_rate=start.rate(LEARNING_RATE))
    if start.refining:  # topics help pictures and words while neither makes sense to the other
        settings = dataclasses.replace(settings, topic_weight=0.0)
    for progress in train_clip(PortraitCache(work / "cache"), work, settings, options.on, begin):
        _tell("clip", progress)


def stage_see(work: Path, options) -> None:
    settings = Seeing(minutes=_minutes(options, "see"), batch_size=_batch(options, "see"), seed=options.seed)
    for progress in see_better(PortraitCache(work / "cache"), work, settings, options.on):
        _tell("see", progress)


def stage_align(work: Path, options) -> None:
    _, begin = _clip_start(work, options)  # the checkpoint that `clip` left comes before a pack
    settings = ClipTraining(
        minutes=_minutes(options, "align"), batch_size=_batch(options, "align"), seed=options.seed, learning_rate=ALIGNING_RATE)
    for progress in align_clip(PortraitCache(work / "cache"), work, settings, options.on, begin):
        _tell("align", progress)


def stage_encoder(work: Path, options) -> None:
    start = _start(work, "encoder", options)
    begin = None if start.pack is None else lambda encoder, basis: start_encoder(encoder, basis, start.pack)
    for progress in train_encoder(
            PortraitCache(work / "cache"), work, minutes=_minutes(options, "encoder"), seed=options.seed,
            batch_size=_batch(options, "encoder"), learning_rate=start.rate(LEARNING_RATE), device=options.on, begin=begin):
        _tell("encoder", progress)


def stage_assemble(work: Path, options) -> None:
    missing = assemble(work, options.out, options.draft, options.seed, options.start)
    cli.say(f"assembled: {options.out}" + (f", without {' and '.join(missing)}" if missing else ""))


def stage_survey(work: Path, options) -> None:
    from lelsd.survey import NAME, survey_file

    add_files(options.out, {NAME: survey_file(load_pack(options.out, options.on))})


def stage_directions(work: Path, options) -> None:
    from lelsd.config import TrainConfig
    from lelsd.prompt import parse_prompt
    from lelsd.survey import survey_key
    from lelsd.train import train_direction

    pack = load_pack(options.out, options.on)
    runs = work / "directions" / survey_key(pack)[:12]  # of all models that a direction is learned with
    for name, prompt in READY_MADE.items():
        run = runs / name.replace(" ", "_")
        if not (run / "direction.safetensors").exists():
            config, begun = TrainConfig().updated(pack.defaults), (run / "run.json").exists()
            for progress in train_direction(pack, parse_prompt(prompt, pack), config, run, resume=begun):
                pass
            _tell(name, progress.quality)
        add_files(options.out, {f"directions/{run.name}.safetensors": (run / "direction.safetensors").read_bytes()})


def stage_cards(work: Path, options) -> None:
    from lelsd.direction import load_direction
    from lelsd.report import measured_anew

    pack = load_pack(options.out, options.on)
    for path in pack.directions():
        direction = measured_anew(pack, load_direction(path))
        _tell(path.stem, direction.quality)
        add_files(options.out, {f"directions/{path.name}": direction.to_bytes()})


STAGES = {
    "data": stage_data, "generator": stage_generator, "sharpen": stage_sharpen, "mapping": stage_mapping, "parser": stage_parser,
    "second_parser": stage_second_parser, "classifier": stage_classifier, "clip": stage_clip, "see": stage_see,
    "align": stage_align, "encoder": stage_encoder, "assemble": stage_assemble, "survey": stage_survey,
    "directions": stage_directions, "cards": stage_cards,
}
ON_REQUEST = ("cards",)  # no part of "all"


def _start(work: Path, stage: str, options) -> Start:
    return start_of(work, stage, work / f"{stage}.checkpoint", options.start)


def _clip_start(work: Path, options) -> tuple[Start, Callable | None]:
    """How `clip` and `align` begin, and what gives a new CLIP the pack's weights where they begin with one."""
    start = _start(work, "clip", options)
    return start, None if start.pack is None else lambda clip, vocabulary: start_clip(clip, vocabulary.ids, start.pack)


def _minutes(options, stage: str) -> float:
    return PLANS[options.config].minutes[stage] if options.minutes is None else options.minutes


def _batch(options, stage: str) -> int:
    return options.batch or PLANS[options.config].batch[stage]


def _tell(stage: str, progress: dict) -> None:
    shown = {key: round(value, 4) if isinstance(value, float) else value
             for key, value in progress.items() if not isinstance(value, dict)}
    cli.say(f"{stage}: {shown}")


def _save(path: Path, state: dict) -> None:
    with unfinished(path) as waiting:
        save_file({name: tensor.contiguous().cpu() for name, tensor in state.items()}, waiting)


def main(arguments: Sequence[str]) -> dict:
    """Build the pack, or run one stage."""
    parser = cli.ArgumentParser(prog="python -m portraits.build_pack", description="Train the built-in pack on the drawn world.")
    parser.add_argument("--work", type=Path, required=True, help="folder for data, checkpoints and models; outside the repository")
    parser.add_argument("--stage", choices=("all", *STAGES), default="all")
    parser.add_argument("--config", choices=tuple(PLANS), help="sizes and times; default: gpu on a GPU, else cpu")
    parser.add_argument("--minutes", type=float, help="training time of the stage (default: as the config says)")
    parser.add_argument("--batch", type=cli.positive_int, help="pictures a step and process (default: as the config says)")
    parser.add_argument("--count", type=cli.positive_int, help="renders to train on (default: as the config says)")
    parser.add_argument("--start", type=Path, metavar="PACK",
                        help="begin new runs with the weights of this pack, to refine them (default: at random); assemble takes from it what --work lacks")
    parser.add_argument("--draft", action="store_true",
                        help="assemble what the checkpoints have come to while their training still runs")
    parser.add_argument("--out", type=Path, default=BUILT_IN, help="pack folder (default: the built-in one)")
    parser.add_device()
    parser.add_seed(0)
    options = parser.parse_args(list(arguments))
    if options.minutes is not None and options.minutes <= 0:
        raise ValueError(f"{options.minutes:g} minutes train nothing; accepted for --minutes: a number above 0")
    if "RANK" in os.environ and options.stage not in TOGETHER:
        raise ValueError(f"stage {options.stage!r} takes one process; torchrun is for {' and '.join(TOGETHER)}")
    options.on = processes.start(options.device)
    options.config = options.config or ("gpu" if options.on.type == "cuda" else "cpu")
    options.work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    everything = [stage for stage in STAGES if stage not in ON_REQUEST]
    for stage in everything if options.stage == "all" else (options.stage,):
        STAGES[stage](options.work, options)
    report = {"stage": options.stage, "work": str(options.work), "out": str(options.out),
              "seconds": round(time.monotonic() - started, 1)}
    answer = report if processes.first() else None
    processes.stop()
    return answer


if __name__ == "__main__":
    cli.run(main)
