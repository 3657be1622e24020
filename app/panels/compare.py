"""What is compared on which pictures, and the button that starts it: at once for one picture, as a job for several."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import comparison, rendering, resources, session
from app.panels.comparisons import RESULT, TROUBLE
from app.widgets import plain, sentence
from baselines.shipped import compared_editors
from baselines.side_by_side.outcomes import Wish, wish_for, wish_in_words
from baselines.side_by_side.sources import Chosen, most
from evaluation.reversals import REVERSED
from evaluation.suite import MEASURABLE
from packs.cli import MAX_SEED

SOURCES = {"edited": "Edit page", "sampled": "Sampled", "drawn": "Drawn", "uploaded": "Uploaded"}
WISHES = {"words": "In words", "attribute": "As an attribute"}
FIRST = "Eyeglasses"  # an attribute that every kind of editor can be asked for
VALUES = {True: "Have it", False: "Not have it"}
COUNTS = (1, 4, 8, 16)
KINDS, MEGABYTES = ("png", "jpg", "jpeg", "webp"), 32


def choices_panel() -> None:
    """Draw what can be chosen. Pressing the button leaves a result, or a sentence that says why there is none."""
    with st.container(key="compare-choices"):
        with st.container(gap="small"):
            make_chosen = _pictures()
        with st.container(gap="small"):
            make_wish = _wish()
            strength = st.slider("Strength of the text-driven direction", 0.0, session.ALPHA_LIMIT, 1.0, 0.05, key="compare-strength",
                                 help="1 is the typical edit, and for most directions the whole of it. The other editors do what they were trained to do, to the full.")
    if st.button("Compare", type="primary", icon=":material/compare:", key="compare-now"):
        _compare(make_chosen, make_wish, strength)
    if trouble := st.session_state.get(TROUBLE):
        st.error(trouble, icon=":material/error:")


# --- the pictures -----------------------------------------------------------------------------------------------------


def _pictures() -> Callable[[], Chosen]:
    """The widgets of the pictures; returns what describes them, as the Edit page's may be no use: it raises ValueError."""
    st.header("Pictures", anchor=False)
    limit, snapshot = most(resources.pack()), session.present(st.session_state)
    kind = st.segmented_control("Where from", list(SOURCES), format_func=SOURCES.get, default=_likeliest(snapshot), required=True, key="compare-source")
    if kind == "edited":
        st.caption(f"{plain(rendering.words(rendering.drawable(snapshot)))}.")
        return lambda: comparison.of_edit_page(snapshot)
    if kind == "uploaded":
        files = st.file_uploader("Pictures of faces", list(KINDS), accept_multiple_files=True, key="compare-files", max_upload_size=MEGABYTES)
        st.caption(f"Up to {limit}; of each the middle square. They stay on this machine.")
        return lambda: Chosen(kind, files=tuple((file.name, file.getvalue()) for file in files or []))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if kind == "sampled":
            number = st.number_input("First seed", 0, MAX_SEED, snapshot.seed, step=1, key="compare-seed", width=150)
        else:
            number = st.number_input("First drawn face", 0, 999_999, 0, step=1, key="compare-number", width=150,
                                     help="The renderer that the built-in models learned from draws it; no model has seen it.")
        count = st.segmented_control("How many", [count for count in COUNTS if count <= limit], default=1, required=True,
                                     key="compare-count", help="Rates mean more on many. One is compared at once, several as a job that you need not wait for.")
    if kind == "drawn":
        st.caption("For the text-driven direction, the face is first looked for in the generator.")
    return lambda: Chosen(kind, int(number or 0), int(count), snapshot.truncation)


def _likeliest(snapshot: session.Snapshot) -> str:
    """The face that somebody works on, once it is more than one of the many."""
    return "edited" if snapshot.w_plus is not None or rendering.is_edited(snapshot) else "sampled"


# --- the wish ---------------------------------------------------------------------------------------------------------


def _wish() -> Callable[[], Wish]:
    """The widgets of the wish; returns what makes it, as words may be no wish: it raises ValueError."""
    st.header("Wish", anchor=False)
    kind = st.segmented_control("Asked for", list(WISHES), format_func=WISHES.get, default="attribute", required=True, key="compare-wish")
    if kind == "words":
        text = st.text_input("What should the person look like?", key="compare-prompt", placeholder="a person with bangs")
        _told(text)
        return lambda: wish_in_words(text)
    ordered = [*REVERSED, *sorted(set(MEASURABLE) - set(REVERSED))]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        attribute = st.selectbox("Attribute", ordered, index=ordered.index(FIRST), format_func=spoken, key="compare-attribute", width=240,
                                 help=f"The first {len(REVERSED)} are those that label-guided editors are taught.")
        value = st.segmented_control("The person should", list(VALUES), format_func=VALUES.get, default=True, required=True, key="compare-value")
    return lambda: wish_for(attribute, value)


def _told(text: str) -> None:
    """Which attribute measures the words."""
    if not text.strip():
        return
    try:
        wish = wish_in_words(text)
    except ValueError as error:
        st.caption(sentence(error))
        return
    if wish.attribute:
        st.caption(f"Measured by the attribute {spoken(wish.attribute)}: {'there' if wish.value else 'not there'}.")
    else:
        st.caption("No attribute says the same, so only editors that read words can answer, and nobody can tell whether it is as asked.")


def spoken(attribute: str) -> str:
    """ "Mouth_Slightly_Open" -> "Mouth slightly open"."""
    return attribute.replace("_", " ").capitalize()


# --- what the button does ---------------------------------------------------------------------------------------------


def _compare(make_chosen: Callable[[], Chosen], make_wish: Callable[[], Wish], strength: float) -> None:
    """Leave the result of a comparison, or put it in the queue, or leave a sentence."""
    st.session_state[TROUBLE] = None
    try:
        chosen, wish = make_chosen(), make_wish()
        if len(chosen) > 1:
            comparison.submit(chosen, wish, strength, session.visit(st.session_state))
        else:
            _compare_now(chosen, wish, strength)
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = f"This cannot be compared. {sentence(error)}"


def _compare_now(chosen: Chosen, wish: Wish, strength: float) -> None:
    bar = st.progress(0.0, "Making the pictures …")
    try:
        st.session_state[RESULT] = comparison.compare_now(chosen, wish, strength, bar.progress)
    finally:
        bar.empty()


def absences() -> list[str]:
    """A sentence for each editor that is not here, to be read before anything is compared. Raises ValueError, as the pack may."""
    pack = resources.pack()
    return [f"{plain(editor.title)}: {sentence(absence)}" for editor in compared_editors(pack) if (absence := editor.absence(pack))]
