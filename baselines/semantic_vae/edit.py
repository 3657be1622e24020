"""Changes one part of masks: drawn anew, perturbed, or blended with that of another mask (section 4 of the paper).

    python -m baselines.semantic_vae.edit --run RUN --part hair --how generate --count 4 MASK.png --out DIR
    python -m baselines.semantic_vae.edit --run RUN --part nose --how perturb --strength 0.5 MASK.png --out DIR
    python -m baselines.semantic_vae.edit --run RUN --part eyes --how interpolate --target OTHER.png MASK.png --out DIR

Masks are square PNGs of class numbers, such as `python -m segmentation.parser` and `portraits.render --packed` write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.semantic_vae.options import add_prior, prior_of
from packs import cli

if TYPE_CHECKING:
    from argparse import Namespace

    import torch
    from torch import Tensor

    from baselines.semantic_vae.model import Densities, SemanticVAE

HOW = ("generate", "perturb", "interpolate")


def main(argv: Sequence[str]) -> dict:
    """Write for each mask its edits as PNGs of class numbers, and a strip: mask, reconstruction, edits."""
    options = _parser().parse_args(list(argv))
    import torch

    from baselines.semantic_vae.model import part_rows
    from baselines.semantic_vae.runs import open_run
    from segmentation.parser import read_labels

    def read(path: Path) -> "Tensor":
        return torch.from_numpy(read_labels(path, model.config.size))

    if (options.how == "interpolate") != (options.target is not None):
        raise ValueError(f"--how is {options.how} and --target {options.target}; "
                         "accepted: --how interpolate with --target, the others without")
    part_rows(options.part)
    model = open_run(options.run, cli.resolve_device(options.device))
    prior, densities = prior_of(options, model)
    masks, target = [read(path) for path in options.masks], options.target and read(options.target)
    options.out.mkdir(parents=True, exist_ok=True)
    rng = torch.Generator(next(model.parameters()).device).manual_seed(options.seed)
    results = [_edit(model, mask[None], target, rng, densities, number, options) for number, mask in enumerate(masks)]
    return {"run": options.run, "part": options.part, "how": options.how, "prior": prior, "out": options.out, "masks": results}


def _edit(model: "SemanticVAE", mask: "Tensor", target: "Tensor | None", rng: "torch.Generator", densities: "Densities",
          number: int, options: "Namespace") -> dict:
    """One mask [1, S, S]: its files, and the share of pixels by which each edit differs from the reconstruction."""
    import torch

    from baselines.semantic_vae.model import changed_masks
    from segmentation.parser import colour_labels, label_image
    from stylegan2.images import save_png, strip

    device = next(model.parameters()).device
    mask = mask.to(device)
    with torch.inference_mode():
        codes = model.encode(mask)
        named = _edited_codes(codes, None if target is None else model.encode(target[None].to(device)), rng, densities, options)
        before = model.decode(codes)
        after = [model.decode(edited) for edited in named.values()]
        edits = [changed_masks(mask, before, logits) if options.only_changes else logits.argmax(1) for logits in after]
        shares = [(logits.argmax(1) != before.argmax(1)).float().mean().item() for logits in after]
    paths = [save_png(options.out / f"{number:03d}_{index}.png", label_image(edit[0])) for index, edit in enumerate(edits)]
    shown = colour_labels(torch.cat([mask.long(), before.argmax(1), *edits])).cpu()
    picture = save_png(options.out / f"{number:03d}_strip.png", strip(shown, ["mask", "coded", *named]))
    return {"mask": options.masks[number], "edits": paths, "changed": [round(share, 5) for share in shares], "strip": picture}


def _edited_codes(codes: "Tensor", target: "Tensor | None", rng: "torch.Generator", densities: "Densities",
                  options: "Namespace") -> dict[str, "Tensor"]:
    """Caption -> codes [1, 19, D] of each edit that the options ask for."""
    from baselines.semantic_vae.model import interpolate_part, perturb_part, sample_part

    if options.how == "generate":
        return {f"drawn {i}": sample_part(codes, options.part, rng, densities) for i in range(options.count)}
    if options.how == "perturb":
        noisy = (perturb_part(codes, options.part, rng, options.strength, densities) for _ in range(options.count))
        return {f"noise {i}": edited for i, edited in enumerate(noisy)}
    return {f"{alpha:g}": interpolate_part(codes, target, options.part, alpha) for alpha in options.alphas}


def alphas(text: str) -> list[float]:
    """`--alphas`: numbers from 0 to 1, each once, separated by commas. Raises ValueError."""
    values = [cli.number(item) for item in text.split(",")]
    if not all(0 <= value <= 1 for value in values) or len(set(values)) < len(values):
        raise ValueError(f"alphas are {text[:60]!r}; accepted: numbers from 0 to 1, each once, such as 0,0.5,1")
    return values


def _parser() -> cli.ArgumentParser:
    parser = cli.ArgumentParser(description="Change one part of masks by its code in a Semantic-VAE.")
    parser.add_argument("masks", nargs="+", type=Path, metavar="MASK", help="square PNGs of class numbers")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="a finished run of baselines.semantic_vae.train")
    parser.add_argument("--part", required=True, help="what to change: hair, nose, eyes, ...")
    parser.add_argument("--how", choices=HOW, default="generate",
                        help="drawn anew, perturbed, or blended with --target's (generate)")
    parser.add_argument("--count", type=cli.positive_int, default=4, metavar="N", help="edits of a mask, where they are random (4)")
    parser.add_argument("--strength", type=float, default=1.0, metavar="F", help="of the noise that perturbs (1, as in the paper)")
    add_prior(parser)
    parser.add_argument("--target", type=Path, metavar="MASK", help="the mask whose part is blended in")
    parser.add_argument("--alphas", type=alphas, default=[0.0, 0.25, 0.5, 0.75, 1.0], metavar="F,F",
                        help="shares of the target (0,0.25,0.5,0.75,1)")
    parser.add_argument("--only-changes", action="store_true",
                        help="put what changes into the mask given, instead of writing the whole decoded mask")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the masks and strips")
    parser.add_seed(0)
    parser.add_device()
    return parser


if __name__ == "__main__":
    cli.run(main)
