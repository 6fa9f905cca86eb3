from __future__ import annotations

import msgspec
import pytest
from tests.serving.wire import TYPE, running

from sixfold.serving.connection import Limits

SHORT = Limits(header_s=0.2, body_s=0.2, write_s=0.2, keep_alive_s=0.2)


def test_requests_share_a_connection():
    with running() as run:
        wire = run.wire()
        for _ in range(3):
            given = wire.get().answer()
            assert (given.status, given.body) == (200, b'{"ok":true,"reasons":[]}')
        assert wire.post("/echo", b"[1]").answer().body == b"[1]"


def test_pipelined_requests_are_answered_in_order():
    with running() as run:
        wire = run.wire().get("/wait").get("/")
        wire.post("/echo", b"[1]").get("/nothing")
        run.wait_begun()
        run.release()
        answers = [wire.answer() for _ in range(4)]
        assert [one.status for one in answers] == [200, 200, 200, 404]
        assert b"waited" in answers[0].body
        assert answers[2].body == b"[1]"


def test_a_chunked_body_is_read():
    with running() as run:
        wire = run.wire().send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n", TYPE, "\r\n")
        assert wire.send("3\r\n[1,\r\n", "2\r\n2]\r\n", "0\r\n\r\n").answer().body == b"[1,2]"


def test_a_client_that_asks_is_told_to_go_on_with_its_body():
    with running() as run:
        wire = run.wire().send(
            "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n", TYPE, "\r\n"
        )
        assert wire.answer().status == 100
        assert wire.send("[1]").answer().body == b"[1]"


def test_a_client_that_asks_with_too_much_is_refused_before_it_sends_it():
    with running() as run:
        wire = run.wire().send(
            "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9999999\r\n", TYPE, "\r\n"
        )
        given = wire.answer()
        assert (given.status, given.headers["connection"]) == (413, "close")
        assert wire.is_closed()


def test_a_body_that_is_refused_early_is_read_past():
    with running() as run:
        wire = run.wire().post("/nothing", bytes(3 << 20))
        assert wire.answer().status == 404
        assert wire.get().answer().status == 200


def test_head_has_a_length_and_no_body():
    with running() as run:
        wire = run.wire().send("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").get()
        head, _ = wire._until(b"\r\n\r\n")
        assert b"content-length: 24" in head
        wire._rest = wire._rest.partition(b"\r\n\r\n")[2]
        assert wire.answer().body == b'{"ok":true,"reasons":[]}'


@pytest.mark.parametrize("sent", ["GET / HT", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: 1"])
def test_headers_that_do_not_end_are_cut(sent):
    with running(limits=SHORT) as run:
        wire = run.wire().send(sent)
        given = wire.answer()
        assert (given.status, given.headers["connection"]) == (408, "close")
        assert msgspec.json.decode(given.body)["error"]["code"] == "slow_client"
        assert wire.is_closed()
        assert run.cut() == {"slow headers": 1}


def test_headers_that_drip_are_cut_all_the_same():
    with running(limits=SHORT) as run:
        wire = run.wire().send("GET / HTTP/1.1\r\n")
        while wire.is_quiet(0.02):
            wire.send("a: b\r\n")
        assert wire.answer().status == 408


@pytest.mark.parametrize("first", ["", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_a_connection_on_which_nothing_comes_is_closed(first):
    with running(limits=SHORT) as run:
        wire = run.wire().send(first)
        if first:
            assert wire.answer().status == 200
        assert wire.is_closed()
        assert run.cut() == {"idle": 1}


def test_empty_lines_do_not_hold_a_connection():
    with running(limits=SHORT) as run:
        wire = run.wire()
        while wire.is_quiet(0.02):
            wire.send("\r\n")
        assert wire.is_closed()


def test_a_body_that_does_not_end_is_cut():
    with running(limits=SHORT) as run:
        wire = run.wire().send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n", TYPE, "\r\n[1")
        assert wire.answer().status == 408
        assert wire.is_closed()
        assert run.cut() == {"slow body": 1}
        assert run.ended.wait(10)
        assert [["/echo", "499"], 1] in run.telemetry.snapshot()["sixfold_http_requests_total"]["series"]


def test_a_body_after_an_early_answer_is_not_waited_for():
    with running(limits=SHORT) as run:
        wire = run.wire().send("POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\n[1")
        assert wire.answer().status == 404
        assert wire.is_closed()


def test_our_own_work_is_not_the_clients_delay():
    with running(limits=SHORT) as run:
        wire = run.wire().get("/wait")
        run.wait_begun()
        # A second client is cut meanwhile: so much time has gone by, and more.
        assert run.wire().is_closed()
        run.release()
        assert wire.answer().status == 200


def test_a_second_request_cut_short_leaves_the_first_its_answer():
    with running(limits=SHORT) as run:
        wire = run.wire().get("/wait").send("GET / HT")
        run.wait_begun()
        assert run.wire().is_closed()
        run.release()
        given = wire.answer()
        assert (given.status, given.headers["connection"]) == (200, "close")
        assert wire.is_closed()


def test_a_client_that_does_not_read_is_cut():
    with running(limits=SHORT) as run:
        wire = run.wire(receive_bytes=4096).get("/large")
        assert run.ended.wait(10)
        with pytest.raises(ConnectionError):
            wire.answer()
        assert run.cut() == {"unread": 1}


def test_beyond_the_cap_a_connection_is_refused_and_below_it_taken_again():
    with running(limits=Limits(connections=2)) as run:
        kept, other = run.wire(), run.wire()
        for wire in (kept, other):
            assert wire.get().answer().status == 200
        third = run.wire()
        given = third.answer()
        assert (given.status, given.headers["retry-after"], given.headers["connection"]) == (503, "1", "close")
        assert msgspec.json.decode(given.body)["error"]["code"] == "overloaded"
        assert third.is_closed()
        assert other.get(headers="connection: close\r\n").answer().status == 200
        assert other.is_closed()
        assert run.wire().get().answer().status == 200
        assert kept.get().answer().status == 200


def test_headers_have_a_limit():
    with running() as run:
        wire = run.wire()
        wire.send("GET / HTTP/1.1\r\nx: ")
        while wire.is_quiet(0.01):
            wire.send(b"a" * 16384)
        assert wire.answer().status == 431


def test_a_body_without_end_has_one():
    with running(limits=Limits(message_bytes=100_000)) as run:
        wire = run.wire().send("POST /nothing HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        assert wire.answer().status == 404
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                wire.send("4000\r\n", bytes(0x4000), "\r\n")
        assert run.cut() == {"body": 1}


@pytest.mark.parametrize(
    "sent",
    [
        "\0\1\2", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\xff HTTP/1.1\r\n\r\n",
        "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", "GET / HTTP/1.1\r\na b: c\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_400_and_closed(sent):
    with running() as run:
        wire = run.wire().send(sent.encode("latin-1"))
        given = wire.answer()
        assert given.status == 400
        assert msgspec.json.decode(given.body)["error"]["code"] == "bad_request"
        assert wire.is_closed()


def test_what_is_no_http_after_a_request_leaves_it_its_answer():
    with running() as run:
        wire = run.wire().get("/wait").send("\0\1\2\r\n\r\n")
        run.wait_begun()
        run.release()
        assert wire.answer().status == 200
        assert wire.is_closed()


def test_a_broken_chunk_is_400():
    with running() as run:
        wire = run.wire().send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n", TYPE, "\r\nzz\r\n")
        assert wire.answer().status == 400
        assert wire.is_closed()


def test_an_upgrade_is_not_taken():
    with running() as run:
        headers = (
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n"
        )
        assert run.wire().get(headers=headers).answer().status == 200
