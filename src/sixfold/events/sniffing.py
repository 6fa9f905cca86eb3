"""What a file is, from its first quarter of a megabyte: kind, encoding, delimiter, quotes, header.

Whatever the mapping's `form` says is taken as said; only the rest is guessed.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

import msgspec

from ..errors import DataError

Kind = Literal["csv", "jsonl", "parquet"]

DELIMITERS = (",", ";", "\t", "|", "::")
SAMPLE_BYTES = 1 << 18

_NAME = re.compile(r"[^\W\d][\w .:/()#%-]{0,63}")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9]*([_.-][a-z0-9]+)*", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d[\d.,:/T Z+-]*")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a text file is written; everything left out is found by looking.

    columns names the columns of a file without a header (or, with header = true, renames them).
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    quotes: bool | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """All that must be known to read a file, and in `notes` what the reader of a report should know."""

    kind: Kind
    columns: tuple[str, ...]
    delimiter: str = ","
    quotes: bool = True
    encoding: str = "utf-8"
    header: bool = True
    notes: tuple[str, ...] = ()


def _latin1_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


# A byte that is no UTF-8 is taken as Latin-1: no second pass over the file, and a stray byte far
# behind the sample costs one odd letter in place of the whole import.
codecs.register_error("sixfold-latin-1", _latin1_byte)


def open_text(path: Path, encoding: str, *, newline: str | None = "") -> IO[str]:
    """The text of a file, gzip undone; bytes that are no UTF-8 are read as Latin-1."""
    errors = "sixfold-latin-1" if encoding.startswith("utf-8") else "strict"
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, errors=errors, newline=newline)


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, gzip undone whatever the file's name."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def sniff(path: Path, form: Form) -> Layout:
    """The layout of a CSV or JSONL file.

    Raises DataError where the file is missing, empty, binary, of one column, or names a column twice.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path, it is relative to where the mapping stands")
    sample = _sample(path)
    if not sample.strip():
        raise DataError(f"{path.name} is empty; expected rows of CSV, JSONL or Parquet")
    encoding, notes = _encoding(path, sample, form)
    text = _decode(path, sample, encoding)
    if text.lstrip()[:1] == "{":
        return Layout("jsonl", _json_names(path, text), encoding=encoding, notes=notes)
    return _csv_layout(path, text, encoding, notes, form)


def _sample(path: Path) -> bytes:
    try:
        with open_bytes(path) as stream:
            sample = stream.read(SAMPLE_BYTES)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is a damaged gzip file ({error}); fetch or pack it again") from error
    if len(sample) == SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    return sample


def _encoding(path: Path, sample: bytes, form: Form) -> tuple[str, tuple[str, ...]]:
    if form.encoding is not None:
        try:
            codecs.lookup(form.encoding)
        except LookupError as error:
            raise DataError(f"{path.name} has encoding {form.encoding!r}, which Python does not know") from error
        return form.encoding, ()
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name, ()
    if b"\0" in sample:
        raise DataError(
            f"{path.name} holds binary data (a NUL byte); expected CSV, JSONL (either may be gzipped) or .parquet"
        )
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError:
        return "utf-8", (f"{path.name} is not UTF-8 throughout; what is not was read as latin-1",)
    return "utf-8", ()


def _decode(path: Path, sample: bytes, encoding: str) -> str:
    try:
        errors = "sixfold-latin-1" if encoding.startswith("utf-8") else "strict"
        # Incremental, since the sample may end within a character.
        return codecs.getincrementaldecoder(encoding)(errors).decode(sample)
    except UnicodeError as error:
        raise DataError(f"{path.name} cannot be read as {encoding} ({error}); give another form.encoding") from error


def _json_names(path: Path, text: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for line in islice(filter(str.strip, text.splitlines()), 2000):
        try:
            names.update(dict.fromkeys(msgspec.json.decode(line, type=dict[str, object])))
        except msgspec.MsgspecError:
            continue
    if not names:
        raise DataError(f"{path.name} looks like JSON but no line is an object; expected one object a line")
    return tuple(names)


def _csv_layout(path: Path, text: str, encoding: str, notes: tuple[str, ...], form: Form) -> Layout:
    delimiter, quotes = _delimiter(path, text, form)
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        rows.extend(islice(filter(None, split_rows(io.StringIO(text, newline=""), delimiter, quotes)), 2000))
    header = looks_like_header(rows) if form.header is None and not form.columns else bool(form.header)
    first = [cell.strip() for cell in rows[0]]
    names = form.columns or tuple(cell if header and cell else f"c{place}" for place, cell in enumerate(first, 1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{path.name} names the column {twice[0]!r} twice; rename one, or give form = "
            "{header = true, columns = [...]} in the mapping"
        )
    return Layout("csv", names, delimiter, quotes, encoding, header, notes)


def split_rows(lines: IO[str], delimiter: str, quotes: bool) -> Iterator[list[str]]:
    """The cells of every row; a blank line is an empty row, so that rows can be counted."""
    if len(delimiter) > 1:
        return (line.split(delimiter) if line else [] for line in (line.rstrip("\r\n") for line in lines))
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)


def _delimiter(path: Path, text: str, form: Form) -> tuple[str, bool]:
    """The delimiter and the use of quotes under which the most rows agree on the most columns."""
    tried = [
        _agreement(text, one, form.quotes) for one in (DELIMITERS if form.delimiter is None else (form.delimiter,))
    ]
    best = max((one for one in tried if one.width > 1), key=_Agreement.rank, default=None)
    if best is not None:
        return best.delimiter, best.quotes
    if len(form.columns) == 1:
        return form.delimiter or ",", form.quotes is not False
    said = repr(form.delimiter) if form.delimiter else ', ; tab | and "::"'
    raise DataError(f"{path.name} has one column with {said} as delimiter; give its own as form.delimiter")


@dataclass(frozen=True, slots=True)
class _Agreement:
    """How many rows are of the most frequent width, what share that is, and whether the first row is."""

    delimiter: str
    quotes: bool
    width: int = 0
    rows: int = 0
    share: float = 0.0
    first: bool = False

    def rank(self) -> tuple[bool, bool, int, float]:
        # The first row counts for more: a list inside a cell seldom stands in the header too.
        agreed = self.share >= 0.95
        return agreed and self.first, agreed, self.width if agreed else 0, self.share


def _agreement(text: str, delimiter: str, quotes: bool | None) -> _Agreement:
    """With quotes, unless the file is said or seen to have none: more rows of the same width without."""
    if quotes is not None or len(delimiter) > 1:
        return _agreement_of(text, delimiter, bool(quotes))
    quoted, bare = _agreement_of(text, delimiter, True), _agreement_of(text, delimiter, False)
    return bare if quoted.width == 0 or (bare.width == quoted.width and bare.rows > quoted.rows) else quoted


def _agreement_of(text: str, delimiter: str, quotes: bool) -> _Agreement:
    widths: list[int] = []
    # A row that cannot be split ends the count; those before it stay.
    with contextlib.suppress(csv.Error):
        widths.extend(len(row) for row in split_rows(io.StringIO(text, newline=""), delimiter, quotes) if row)
    if not widths:
        return _Agreement(delimiter, quotes)
    width, count = Counter(widths).most_common(1)[0]
    return _Agreement(delimiter, quotes, width, count, count / len(widths), widths[0] == width)


def looks_like_header(rows: list[list[str]]) -> bool:
    """True where the first row is names: none a number, none twice, none seen again below itself."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    named = [cell for cell in first if cell]
    if not named or len(set(named)) < len(named) - 1 or not all(_NAME.fullmatch(cell) for cell in named):
        return False
    below = [{row[place].strip() for row in rest if place < len(row)} for place in range(len(first))]
    if any(cell and cell in seen for cell, seen in zip(first, below, strict=True)):
        return False
    if any(_NUMBER.fullmatch(value) for seen in below for value in islice(seen, 20)):
        return True
    return all(_PLAIN_NAME.fullmatch(cell) for cell in named)
