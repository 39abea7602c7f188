"""A proxy that breaks connections: each PATCH is cut after so many bytes, while there are cuts."""

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

RESET = struct.pack("ii", 1, 0)  # linger for 0 s: the other side sees a reset


class CuttingProxy:
    """Forwards bytes between a client and the site; ``cuts`` says after how many to stop."""

    def __init__(self, port: int, cuts: Iterable[int]) -> None:
        self._site = ("127.0.0.1", port)
        self._cuts = iter(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.made = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._forward, args=(client,))
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._site) as site:
            back = threading.Thread(target=_pump, args=(site, client))
            back.start()
            budget: int | None = None
            sent = 0
            with suppress(OSError):
                while chunk := client.recv(65536):
                    if not sent and chunk.startswith(b"PATCH"):
                        budget = next(self._cuts, None)
                    if budget is not None and sent + len(chunk) > budget:
                        site.sendall(chunk[: budget - sent])
                        self.made += 1
                        for each in (site, client):
                            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        break
                    site.sendall(chunk)
                    sent += len(chunk)
            for each in (site, client):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def cutting_proxy(address: str, cuts: Iterable[int]) -> Iterator[CuttingProxy]:
    """Stand in front of the site at an address, for as long as the context lasts."""
    proxy = CuttingProxy(int(address.rsplit(":", 1)[1]), cuts)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
