"""The cards of the library: what each direction does, in pictures and in numbers, and what can be done with it."""

from __future__ import annotations

import html

import streamlit as st

from app import directions, report_card, resources, session, strips
from app.panels.stack import add_direction
from app.resources import Entry
from app.widgets import bind, plain, sentence

PAGE = 12  # cards at first, and with each "Show more"
NEWS, TROUBLE, SHOWN = "library_news", "library_trouble", "library_shown"
WHOSE = {"all": "All", "own": "Yours", "pack": "Ready-made"}


def library_panel() -> None:
    """Draw the search, the cards that match, and what was deleted."""
    entries, problems = resources.library()
    _messages()
    found = _search(entries)
    shown = st.session_state.setdefault(SHOWN, PAGE)
    with st.container(key="cards"):
        for entry in found[:shown]:
            _card(entry)
    if len(found) > shown:
        st.button(f"Show {len(found) - shown} more", key="more-cards", on_click=_show_more)
    for problem in problems:
        st.caption(f":material/warning: {sentence(problem)}")
    _deleted()


def _search(entries: list[Entry]) -> list[Entry]:
    """The fields to search with, the entries that match, and a word where there are none."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="library-search"):
        words = st.text_input("Search", key="library_words", placeholder="Name, prompt or part of the face", icon=":material/search:", width=340)
        whose = st.segmented_control("Whose", list(WHOSE), format_func=WHOSE.get, default="all", key="library_whose", required=True)
    found = directions.search(entries, words, whose)
    if not entries:
        st.info("There are no directions yet. Describe an edit on the Edit page to learn one, or import one that was made elsewhere.",
                icon=":material/school:")
    elif not found:
        what = f" matches “{plain(words)}”" if words.strip() else " is here yet"
        st.info(f"No {'' if whose == 'all' else f'{WHOSE[whose].lower()} '}direction{what}.", icon=":material/search_off:")
    return found


def _card(entry: Entry) -> None:
    direction, key = entry.direction, entry.path
    with st.container(border=True, key=f"card-{key}", gap="small"):
        _picture(entry)
        st.markdown(f"**{plain(entry.title)}** :small[:gray[{', '.join(direction.parts) or direction.part}]]")
        st.caption(f"“{plain(direction.prompt)}” · {directions.origin(entry)} · {_layers(direction.layers)}{resources.needs(direction)}")
        _facts(report_card.facts(direction))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button("Use", key=f"use-{key}", icon=":material/add:", help="Add it to the edits, and go there"):
                add_direction(key)
                resources.remember_visit()
                st.switch_page("views/edit.py")
            _report(entry)
            _hand_out(entry)
            if entry.own:
                with st.container(horizontal=True, gap="small", width="content", key=f"quiet-own-{key}"):
                    _rename(entry)
                    st.button("Delete", key=f"delete-{key}", icon=":material/delete:", on_click=_delete, args=(entry,), help="Delete; it can be restored")


def _picture(entry: Entry) -> None:
    """A face with the opposite of the edit, without it, and with it."""
    try:
        strip = strips.strip(entry.path, session.present(st.session_state))
    except (ValueError, OSError) as error:
        st.error(f"It cannot be drawn. {sentence(error)}")
        return
    st.html(f'<img class="strip" src="{strip}" alt="A face at strength -1, 0 and 1 of {html.escape(entry.title)}">')


def _layers(layers: tuple[int, ...]) -> str:
    """ "layer 3", "layers 0 to 11", "layers 2, 3 and 6"."""
    if len(layers) == 1:
        return f"layer {layers[0]}"
    if layers == tuple(range(layers[0], layers[-1] + 1)):
        return f"layers {layers[0]} to {layers[-1]}"
    return f"layers {', '.join(map(str, layers[:-1]))} and {layers[-1]}"


def _facts(facts: list[report_card.Fact]) -> None:
    if not facts:
        st.caption("Nobody has measured it yet.")
        return
    cells = "".join(f'<div title="{html.escape(fact.meaning)}"><dt>{fact.label}</dt><dd>{fact.value}</dd></div>' for fact in facts)
    st.html(f'<dl class="facts">{cells}</dl>')


def _report(entry: Entry) -> None:
    """The whole card, for each of the directions that were learned together."""
    if report_card.card_of(entry.direction) is None:
        return
    with st.popover("Report", icon=":material/fact_check:", help="How often it works, and what else it changes", key=f"report-{entry.path}"):
        for index in range(entry.direction.num_directions):
            if entry.direction.num_directions > 1:
                st.markdown(f"**Variant {index + 1}**")
            st.markdown("\n".join(f"- {plain(line)}" for line in report_card.sentences(entry.direction, index)))
            if table := report_card.table(entry.direction, index):
                st.table(table)


def _hand_out(entry: Entry) -> None:
    name = directions.file_name(entry.title)
    with st.popover("Export", icon=":material/download:", key=f"export-{entry.path}"):
        st.download_button("Direction", data=entry.direction.to_bytes, file_name=f"{name}.safetensors", key=f"export-own-{entry.path}",
                           on_click="ignore", help="All of it: this studio, here or elsewhere, opens it with the same pack")
        st.download_button("Step in W+ (.npy)", data=lambda: directions.as_numpy(entry.direction), file_name=f"{name}.npy",
                           key=f"export-npy-{entry.path}", on_click="ignore", help="The numbers alone, at strength 1, for other programs")


def _rename(entry: Entry) -> None:
    with st.popover("Rename", icon=":material/edit:", key=f"rename-{entry.path}", help="Rename"):
        st.text_input("Name", key=bind(f"name-{entry.path}", entry.title, always=True), max_chars=directions.MAX_NAME, on_change=_renamed, args=(entry,))


def _deleted() -> None:
    """What can be restored."""
    gone = directions.deleted()
    if not gone:
        return
    with st.expander(f"Deleted ({len(gone)})", icon=":material/delete:", key="deleted-directions"):
        for item in gone:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(resources.title_of(item.direction)), width="stretch")
                st.button("Restore", key=f"restore-{item.folder.name}", on_click=_restore, args=(item.folder,))
        st.button("Delete for ever", key="forget", icon=":material/delete_forever:", on_click=_change, args=(directions.forget,))


def _messages() -> None:
    """What the last button did, or why it could not."""
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble, icon=":material/error:")
    news = st.session_state.pop(NEWS, None)
    if news is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="library-news"):
            st.success(news[0], icon=":material/delete:")
            st.button("Undo", key="undo-delete", icon=":material/undo:", on_click=_restore, args=(news[1],))


# --- what the buttons do ----------------------------------------------------------------------------------------------


def _show_more() -> None:
    st.session_state[SHOWN] += PAGE


def _change(change, *arguments) -> object:
    """Do it; None, and a sentence on the page, if it cannot be done."""
    try:
        return change(*arguments)
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
        return None


def _renamed(entry: Entry) -> None:
    _change(directions.rename, entry.path, st.session_state[f"name-{entry.path}"])


def _delete(entry: Entry) -> None:
    folder = _change(directions.delete, entry.path)
    if folder is not None:
        st.session_state[NEWS] = (f"Deleted {plain(entry.title)}.", folder)


def _restore(folder) -> None:
    _change(directions.restore, folder)
