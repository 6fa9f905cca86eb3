"""What this installation has and lacks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

import msgspec

NEEDED = {
    "numpy": None, "msgspec": None, "apsw": None, "click": None, "rich": None,
    "polars": "train", "scipy": "train", "catboost": "train",
}  # fmt: skip
"""Packages, and the extra that brings each."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine(log: Path | None = None) -> list[Finding]:
    """Python, packages, cores, disk, the settled part of a log; every finding says what to do where it is not ok."""
    fine = sys.version_info >= (3, 11)
    out = [Finding("python", fine, f"{platform.python_version()} on {platform.machine()}")]
    for name, extra in NEEDED.items():
        try:
            out.append(Finding(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            out.append(
                Finding(name, False, f"run: pip install 'sixfold[{extra}]'" if extra else "run: pip install sixfold")
            )
    out.append(_sqlite())
    out.append(_kernels())
    free = shutil.disk_usage(Path.cwd()).free
    out.append(Finding("disk", free > 1e9, f"{free / 1e9:.0f} GB free here"))
    out.append(Finding("cores", True, str(os.cpu_count())))
    if log is not None and log.exists():
        out.append(_settled(log))
    return out


def _settled(path: Path) -> Finding:
    """The settled files of a log, all of which are read. What else of it may be damaged, who writes next looks at."""
    from .errors import DataError
    from .events import settled
    from .events.log import EventLog

    try:
        with EventLog(path, create=False) as log:
            generations = settled.named(log.db)
    except DataError as error:
        return Finding("log", False, str(error))
    home = settled.home(path)
    bad = [f"{one.folder}/{part.file}" for one in generations for part in settled.damaged(home, one)]
    files, events = sum(len(one.partitions) for one in generations), sum(one.events for one in generations)
    whole = f"{events:,} settled events in {files:,} files, all as they were written"
    return Finding("log", not bad, f"damaged: {', '.join(bad)}; run 'sixfold repair'" if bad else whole)


def _kernels() -> Finding:
    """Whether the inner loops of a request run in C. NumPy does the same, so that it is no fault where they do not."""
    from .native import kernels

    slower = "not compiled, NumPy does their work more slowly; install a C compiler, then sixfold again"
    return Finding("kernels", True, slower if kernels is None else "compiled")


def _sqlite() -> Finding:
    """The SQLite that apsw carries; before 3.51.3 a WAL could lose commits when two connections checkpoint."""
    try:
        import apsw
    except ImportError:
        return Finding("sqlite", False, "run: pip install apsw")
    version = apsw.sqlite_lib_version()
    fine = tuple(int(part) for part in version.split(".")[:3]) >= (3, 51, 3)
    return Finding("sqlite", fine, version if fine else f"{version}; run: pip install -U 'apsw>=3.51.3'")
