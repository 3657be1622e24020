"""What a comparison came to: a card an editor, with its picture, where it differs, and its mask; and the table of what was measured."""

from __future__ import annotations

import html
import io
from base64 import b64encode

import numpy as np
import streamlit as st
from PIL import Image

from app.components.picture import data_url
from app.panels.compare import spoken
from app.report_card import percent
from app.widgets import plain, sentence
from baselines.side_by_side.outcomes import TEXT, Compared, Outcome, as_csv, rows
from evaluation.pictures import WHITE_AT, heat
from segmentation.parts import PALETTE
from stylegan2.images import from_uint8, to_uint8

STYLE = """
<style>
  .st-key-compare-choices { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(330px, 100%), 1fr)); gap: 1rem 3rem; }
  .st-key-compare-choices > * { min-width: 0; }
  .stMainBlockContainer h2 { font-size: 1.35rem; padding: .3rem 0 .4rem; }
  .st-key-compared { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 1.1rem; }
  .st-key-compared > * { min-width: 0; }
  .stHtml .shown { margin: 0; }
  .stHtml .shown img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .5rem; }
  .stHtml .shown figcaption { font-size: .78rem; opacity: .85; padding-top: .25rem; }
  .stHtml .pair { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; margin-top: .6rem; }
  .stHtml .measures { overflow-x: auto; }
  .stHtml .measures:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
  .stHtml .measures table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  .stHtml .measures :is(th, td) { border: 0; border-bottom: 1px solid var(--st-border-color, #343743); padding: .5rem .7rem; }
  .stHtml .measures :is(th, td) { text-align: right; white-space: nowrap; }
  .stHtml .measures thead th { font-size: .82rem; font-weight: 400; opacity: .85; vertical-align: bottom; }
  .stHtml .measures tbody th, .stHtml .measures thead th:first-child { text-align: left; }
  .stHtml .measures tbody th { font-weight: 600; }
</style>
"""
EMPTY = "Choose pictures and a wish, and press Compare: every editor that is here does what is asked, and is measured by the same code."
HEADS = {
    "target_rate": ("As asked", "Of the pictures that were not as asked, the share that is after the edit, as the pack's classifier sees it"),
    "side_effect_rate": ("Else changed", "The mean share of the other attributes that flip"),
    "avoidable_side_effect_rate": ("Avoidable", "The same without those that the wish itself excludes or implies"),
    "localization": ("Inside the part", "The share of the squared change that lies inside the part, before and after"),
    "identity": ("Same face", "1: the same face, about 0 as unlike as two strangers"),
    "clip_gain": ("CLIP gain", "How much closer the picture came to the words, in cosine"),
    "fid": ("FID", "How far all edited pictures together lie from all unedited ones; 0: no difference"),
}
SHARES = ("target_rate", "side_effect_rate", "avoidable_side_effect_rate", "localization")


def compared_panel(compared: Compared) -> None:
    """Draw the cards of one picture, and the table of all."""
    st.header(plain(_title(compared)), anchor=False)
    place = _place(compared)
    with st.container(key="compared"):
        _before(compared, place)
        for outcome in compared.outcomes:
            if outcome.images is not None or not outcome.contender.absence or outcome.contender.name == TEXT:
                _card(compared, outcome, place)
    for outcome in compared.outcomes:
        if outcome.contender.absence and outcome.contender.name != TEXT:
            st.caption(f":material/block: {plain(outcome.contender.title)}: {sentence(outcome.contender.absence)}")
    st.caption(f"Change: black is none, white a mean of {WHITE_AT / 2:.0%} of the range or more, on the same scale for all.".replace("%", " %"))
    _table(compared)


def _title(compared: Compared) -> str:
    return f"“{compared.wish.prompt}” on {compared.source}"


def _place(compared: Compared) -> int:
    """Which of the pictures is shown."""
    count = len(compared.images)
    if count == 1:
        return 0
    return int(st.slider("Picture", 1, count, 1, key=f"compared-place-{count}")) - 1


def _before(compared: Compared, place: int) -> None:
    with st.container(border=True, key="card-before", gap="small"):
        st.markdown("**Before**")
        found = [] if compared.found is None else [_figure(_picture(compared.found[place]), "Found again", "The face as the generator draws it")]
        _show(compared.images[place], "The picture before any edit", [*found, _mask(compared.labels[place], "Mask before", "before any edit")])
        if found:
            st.caption("The text-driven direction edits the face that was found; what the search lost counts against it.")


def _card(compared: Compared, outcome: Outcome, place: int) -> None:
    contender = outcome.contender
    with st.container(border=True, key=f"card-{contender.name}", gap="small"):
        st.markdown(f"**{plain(contender.title)}**")
        if outcome.images is None:
            st.markdown(sentence(outcome.trouble))
            return
        after = outcome.images[place]
        _show(after, f"After {contender.title}", [
            _figure(_picture(difference(compared.images[place], after)), "Change", f"Where {contender.title} changed the picture"),
            _mask(outcome.labels[place], "Mask after", f"after {contender.title}")])
        st.caption(plain(contender.note))


def difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Pictures uint8 [R, R, 3] -> the heat map of their difference, uint8 [R, R, 3]."""
    return to_uint8(heat(from_uint8(before[None]), from_uint8(after[None])))[0]


def _show(picture: np.ndarray, alt: str, below: list[str]) -> None:
    st.html(f'{_figure(_picture(picture), "", alt)}<div class="pair">{"".join(below)}</div>')


def _figure(source: str, caption: str, alt: str) -> str:
    words = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="shown"><img src="{source}" alt="{html.escape(alt)}">{words}</figure>'


def _picture(pixels: np.ndarray) -> str:
    return data_url(Image.fromarray(pixels))


def _mask(labels: np.ndarray, caption: str, when: str) -> str:
    """Class labels [R, R] in the colours that the parts have everywhere."""
    buffer = io.BytesIO()
    Image.fromarray(PALETTE[labels]).save(buffer, "PNG")
    return _figure(f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}", caption, f"The parts of the face {when}, each in its colour")


def _table(compared: Compared) -> None:
    """The measures of all pictures, and the file for other programs."""
    st.header("Measured", anchor=False)
    lines = [row for row in rows(compared) if not row["trouble"]]
    if lines:
        st.html(_grid(lines, [name for name in HEADS if name != "fid" or compared.features]))
    else:
        st.info("None of the editors did anything, so there is nothing to measure.", icon=":material/search_off:")
    st.caption(_told(compared))
    st.download_button("Save as CSV", data=as_csv(compared).encode(), file_name="eclipsed-comparison.csv", mime="text/csv",
                       icon=":material/download:", key="save-comparison", on_click="ignore")


def _grid(lines: list[dict], names: list[str]) -> str:
    """Rows of measures as a table that a keyboard can move sideways where it is too narrow."""
    head = "".join(f'<th scope="col" title="{html.escape(HEADS[name][1])}">{HEADS[name][0]}</th>' for name in names)
    body = []
    for row in lines:
        cells = "".join(f"<td>{_value(name, row[name])}</td>" for name in names)
        body.append(f'<tr><th scope="row">{html.escape(row["editor"])}</th>{cells}</tr>')
    return (f'<div class="measures" role="region" aria-label="What was measured" tabindex="0"><table><thead><tr><th scope="col">Editor</th>{head}'
            f'</tr></thead><tbody>{"".join(body)}</tbody></table></div>')


def _told(compared: Compared) -> str:
    """Whom the numbers are of."""
    return " ".join([_of_whom(compared), *([_FID.format(len(compared.images), compared.features)] if compared.features else [])])


_FID = ("FID is between the {0} pictures and the same after the edit, seen by {1}; on so few it is no more than a rank, "
        "and only rows of this table compare.")


def _of_whom(compared: Compared) -> str:
    count, wish = len(compared.images), compared.wish
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    if not wish.attribute:
        return f"{pictures}. No attribute says what these words ask for, so nobody can tell whether it is as asked, or what else changed."
    if compared.eligible is None:
        return f"{pictures}. This pack has no attribute classifier, so nobody can tell whether it is as asked."
    asked = f"{spoken(wish.attribute)}: {'there' if wish.value else 'not there'}"
    if not compared.eligible:
        return f"{pictures}, all of which were as asked before any edit ({plain(asked)}), so there is nothing to earn."
    return f"{pictures}, of which {compared.eligible} {'was' if compared.eligible == 1 else 'were'} not as asked before ({plain(asked)})."


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name in SHARES:
        return percent(value)
    if name == "fid":  # in units of whatever looked
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:+.3f}" if name == "clip_gain" else f"{value:.2f}"
