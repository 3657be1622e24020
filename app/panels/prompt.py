"""The prompt, the part it was understood as, the settings, and the button that starts to learn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import streamlit as st

from app import resources, session
from app.at_hand import Wanted
from app.job_request import JobRequest
from app.panels.wishes import add, is_told, near_panel, offered, unknown_words, wishes_panel
from app.widgets import bind, plain, quoted, sentence
from lelsd.config import TrainConfig
from lelsd.prompt import Prompt
from segmentation.parts import PARTS

EXAMPLES = {"Curly hair": "a person with curly hair", "Glasses": "a person with glasses", "Pink hair": "a person with pink hair",
            "Several things": "an old man with glasses and a red hat"}
PROMPT, CHOSEN, UNDERSTOOD, TROUBLE = "prompt", "parts", "understood_prompt", "prompt_trouble"
SHOW_PART = "show_part"
LAYERS = {"pack": "Automatic", "all": "All", "choose": "Choose"}


def prompt_panel() -> None:
    """Draw the prompt with what was understood of it; the button starts a job."""
    st.subheader("Learn a new edit", anchor=False)
    st.text_input("What should the person look like?", key=bind(PROMPT, st.session_state.get(PROMPT, st.session_state.get(UNDERSTOOD, ""))),
                  placeholder="a person with curly hair")
    if not st.session_state[PROMPT].strip():
        _examples()
    without_pills = CHOSEN not in st.session_state and st.session_state[PROMPT].strip()  # they do not outlive a visit to another page
    if st.session_state[PROMPT] != st.session_state.get(UNDERSTOOD, "") or without_pills:
        with st.spinner("Reading the prompt …"):
            _understand()
    prompt, wanted = understood(), []
    if prompt is not None:
        wanted = offered(prompt) if _as_understood(prompt) else []
        _part(prompt, unknown_words(prompt, wanted))
        if is_told(wanted):
            wishes_panel(prompt, wanted, _take)
        near_panel(wanted, _take)
    _settings()
    st.button("Learn as one edit" if len(wanted) > 1 else "Learn this edit", type="secondary" if is_told(wanted) else "primary", icon=":material/model_training:",
              key="learn", on_click=_start, width="stretch")
    if trouble := st.session_state.get(TROUBLE):
        st.error(trouble)


def understood() -> Prompt | None:
    """The prompt of the page, if there is one that can be used."""
    text = st.session_state.get(PROMPT, "")
    if not text.strip():
        return None
    try:
        return resources.understand(text, resources.pack_name())
    except ValueError:
        return None  # `_understand` has said why


def shown_parts() -> dict[str, float]:
    """The parts to draw over the picture, with their weights; none while that is switched off."""
    prompt, chosen = understood(), list(st.session_state.get(CHOSEN) or [])
    if not st.session_state.get(SHOW_PART) or prompt is None:
        return {}
    return {name: prompt.parts[name] if _as_understood(prompt) else 1.0 for name in chosen}


def shown_areas() -> dict[str, tuple[str, ...]]:
    """Where in the shown parts the prompt means it, by part; parts that are chosen by hand are whole."""
    prompt = understood()
    return prompt.areas if prompt is not None and _as_understood(prompt) else {}


def _as_understood(prompt: Prompt) -> bool:
    """Whether the chosen parts are those that were preselected."""
    return set(st.session_state.get(CHOSEN) or []) == set(suggested(prompt))


def _examples() -> None:
    with st.container(horizontal=True, gap="small", key="examples"):
        for label, text in EXAMPLES.items():
            st.button(label, key=f"example-{label}", on_click=_take_example, args=(text,), help=text)


def _part(prompt: Prompt, unknown: Collection[str]) -> None:
    """The parts as pills, why these, and the words that the model is told others for, or that mean nothing to it."""
    st.pills("Part of the face", list(PARTS), selection_mode="multi", key=CHOSEN)
    chosen = set(st.session_state.get(CHOSEN) or [])
    st.caption(why(prompt, chosen))
    if prompt.read_as:
        st.caption(f"The model knows plainer words: {plain(prompt.reading)}")
    if unknown:
        one = len(unknown) == 1
        st.warning(f"The model has never seen the word{'' if one else 's'} {quoted(map(plain, unknown))} and will"
                   f" not know what {'it means' if one else 'they mean'}.", icon=":material/help:")
    st.toggle("Show the part on the picture", key=SHOW_PART)


def why(prompt: Prompt, chosen: set[str]) -> str:
    """One line: why these parts."""
    if not chosen:
        return "Choose at least one part, or the whole face is used."
    if chosen != set(suggested(prompt)):
        return "Chosen by you."
    return plain(prompt.explanation)


def suggested(prompt: Prompt) -> list[str]:
    """The parts that a prompt was understood as, weightiest first; what it means less than half as much is left to the user."""
    return list(prompt.sure_parts)


def _settings() -> None:
    defaults = training_defaults()
    with st.expander("Settings", icon=":material/settings:"):
        st.number_input("Steps", 1, 2000, value=defaults.steps, step=10, key="steps", help="More steps take longer and go further.")
        st.segmented_control("Layers", list(LAYERS), format_func=LAYERS.get, default="pack", key="layers_mode", required=True,
                             help="Which layers of the generator the edit may use.")
        if st.session_state.get("layers_mode") == "choose":
            st.multiselect("Chosen layers", list(range(resources.pack().generator.num_ws)), key="layers_chosen",
                           placeholder="Layers, 0 is the coarsest")
        st.slider("Stay inside the part", 0.0, max(2.0, 4 * defaults.localization_weight), value=defaults.localization_weight,
                  step=0.05, key="localization", help="How much changes outside the part are held back while learning.")
        st.number_input("Pictures a step", 1, 64, value=defaults.batch_size, key="batch_size", help="Fewer need less memory; more learn more evenly.")
        st.number_input("Random seed", 0, 9999, value=0, key="train_seed", help="Another seed learns a slightly different edit.")


def training_defaults() -> TrainConfig:
    """The settings that training would use by itself with this pack."""
    return TrainConfig().updated(resources.pack().defaults)


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _take_example(text: str) -> None:
    st.session_state[PROMPT] = text


def _understand() -> bool:
    """Read the prompt anew: choose its parts, show them on the picture. False, with a sentence, if it cannot be used."""
    text = st.session_state.get(PROMPT, "")
    st.session_state[UNDERSTOOD] = text
    st.session_state[TROUBLE] = None
    try:
        prompt = resources.understand(text, resources.pack_name())
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error) if text.strip() else None
        return False
    st.session_state[CHOSEN] = suggested(prompt)
    st.session_state[SHOW_PART] = True
    return True


def _start() -> None:
    """Queue a training; a sentence under the button if that cannot be."""
    try:
        if st.session_state.get(UNDERSTOOD) != st.session_state.get(PROMPT):
            _understand()
        prompt = resources.understand(st.session_state.get(PROMPT, ""), resources.pack_name())
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
        return
    chosen = list(st.session_state.get(CHOSEN) or [])
    _submit(prompt, "auto" if not chosen or _as_understood(prompt) else ",".join(chosen))


def _take(wanted: Sequence[Wanted]) -> None:
    """Add what is there, and have the rest learned; it comes to the stack when it is."""
    add(wanted)
    st.session_state[SHOW_PART] = False  # the picture has something better to show
    for one in wanted:
        if one.is_missing:
            _submit(one.prompt, "auto")


def _submit(prompt: Prompt, part: str) -> None:
    try:
        request = _request(prompt, part)
        if any(job.active and job.kind == "train" and replace(job.request, visit=request.visit) == request for job in resources.queue().jobs()):
            raise ValueError("this is being learned already; another random seed, in the settings, would learn a slightly different edit")
        resources.queue().submit(request)
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
        return
    st.session_state[TROUBLE] = None
    st.session_state[SHOW_PART] = False


def _request(prompt: Prompt, part: str) -> JobRequest:
    """The job that the widgets describe. Raises ValueError for "choose" without a layer."""
    mode = st.session_state.get("layers_mode") or "pack"
    layers = None if mode == "pack" else mode
    if layers == "choose":
        layers = ",".join(str(layer) for layer in sorted(st.session_state.get("layers_chosen") or []))
        if not layers:
            raise ValueError("no layer is chosen: choose at least one, or Automatic")
    return JobRequest(
        prompt=prompt.text, pack=resources.pack_name(), part=part, layers=layers,
        steps=int(st.session_state["steps"]), localization_weight=float(st.session_state["localization"]),
        batch_size=int(st.session_state["batch_size"]), seed=int(st.session_state["train_seed"]), visit=session.visit(st.session_state),
    )
