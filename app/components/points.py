"""A picture with points on it that somebody puts where they belong, and the square that they span."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.components.registry import component

Shares = Sequence[Sequence[float]]  # x and y of each, in shares of the picture's width and height


def points(image: str, places: Shares, square: Shares, *, labels: Sequence[str], alt: str, picture: str, key: str,
           on_place: Callable[[], None]) -> None:
    """Draw `image` (a data URL) with a point for each of `labels`.

    `picture` names the picture: while it stays, the browser keeps its points, else `places` are theirs. At `on_place`,
    `st.session_state[key]["placed"]` is {"points": [[x, y], ...], "picture": str}.
    """
    data = {"image": image, "points": [list(place) for place in places], "square": [list(corner) for corner in square],
            "labels": list(labels), "alt": alt, "picture": picture}
    component("points")(data=data, key=key, on_placed_change=on_place)
