"""What is answered when a request is not: a status, a code, a sentence, and the request id.

400 bad_*, invalid, too_deep   the request is not well formed          408 slow_client      it did not come in time
401 unauthorised               no token, or not the right one          413, 415, 431        too large, not understood
404, 405                       no such path, not this method           422 unprocessable    well formed, cannot be done
503 overloaded, unavailable    on purpose: ask again                   504 late             no answer by the deadline
500 failed                     a defect of ours: logged with the request id
"""

from __future__ import annotations

import asyncio
import math
from typing import TypeAlias

import msgspec

from ..errors import DataError, DesignError, Overloaded, ReleaseError, Unavailable
from .messages import Code, Failure, Fault

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_encoder = msgspec.json.Encoder()


class Refused(Exception):
    """An answer other than the one that was asked for."""

    def __init__(self, status: int, code: Code, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


def failure(refused: Refused, request_id: str) -> bytes:
    """The body of a refusal."""
    return _encoder.encode(Failure(Fault(refused.code, str(refused), request_id)))


def refused(error: BaseException) -> Refused:
    """The refusal that an error raised by a handler amounts to."""
    match error:
        case Refused():
            return error
        case Overloaded():
            return Refused(503, "overloaded", str(error), again(error.retry_after_s))
        case DesignError():
            return Refused(400, "bad_request", str(error))
        case DataError():
            return Refused(422, "unprocessable", str(error))
        case ReleaseError() | Unavailable():
            return Refused(503, "unavailable", str(error), again(1))
        case asyncio.CancelledError():
            return Refused(503, "unavailable", "the server is stopping; ask again", again(1))
        case TimeoutError():
            return Refused(504, "late", "no answer was ready by the deadline; ask again or allow more time")
        case _:
            return Refused(500, "failed", "something went wrong here and was logged; report it with the request id")


def again(seconds: float) -> Headers:
    """The header that says when to come again, in whole seconds."""
    return ((b"retry-after", b"%d" % max(1, math.ceil(seconds))),)
