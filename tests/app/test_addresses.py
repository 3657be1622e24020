"""A page that is opened by its own address learns where the server is, in place of guessing it."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request

from app.addresses import page_routes

APP = Path(__file__).resolve().parents[2] / "app"


def test_each_page_of_the_navigation_has_its_route():
    pages = re.findall(r'"views/(\w+)\.py"', (APP / "navigation.py").read_text())
    assert pages and {f"/{page}" for page in pages} <= {route.path for route in page_routes()}


def test_the_page_is_told_before_any_of_its_scripts_runs():
    route = page_routes()[0]
    html = route.endpoint(Request({"type": "http", "method": "GET", "path": route.path, "headers": []})).body.decode()
    assert html.index("BACKEND_BASE_URL: new URL") == min(found.start() for found in re.finditer(r"BACKEND_BASE_URL|type=\"module\"", html))
    assert "/static/js/" in html
