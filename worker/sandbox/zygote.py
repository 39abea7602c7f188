"""`python -m worker.sandbox.zygote JOBS WALLS CONTROL`: it has imported the scorer, and forks.

Importing NumPy, OpenCV and Arrow takes half a second, a fork two milliseconds. So one process has
imported them, in a fresh interpreter with an environment of our making: there is nothing secret in
its memory that a child could inherit. It has one thread, opens no archive, and ends with its
worker: when the control channel closes.
"""

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

import cv2
import pyarrow as pa

from worker.sandbox.allowance import Walls
from worker.sandbox.confinement import die_with, prepare
from worker.sandbox.keeper import Job, Order, keep

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    # Threads do not survive a fork: none may be started before it.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""All that a zygote, and so a child, finds in its environment."""

LARGEST_ORDER_BYTES = 65_536


def main(jobs_module: str, walls: Walls, control: socket.socket) -> None:
    jobs: dict[str, Job] = import_module(jobs_module).JOBS
    cv2.setNumThreads(1)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        sys.exit(f"the zygote has {threads} threads; it can fork safely with one only")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need nobody to wait for them
    # A service manager that stops the worker may tell us as well; the worker decides when we end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prepare(walls)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page of ours
    control.send(b"ready")
    while True:
        content, channels, *_ = socket.recv_fds(control, LARGEST_ORDER_BYTES, 2)
        if not content:
            return
        answers, verdict = (socket.socket(fileno=number) for number in channels)
        zygote = os.getpid()
        if os.fork() == 0:
            die_with(zygote)
            control.close()
            order = Order.from_json(json.loads(content))
            keep(order, jobs, walls, answers=answers, verdict=verdict)
        answers.close()
        verdict.close()


if __name__ == "__main__":
    main(sys.argv[1], Walls(sys.argv[2]), socket.socket(fileno=int(sys.argv[3])))
