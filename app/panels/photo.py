"""A picture of one's own: handing it in, showing where the face is, and asking for it to be found."""

from __future__ import annotations

import random
from dataclasses import replace

import streamlit as st

from app import beside, photos, recipes, resources, session
from app.components.picture import data_url
from app.components.points import points
from app.panels.found import edit, found_panel
from app.photos import Draft
from app.widgets import bind, confirm_shown, plain, sentence, style
from lelsd.invert import Inversion
from packs.cli import describe
from stylegan2.inversion.align import POINTS
from stylegan2.inversion.intake import MAX_BYTES, MAX_PIXELS, MIN_SIDE

TURN, TROUBLE, CHOICE, STEPS = "photo_turn", "photo_trouble", "photo_framing", "photo_steps"
KINDS = ("png", "jpg", "jpeg", "webp")
STYLE = "<style>.stMain h2 { padding: 0 0 .35rem; font-size: 1.4rem; }</style>"  # three stand beside each other
FRAMINGS = {False: "The middle", True: "Four points"}
MAX_STEPS, DRAWN_SAMPLES = 2000, 1000


def photo_panel() -> None:
    """Draw the place to hand a picture in and, once there is one, the face in it; what was found beside them."""
    style(STYLE)
    draft, searched = _draft(), bool(photos.jobs())
    _warning(draft is not None)
    beside.tell_lost()
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble, icon=":material/broken_image:")
    if draft is None and not searched:
        _upload()
        _empty()
        return
    left, right = st.columns([2.1, 1], gap="large")
    with left:
        if draft is None:
            _upload()
            _empty()
        else:
            st.fragment(_face)()
            with st.expander("Another picture", icon=":material/add_photo_alternate:", key="photo-another"):
                _upload()
                _sample_button()
    with right:
        st.header("What was found", anchor=False)
        if not searched:
            st.caption("The face that the pack draws for your picture comes here.")
        found_panel()


def _draft() -> Draft | None:
    return photos.draft_of(session.visit(st.session_state))


def _warning(short: bool) -> None:
    """What the pack can find; a photograph is something that few packs know."""
    domain = resources.pack().info["domain"]
    if domain.startswith("photo"):
        return
    cannot = f"The pack in use knows {plain(domain)}. It cannot find a real photograph well: what comes back is the nearest face that it can draw."
    if short:
        st.caption(f":material/brush: {cannot}")
    else:
        st.info(f"{cannot} For photographs, get a pack of photographs on the Packs page.", icon=":material/brush:")


def _upload() -> None:
    """The field for a file. What is wrong with one is a sentence, and the picture before it stays."""
    turn = st.session_state.setdefault(TURN, 0)  # a new key empties the field after each file
    file = st.file_uploader("Your picture", type=list(KINDS), key=f"photo-{turn}", max_upload_size=MAX_BYTES // 2**20)
    st.caption(f":material/lock: It stays on this machine, in the folder of runs until you remove it: nothing of it is sent anywhere. PNG, JPEG or WebP, up to {MAX_BYTES // 2**20} MB and"
               f" {MAX_PIXELS // 1_000_000} million pixels, {MIN_SIDE} pixels a side at least; turned as the camera says.")
    if file is not None:
        with st.spinner("Reading the picture …"):
            _take(lambda: photos.read(file.getvalue(), file.name))
        st.session_state[TURN] += 1
        st.rerun()


def _empty() -> None:
    with st.container(border=True, key="photo-empty"):
        st.markdown("**No picture yet.** Choose one above. One face, seen from the front, is what works.")
        _sample_button()


def _sample_button() -> None:
    """Something to try it with; only a pack of drawn faces has that."""
    if resources.pack().info["domain"].startswith("drawn"):
        st.button("Try a drawn face", icon=":material/draw:", key="photo-sample", on_click=_sample,
                  help="A new picture from the renderer that drew what this pack learned from")


def _face() -> None:
    """The picture and the face in it. A fragment: moving a point draws this again and nothing else."""
    draft = _draft()
    if draft is None:
        st.rerun()
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        st.header("The face in it", anchor=False)
        _framing(draft)
    with right:
        st.header("What is looked for", anchor=False)
        _search(draft)
    confirm_shown()


def _framing(draft: Draft) -> None:
    """The picture, and how the face is cut out of it."""
    st.segmented_control("Cut out", list(FRAMINGS), format_func=FRAMINGS.get, key=bind(CHOICE, draft.by_points), required=True,
                         on_change=_choose, help="A portrait that was drawn or saved here fills its picture: the middle is right as it is.")
    if not draft.by_points:
        _image(draft.shown, f"Your picture, {draft.picture.width} by {draft.picture.height} pixels", "24rem")
        st.caption(f"{plain(draft.name)}: the largest square in the middle.")
        return
    try:
        square = photos.square_of(draft, resources.pack())
    except ValueError:
        square = []  # the sentence is on the right
    points(draft.shown, draft.shares, square, labels=POINTS, alt="Your picture, with a ring on each eye and on each corner of the mouth",
           picture=draft.uid, key="photo-points", on_place=_place)


def _search(draft: Draft) -> None:
    """The square as the generator would see it, and the button that starts the search."""
    try:
        _image(data_url(photos.cut_out(draft, resources.pack())), "The square that is cut out, upright", "18rem")
    except ValueError as error:
        st.warning(sentence(error), icon=":material/center_focus_weak:")
        return
    if draft.recipe is not None:
        st.info("This picture was saved here and carries its recipe. Opening that is exact; nothing need be searched for.", icon=":material/receipt_long:")
        if st.button("Open its recipe", key="photo-recipe", icon=":material/folder_open:"):
            _open_recipe(draft)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if st.button("Find this face", key="photo-find", type="primary", icon=":material/search:"):
            _find(draft)
        with st.popover("Settings", icon=":material/settings:", key="photo-settings"):
            st.number_input("Steps at most", 0, MAX_STEPS, value=Inversion.steps, key=STEPS,
                            help="It ends earlier where nothing is won any more. 0 takes what the pack's encoder guesses at once.")
        st.button("Remove", key="photo-remove", icon=":material/delete:", on_click=_remove, help="Takes this picture from this machine; what was found stays")


def _image(url: str, alt: str, height: str) -> None:
    st.html(f'<img src="{url}" alt="{alt}" style="display: block; max-width: 100%; max-height: {height}; border-radius: 14px">')


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _keep(draft: Draft | None) -> None:
    photos.keep(session.visit(st.session_state), draft)


def _take(make) -> None:
    """Work on another picture; where there is none, the one before stays and a sentence says why."""
    try:
        _keep(make())
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = sentence(describe(error))


def _sample() -> None:
    _take(lambda: photos.drawn_sample(resources.pack(), random.randrange(DRAWN_SAMPLES)))


def _remove() -> None:
    _keep(None)


def _choose() -> None:
    draft = _draft()
    if draft is not None:
        _keep(replace(draft, by_points=bool(st.session_state[CHOICE])))


def _place() -> None:
    placed, draft = st.session_state["photo-points"].get("placed"), _draft()
    if placed and draft is not None and placed.get("picture") == draft.uid:
        _keep(photos.with_shares(draft, placed["points"]))


def _find(draft: Draft) -> None:
    steps = st.session_state.get(STEPS)
    try:
        photos.search(draft, Inversion.steps if steps is None else int(steps), session.visit(st.session_state))
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
    st.rerun()  # the whole page: the list below gets a clock


def _open_recipe(draft: Draft) -> None:
    try:
        snapshot = recipes.snapshot_from(draft.recipe, draft.name)
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)
        st.rerun()
    edit(snapshot)
