"""Being told to stop: what a worker holds is handed back, with the reason, instead of being lost.

`ask` is safe to call from a signal handler. Work that runs notices at the next image, and nothing
new is claimed.
"""

import threading

_asked = threading.Event()


class Stopping(Exception):
    """This process was asked to stop."""


def ask() -> None:
    _asked.set()


def is_asked() -> bool:
    return _asked.is_set()


def forget() -> None:
    """Take new work again."""
    _asked.clear()
