"""The documentation is true: its code runs as written, its links lead somewhere, every command shows an example."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from sixfold.cli.main import COMMANDS, group

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCED = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(text: str) -> list[tuple[int, str]]:
    """(line, code) of every block that opens with ```python and nothing more; 'python no-run' is left out."""
    found = [(match[1], text[: match.start()].count("\n") + 1, match[2]) for match in _FENCED.finditer(text)]
    unread = text.count("```python") - sum(info.startswith("python") for info, _, _ in found)
    assert not unread, f"{unread} blocks of Python do not begin and end at the left margin, so they would not be run"
    return [(line, code) for info, line, code in found if info.strip() == "python"]


def prose(text: str) -> str:
    """The text without its code."""
    return re.sub(r"`[^`\n]*`", "", _FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchor of every heading, as a page on the web has it."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    out = []
    for link in _LINK.findall(prose(page.read_text())):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            out.append(link)
    return out


def examples(name: str) -> list[list[str]]:
    """The words of each example of a command that its --help shows, those after `sixfold NAME`."""
    shown = CliRunner().invoke(group, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    lines = (
        shlex.split(line, comments=True) for line in shown.output.splitlines() if line.strip().startswith("sixfold ")
    )
    return [words[2:] for words in lines if words[1] == name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs_in_its_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": page.stem}
    for line, code in blocks(page.read_text()):
        # Padded, so that a traceback names the line of the page.
        exec(compile("\n" * line + code, str(page), "exec", dont_inherit=True), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    assert broken(page) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_with_options_it_has(name):
    command = group.get_command(None, name)
    known = {option for parameter in command.params for option in parameter.opts}
    found = examples(name)
    assert found, f"sixfold {name} --help shows no line that begins with 'sixfold {name}'"
    for words in found:
        assert {word for word in words if word.startswith("--")} <= known


def test_blocks_are_found_with_their_lines():
    page = "a\n```python\nx = 1\n```\nb\n```python no-run\nfail\n```\n```toml\nt = 1\n```\n```python\n\ny = x\n```\n"
    assert blocks(page) == [(2, "x = 1\n"), (12, "\ny = x\n")]


def test_a_block_that_would_not_run_is_refused():
    with pytest.raises(AssertionError, match="1 blocks"):
        blocks("- a list\n  ```python\n  x = 1\n  ```\n")


def test_links_that_lead_nowhere_are_found(tmp_path):
    page = tmp_path / "page.md"
    links = ("page.md", "other.md", "#a-heading-here", "#no-heading", "page.md#a-heading-here", "https://example.org/x")
    page.write_text("# A heading, here\n```text\n[code](gone.md)\n```\n" + " ".join(f"[x]({link})" for link in links))
    assert broken(page) == ["other.md", "#no-heading"]
