"""Addresses of pages. A browser that opens the studio at /about takes that for the folder that the server is in: it asks
for /about/_stcore/health, gets a 404, and only then tries /_stcore/health (streamlit/streamlit#7074). Here it is told,
and how the page is laid out: a style that the page itself brings comes after much of what it arranges.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit import file_util

VIEWS, STYLE = Path(__file__).with_name("views"), Path(__file__).with_name("page.css")
SERVER_IS_HERE = '<head><script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href }</script>'


def page_routes() -> list[Route]:
    """A route for the address of each view, and for /, the first page's."""
    return [Route("/", _page), *(Route(f"/{view.stem}", _page) for view in sorted(VIEWS.glob("[!_]*.py")))]


def _page(request: Request) -> HTMLResponse:
    """Streamlit's page, and in it where the server is, and the style."""
    html = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8").replace("<head>", SERVER_IS_HERE, 1)
    style = f"<style>{STYLE.read_text(encoding='utf-8')}</style></body>"  # after those that Streamlit puts in the head, which it overrides
    return HTMLResponse(html.replace("</body>", style, 1), headers={"Cache-Control": "no-cache"})
