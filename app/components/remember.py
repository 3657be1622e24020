"""The browser keeps the name of a visit in a cookie, so that it can come back to it without the address."""

from __future__ import annotations

from app.components.registry import available, component

NAME = "eclipsed_visit"


def remember(visit: str) -> None:
    """Keep `visit`, which has no character that means something in a cookie. It shows nothing."""
    if available():
        component("remember")(data={"name": NAME, "visit": visit}, key="remember")
