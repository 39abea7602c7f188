"""A server that accepts connections and says nothing."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hanging(process: subprocess.Popen[bytes] | None) -> Iterator[None]:
    """Let a process that runs answer nothing until the block ends."""
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
