"""Compiles `sixfold/native/kernels.c` when Sixfold is installed, where there is a C compiler; without one NumPy does the work."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("src/sixfold/native")
FLAGS = ("-O3", "-Wall", "-ffp-contract=off", "-fPIC", "-shared")
"""Nothing is contracted, so that the sums have the bits that NumPy gives them."""
if sys.platform == "darwin":
    FLAGS = (*FLAGS, "-undefined", "dynamic_lookup")


class Kernels(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / FOLDER
        made = folder / "_kernels.abi3.so"
        told = compiled(folder / "kernels.c", made)
        if told:
            self.app.display_warning(f"Sixfold's kernels are not compiled, NumPy does their work more slowly: {told}")
            return
        build_data["artifacts"].append(f"/{FOLDER}/{made.name}")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compiled(source: Path, made: Path) -> str:
    """Compile a module of the stable ABI; gives what went wrong, if anything."""
    made.unlink(missing_ok=True)
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    command = [*compiler, *FLAGS, f"-I{sysconfig.get_paths()['include']}", str(source), "-o", str(made), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
