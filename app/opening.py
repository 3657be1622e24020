"""What stands on the page while the models are opened for the first time. Light: torch is not here before this is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

# hidden at first, so that nothing flickers where the models are open already
OPENING = """
<style>
  .opening { display: grid; justify-items: center; gap: .6rem; padding: min(22vh, 12rem) 1rem 40vh; text-align: center; animation: opening-come .4s .3s both; }
  .opening p { margin: 0; }
  .opening .what { font-size: 1.15rem; font-weight: 600; }
  .opening .why { opacity: .8; font-size: .9rem; }
  .opening .sun { position: relative; width: 6rem; height: 6rem; margin-bottom: 1.2rem; border-radius: 50%; background: #f2b26b; box-shadow: 0 0 2.6rem .3rem #c94a2488; overflow: hidden; }
  .opening .sun::after { content: ""; position: absolute; inset: 0; border-radius: 50%; background: #14151b; animation: opening-pass 3.6s ease-in-out infinite; }
  @keyframes opening-come { from { opacity: 0 } to { opacity: 1 } }
  @keyframes opening-pass { from { transform: translateX(-104%) } to { transform: translateX(104%) } }
  @media (prefers-reduced-motion: reduce) { .opening .sun::after { animation: none; transform: translateX(-18%); } }
</style>
<div class="opening" role="status"><div class="sun"></div><p class="what">Opening the models</p>
<p class="why">The first page after a start takes a moment; the next ones do not.</p></div>
"""


@contextmanager
def opening() -> Iterator[None]:
    """Show it while the block runs."""
    place = st.empty()
    place.html(OPENING)
    yield
    place.empty()
