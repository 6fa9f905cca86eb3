"""A headless Chromium and one page of it, spoken to in the DevTools protocol over two pipes: no package, no port."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 30


class Tab:
    """One page. `complaints` are what it wrote to the console as an error, threw, or could not load."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes, self._buffer = reads, writes, b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What a method of the protocol gives."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            got = self._next()
            if got.get("id") == number:
                assert "error" not in got, got["error"]
                return dict(got["result"])
            self._note(got)

    def open(self, url: str) -> None:
        """Load a page, with nothing to complain of yet."""
        self.call("Page.navigate", url="about:blank")
        self.until("location.href === 'about:blank'")
        self.complaints.clear()
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression: str) -> Any:
        """What an expression is in the page, as plain data."""
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def text(self, selector: str) -> str:
        return str(self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def until(self, expression: str) -> None:
        """Wait until an expression holds in the page."""
        end = time.monotonic() + PATIENCE_S
        while not self.js(expression):
            assert time.monotonic() < end, (
                f"never so: {expression}; the page says: {self.js('document.body.innerText')}"
            )
            time.sleep(0.02)

    def press(self, key: str, *, times: int = 1) -> None:
        """A key, as from a keyboard."""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "Escape": 27, "End": 35, " ": 32}
        more = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                held = more if kind == "keyDown" else {}
                self.call(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **held
                )

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def look(self, width: int, height: int, *, dark: bool = False, mobile: bool = False) -> None:
        """The size of the window and the scheme that its reader prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def shot(self, path: Path) -> None:
        """The whole page as a picture."""
        got = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(got["data"]))

    def _note(self, got: Mapping[str, Any]) -> None:
        params = got.get("params", {})
        match got.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._reads], [], [], PATIENCE_S)
            data = os.read(self._reads, 1 << 20) if ready else b""
            assert data, "the browser is gone or says nothing"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A page of a browser of its own, which ends with the block."""
    assert CHROMIUM is not None
    # The browser reads at 3 and writes at 4: the pipes' own numbers are kept out of the way of these.
    pipes = [*os.pipe(), *os.pipe()]
    theirs_read, ours_write, ours_read, theirs_write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in pipes)
    for end in pipes:
        os.close(end)
    null = os.open(os.devnull, os.O_RDWR)
    moves = [(os.POSIX_SPAWN_DUP2, theirs_read, 3), (os.POSIX_SPAWN_DUP2, theirs_write, 4)]
    moves += [(os.POSIX_SPAWN_DUP2, null, end) for end in (0, 1, 2)]
    arguments = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "about:blank"]
    child = os.posix_spawn(CHROMIUM, arguments, os.environ, file_actions=moves, setpgroup=0)
    for end in (theirs_read, theirs_write, null):
        os.close(end)
    try:
        yield Tab(ours_read, ours_write)
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ours_read)
        os.close(ours_write)
