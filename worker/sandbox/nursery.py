"""The zygote as the worker sees it: started, given orders, ended."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import worker
from worker.sandbox.allowance import ChildFailed, Ending, Walls
from worker.sandbox.keeper import Order
from worker.sandbox.zygote import ENVIRONMENT, LARGEST_ORDER_BYTES

START_SECONDS = 60


class Zygote:
    """The running process, and the channel on which it takes orders."""

    def __init__(self, jobs_module: str, walls: Walls) -> None:
        self._control, its_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_control:
            number = its_control.fileno()
            self._process = subprocess.Popen(  # noqa: S603  # the command is ours
                [
                    *(sys.executable, "-m", "worker.sandbox.zygote"),
                    *(jobs_module, walls, str(number)),
                ],
                env=ENVIRONMENT,
                cwd=Path(worker.__path__[0]).parent,
                stdin=subprocess.DEVNULL,
                pass_fds=(number,),
                start_new_session=True,
            )
        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(16)
        except TimeoutError:
            ready = b""
        if ready != b"ready":
            self.end()
            raise ChildFailed(Ending.LOST, "the process that starts children did not start")

    def takes(self, order: Order, channels: tuple[socket.socket, ...]) -> bool:
        content = json.dumps(order.to_json()).encode()
        if len(content) > LARGEST_ORDER_BYTES:
            raise ValueError(f"{order.job} has {len(content)} bytes of arguments")
        try:
            socket.send_fds(self._control, [content], [each.fileno() for each in channels])
        except OSError:
            return False
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the zygote, and with it every keeper and child."""
        self._control.close()
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
