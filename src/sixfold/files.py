"""What is asked of the file system: whole files, on disk; room before it is written to; whether the machine went down."""

from __future__ import annotations

import os
from pathlib import Path


def trusted(folder: Path) -> bool:
    """Whether every page is as it was written: closed in good order, or no power cut since."""
    then = folder / "boot"
    return (folder / "clean").exists() or not then.exists() or then.read_text() == boot()


def boot() -> str:
    """Which start of the machine this is, empty where it does not tell."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text() if path.exists() else ""


def allocate(path: Path) -> None:
    """Take the room that a file is to fill; raises OSError where there is none, which a mapped page could only die of."""
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def put(path: Path, data: bytes) -> None:
    """Write a file that is there wholly or not at all."""
    fresh = path.with_suffix(".part")
    fresh.write_bytes(data)
    fresh.replace(path)


def sync(path: Path) -> None:
    """Have a file on disk, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
