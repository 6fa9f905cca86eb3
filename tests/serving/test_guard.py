from __future__ import annotations

import errno
import select
import signal
import socket
import subprocess
import sys
import threading

import pytest
from tests.serving.wire import PATIENCE_S, Wire, running

from sixfold.errors import DesignError
from sixfold.serving import guard
from sixfold.serving.connection import Limits
from sixfold.serving.guard import bind, check_address

TOKEN = "0123456789abcdef"


def test_a_request_in_flight_is_finished():
    with running() as run:
        wire = run.wire().get("/wait")
        run.wait_begun()
        run.stop()
        run.release()
        given = wire.answer()
        assert (given.status, given.headers["connection"]) == (200, "close")
        assert wire.is_closed()


def test_an_idle_connection_may_ask_once_more():
    with running() as run:
        idle, busy = run.wire(), run.wire()
        assert idle.get().answer().headers.get("connection") is None
        busy.get("/wait")
        run.wait_begun()
        run.stop()
        given = idle.get().answer()
        assert (given.status, given.headers["connection"]) == (200, "close")
        assert idle.is_closed()
        run.release()
        assert busy.answer().status == 200


def test_an_idle_connection_is_closed_after_the_grace():
    with running(limits=Limits(grace_s=0.1)) as run:
        idle, fresh = run.wire(), run.wire()
        assert idle.get().answer().status == 200
        run.stop()
        assert idle.is_closed()
        assert fresh.is_closed()


@pytest.mark.parametrize("filters", [True, False])
def test_nothing_in_the_accept_queue_is_lost(filters, monkeypatch):
    """Connections that the kernel took and the loop had not yet seen when it was told to stop."""
    if not filters:
        monkeypatch.setattr(guard, "_drop_new", lambda sock: False)
    with running() as run:
        run.server.held = threading.Event()
        run.stop()
        queued = [run.wire().get() for _ in range(100)]
        run.server.held.set()
        answers = [wire.answer() for wire in queued]
        assert [(one.status, one.headers["connection"]) for one in answers] == [(200, "close")] * 100


def test_who_knocks_while_a_socket_is_emptied_is_let_in_by_the_next():
    """The SYN is dropped and not answered by a reset, so that its client sends it again."""
    with bind("127.0.0.1", 0) as old, socket.socket() as early, socket.socket() as client:
        early.connect(old.getsockname())
        assert guard._drop_new(old)
        client.setblocking(False)
        assert client.connect_ex(old.getsockname()) == errno.EINPROGRESS
        assert not select.select([], [client], [], 0.1)[1]
        old.accept()[0].close()
        with bind("127.0.0.1", old.getsockname()[1], shared=True) as new:
            old.close()
            assert select.select([new], [], [], PATIENCE_S)[0]
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            new.accept()[0].close()


def test_the_next_server_takes_over_without_a_failed_request():
    """Clients that connect all the while, each for one request, as the first of two servers on a port stops."""
    with running() as old, running(port=old.port, shared=True):
        stopped = threading.Event()
        statuses, failures = [], []

        def client():
            after = 0
            while after < 20:
                after += stopped.is_set()
                try:
                    wire = Wire(old.port)
                    statuses.append(wire.get(headers="connection: close\r\n").answer().status)
                    wire.close()
                except OSError as error:
                    failures.append(error)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for one in clients:
            one.start()
        old.stop()
        stopped.set()
        for one in clients:
            one.join(PATIENCE_S)
        assert not failures
        assert len(statuses) >= 80
        assert set(statuses) == {200}


def test_a_stopped_server_listens_no_more():
    with running(limits=Limits(grace_s=0.1)) as run:
        idle = run.wire()
        run.stop()
        assert idle.is_closed()
        with pytest.raises(ConnectionRefusedError):
            Wire(run.port)


def test_requests_that_do_not_end_are_answered_at_the_limit():
    with running(limits=Limits(drain_s=0.1)) as run:
        wire = run.wire().get("/wait")
        run.wait_begun()
        run.stop()
        given = wire.answer()
        assert (given.status, given.headers["connection"]) == (503, "close")


PROGRAM = """
import sys
from sixfold.serving.guard import bind, serve
from sixfold.serving.http import App, Route
from sixfold.serving.messages import Health
from sixfold.serving.telemetry import Telemetry

async def hello(_, __):
    return Health(ok=True)

sock = bind("127.0.0.1", 0)
serve(App([Route("GET", "/", hello)], Telemetry()), sock, ready=lambda: print(sock.getsockname()[1], flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_stop_exits_with_0(sent):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wire = Wire(int(process.stdout.readline()))
        assert wire.get(headers="connection: close\r\n").answer().status == 200
        wire.close()
        process.send_signal(sent)
        out, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, errors) == (0, "ended\n", "")


def test_a_port_belongs_to_one_server_unless_it_is_shared():
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(DesignError, match=f"port {port} of 127.0.0.1 is in use"):
            bind("127.0.0.1", port)
        with bind("127.0.0.1", port, shared=True) as second:
            assert second.getsockname() == first.getsockname()
    with bind("127.0.0.1", port):
        pass


@pytest.mark.parametrize(
    ("host", "port", "option"),
    [
        ("192.0.2.1", 8000, "--host"),
        ("no such host", 8000, "--host"),
        ("::1", 99999, "--port"),
        ("127.0.0.1", -1, "--port"),
    ],
)
def test_an_address_that_cannot_be_bound_says_why(host, port, option):
    with pytest.raises(DesignError, match=option):
        bind(host, port)


def test_a_privileged_port_is_named(monkeypatch):
    class Unprivileged(socket.socket):
        def bind(self, address):
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(guard.socket, "socket", Unprivileged)
    with pytest.raises(DesignError, match="port 80 may not be bound by this user"):
        bind("127.0.0.1", 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_token_and_may_have_one(host, tmp_path):
    assert check_address(host, None) is None
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert check_address(host, tmp_path / "token") == TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.example.org"])
def test_any_other_address_needs_one(host, tmp_path):
    with pytest.raises(DesignError, match="--token-file"):
        check_address(host, None)
    (tmp_path / "token").write_text(TOKEN)
    assert check_address(host, tmp_path / "token") == TOKEN


@pytest.mark.parametrize("content", [b"", b"0123", b"two words and more", b"0123456789abcde\xff", None])
def test_a_token_that_is_none_is_refused_without_showing_it(content, tmp_path):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(DesignError, match="token") as error:
        check_address("127.0.0.1", tmp_path / "token")
    assert not content or content.decode("latin-1") not in str(error.value)
