"""One wish, the same pictures, every editor there is: who is asked, what each did, and what is measured of it.

Whoever can edit is a `Contender`: a text-driven direction, and each editor that the pack ships or could ship (`baselines.shipped`).
One that cannot take part says why in a sentence, and has neither pictures nor numbers; nobody else loses by it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from baselines.shipped import Shipped, compared_editors
from evaluation.distance import FEWEST, Distance
from evaluation.editor import DirectionEditor, Editor, Request, Samples
from evaluation.features import choose_looks
from evaluation.measure import BATCH, NAMES, Judge
from evaluation.suite import MEASURABLE
from lelsd.clip_guide import ClipGuide
from lelsd.collection import key
from lelsd.direction import Direction
from lelsd.lexicon import check_prompt
from lelsd.prompt import Prompt
from packs.attributes import asked_attributes, asking
from packs.cli import describe
from packs.pack import Pack
from packs.seen import Seen
from stylegan2.images import to_uint8

TEXT, TEXT_TITLE = "text", "Text-driven direction"
MEASURES = (*NAMES, "fid")
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Wish:
    """What is asked for: in words, and as an attribute with a value where one says the same; attribute "" where none does."""

    prompt: str
    attribute: str = ""
    value: bool = True

    @property
    def request(self) -> Request:
        return Request(self.prompt, self.attribute, self.value)


@dataclass(frozen=True, eq=False)
class Contender:
    """Somebody who may edit. editor: None where it cannot, for the reason in `absence`, or where its edits are over and kept in a
    file. note: what it is, in a few words."""

    name: str
    title: str
    editor: Editor | None
    note: str = ""
    absence: str = ""
    alpha: float = 1.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a contender did: pictures uint8 [N, R, R, 3], class labels uint8 [N, R, R] and `MEASURES` by name, or `trouble`."""

    contender: Contender
    images: np.ndarray | None = None
    labels: np.ndarray | None = None
    measured: dict | None = None
    trouble: str = ""


@dataclass(frozen=True, eq=False)
class Compared:
    """All outcomes on the same pictures. eligible: how many were not as asked before; None where nobody can tell.

    found: the pictures as the generator draws the latents that were found for them, uint8 [N, R, R, 3]; None where the
    pictures are its own. features: what FID was looked at with; "" for a single picture, which has none.
    """

    wish: Wish
    source: str
    pack: str
    pack_hash: str
    images: np.ndarray
    labels: np.ndarray
    eligible: int | None
    outcomes: tuple[Outcome, ...]
    found: np.ndarray | None = None
    features: str = ""


# --- what is asked for ------------------------------------------------------------------------------------------------


def wish_in_words(text: str) -> Wish:
    """The wish in a prompt, with the first attribute that its words ask for. Raises ValueError for an empty or too long one."""
    prompt = check_prompt(text)
    asked = [(name, value) for name, value in asked_attributes(prompt).items() if name in MEASURABLE]
    return Wish(prompt, *(asked[0] if asked else ()))


def wish_for(attribute: str, value: bool) -> Wish:
    """The wish for an attribute, or for its absence. Raises ValueError for one that has no words."""
    return Wish(asking(attribute, value), attribute, value)


# --- who is asked -----------------------------------------------------------------------------------------------------


def contenders(pack: Pack, wish: Wish, strength: float, directions: Sequence[Direction],
               opened: Callable[[Shipped], Editor] | None = None) -> list[Contender]:
    """Everybody there could be, in the order of a table. strength: of the text-driven direction. opened: how to open what a pack ships."""
    opened = opened or (lambda editor: editor.open(pack))
    return [text_contender(pack, wish, strength, directions), *(_shipped(pack, editor, wish, opened) for editor in compared_editors(pack))]


def text_contender(pack: Pack, wish: Wish, strength: float, directions: Sequence[Direction]) -> Contender:
    """The direction for the wish; one that was learned for the opposite is followed backwards."""
    found = direction_for(directions, wish)
    if found is None:
        absence = f"no direction for “{wish.prompt}” has been learned yet; the Edit page learns one from these words"
        return Contender(TEXT, TEXT_TITLE, None, absence=absence)
    direction, sign = found
    editor = DirectionEditor(pack.generator.synthesis, {wish.prompt: direction})
    return Contender(TEXT, TEXT_TITLE, editor, f"“{direction.prompt}” at strength {sign * strength:g}", alpha=sign * strength)


def direction_for(directions: Sequence[Direction], wish: Wish) -> tuple[Direction, int] | None:
    """The direction of these words, or of the wish's attribute, and 1; or of its opposite, and -1; None without any."""
    found = [(direction, 1) for direction in directions if key(direction.prompt) == key(wish.prompt)]
    for sign, value in ((1, wish.value), (-1, not wish.value)):
        found += [(direction, sign) for direction in directions if wish.attribute and asked_attributes(direction.prompt) == {wish.attribute: value}]
    return next(iter(found), None)


def _shipped(pack: Pack, editor: Shipped, wish: Wish, opened: Callable[[Shipped], Editor]) -> Contender:
    absence = editor.absence(pack)
    if not absence and not wish.attribute:
        absence = f"{editor.title} was taught attributes, and none says what “{wish.prompt}” asks for"
    if absence:
        return Contender(editor.name, editor.title, None, absence=absence)
    try:
        found = opened(editor)
    except (ValueError, OSError) as error:
        return Contender(editor.name, editor.title, None, absence=describe(error))
    return Contender(editor.name, editor.title, found, f"{found.name}, from {' and '.join(editor.needed)}")


# --- what it comes to -------------------------------------------------------------------------------------------------


def compare(pack: Pack, samples: Samples, wish: Wish, asked: Sequence[Contender], source: str, prompt: Prompt, centre: Tensor | None,
            found: Tensor | None = None, progress: Progress = lambda share, words: None) -> Compared:
    """Let everybody edit the samples, and measure it: the FID too, where there are several.

    prompt: the wish's, understood. centre: [F], the mean face that identity is measured from, None in a pack that cannot tell.
    found: the pictures [N, 3, R, R] of latents that were searched for. Raises ValueError if the pictures cannot be looked at.
    """
    progress(0.0, "Looking at the pictures …")
    guide = ClipGuide(pack)
    judge = Judge(pack, samples, guide.encode_image, centre)
    distance = Distance(Samples(judge.before.images), choose_looks(pack, guide.encode_image).fid) if len(samples) >= FEWEST else None
    where, text = dict.fromkeys(prompt.main_parts, 1.0), guide.encode_wordings(prompt.target_text(pack.neutral_text))
    outcomes = []
    for place, contender in enumerate(asked):
        progress((place + 1) / (len(asked) + 1), f"{contender.title} …")
        outcomes.append(_outcome(judge, contender, wish, where, text, distance))
    before, again = judge.before, None if found is None else to_uint8(found)
    return Compared(wish, source, pack.name, pack.hash, to_uint8(before.images), _labels(before), judge.eligible(wish.request), tuple(outcomes), again,
                    "" if distance is None else distance.eyes.name)


@torch.no_grad()
def _outcome(judge: Judge, contender: Contender, wish: Wish, where: dict[str, float], text: Tensor, distance: Distance | None) -> Outcome:
    if contender.editor is None:
        return Outcome(contender, trouble=contender.absence)
    request = Request(wish.prompt, wish.attribute, wish.value, contender.alpha)
    try:
        after = judge.edit(contender.editor, request)
    except ValueError as error:
        return Outcome(contender, trouble=describe(error))
    measured = {**judge.measure(after, request, where, text), "fid": None if distance is None else distance.between(after.images.split(BATCH))}
    return Outcome(contender, to_uint8(after.images), _labels(after), measured)


def _labels(seen: Seen) -> np.ndarray:
    return seen.labels.to(torch.uint8).cpu().numpy()


# --- the table --------------------------------------------------------------------------------------------------------

COLUMNS = ("editor", "note", "pack", "source", "prompt", "attribute", "value", "alpha", "pictures", "eligible", *MEASURES, "fid_features", "trouble")


def rows(compared: Compared) -> list[dict]:
    """A row an editor; None where something was not measured."""
    told = {"pack": compared.pack, "source": compared.source, "prompt": compared.wish.prompt, "attribute": compared.wish.attribute or None,
            "value": compared.wish.value if compared.wish.attribute else None, "pictures": len(compared.images), "eligible": compared.eligible}
    return [{**told, "editor": outcome.contender.title, "note": outcome.contender.note, "trouble": outcome.trouble,
             "alpha": outcome.contender.alpha if outcome.measured else None, **{name: (outcome.measured or {}).get(name) for name in MEASURES},
             "fid_features": (compared.features or None) if outcome.measured else None}
            for outcome in compared.outcomes]


def as_csv(compared: Compared) -> str:
    """The rows for other programs, numbers with five digits, an empty field where nothing was measured."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(compared):
        writer.writerow({name: f"{value:.5f}" if isinstance(value, float) and name in MEASURES else value for name, value in row.items()})
    return buffer.getvalue()
