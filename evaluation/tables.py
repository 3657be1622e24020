"""What a comparison says: means at equal effect, editor by editor and pair by pair, as numbers and as Markdown."""

from __future__ import annotations

from statistics import fmean
from typing import Sequence

from evaluation.comparison import Comparison
from evaluation.measure import NAMES, means
from evaluation.strength import MATCHED_RATE

COLUMNS = {"target_rate": "target", "side_effect_rate": "side effects", "avoidable_side_effect_rate": "avoidable", "localization": "localization",
           "identity": "identity", "clip_gain": "CLIP gain"}


def editor_rows(comparison: Comparison) -> list[dict]:
    """One row an editor: means over the prompts at which all of them reach a common target rate, and how it fares alone."""
    rates = {asked.request.prompt: comparison.common(comparison.names, asked) for asked in comparison.asked}
    rows = []
    for name in comparison.names:
        lines = [comparison.line(name, asked) for asked in comparison.asked]
        at = [comparison.at(name, asked, rates[asked.request.prompt]) for asked in comparison.asked if rates[asked.request.prompt] is not None]
        rows.append({"editor": name, "prompts": len(lines), "reached": sum(line["matched"] is not None for line in lines), "compared": len(at),
                     **means(at, (*NAMES, "alpha")), "typical": means(lines, NAMES), "seconds": means(lines, ["seconds"])["seconds"]})
    return rows


def pair_rows(comparison: Comparison) -> list[dict]:
    """One row for each editor but the first, which it is compared with at the rates that the two of them reach."""
    first, *others = comparison.names
    rows = []
    for name in others:
        rates = [(asked, comparison.common([first, name], asked)) for asked in comparison.asked]
        pairs = [(comparison.at(first, asked, rate), comparison.at(name, asked, rate)) for asked, rate in rates if rate is not None]
        sides = [[cell["side_effect_rate"] for cell in pair] for pair in pairs]
        rows.append({"editor": name, "with": first, "prompts": len(rates), "compared": len(pairs),
                     "rate": fmean(rate for _, rate in rates if rate is not None) if pairs else None,
                     "fewer_side_effects": sum(ours < theirs for ours, theirs in sides), "as_many": sum(ours == theirs for ours, theirs in sides),
                     first: means([pair[0] for pair in pairs], NAMES), name: means([pair[1] for pair in pairs], NAMES)})
    return rows


def prompt_rows(comparison: Comparison) -> list[dict]:
    """One row a prompt: the rate that all reach, and each editor's side effects and strength at it, or the best it does."""
    rows = []
    for asked in comparison.asked:
        rate = comparison.common(comparison.names, asked)
        cells = {name: comparison.line(name, asked)["best_rate"] if rate is None else comparison.at(name, asked, rate) for name in comparison.names}
        rows.append({"prompt": asked.request.prompt, "rate": rate, "editors": cells})
    return rows


def markdown(editors: Sequence[dict], pairs: Sequence[dict], prompts: Sequence[dict]) -> str:
    """The tables of a comparison, ready for a page."""
    count = editors[0]["compared"]
    head = f"At equal effect: means over the {count} of {len(prompts)} prompts at which all editors reach a common target rate (up to {MATCHED_RATE:g})."
    rows = [[row["editor"], f"{row['reached']} of {row['prompts']}", *(number(row[name]) for name in COLUMNS), number(row["alpha"], 2),
             number(row["seconds"], 1)] for row in editors]
    text = [head, "", *grid(["editor", f"reach {MATCHED_RATE:g}", *COLUMNS.values(), "strength", "seconds a prompt"], rows), ""]
    if pairs:
        text += [f"Pair by pair with {pairs[0]['with']}, at the rates that the two of them reach:", "", *_pairs(pairs), ""]
    return "\n".join([*text, "Side effects by prompt at the common rate; in brackets the best target rate where there is none.", "", *_prompts(prompts), ""])


def _pairs(rows: Sequence[dict]) -> list[str]:
    first = rows[0]["with"]
    titles = ["editor", "prompts", "rate", *(f"{title}: {first}, editor" for title in ("side effects", "localization", "identity")),
              f"fewer side effects: {first}", "as many"]
    body = [[row["editor"], f"{row['compared']} of {row['prompts']}", number(row["rate"]),
             *(f"{number(row[first][name])}, {number(row[row['editor']][name])}" for name in ("side_effect_rate", "localization", "identity")),
             str(row["fewer_side_effects"]), str(row["as_many"])] for row in rows]
    return grid(titles, body)


def _prompts(rows: Sequence[dict]) -> list[str]:
    names = list(rows[0]["editors"])
    body = [[row["prompt"], number(row["rate"], 2), *(f"({number(cell, 2)})" if row["rate"] is None else number(cell["side_effect_rate"])
                                                      for cell in row["editors"].values())] for row in rows]
    return grid(["prompt", "rate", *names], body)


def grid(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (titles, ["---"] * len(titles), *rows)]


def number(value: float | None, digits: int = 3) -> str:
    """A number with the digits that mean something; a dash for what could not be measured."""
    return "-" if value is None else f"{value:.{digits}f}"
