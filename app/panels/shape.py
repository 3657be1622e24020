"""The picture whose shape is changed, the tools on the right of it, and what it began with under it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from app import beside, resources, shaping
from app.components.brush import brush
from app.components.picture import data_url, picture
from app.components.registry import available
from app.panels import live
from app.panels.earlier import remember_here
from app.panels.files import MAX_MEGABYTES, dropped_file
from app.panels.shape_live import feed
from app.panels.shape_parts import parts_panel
from app.panels.shape_source import source_panel
from app.rendering import OVERLAY_OPACITY
from app.session import History
from app.shaping import Networks
from app.widgets import bind, confirm_shown, plain, sentence, style
from baselines.shape.edits import Stroke, check_number
from baselines.shape.recipe import Shape
from packs.cli import describe
from segmentation.parts import CLASS_INDEX, PALETTE
from stylegan2.images import to_pil

MODE, TROUBLE, NEWS, SERIAL, TURN = "shape-mode", "shape_trouble", "shape_news", "shape_serial", "shape_turn"
SHOW_MASK, WHOLE, BRUSH, PICTURE = "shape-show-mask", "shape-whole", "shape-brush", "shape-picture"
MODES = {"parts": "By part", "brush": "By brush"}
KINDS = ("png", "jpg", "jpeg", "webp")
STYLE = "<style>.stMain h2 { padding: 0 0 .35rem; font-size: 1.25rem; }</style>"  # they stand beside buttons
CLASS_WORDS = (  # of segmentation.parts.CLASSES, the sides as one sees them
    "background", "skin", "eyebrow on the right", "eyebrow on the left", "eye on the right", "eye on the left", "glasses", "ear on the right",
    "ear on the left", "earring", "nose", "mouth, inside", "upper lip", "lower lip", "neck", "necklace", "clothes", "hair", "hat",
)


def shape_panel() -> None:
    """Draw the page's work, or say why it cannot begin."""
    style(STYLE)
    try:
        shaping.history()
    except (ValueError, OSError) as error:
        st.error(f"There is no picture to begin with. {sentence(describe(error))}", icon=":material/error:")
        return
    beside.tell_lost()
    stage()
    feed()


@st.fragment(key="shape-stage")
def stage() -> None:
    """Picture and tools. A fragment: a stroke or a slider draws this again and nothing else."""
    history, found = shaping.history(), shaping.networks(resources.pack())
    shape, brushing = history.present, st.session_state.get(MODE) == "brush"
    with st.container(key="stage"):
        with st.container(key="stage-picture"):
            _trouble()
            _drawn(_brush if brushing else _picture, shape, found)
        with st.container(key="stage-stack"):
            _toolbar(history)
            st.segmented_control("Change the shape", list(MODES), format_func=MODES.get, default="parts", required=True, label_visibility="collapsed", key=MODE)
            if brushing:
                _drawn(_picture, shape, found)
            _absences(found, brushing)
            if not brushing:
                parts_panel(shape, found.shaper is not None)
            _showing(shape, found, brushing)
        with st.container(key="stage-start"):
            _files(shape)
            source_panel(_begin)
            remember_here()  # last: it shows nothing
    confirm_shown()


def _toolbar(history: History) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="toolbar"):
        st.header("Change it", anchor=False, width="stretch")
        st.button("Undo", icon=":material/undo:", key="shape-undo", shortcut="Ctrl+Z", disabled=not history.past,
                  on_click=lambda: shaping.keep(shaping.history().undo()), help="Undo (Ctrl+Z)")
        st.button("Redo", icon=":material/redo:", key="shape-redo", shortcut="Ctrl+Shift+Z", disabled=not history.future,
                  on_click=lambda: shaping.keep(shaping.history().redo()), help="Redo (Ctrl+Shift+Z)")
        st.button("Reset", icon=":material/restart_alt:", key="shape-reset", disabled=not history.present.edits, on_click=_reset,
                  help="Back to the shape as it was (undo brings the changes back)")


def _absences(found: Networks, brushing: bool) -> None:
    """What the pack lacks, and what works all the same."""
    if not found.shaper and not brushing:
        st.info("**This pack has no Semantic-VAE**, which draws, perturbs and morphs the shapes of parts. They can be taken over from other faces, and painted by hand.",
                icon=":material/category:")
        st.caption(sentence(found.no_shaper))
    if not found.painter:
        st.info("**This pack has no MaskGAN**, which paints what a mask shows: the mask can be changed and saved, and the picture stays as it is.",
                icon=":material/format_paint:")
        st.caption(sentence(found.no_painter))


# --- the picture and its mask -----------------------------------------------------------------------------------------


def _drawn(draw, shape: Shape, found: Networks) -> None:
    """Picture or brush; a sentence where that cannot be."""
    try:
        draw(shape, found)
    except (ValueError, OSError) as error:
        st.error(f"This shape cannot be drawn. {sentence(describe(error))}", icon=":material/error:")


def _picture(shape: Shape, found: Networks) -> None:
    work = shaping.bench(shape)
    after = to_pil(work.picture(shape.edits, shape.whole))
    edited = bool(shape.edits) or shape.whole
    shown = st.session_state.get(SHOW_MASK) or (not found.painter and shape.edits)
    overlay = _coloured(work.mask(shape.edits)) if shown else None
    picture(after, data_url(to_pil(work.image)) if edited else None, overlay, alt=shaping.words(shape), caption=_caption(shape, found),
            revision=live.revision(), key=PICTURE, on_drop=_open_dropped)


def _caption(shape: Shape, found: Networks) -> str:
    if not found.painter:
        return "The picture with its mask" if shape.edits else "The picture as it was"
    if not shape.edits and not shape.whole:
        return "Nothing is changed yet"
    return "All of it painted" if shape.whole else "Painted where the mask has changed; hold the picture to see the original"


def _coloured(mask: np.ndarray) -> Image.Image:
    """The mask in its colours, clear where there is background, to lie over the picture."""
    opacity = np.where(mask == CLASS_INDEX["background"], 0, round(255 * OVERLAY_OPACITY)).astype(np.uint8)
    return Image.fromarray(np.dstack([PALETTE[mask], opacity]), "RGBA")


def _brush(shape: Shape, found: Networks) -> None:
    if not available():
        st.info("The brush needs Streamlit 1.51 or later.", icon=":material/brush:")
        return
    work = shaping.bench(shape)
    brush(data_url(to_pil(work.picture(shape.edits, shape.whole))), work.mask(shape.edits), work.original, classes=list(zip(CLASS_WORDS, PALETTE)),
          chosen=CLASS_INDEX["hair"], picture=shaping.name_of(shape), serial=st.session_state.get(SERIAL, 0), alt=shaping.words(shape),
          key=BRUSH, on_paint=_painted)


def _showing(shape: Shape, found: Networks, brushing: bool) -> None:
    """What is shown besides the picture as it comes out."""
    with st.container(horizontal=True, gap="medium", key="shape-showing"):
        if not brushing:
            st.toggle("Show the mask", key=SHOW_MASK)
        if found.painter:
            st.toggle("Whole painting", key=bind(WHOLE, shape.whole), on_change=_set_whole,
                      help="MaskGAN's painting of the whole mask. Without it, only what has changed is laid over the picture.")


# --- files ------------------------------------------------------------------------------------------------------------


def _trouble() -> None:
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(trouble, icon=":material/broken_image:")
    if news := st.session_state.pop(NEWS, None):
        st.info(news, icon=":material/info:")


def _files(shape: Shape) -> None:
    name = f"shape-{shaping.name_of(shape)}"
    with st.container(horizontal=True, gap="small", key="shape-files"):
        st.download_button("Save picture", data=lambda: shaping.png(shape), file_name=f"{name}.png", mime="image/png", icon=":material/download:",
                           key="shape-save", on_click="ignore", help="A PNG that carries its recipe: open it here later and every step is back")
        st.download_button("Mask", data=lambda: shaping.labels(shape), file_name=f"{name}-mask.png", mime="image/png",
                           icon=":material/layers:", key="shape-save-mask", on_click="ignore", help="A PNG whose pixels are the numbers of the 19 classes")
        with st.popover("Open", icon=":material/folder_open:", key="shape-open", help="Open a picture saved here, a mask, or a picture of your own"):
            turn = st.session_state.setdefault(TURN, 0)  # a new key empties the field after each file
            st.file_uploader("A picture saved here, a mask, or a picture of your own", list(KINDS), key=f"shape-open-{turn}", on_change=_open,
                             max_upload_size=MAX_MEGABYTES)
            st.caption("You can drop it on the picture, too. It stays on this machine; undo brings back what was there.")


# --- what the widgets do ----------------------------------------------------------------------------------------------


def _reset() -> None:
    shaping.commit(replace(shaping.history().present, edits=(), whole=False))


def _set_whole() -> None:
    shaping.commit(replace(shaping.history().present, whole=bool(st.session_state[WHOLE])))


def _painted() -> None:
    """Take over the strokes that have not been taken yet."""
    value = st.session_state[BRUSH].get("strokes") or {}
    shape, known = shaping.history().present, st.session_state.get(SERIAL, 0)
    if value.get("picture") != shaping.name_of(shape):
        return
    for stroke in value.get("strokes", []):
        if int(stroke["serial"]) > known:
            known = st.session_state[SERIAL] = int(stroke["serial"])
            shape = replace(shape, edits=(*shape.edits, Stroke.of(stroke)))
            try:
                check_number(shape.edits)
            except ValueError as error:
                st.session_state[TROUBLE] = sentence(error)
                return
            shaping.commit(shape)


def _begin(make) -> None:
    """Begin with another picture; a sentence where there is none."""
    try:
        shaping.commit(make())
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = sentence(describe(error))


def _open() -> None:
    upload = st.session_state.get(f"shape-open-{st.session_state[TURN]}")
    if upload is not None:
        st.session_state[TURN] += 1
        open_file(upload.name, upload.getvalue())


def _open_dropped() -> None:
    dropped = st.session_state[PICTURE].get("dropped")
    if not dropped:
        return
    try:
        open_file(*dropped_file(dropped))
    except ValueError as error:
        st.session_state[TROUBLE] = sentence(error)


def open_file(name: str, data: bytes) -> None:
    """Go on with what the file holds. One that is no use changes nothing and leaves a sentence."""
    try:
        shape, news = shaping.opened(data, name, shaping.history().present)
    except (ValueError, OSError) as error:
        st.session_state[TROUBLE] = sentence(describe(error))
        return
    shaping.commit(shape)
    st.session_state[NEWS] = news or None
    st.toast(f"Opened {plain(name)}", icon=":material/folder_open:")
