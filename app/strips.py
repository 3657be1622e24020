"""Small strips of pictures: a face at several strengths of one direction."""

from __future__ import annotations

import streamlit as st
import torch
from PIL import Image

from app import rendering, resources
from app.components.picture import data_url
from app.session import Snapshot, without_edits
from stylegan2.images import to_pil
from stylegan2.steps import edited

STRENGTHS = (-1.0, 0.0, 1.0)
SIZE = 128  # pixels of one picture; three stand side by side on a card


def strip(path: str, snapshot: Snapshot) -> str:
    """The snapshot's face, without its edits, at the `STRENGTHS` of the direction in a file, as a data URL: a file on the server
    would be gone before a browser that leaves the page has asked for it. Raises ValueError if the direction has gone.
    """
    direction = resources.direction(path)
    return _strip(path, direction.to_bytes(), without_edits(snapshot), resources.pack().hash)


@st.cache_data(show_spinner=False, max_entries=300)
def _strip(path: str, contents: bytes, face: Snapshot, pack_hash: str) -> str:
    """Cached by what decides it: the direction's contents, the face and the pack."""
    direction, pack = resources.direction(path), resources.pack()
    w_plus = rendering.latents(face)
    steps = direction.step_from(w_plus, torch.tensor(STRENGTHS, device=pack.device)).to(pack.device)
    with torch.no_grad():
        images = edited(pack.generator.synthesis, w_plus, steps, resolution=min(pack.resolution, 2 * SIZE))
    sheet = Image.new("RGB", (SIZE * len(images), SIZE))
    for place, image in enumerate(images):
        sheet.paste(to_pil(image[None]).resize((SIZE, SIZE), Image.Resampling.LANCZOS), (place * SIZE, 0))
    return data_url(sheet)
