"""Where what can be had again is kept: downloaded packs, CLIP weights, compiled operations."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "ECLIPSED_CACHE"


def cache_folder() -> Path:
    """The cache folder: `ECLIPSED_CACHE` if that is set, else the platform's own place. It need not exist yet.

    Raises: ValueError: `ECLIPSED_CACHE` is a relative path, which would mean another folder from each place.
    """
    chosen = os.environ.get(VARIABLE)
    if not chosen:
        return platformdirs.user_cache_path("eclipsed-studio", appauthor=False)
    path = Path(chosen).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{VARIABLE} is {chosen!r}; accepted: an absolute path")
    return path
