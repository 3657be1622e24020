"""Small things that the pages share: widgets bound to a value, sentences, times, the page's own style."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zlib import crc32

import streamlit as st

STYLE = """
<style>
  [class*="st-key-edit-card"]:has([class*="st-key-muted-title"]) { opacity: .55; }
  /* the accent colour alone is too dark to read where it is text on a dark ground */
  [data-testid="stSliderThumbValue"] p, [data-testid="stButtonGroup"] button[data-selected="true"] p { color: var(--st-text-color, #ecebe7); }
</style>
"""


def page_style() -> None:
    """Colours that the theme has no name for. Where things stand is in page.css."""
    style(STYLE)


def style(sheet: str) -> None:
    """Draw with this style sheet, a <style> element. It stands among the page's elements, of which it takes no room (page.css): alone, Streamlit
    keeps it where its messages are, and the next of these takes its place."""
    with st.container(key=f"style-sheet-{crc32(sheet.encode())}"):
        st.html(f"<span hidden></span>{sheet}")


def bind(key: str, value: Any, always: bool = False) -> str:
    """Make the widget `key` show `value` when it is drawn next. Returns the key.

    Setting a widget that already shows it would send the old value back to a browser in which somebody is still moving it.
    But a page that was interrupted while it was drawn may never have reached the browser, which would then make the widget
    with its lowest value and report that as a choice: until `confirm_shown`, the value is sent again. `always` is for a widget in a closed popover: the browser has not made it yet, and forgets a value sent only once.
    """
    shown = st.session_state.get("widgets_shown", frozenset())
    if always or key not in shown or key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    st.session_state["widgets_drawn"] = st.session_state.get("widgets_drawn", frozenset()) | {key}
    return key


def confirm_shown() -> None:
    """At the end of a page: the widgets bound on the way have been sent to the browser."""
    drawn = st.session_state.pop("widgets_drawn", frozenset())
    st.session_state["widgets_shown"] = st.session_state.get("widgets_shown", frozenset()) | drawn


def duration(seconds: float) -> str:
    """Seconds as people say them: "40 s", "2 min 5 s", "1 h 10 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def quoted(words: Iterable[str]) -> str:
    """Words in quotation marks, joined as in a sentence."""
    words = [f"“{word}”" for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def plain(text: str) -> str:
    """User's text for a place that reads Markdown: shown as it was typed."""
    for character in "\\`*_{}[]()<>#+-!|~:$":
        text = text.replace(character, f"\\{character}")
    text = text.replace(":material", ":\u2060material")  # an icon's name is one wherever its colon is
    return " ".join(text.split())


def sentence(error: BaseException | str) -> str:
    """An error as one sentence with a capital, unless a file's name begins it, and a full stop, safe for Markdown."""
    text = str(error)
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if not any(mark in first.rstrip(".,;:!?") for mark in "./\\_"):
        text = text[:1].upper() + text[1:]
    text = plain(text)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
