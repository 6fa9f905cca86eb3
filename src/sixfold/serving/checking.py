"""Whether a release that was published is fit to serve, found out in a process of its own: one that answers has no time for it.

    python -m sixfold.serving.checking releases/10c39495a17f

A worker that did it in a thread of its own kept requests waiting five times as long: sums over files and a replay of the golden
log, some of it at a low priority with the interpreter's lock in hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from .. import release as releases
from ..errors import ReleaseError, SixfoldError


async def checked(folder: Path) -> None:
    """Raises ReleaseError, by the other process's words, where the release in a folder is not fit to serve."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(folder),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        # A worker that ends does not leave it behind.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode:
        raise ReleaseError(said.decode(errors="replace").strip() or f"the check of {folder} ended by itself")


def main(folder: Path) -> None:
    os.nice(10)
    try:
        releases.read(folder)
    except (SixfoldError, OSError, LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, SixfoldError) else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
