"""The console: one page that shows the flow of a running service. It is a file of the package, and reads /v1/status."""

from __future__ import annotations

from importlib.resources import files

from .http import About, Context, Raw, Route


def console() -> Route:
    """GET /: the page."""
    page = Raw((files(__package__) / "console.html").read_bytes(), "text/html; charset=utf-8")

    async def handler(_: object, __: Context) -> Raw:
        return page

    return Route("GET", "/", handler, about=About("The console.", content_type="text/html"))
