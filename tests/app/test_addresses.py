"""A page that is opened by its own address learns where the server is, in place of guessing it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.routing import Route

from app.addresses import page_routes

APP = Path(__file__).resolve().parents[2] / "app"


def test_each_page_of_the_navigation_has_its_route():
    pages = re.findall(r'"views/(\w+)\.py"', (APP / "navigation.py").read_text())
    assert pages and {"/", *(f"/{page}" for page in pages)} <= {route.path for route in page_routes()}


def page_at(route: Route) -> str:
    return route.endpoint(Request({"type": "http", "method": "GET", "path": route.path, "headers": []})).body.decode()


def test_the_page_is_told_before_any_of_its_scripts_runs():
    html = page_at(page_routes()[-1])
    assert html.index("BACKEND_BASE_URL: new URL") == min(found.start() for found in re.finditer(r"BACKEND_BASE_URL|type=\"module\"", html))
    assert "/static/js/" in html


@pytest.mark.parametrize("route", page_routes(), ids=lambda route: route.path)
def test_the_page_comes_with_its_layout(route):
    """After the head, in which Streamlit puts its own style: of two rules alike, the later one holds."""
    html = page_at(route)
    assert html.index(".stMainBlockContainer {") > html.index("</head>") and html.count("</body>") == 1
