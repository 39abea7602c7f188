import socket
import struct
from collections.abc import Iterator

import pytest

from worker.sandbox.frames import LARGEST_BYTES, BadFrame, Inbox, send


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        there.settimeout(0.05)
        yield here, there


Ends = tuple[socket.socket, socket.socket]


def test_messages_arrive_in_order_and_then_the_end(ends: Ends) -> None:
    here, there = ends
    inbox = Inbox(there)
    send(here, {"a": [1, "é", None]})
    send(here, "second")
    here.close()

    assert [inbox.receive() for _ in range(3)] == [{"a": [1, "é", None]}, "second", None]


def test_half_a_message_is_waited_for(ends: Ends) -> None:
    here, there = ends
    inbox = Inbox(there)
    frame = struct.pack("!I", 4) + b"true"

    for piece in (frame[:2], frame[2:6]):
        here.sendall(piece)
        with pytest.raises(TimeoutError):
            inbox.receive()
    here.sendall(frame[6:])

    assert inbox.receive() is True


def test_half_a_message_before_the_end_is_none(ends: Ends) -> None:
    here, there = ends
    here.sendall(struct.pack("!I", 100) + b"{")
    here.close()

    assert Inbox(there).receive() is None


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("!I", LARGEST_BYTES + 1),
        struct.pack("!I", 2) + b"\xff\xff",
        struct.pack("!I", 100_000) + b"[" * 100_000,
    ],
    ids=["too long", "not text", "too deep"],
)
def test_what_is_no_message_is_refused(ends: Ends, frame: bytes) -> None:
    here, there = ends
    here.sendall(frame)

    with pytest.raises(BadFrame):
        Inbox(there).receive()


def test_nothing_is_sent_that_would_be_refused(ends: Ends) -> None:
    with pytest.raises(BadFrame):
        send(ends[0], "x" * LARGEST_BYTES)
