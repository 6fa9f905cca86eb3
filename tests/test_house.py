"""The rules of the house: who may import whom, what is optional, how long a file is, what shared rooms may name."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import sixfold

ROOT = Path(sixfold.__file__).parent

ROOMS = (
    "types", "errors", "durations", "files", "formula", "native", "events", "metrics", "features", "retrieval", "ranking",
    "estimation", "policy", "steps", "design", "loading", "lint", "language", "systems", "pipeline", "estimate", "following",
    "golden", "packing", "release", "explain", "upkeep", "workspace", "forgetting", "asking", "serving", "scaling", "training",
    "evaluation", "worlds", "journey", "questions", "ingest", "inferred", "beginning", "live", "doctor", "report",
    "notebook", "cli", "__init__",
)  # fmt: skip
"""The order of reading: a room imports only rooms before it."""

LATER = {
    # The hint for a mistyped word of a design needs the vocabulary, which is made of the design's own words.
    ("loading", "language"),
}
"""Imports against the order; they stand inside a function."""

SERVICE_ROOMS = {
    "types", "errors", "durations", "files", "formula", "native", "features", "retrieval", "ranking", "estimation", "policy",
    "steps", "design", "loading", "pipeline", "estimate", "following", "golden", "packing",
    "release", "explain", "upkeep", "workspace", "serving",
}  # fmt: skip
SERVICE_MODULES = {
    *(f"events.{name}" for name in ("schema", "hashing", "codec", "log", "known", "lock", "repair", "salvage", "timeline")),
    *(f"events.{name}" for name in ("tables", "kinds", "hours", "damage", "settled")),
    *(f"events.{name}" for name in ("incoming", "gathering", "decoded", "objects", "parsing", "times", "places")),
    *(f"metrics.{name}" for name in ("target", "interval", "kernel")),
    "events", "metrics",
}  # fmt: skip
"""What a service may import: nothing that trains, judges, simulates or reads tables."""

OPTIONAL = {
    "polars": {"events/parquet.py", "events/partitions.py"},
    "scipy": {"retrieval/als.py", "retrieval/history.py", "retrieval/ease.py", "retrieval/itemitem.py"},
    "catboost": {"ranking/forest.py"},
}
"""Packages of the extra `train`, and the only files that may import them, inside a function."""

NEVER = ("pandas", "sklearn", "torch", "pydantic")

LONGEST = 330

NAMES_A_SYSTEM = {
    # Registries and the text that points to them.
    ("cli/start.py", "video"), ("cli/demo.py", "video"),
    ("cli/start.py", "name a system, such as 'sixfold new video', or your files with --from"),
    ("loading.py", "; run 'sixfold new video --dir "),
    # Words by which columns of any table are guessed, and an example in an error.
    ("events/naming.py", "video"), ("events/naming.py", "movie"), ("events/naming.py", "movies"),
    ("events/naming.py", "delivery"), ("events/naming.py", "delivered"),
    ("events/mapping_toml.py", ' entries in item; give one, as {video = "video_id"}'),
}  # fmt: skip
"""(file, text) that may name a system all the same."""

_SYSTEM = re.compile("video|movie|deliver", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name below sixfold, and its tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    @property
    def file(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


@cache
def modules() -> dict[str, Module]:
    out = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        out[name] = Module(name, path, ast.parse(path.read_text()))
    return out


def imported(module: Module, node: ast.AST) -> Iterator[str]:
    """The modules below sixfold that an import statement names."""
    if not isinstance(node, ast.ImportFrom):
        return
    package = module.path.relative_to(ROOT).parent.parts
    if node.level:
        base = package[: len(package) - (node.level - 1)]
    elif (node.module or "").split(".")[0] == "sixfold":
        base = ()
    else:
        return
    named = (node.module or "").split(".") if node.module else []
    head = [*base, *(named if node.level else named[1:])]
    for alias in node.names:
        whole = ".".join([*head, alias.name])
        yield whole if whole in modules() else ".".join(head)


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: not those in functions, nor those for a type checker."""
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not typing_only:
            yield node
            yield from at_import(node)


def packages(node: ast.AST) -> Iterator[str]:
    """The top packages that an absolute import names."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield node.module.split(".")[0]


def closure(start: set[str]) -> set[str]:
    """All modules that importing these ones imports."""
    found, todo = set(), set(start)
    while todo:
        name = todo.pop()
        found.add(name)
        module = modules()[name]
        parents = {name.rpartition(".")[0]} & set(modules())
        more = {m for node in at_import(module.tree) for m in imported(module, node) if m in modules()}
        todo |= (more | parents) - found
    return found


def test_the_list_of_rooms_is_the_house():
    rooms = {module.room for module in modules().values()}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_only_backwards(room):
    before = {other: place for place, other in enumerate(ROOMS)}
    for module in modules().values():
        if module.room != room:
            continue
        for node in ast.walk(module.tree):
            for other in imported(module, node):
                there = other.split(".")[0] if other else "__init__"
                if there == room or (room, there) in LATER:
                    continue
                assert before[there] < before[room], f"{module.file}:{node.lineno} imports {there}, which comes later"


def test_imports_against_the_order_stand_in_functions():
    for module in modules().values():
        for node in at_import(module.tree):
            for other in imported(module, node):
                assert (module.room, other.split(".")[0]) not in LATER, f"{module.file} imports {other} at once"


def test_a_world_knows_only_types_errors_and_events():
    for module in modules().values():
        if module.room == "worlds":
            rooms = {other.split(".")[0] for node in ast.walk(module.tree) for other in imported(module, node)}
            assert rooms <= {"types", "errors", "events", "worlds"}, module.file


def test_a_system_is_written_in_the_language_alone():
    for module in modules().values():
        if module.room == "systems":
            rooms = {other.split(".")[0] for node in ast.walk(module.tree) for other in imported(module, node)}
            assert rooms <= {"language", "systems"}, module.file


def test_the_service_imports_nothing_that_trains():
    for name in closure({name for name in modules() if name.split(".")[0] == "serving"}):
        assert name.split(".")[0] in SERVICE_ROOMS or name in SERVICE_MODULES, name


def test_the_closure_finds_what_training_imports():
    """The broken variant: were `journey` in the service, the rule above would say so."""
    assert "training.run" in closure({"journey"})
    assert "worlds.video" in closure({"beginning"})


def test_reading_a_release_imports_no_training_library(tiny):
    code = """
import sys
from pathlib import Path
import sixfold.pipeline, sixfold.features.online
from sixfold import release
release.read(Path(sys.argv[1]))
print([name for name in sys.argv[2:] if name in sys.modules])
"""
    names = [
        *OPTIONAL,
        *NEVER,
        "sixfold.events.partitions",
        "sixfold.training",
        "sixfold.evaluation",
        "sixfold.worlds",
        "sixfold.events.parquet",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny.release_path), *names],
        env={"PYTHONPATH": str(ROOT.parent)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", OPTIONAL)
def test_optional_packages_are_imported_in_functions_of_their_own_files(package):
    everywhere = {m.file for m in modules().values() for node in ast.walk(m.tree) if package in packages(node)}
    at_once = {m.file for m in modules().values() for node in at_import(m.tree) if package in packages(node)}
    assert everywhere == OPTIONAL[package]
    assert not at_once


@pytest.mark.parametrize("package", NEVER)
def test_some_packages_are_never_imported(package):
    assert not {m.file for m in modules().values() for node in ast.walk(m.tree) if package in packages(node)}


@pytest.mark.parametrize("name", modules())
def test_a_file_is_one_story(name):
    module = modules()[name]
    assert module.path.read_text().count("\n") <= LONGEST
    assert ast.get_docstring(module.tree), f"{module.file} does not say what it is"


@pytest.mark.parametrize(
    "name", ["events", "features", "retrieval", "ranking", "estimation", "metrics", "lint", "training", "report"]
)
def test_a_room_says_what_to_read_next(name):
    said = ast.get_docstring(modules()[name].tree) or ""
    assert re.search(r"\bread\b", said, re.IGNORECASE), said


def test_exported_names_exist():
    assert all(callable(getattr(sixfold, name)) for name in sixfold.__all__)
    for name in modules():
        module = importlib.import_module(f"sixfold.{name}" if name != "__init__" else "sixfold")
        assert all(hasattr(module, exported) for exported in getattr(module, "__all__", ()))


def test_shared_rooms_name_no_system():
    named = {
        (module.file, text)
        for module in modules().values()
        if module.room not in ("worlds", "systems")
        for text in texts(module.tree)
        if _SYSTEM.search(text)
    }
    assert not named - NAMES_A_SYSTEM
    assert not NAMES_A_SYSTEM - named, "an exception that is no longer needed"


def texts(tree: ast.Module) -> Iterator[str]:
    """Every identifier and every string that is no docstring."""
    docstrings = {
        id(body[0].value)
        for node in ast.walk(tree)
        if (body := getattr(node, "body", None)) and isinstance(body, list) and isinstance(body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                docstrings.add(id(node.value))
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text) | ast.alias(name=text):
                yield text
            case ast.FunctionDef(name=text) | ast.ClassDef(name=text):
                yield text
            case ast.ImportFrom(module=str(text)):
                yield text
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield text
