"""Registering the components: each is an .html, a .css and one or more .js files of this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


def available() -> bool:
    """Whether this Streamlit has components without frames (1.51 and later); without them pages use its own widgets."""
    return hasattr(st.components, "v2")


@cache
def component(name: str, *scripts: str) -> Any:
    """The component `name`, registered once a process. Its JavaScript is that of `scripts`, `name` alone by default, in order."""
    code = "\n".join((FOLDER / f"{script}.js").read_text(encoding="utf-8") for script in scripts or (name,))
    text = {kind: (FOLDER / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")}
    return st.components.v2.component(f"eclipsed_{name}", js=code, **text)
