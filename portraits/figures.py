"""What a pack's report says, as a table a person can read: each figure beside what was asked for, and where it is weak.

The report is that of `portraits.evaluate_pack`. Of a figure that it lacks, because only some sections were measured or the pack has
no such model, the table says so where something was asked for, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MEGABYTE = 1_000_000
WEAKEST = 6  # named of each kind


@dataclass(frozen=True)
class Figure:
    """A line of the table. `path`: where the report has the value; `real`: where it has the same of renders against renders.

    least, most: what was asked for; None where nothing was.
    """

    name: str
    path: str
    real: str = ""
    least: float | None = None
    most: float | None = None
    digits: int = 3


FIGURES = (
    Figure("Fréchet distance of samples to renders, in the classifier's features", "generated.frechet", "renders.frechet"),
    Figure("precision of samples", "generated.precision", "renders.precision"),
    Figure("recall of samples", "generated.recall", "renders.recall"),
    Figure("share of samples that the classifier calls out of distribution", "outside.generated", "outside.renders"),
    Figure("share of the attributes that are as frequent as in the world, within a factor of two", "attributes.share_within", least=1.0),
    Figure("share that the generator draws of freckles, goatees, moustaches, stubble and hoops", "faint.share"),
    Figure("parser: mean IoU over 19 classes, held-out renders", "parser.mean_iou", least=0.90),
    Figure("parser: agreement with a second one on samples, mean IoU", "parser.agreement_mean_iou", least=0.85),
    Figure("CLIP: zero-shot accuracy, training words in sentence forms it never read", "clip.templates.accuracy", least=0.95),
    Figure("CLIP: the same with words held out of training", "clip.heldout.accuracy", least=0.95),
    Figure("CLIP: the same with words held out, as the studio reads them (plainer words for those it does not know)", "clip.read.accuracy"),
    Figure("CLIP: retrieval R@1 among 100, training words", "clip.train.recall_at_1", least=0.80),
    Figure("CLIP: the same in sentence forms it never read", "clip.templates.recall_at_1", least=0.80),
    Figure("CLIP: the same with words held out of training", "clip.heldout.recall_at_1", least=0.80),
    Figure("CLIP: the same with words held out, as the studio reads them", "clip.read.recall_at_1"),
    Figure("classifier: accuracy, held-out renders", "classifier.accuracy", least=0.97),
    Figure("classifier: the same, presence and absence weighing the same", "classifier.balanced_accuracy"),
    Figure("side effects that the classifier sees when the renderer itself changes one thing", "redrawn.side_effect_rate", "redrawn.true_side_effect_rate"),
    Figure("inversion: feature distance where it begins", "inversion.before.feature_distance"),
    Figure("inversion: feature distance when it is refined", "inversion.after.feature_distance"),
    Figure("inversion: identity where it begins", "inversion.before.identity"),
    Figure("inversion: identity when it is refined", "inversion.after.identity"),
    Figure("the whole pack, MB", "pack.megabytes", most=40, digits=1),
    Figure("ready-made directions", "pack.directions", least=24, digits=0),
)


def value_at(report: dict, path: str) -> float | None:
    """The number at "a.b.c", None where the report has none."""
    for name in path.split("."):
        if not isinstance(report, dict) or name not in report:
            return None
        report = report[name]
    return report


def verdict(figure: Figure, value: float | None) -> str:
    """What was asked for, and whether it is reached: "at least 0.9: yes"; "" where nothing was, no answer without a value."""
    asked = "" if figure.least is None and figure.most is None else f"at most {figure.most:g}" if figure.least is None else f"at least {figure.least:g}"
    if not asked or value is None:
        return asked
    reached = value <= figure.most if figure.least is None else value >= figure.least
    return f"{asked}: {'yes' if reached else '**no**'}"


def table(report: dict) -> str:
    """The figures of a report as a Markdown table. Raises ValueError for one without any."""
    if not any(value_at(report, figure.path) is not None for figure in FIGURES):
        raise ValueError("the report has no figures; accepted are those that python -m portraits.evaluate_pack writes")
    rows = []
    for figure in FIGURES:
        value, real = value_at(report, figure.path), value_at(report, figure.real) if figure.real else None
        if value is not None or verdict(figure, None):
            rows.append((figure.name, "not measured" if value is None else f"{value:.{figure.digits}f}", "" if real is None else f"{real:.{figure.digits}f}",
                         verdict(figure, value)))
    head = (("figure", "measured", "renders against renders", "asked for"), ("---",) * 4)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (*head, *rows))


def weak_points(report: dict) -> list[str]:
    """Sentences that name what is furthest from good: classes, attributes, and attributes that samples have too often or too rarely."""
    return [*_off(report), *_low(report, "faint.by_thing", "Of what is faint or thin, the share that the generator draws"),
            *_low(report, "parser.iou_by_class", "The parser's weakest classes (IoU)"),
            *_low(report, "clip.templates.accuracy_by_attribute", "What CLIP tells worst (accuracy, training words)"),
            *_low(report, "clip.heldout.accuracy_by_attribute", "With words held out"),
            *_low(report, "classifier.by_attribute", "What the classifier tells worst (balanced accuracy)")]


def _off(report: dict) -> Iterator[str]:
    shares, off = value_at(report, "attributes.by_attribute"), value_at(report, "attributes.off")
    if off == []:
        yield "Every attribute of the world is as frequent among samples as in the world, within a factor of two."
    elif off:
        named = ", ".join(f"{name} ({shares[name]['samples']:.3f} of samples, {shares[name]['world']:.3f} of the world)" for name in off)
        yield f"As the classifier sees them, too frequent or too rare among samples: {named}."


def _low(report: dict, path: str, words: str) -> Iterator[str]:
    scores = value_at(report, path)
    if scores:
        low = sorted((item for item in scores.items() if item[1] is not None), key=lambda item: item[1])[:WEAKEST]
        yield f"{words}: {', '.join(f'{name} {score:.2f}' for name, score in low)}."
