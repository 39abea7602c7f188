"""Messages between processes: JSON, each with its length before it. Nothing is ever unpickled."""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
LARGEST_BYTES = 16 * 1024**2
"""No honest message comes near; a child that was taken over must not fill its worker's memory."""


class BadFrame(Exception):
    """What came is no message: too long, or not JSON."""


def send(channel: socket.socket, message: Any) -> None:
    """Send one message, whole.

    Raises:
        BadFrame: it is larger than the other side accepts.
        OSError: nobody listens any more.
    """
    content = json.dumps(message, separators=(",", ":")).encode()
    if len(content) > LARGEST_BYTES:
        raise BadFrame(f"a message has {len(content)} bytes; {LARGEST_BYTES} are accepted")
    channel.sendall(_LENGTH.pack(len(content)) + content)


class Inbox:
    """Messages as they arrive on a channel, which may have a timeout."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting = bytearray()

    def receive(self) -> Any:
        """Return the next message, None at the end; half a message before the end is dropped.

        Raises:
            BadFrame: what came is no message.
            TimeoutError: the rest is yet to come; ask again.
        """
        head = self._take(_LENGTH.size, keep=True)
        if head is None:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > LARGEST_BYTES:
            raise BadFrame(f"a message of {length} bytes was announced; {LARGEST_BYTES} are taken")
        frame = self._take(_LENGTH.size + length)
        if frame is None:
            return None
        try:
            return json.loads(frame[_LENGTH.size :])
        except (ValueError, RecursionError) as reason:
            raise BadFrame("a message is not JSON") from reason

    def _take(self, count: int, *, keep: bool = False) -> bytes | None:
        while len(self._waiting) < count:
            try:
                more = self._channel.recv(max(65_536, count - len(self._waiting)))
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._waiting += more
        taken = bytes(self._waiting[:count])
        if not keep:
            del self._waiting[:count]
        return taken
