"""What a comparison says: means at equal effect, editor by editor and pair by pair, as numbers and as Markdown."""

from __future__ import annotations

from statistics import fmean
from typing import Callable, Sequence

from evaluation.comparison import Comparison
from evaluation.line import Asked
from evaluation.measure import NAMES, means
from evaluation.strength import MATCHED_RATE

COLUMNS = {"target_rate": "target", "side_effect_rate": "side effects", "avoidable_side_effect_rate": "avoidable", "localization": "localization",
           "identity": "identity", "clip_gain": "CLIP gain"}
Fid = Callable[[str, Asked, float | None], float | None]
"""(editor, what is asked, target rate or None for the strength that the editor calls typical) -> FID there, or None."""


def editor_rows(comparison: Comparison, fid: Fid | None = None) -> list[dict]:
    """One row an editor: means over the prompts that it serves and at which all that serve them reach a common target rate, and how
    it fares alone. A prompt that it refuses is counted, and left to the others."""
    rates = [(asked, comparison.common(comparison.serving(asked), asked)) for asked in comparison.asked]
    rows = []
    for name in comparison.names:
        lines = [comparison.line(name, asked) for asked in comparison.asked]
        compared = [(asked, rate) for asked, rate in rates if rate is not None and name in comparison.serving(asked)]
        at = [_at(comparison, name, asked, rate, fid) for asked, rate in compared]
        rows.append({"editor": name, "prompts": len(lines), "reached": sum(line["matched"] is not None for line in lines), "compared": len(at),
                     "refused": sum(bool(line.get("refused")) for line in lines), **means(at, (*NAMES, "alpha", "fid")),
                     "typical": _typical(comparison, name, fid), "seconds": means(lines, ["seconds"])["seconds"]})
    return rows


def _typical(comparison: Comparison, name: str, fid: Fid | None) -> dict:
    """Means over all prompts that an editor serves, at the strength that it calls typical, however little that does."""
    served = [(asked, comparison.line(name, asked)) for asked in comparison.asked if name in comparison.serving(asked)]
    return means([{**line, "fid": None if fid is None else fid(name, asked, None)} for asked, line in served], (*NAMES, "fid"))


def _at(comparison: Comparison, name: str, asked: Asked, rate: float, fid: Fid | None) -> dict:
    return {**comparison.at(name, asked, rate), "fid": None if fid is None else fid(name, asked, rate)}


def pair_rows(comparison: Comparison, fid: Fid | None = None) -> list[dict]:
    """One row for each editor but the first, which it is compared with at the rates that the two of them reach."""
    first, *others = comparison.names
    rows = []
    for name in others:
        rates = [(asked, comparison.common([first, name], asked)) for asked in comparison.asked]
        pairs = [tuple(_at(comparison, each, asked, rate, fid) for each in (first, name)) for asked, rate in rates if rate is not None]
        sides = [[cell["side_effect_rate"] for cell in pair] for pair in pairs]
        rows.append({"editor": name, "with": first, "prompts": len(rates), "compared": len(pairs),
                     "rate": fmean(rate for _, rate in rates if rate is not None) if pairs else None,
                     "fewer_side_effects": sum(ours < theirs for ours, theirs in sides), "as_many": sum(ours == theirs for ours, theirs in sides),
                     "refused": sum(bool(comparison.line(name, asked).get("refused")) for asked in comparison.asked),
                     first: means([pair[0] for pair in pairs], (*NAMES, "fid")), name: means([pair[1] for pair in pairs], (*NAMES, "fid"))})
    return rows


def prompt_rows(comparison: Comparison) -> list[dict]:
    """One row a prompt: the rate that all reach who serve it, and each editor's metrics at it, or the best it does; "refused" where it
    does not serve it."""
    rows = []
    for asked in comparison.asked:
        serving = comparison.serving(asked)
        rate = comparison.common(serving, asked)
        cells = {name: comparison.line(name, asked)["best_rate"] if rate is None else comparison.at(name, asked, rate) for name in serving}
        cells = {name: cells.get(name, REFUSED) for name in comparison.names}
        rows.append({"prompt": asked.request.prompt, "rate": rate, "editors": cells})
    return rows


def markdown(editors: Sequence[dict], pairs: Sequence[dict], prompts: Sequence[dict], fid: dict | None = None) -> str:
    """The tables of a comparison, ready for a page. fid: `Distance.described` of what FID was measured with."""
    count, some_refuse = sum(row["rate"] is not None for row in prompts), any(row["refused"] for row in editors)
    head = f"At equal effect: means over the {count} of {len(prompts)} prompts at which all editors reach a common target rate (up to {MATCHED_RATE:g})."
    text = [f"{head} {_REFUSALS}" if some_refuse else head, "", *_editors(editors, some_refuse, fid is not None), ""]
    text += ["At the strength that each calls typical, 1, whatever that does, over all prompts that it serves:", "",
             *_typicals(editors, fid is not None), ""]
    if fid is not None:
        text += [f"FID: between {fid['pictures']} samples and the same after the edit, seen by {fid['features']}. {_FID}", ""]
    if pairs:
        text += [f"Pair by pair with {pairs[0]['with']}, at the rates that the two of them reach:", "", *_pairs(pairs, fid is not None), ""]
    return "\n".join([*text, "Side effects by prompt at the common rate; in brackets the best target rate where there is none.", "", *_prompts(prompts), ""])


REFUSED = "refused"
_REFUSALS = ("An editor that refuses a prompt takes nothing from the others, and its means are over those that it serves, so rows with "
             "different numbers compared are set against each other only pair by pair.")
_FID = "It depends on the number of pictures and on who looks: only figures of this page compare, and on few pictures they are no more than a rank."


def _editors(rows: Sequence[dict], some_refuse: bool, with_fid: bool) -> list[str]:
    titles = ["editor", f"reach {MATCHED_RATE:g}", *([REFUSED, "compared"] if some_refuse else []), *COLUMNS.values(),
              *(["FID"] if with_fid else []), "strength", "seconds a prompt"]
    body = [[row["editor"], f"{row['reached']} of {row['prompts']}", *([str(row["refused"]), str(row["compared"])] if some_refuse else []),
             *(number(row[name]) for name in COLUMNS), *([number(row["fid"])] if with_fid else []), number(row["alpha"], 2),
             number(row["seconds"], 1)] for row in rows]
    return grid(titles, body)


def _typicals(rows: Sequence[dict], with_fid: bool) -> list[str]:
    names = {**COLUMNS, **({"fid": "FID"} if with_fid else {})}
    body = [[row["editor"], str(row["prompts"] - row["refused"]), *(number(row["typical"][name]) for name in names)] for row in rows]
    return grid(["editor", "prompts", *names.values()], body)


def _pairs(rows: Sequence[dict], with_fid: bool) -> list[str]:
    first = rows[0]["with"]
    shown = {"side effects": "side_effect_rate", "localization": "localization", "identity": "identity", **({"FID": "fid"} if with_fid else {})}
    titles = ["editor", "prompts", "rate", *(f"{title}: {first}, editor" for title in shown),
              f"fewer side effects: {first}", "as many"]
    body = [[row["editor"], f"{row['compared']} of {row['prompts']}", number(row["rate"]),
             *(f"{number(row[first][name])}, {number(row[row['editor']][name])}" for name in shown.values()),
             str(row["fewer_side_effects"]), str(row["as_many"])] for row in rows]
    return grid(titles, body)


def _prompts(rows: Sequence[dict]) -> list[str]:
    names = list(rows[0]["editors"])
    body = [[row["prompt"], number(row["rate"], 2), *(_cell(cell) for cell in row["editors"].values())] for row in rows]
    return grid(["prompt", "rate", *names], body)


def _cell(cell: dict | float | str | None) -> str:
    if isinstance(cell, str):
        return cell
    return number(cell["side_effect_rate"]) if isinstance(cell, dict) else f"({number(cell, 2)})"


def grid(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (titles, ["---"] * len(titles), *rows)]


def number(value: float | None, digits: int = 3) -> str:
    """A number with the digits that mean something; a dash for what could not be measured."""
    return "-" if value is None else f"{value:.{digits}f}"
