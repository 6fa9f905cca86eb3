"""A request's body, from the wire to a typed value, with a limit at every step.

Read (at most so many bytes), inflated (never past the limit, whatever the body claims to become), held against a limit
of nesting, decoded into a message. What is wrong with it leaves here as one `Refused`, which is an answer to be.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import nearest
from .failures import Refused

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

MIB = 1 << 20
DEPTH = 64
"""Brackets within brackets; a typed message needs 3."""

_WINDOW = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
"""By content-encoding: the window bits that tell zlib which wrapping to expect."""
_RAW_DEFLATE = -15
_NOT_IN_ONE = bytes(set(range(256)) - set(b'"[]{}'))
_NOT_IN_LINES = bytes(set(_NOT_IN_ONE) - set(b"\n"))
_STEP = bytes.maketrans(b'[{]}"\n', b"\1\1\xff\xff\0\0")
_QUOTE = bytes.maketrans(b'[{]}"\n', b"\0\0\0\0\1\0")
"""Of each mark: how it changes the depth (as int8), and whether it is a quote."""
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`(?: - at .*)?", re.DOTALL)
_AT = re.compile(r"(.*?) - at (.*)", re.DOTALL)


class Gone(Exception):
    """The client left before its request was complete: there is nobody to answer."""


async def read(receive: Receive, declared: bytes | None, limit: int) -> bytes:
    """The whole body; refused as soon as more than `limit` bytes are declared or have come."""
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def inflated(body: bytes, encoding: bytes | None, limit: int) -> bytes:
    """The body as it was before its content-encoding; no more than `limit` bytes are ever made of it."""
    name = (encoding or b"identity").strip().lower()
    if name == b"identity":
        return body
    window = _WINDOW.get(name)
    if window is None:
        raise Refused(
            415, "unsupported", f"content-encoding {_shown(name)} is not read here; use gzip, deflate or none",
            ((b"accept-encoding", b"gzip, deflate, identity"),),
        )  # fmt: skip
    if name == b"deflate" and not _has_zlib_header(body):
        # Some clients send bare deflate under this name, without the wrapping that the standard asks for.
        window = _RAW_DEFLATE
    decompressor = zlib.decompressobj(window)
    try:
        out = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(400, "bad_encoding", f"the body is no {name.decode()} ({error}); compress it again") from error
    if len(out) > limit:
        raise _too_large(limit)
    if not decompressor.eof or decompressor.unused_data:
        what = "goes on after its end" if decompressor.eof else "is cut short"
        raise Refused(400, "bad_encoding", f"the {name.decode()} body {what}; send one whole {name.decode()} stream")
    return out


def check_depth(body: bytes, *, lines: bool = False) -> None:
    """Refuses JSON that nests deeper than `DEPTH`, before a decoder recurses into it.

    With `lines`, each line is a document of its own. Strings are told apart by counting quotes, once escapes are gone:
    up to the first invalid byte this agrees with any decoder, and no decoder goes beyond. A body with fewer brackets
    than the limit, such as every honest request, costs two counts.
    """
    if body.count(b"[") + body.count(b"{") <= DEPTH:
        return
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(None, _NOT_IN_LINES if lines else _NOT_IN_ONE)
    steps, quotes = np.frombuffer(marks.translate(_STEP), np.int8), np.frombuffer(marks.translate(_QUOTE), np.uint8)
    ends = np.flatnonzero(np.frombuffer(marks, np.uint8) == ord("\n")) if lines else np.empty(0, np.intp)
    lengths = np.diff(ends, prepend=-1, append=len(marks) - 1)
    # Only the last bit of the number of quotes matters, so that it may overflow.
    inside = _since(np.cumsum(quotes, dtype=np.uint8), ends, lengths) & 1
    depth = _since(np.cumsum(steps * (1 - inside).view(np.int8), dtype=np.int32), ends, lengths)
    if depth.max() > DEPTH:
        where = f" in line {np.searchsorted(ends, np.argmax(depth > DEPTH)) + 1}" if lines else ""
        raise Refused(400, "too_deep", f"the JSON nests deeper than {DEPTH} levels{where}; events and requests need 4")


def _since(total: NDArray[Any], ends: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[Any]:
    """A running total counted anew after each of the ends."""
    if not len(ends):
        return total
    anew: NDArray[Any] = total - np.repeat(np.concatenate([np.zeros(1, total.dtype), total[ends]]), lengths)
    return anew


def typed(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The message that the body is; refused with the path to what is wrong, and for a mistyped field the nearest one."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(400, "invalid", _explained(str(error), decoder.type)) from error
    except UnicodeDecodeError as error:
        raise Refused(400, "bad_utf8", f"a string of the body is not UTF-8 ({error.reason}); send UTF-8") from error
    except RecursionError as error:
        raise Refused(400, "too_deep", f"the JSON nests deeper than {DEPTH} levels; requests need 3") from error
    except msgspec.DecodeError as error:
        raise Refused(400, "bad_json", f"the body is no JSON: {error}; send one JSON object") from error


def _explained(error: str, kind: Any) -> str:
    unknown = _UNKNOWN.fullmatch(error)
    if unknown:
        name = unknown[1][:64]
        return f"{name!r} is no field of {kind.__name__}; {nearest(name, kind.__struct_fields__)}"
    found = _AT.fullmatch(error)
    what, where = (found[1], found[2].replace("`", "")) if found else (error, "$")
    return f"{where[:128]}: {what[:1].lower()}{what[1:300]}; /openapi.json has the types"


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0


def _too_large(limit: int) -> Refused:
    size = f"{limit / MIB:g} MiB" if limit >= MIB else f"{limit} bytes"
    return Refused(413, "too_large", f"the body is over {size}, sent or inflated; send it in several requests")


def _shown(value: bytes) -> str:
    return repr(value[:64].decode("latin-1"))
