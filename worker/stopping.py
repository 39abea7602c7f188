"""Being told to stop: what a worker holds is handed back, with the reason, instead of being lost.

`ask` is safe to call from a signal handler. Work that runs notices at the next image, and nothing
new is claimed. `announce` says that it will be asked when the grace is over: what takes days to
finish need not wait for that.
"""

import threading

_asked = threading.Event()
_announced = threading.Event()


class Stopping(Exception):
    """This process was asked to stop."""


def announce() -> None:
    _announced.set()


def is_announced() -> bool:
    return _announced.is_set()


def ask() -> None:
    _announced.set()
    _asked.set()


def is_asked() -> bool:
    return _asked.is_set()


def forget() -> None:
    """Take new work again."""
    _announced.clear()
    _asked.clear()
