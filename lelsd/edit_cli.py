"""The command line `python -m lelsd.edit`."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from lelsd.config import parse_layers
from lelsd.direction import load_direction
from lelsd.edit import Edit, EditStack, StackRenderer
from lelsd.recipe import Recipe, recipe_from_file, save_png
from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    from lelsd.direction import Direction
    from lelsd.prompt import Prompt
    from packs.pack import Pack


SAYS_ALL = {"recipe": ("base", "seeds", "truncation", "layers", "free"), "base": ("seeds", "truncation")}
"""Options whose file says what others would."""


def edit_command(argv: Sequence[str]) -> dict:
    """Parse, load, write. Raises ValueError and OSError."""
    parser = cli.ArgumentParser(prog="python -m lelsd.edit", description="Edit samples with learned directions; every PNG carries its recipe.")
    parser.add_argument("--direction", type=Path, action="append", default=[], help="a direction.safetensors; may be repeated, each with its --alpha")
    parser.add_argument("--alpha", type=float, action="append", default=[], help="its strength; 1 goes as far as faces of the pack go, or, with --free and for a direction without ends, is the typical edit of -2 to 2")
    parser.add_argument("--prompt", help="what the people should look like: every thing that it names by a direction of the pack, at strength 1")
    parser.add_argument("--directions", type=Path, metavar="DIR", help="look for what --prompt names in this folder of runs first")
    parser.add_argument("--seeds", help="such as 0-7 or 1,5,9 (0-7)")
    parser.add_argument("--base", type=Path, help="a PNG or JSON of ours, such as lelsd.invert writes: edit its face, on top of its own edits, instead of --seeds")
    parser.add_argument("--truncation", type=float, help="0 is the mean face, 1 all variety (the pack's own)")
    parser.add_argument("--layers", help="only these of the layers the directions move, such as 3,4 (auto: all of them)")
    parser.add_argument("--free", action="store_const", const=True, help="take the same step on every face, past where faces of the pack end")
    parser.add_argument("--pack", help="a pack's name or folder (portraits, or the recipe's)")
    parser.add_argument("--recipe", type=Path, help="a PNG or JSON of ours: make its picture again")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_device()
    options = parser.parse_args(argv)
    if sum((options.recipe is not None, options.prompt is not None, bool(options.direction or options.alpha))) > 1:
        raise ValueError("a recipe, a prompt and directions say each what is to be done; accepted: one of --recipe, --prompt, or --direction with --alpha")
    if options.directions is not None and options.prompt is None:
        raise ValueError("--directions means nothing without --prompt; accepted: both, or --direction with --alpha")
    for option, others in SAYS_ALL.items():
        wrong = [other for other in others if None not in (getattr(options, option), getattr(options, other))]
        if wrong:
            raise ValueError(f"--{wrong[0]} means nothing with --{option}, whose file says that already; accepted: one of the two")
    return _from_recipe(options) if options.recipe is not None else _from_directions(options)


def _from_recipe(options: "Namespace") -> dict:
    from packs.pack import load_pack
    recipe = recipe_from_file(options.recipe)
    pack = load_pack(options.pack or recipe.pack, options.device)
    path = options.out / f"{options.recipe.stem}_again.png"
    image = recipe.render(pack)
    _save(path, image, recipe)
    return {"out": options.out, "files": [path], "pack": pack.name, "edits": len(recipe.stack)}


def _from_directions(options: "Namespace") -> dict:
    from packs.pack import load_pack
    from stylegan2.seeds import parse_seeds
    if options.prompt is None and (not options.direction or len(options.direction) != len(options.alpha)):
        raise ValueError(f"{len(options.direction)} directions and {len(options.alpha)} alphas were given; accepted: at least one --direction, "
                         "each with its --alpha, or a --prompt")
    seeds = parse_seeds(options.seeds or "0-7")
    directions = [load_direction(path) for path in options.direction]
    base = None if options.base is None else recipe_from_file(options.base)
    pack = load_pack(options.pack or (base.pack if base else "portraits"), options.device)
    chosen = parse_layers(options.layers or "auto", pack.generator.num_ws)
    truncation = pack.truncation if options.truncation is None else options.truncation
    strengths = list(zip(directions, options.alpha)) if options.prompt is None else _named(pack, options.prompt, options.directions)
    edits = tuple(Edit(direction, alpha, _common(direction.layers, chosen), free=bool(options.free)) for direction, alpha in strengths)
    bases = {options.base.stem: base} if base else {f"seed_{seed:04d}": Recipe(pack.name, pack.hash, EditStack(), seed, None, truncation) for seed in seeds}
    paths = []
    for name, recipe in bases.items():
        cli.say(name)
        paths += _before_and_after(options.out, pack, name, recipe, edits)
    return {"out": options.out, "files": paths, "pack": pack.name, "prompts": [direction.prompt for direction, _ in strengths],
            "alphas": [alpha for _, alpha in strengths]}


def _named(pack: "Pack", prompt: str, folder: Path | None) -> "list[tuple[Direction, float]]":
    """A direction and a strength for each thing that a prompt names. Raises ValueError for a thing that no direction does."""
    from lelsd.collection import fitting, load_directions
    from lelsd.prompt import parse_prompt
    from lelsd.wishes import by_meaning, directions_for

    def refuse(wish: "Prompt") -> "Direction":
        raise ValueError(f"no direction of pack {pack.name!r}{f' or in {folder}' if folder else ''} does {wish.text!r}; accepted: what there is a "
                         f"direction for, or learn it with train_eclipsed.py \"{wish.text}\" --out RUN, and add --directions RUN")

    own = [] if folder is None else load_directions(folder, pack).values()
    known = by_meaning((learned.direction for learned in (*own, *fitting(pack.directions(), pack))), pack)
    return directions_for(parse_prompt(prompt, pack), pack, known, refuse)


def _common(own: Sequence[int], chosen: Sequence[int] | None) -> tuple[int, ...] | None:
    """The layers of a direction that were asked for. Raises ValueError if there are none."""
    if chosen is None:
        return None
    common = tuple(layer for layer in own if layer in chosen)
    if not common:
        raise ValueError(f"the direction moves none of the layers {', '.join(map(str, chosen))}; accepted: {', '.join(map(str, own))}")
    return common


def _before_and_after(out: Path, pack: "Pack", name: str, recipe: Recipe, edits: tuple[Edit, ...]) -> list[Path]:
    """The picture of a recipe, and with further edits on top."""
    paths = []
    renderer = StackRenderer(pack, recipe.base(pack))
    for when, stack in (("before", recipe.stack), ("after", EditStack((*recipe.stack.edits, *edits)))):
        path = out / f"{name}_{when}.png"
        _save(path, renderer.render(stack), replace(recipe, stack=stack))
        paths.append(path)
    return paths


def _save(path: Path, image, recipe: Recipe) -> None:
    from stylegan2.images import to_pil
    save_png(path, to_pil(image), recipe)
