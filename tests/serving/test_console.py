"""The console: what it is made of, and how it behaves in a browser on a service that runs, is in trouble or goes away."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.reading import Page
from tests.serving.asking import ask
from tests.serving.browser import CHROMIUM, Tab, browser
from tests.serving.running import Running, serving
from tests.tiny import Tiny
from tests.tiny_times import TinyTimes

from sixfold.scaling.served import free_port
from sixfold.serving import messages
from sixfold.serving.console import console, page
from sixfold.serving.estimate_messages import Estimated, Leg
from sixfold.serving.http import App
from sixfold.serving.telemetry import Telemetry

TEXT, POLICY = page(guarded=False)
SCRIPT = TEXT[TEXT.index('<script type="module">') + len('<script type="module">') : TEXT.index("</script>")]
STYLE = TEXT[TEXT.index("<style>") + len("<style>") : TEXT.index("</style>")]
MARKUP = TEXT.replace(SCRIPT, "").replace(STYLE, "")

# The page as text


def test_it_is_one_well_formed_document_and_small():
    read = Page(MARKUP)
    assert TEXT.startswith("<!doctype html>\n<html") and len(read.ids) == len(set(read.ids))
    assert len(TEXT.encode()) < 100_000


def test_nothing_is_fetched_but_from_its_own_service():
    assert "://" not in TEXT and "url(" not in TEXT and "@import" not in TEXT and "import " not in SCRIPT
    linked = [at.get("src") or at["href"] for name in ("a", "link") for at in Page(MARKUP).of(name)]
    assert linked == ["/openapi.json", "/metrics", "/v1/status", "data:,"]


def test_every_element_that_the_script_names_is_there():
    ids, read = set(Page(MARKUP).ids), Page(MARKUP)
    named = set(re.findall(r'byId\("([\w-]+)"\)', SCRIPT))
    assert named and named - ids == set()
    for kind in ("of", "note", "bar"):
        wanted = set(re.findall(rf'find\("{kind}", "(\w+)"\)', SCRIPT))
        assert wanted and wanted <= {at.get(f"data-{kind}") for _, at in read.elements}


def test_labels_and_descriptions_lead_somewhere():
    read = Page(MARKUP)
    inputs = {at["id"] for at in read.of("input")}
    assert {at["for"] for at in read.of("label")} == inputs
    for kind in ("aria-labelledby", "aria-describedby", "list"):
        named = {at[kind] for _, at in read.elements if kind in at}
        assert named and named <= set(read.ids)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("status", messages.Status), ("slot", messages.Slot), ("stage", messages.Stage), ("events", messages.Events),
     ("trial", messages.Trial), ("slate", messages.Slate), ("item", messages.Placed), ("reason", messages.Reason),
     ("estimate", Estimated), ("leg", Leg)],
)  # fmt: skip
def test_the_script_reads_only_what_is_answered(name: str, kind: Any):
    read = set(re.findall(rf"(?<![\w.]){name}\.(\w+)", SCRIPT))
    assert read and read <= set(kind.__struct_fields__)


def test_the_stages_that_it_draws_are_those_that_are_timed():
    from sixfold.serving.health import OF_ESTIMATES, STAGES, WRITING

    drawn = {at[kind] for _, at in Page(MARKUP).elements for kind in ("data-stage", "data-part") if kind in at}
    assert drawn == {*STAGES, *OF_ESTIMATES, *WRITING}


def test_text_never_becomes_markup():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|style=", SCRIPT)
    assert "style=" not in MARKUP and not re.search(r"\son\w+=", MARKUP)


def test_its_policy_lets_its_own_parts_run_and_nothing_else():
    policy = dict(part.split(" ", 1) for part in POLICY.split("; "))
    for name, part in (("script-src", SCRIPT), ("style-src", STYLE)):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert policy[name] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'" and policy["connect-src"] == "'self'"


def test_the_page_needs_no_token_though_the_rest_does():
    app = App([console(guarded=True)], Telemetry(), token="0123456789abcdef")
    given = ask(app, "GET", "/")
    assert given is not None and given.status == 200 and b'data-guarded="yes"' in given.body
    assert given.headers[b"content-security-policy"].startswith(b"default-src 'none'")
    other = ask(app, "GET", "/v1/status")
    assert other is not None and other.status == 401


# The page in a browser

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to open the page in")
ANSWERED = "document.getElementById('answered').textContent !== ''"
TOKEN = "a-token-of-this-test-alone"


@pytest.fixture(scope="module")
def folder(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(tiny.workspace.folder, tmp_path_factory.mktemp("console") / "mine"))


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Running]:
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(chromium: Tab, service: Running) -> Tab:
    """The page of the service, which has drawn its first answer; afterwards it must have nothing to complain of."""
    chromium.look(1280, 900)
    chromium.open(f"http://127.0.0.1:{service.port}/")
    chromium.until("document.getElementById('design').textContent === 'video'")
    return chromium


@needs_chromium
def test_it_loads_and_goes_on_asking(tab: Tab, service: Running):
    service.ask("POST", "/v1/recommend", {"member": "m1"})
    tab.until("document.querySelector('[data-of=requests]').textContent !== '0/s'")
    tab.until("document.querySelector('[data-part=ranking] .n').textContent.startsWith('p50')")
    assert tab.text("#release") == service.ask("GET", "/v1/status")[1]["release"]
    assert "requests/s" in tab.text("#verdict") and tab.complaints == []


@needs_chromium
def test_a_member_is_tried_with_the_keyboard_alone(tab: Tab, service: Running):
    order = []
    for _ in range(6):
        tab.press("Tab")
        order.append(tab.js("document.activeElement.id"))
        assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid", order
    assert order == ["strips", "member", "context-0", "k", "explain", "ask"]
    tab.js("document.getElementById('member').select(); document.getElementById('member').focus()")
    tab.write("m7")
    tab.press("Tab")
    tab.write("tv")
    tab.js("document.getElementById('k').value = 5")
    tab.press("Enter")
    tab.until(ANSWERED)
    assert tab.text("#answered") == "5 items for m7" and tab.js("document.activeElement.id") == "context-0"
    assert tab.js("document.querySelectorAll('.answers tbody tr').length") == 5
    assert {"retrieval", "scores"} <= set(re.findall(r"[a-z]+", tab.text("#answer")))
    heads = tab.js("[...document.querySelectorAll('.answers th')].map((one) => one.textContent)")
    assert heads == ["", "Item", "Score", "Predicted", "Stands out by", "Found by, at place"]
    assert "seen" in tab.text(".aside") and tab.complaints == []


@needs_chromium
def test_a_stranger_and_a_bad_request_are_said(tab: Tab):
    tab.js("document.getElementById('member').value = 'nobody'; document.getElementById('ask').click()")
    tab.until(ANSWERED)
    assert "whom the log does not know" in tab.text("#answered")
    tab.js("document.getElementById('member').value = '\\u00e9'.repeat(200); document.getElementById('ask').click()")
    tab.until("document.getElementById('answered').className === 'bad'")
    assert "at most 256 bytes" in tab.text("#answered") and tab.text("#answer") == ""


@needs_chromium
def test_a_moment_is_read_with_the_arrow_keys(tab: Tab):
    tab.press("Tab")
    tab.press("ArrowLeft")
    tab.until("document.getElementById('slot').textContent.includes('requests/s') || "
              "document.getElementById('slot').textContent.includes('not seen')")  # fmt: skip
    tab.press("End")
    tab.until("document.getElementById('slot').textContent.includes('requests/s')")
    tab.press("Escape")
    assert "arrow keys" in tab.text("#slot") and tab.complaints == []


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_window(tab: Tab, width: int, dark: bool):
    tab.look(width, 800, dark=dark, mobile=width < 500)
    tab.js("document.getElementById('ask').click()")
    tab.until(ANSWERED)
    assert tab.js("document.documentElement.scrollWidth") <= width
    ground = tab.js("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")


@needs_chromium
def test_trouble_is_said_and_what_comes_with_it_stays_text(tab: Tab, service: Running):
    """A status as it might be: the page takes it from a fetch that answers with it."""
    said = service.ask("GET", "/v1/status")[1]
    evil = "<img src=x onerror=alert(1)>"
    said["degraded"] = [{"stage": "ranking", "fallback": "retrieval order", "reason": evil, "ago_s": 3, "count": 7}]
    said["stages"] = [one | ({"fallbacks": 7} if one["name"] == "ranking" else {}) for one in said["stages"]]
    said["goal"] = evil
    tab.js(f"globalThis.fetch = async () => new Response({json.dumps(json.dumps(said))})")
    tab.until("document.querySelector('.ranking').classList.contains('failing')")
    assert tab.text("#degraded") == f"ranking: retrieval order – {evil}, 7 times in the last minute, last 3 s ago"
    assert tab.text("#goal") == evil and not tab.js("document.querySelector('img')")
    assert tab.text("#said").startswith("Degraded") and "short" in tab.js(
        "document.getElementById('verdict').className"
    )


@needs_chromium
def test_it_stops_asking_while_it_is_hidden(tab: Tab):
    tab.js("""globalThis.asked = 0; const real = globalThis.fetch;
              globalThis.fetch = (...all) => { globalThis.asked += 1; return real(...all); };
              globalThis.hide = (hidden) => {
                Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange")); }; undefined""")
    tab.until("asked > 0")
    tab.js("hide(true)")
    # One question may have been under way.
    asked = tab.js("new Promise((done) => setTimeout(() => done(asked), 300))")
    assert tab.js("new Promise((done) => setTimeout(() => done(asked), 2200))") == asked
    tab.js("hide(false)")
    tab.until(f"asked > {asked + 1}")


@needs_chromium
def test_it_says_that_the_service_is_gone_and_comes_back_by_itself(chromium: Tab, tiny: Tiny, tmp_path: Path):
    folder, port = Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")), free_port()
    chromium.look(1280, 900)
    with serving(folder, port=port):
        chromium.open(f"http://127.0.0.1:{port}/")
        chromium.until("document.getElementById('design').textContent === 'video'")
        chromium.js("globalThis.stayed = true")
    chromium.until("document.body.classList.contains('away')")
    assert "has not answered for" in chromium.text("#verdict-text")
    chromium.js("document.getElementById('ask').click()")
    chromium.until("document.getElementById('answered').textContent === 'The service does not answer.'")
    with serving(folder, port=port):
        chromium.until("!document.body.classList.contains('away')")
        assert chromium.js("stayed")


@needs_chromium
def test_a_token_is_asked_once_and_kept_in_memory_only(chromium: Tab, tiny: Tiny, tmp_path: Path):
    folder = Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine"))
    (tmp_path / "token").write_text(TOKEN)
    with serving(folder, "--token-file", str(tmp_path / "token")) as guarded:
        chromium.open(f"http://127.0.0.1:{guarded.port}/")
        chromium.until("document.activeElement.id === 'token'")
        assert chromium.complaints == []
        chromium.write("wrong-" + TOKEN)
        chromium.press("Enter")
        chromium.until("document.getElementById('verdict-text').textContent.includes('not the token')")
        chromium.write(TOKEN)
        chromium.press("Enter")
        chromium.until("document.getElementById('design').textContent === 'video'")
        assert chromium.js(
            "document.getElementById('token-form').hidden && document.getElementById('token').value === ''"
        )
        chromium.js("document.getElementById('ask').click()")
        chromium.until(ANSWERED)
        assert "items for" in chromium.text("#answered")
        assert chromium.js("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        chromium.open(f"http://127.0.0.1:{guarded.port}/")
        chromium.until("document.activeElement.id === 'token'")


@needs_chromium
def test_where_times_are_estimated_the_flow_and_the_trial_are_of_estimates(
    chromium: Tab, timed: TinyTimes, tmp_path: Path
):
    folder = Path(shutil.copytree(timed.workspace.folder, tmp_path / "mine"))
    with serving(folder) as service:
        chromium.look(390, 900, mobile=True)
        chromium.open(f"http://127.0.0.1:{service.port}/")
        chromium.until("document.body.classList.contains('estimating')")
        seen = (
            "[...document.querySelectorAll('.flow h3')].filter((one) => one.offsetParent).map((one) => one.innerText)"
        )
        assert chromium.js(seen) == ["Request", "Estimate", "Promise", "Events", "Writer", "State"]
        assert chromium.js("document.querySelector('[data-key]').value").startswith("s"), "a store that the state knows"
        chromium.js("document.getElementById('ask').click()")
        chromium.until(ANSWERED)
        assert chromium.text("#answered").endswith("for this order")
        assert chromium.js("document.querySelectorAll('.ranges tbody tr').length") == 1 + len(
            timed.design.estimate.legs
        )
        chromium.until("document.querySelector('[data-part=features] .n').textContent.startsWith('p50')")
        assert chromium.js("document.documentElement.scrollWidth") <= 390
        assert chromium.complaints == []
