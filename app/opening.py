"""What stands on the page while the models are opened, and in the picture's place before the first picture. Light: no torch here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

# hidden at first, so that nothing flickers where the models are open already
OPENING = """
<style>
  .opening { display: grid; justify-items: center; gap: .6rem; padding: min(22vh, 12rem) 1rem 40vh; text-align: center;
    animation: opening-come .4s .3s both; }
  .opening p { margin: 0; }
  .opening .what { font-size: 1.15rem; font-weight: 600; }
  .opening .why { opacity: .8; font-size: .9rem; }
  .opening .sun { position: relative; width: 6rem; height: 6rem; margin-bottom: 1.2rem; border-radius: 50%; overflow: hidden;
    background: #f2b26b; box-shadow: 0 0 2.6rem .3rem #c94a2488; }
  .opening .sun::after { content: ""; position: absolute; inset: 0; border-radius: 50%; background: #14151b;
    animation: opening-pass 3.6s ease-in-out infinite; }
  @keyframes opening-come { from { opacity: 0 } to { opacity: 1 } }
  @keyframes opening-pass { from { transform: translateX(-104%) } to { transform: translateX(104%) } }
  @media (prefers-reduced-motion: reduce) { .opening .sun::after { animation: none; transform: translateX(-18%); } }
</style>
<div class="opening" role="status"><div class="sun"></div><p class="what">Opening the models</p>
<p class="why">The first page after a start takes a moment; the next ones do not.</p></div>
"""


TO_COME = """
<style>
  .to-come { margin-top: 47px; aspect-ratio: 1; border-radius: 12px; background: #1e2029; animation: to-come 1.8s ease-in-out infinite alternate; }
  @keyframes to-come { to { background: #2b2e3a } }
  @media (prefers-reduced-motion: reduce) { .to-come { animation: none } }
</style>
<div class="to-come" role="status" aria-label="Drawing the first picture"></div>
"""


@contextmanager
def opening() -> Iterator[None]:
    """Show that the models are being opened while the block runs."""
    place = st.empty()
    place.html(OPENING)
    yield
    place.empty()


@contextmanager
def first_picture(is_first: bool) -> Iterator[None]:
    """Hold the picture's place while the block draws the first one; later ones come where one is already."""
    place = st.empty()
    if is_first:
        place.html(TO_COME)
    yield
    if is_first:
        place.empty()
