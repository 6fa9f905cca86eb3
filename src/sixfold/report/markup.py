"""HTML that data cannot break out of: text is escaped where it enters, and markup is a type of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from html import escape

_VOID = frozenset({"meta", "col"})


class Html(str):
    """Text that is markup already. Joined with a plain string it is a plain string again, which `tag` escapes."""

    __slots__ = ()


def tag(name: str, *children: str, at: Mapping[str, str] = {}) -> Html:
    """One element; classes follow the name, attributes are `at`, children are escaped unless they are `Html`.

    >>> tag("p.note.wide", "1 < 2 ", tag("b", "& more"), at={"title": '"quoted"'})
    '<p class="note wide" title="&quot;quoted&quot;">1 &lt; 2 <b>&amp; more</b></p>'
    """
    element, *classes = name.split(".")
    attributes = {"class": " ".join(classes), **at} if classes else at
    opening = element + "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{opening}>" if element in _VOID else f"<{opening}>{joined(*children)}</{element}>")


def joined(*parts: str) -> Html:
    """Children one after the other, each escaped unless it is `Html`."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


NOTHING = Html("")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """A list of names with their values."""
    return tag("dl.facts", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


def figure(caption: str, *content: str) -> Html:
    """A figure under its caption; what is too wide for the page scrolls inside of it."""
    scroller = tag("div.scroll", *content, at={"tabindex": "0", "role": "group", "aria-label": caption})
    return tag("figure", tag("figcaption", caption), scroller)


def header_row(*names: str, right: Collection[str] = ()) -> Html:
    """The head of a table with one row of column names; those of `right` stand above numbers."""
    cells = (tag("th.n" if name in right else "th", name, at={"scope": "col"}) for name in names)
    return tag("thead", tag("tr", *cells))


def row_name(*children: str) -> Html:
    """The cell that names a row."""
    return tag("th", *children, at={"scope": "row"})
