"""The console: one page that shows the flow of a running service, offline and without a framework.

It is made of the files beside this one and the colours that all pages of the house share; what it shows it asks of
/v1/status. The page itself needs no token, for it holds nothing of the service; where one is asked it asks its reader.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from .http import About, Context, Raw, Route


def page(*, guarded: bool) -> tuple[str, str]:
    """The page, and the policy under which a browser is to run it: its own style and script, its own service, no more."""
    here = files(__package__)
    palette = files("sixfold").joinpath("palette.css").read_text("utf-8")
    style = palette + here.joinpath("console.css").read_text("utf-8")
    script = "".join(here.joinpath(name).read_text("utf-8") for name in ("console.js", "console_try.js"))
    text = here.joinpath("console.html").read_text("utf-8")
    for mark, part in {"/*style*/": style, "/*script*/": script}.items():
        text = text.replace(mark, part)
    if guarded:
        text = text.replace('data-guarded="no"', 'data-guarded="yes"')
    policy = {
        "default-src": "'none'", "style-src": _hash(style), "script-src": _hash(script), "connect-src": "'self'",
        "img-src": "data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    return text, "; ".join(f"{name} {value}" for name, value in policy.items())


def console(*, guarded: bool) -> Route:
    """GET /: the page. `guarded` says that the service asks for a token."""
    text, policy = page(guarded=guarded)
    headers = (
        (b"content-security-policy", policy.encode()), (b"cache-control", b"no-cache"), (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )  # fmt: skip
    raw = Raw(text.encode(), "text/html; charset=utf-8", headers=headers)

    async def handler(_: object, __: Context) -> Raw:
        return raw

    return Route("GET", "/", handler, about=About("The console.", content_type="text/html"), open=True)


def _hash(text: str) -> str:
    """What a policy calls a text, so that it and nothing else runs."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
