"""A command called as from a shell, in this process: its exit code, stdout and stderr."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from sixfold.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which must be JSON and nothing else."""
        return msgspec.json.decode(self.out.encode())


def call(*words: object, folder: Path | None = None) -> Done:
    """Run `sixfold WORDS --dir FOLDER`."""
    where = ["--dir", str(folder)] if folder is not None else []
    out, err = io.StringIO(), io.StringIO()
    code = 0
    argv = ["sixfold", *map(str, words), *where]
    with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
