"""What a decoder that was taken over might try: tests start a zygote with these jobs."""

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from worker.sandbox.keeper import Job, Report

BLOCK = 2**24


def refused(attempt: Any) -> str:
    """Try something; say which error came of it, or that it worked."""
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "done"


def add(arguments: Mapping[str, Any], report: Report) -> Any:
    report(1, 2)
    return {"sum": arguments["a"] + arguments["b"], "pid": os.getpid()}


def spin(_arguments: Mapping[str, Any], _report: Report) -> Any:
    while True:
        pass


def sleep(_arguments: Mapping[str, Any], report: Report) -> Any:
    report(os.getpid(), 0)
    time.sleep(3600)


def allocate_at_once(_arguments: Mapping[str, Any], _report: Report) -> Any:
    return int(np.ones(40 * 2**30, np.uint8).sum())


def allocate_bit_by_bit(_arguments: Mapping[str, Any], _report: Report) -> Any:
    kept = []
    while True:
        kept.append(b"x" * BLOCK)
        time.sleep(0.005)


def allocate_shared(_arguments: Mapping[str, Any], _report: Report) -> Any:
    """Memory that RLIMIT_DATA does not count."""
    shared = mmap.mmap(-1, 4 * 2**30)
    while True:
        shared.write(b"x" * BLOCK)
        time.sleep(0.005)


def write_a_huge_file(_arguments: Mapping[str, Any], _report: Report) -> Any:
    with Path("huge").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(BLOCK))


def crash(_arguments: Mapping[str, Any], _report: Report) -> Any:
    ctypes.string_at(0)


def fail(_arguments: Mapping[str, Any], _report: Report) -> Any:
    raise RuntimeError("a bug of ours")


def find_no_room(_arguments: Mapping[str, Any], _report: Report) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def leave(_arguments: Mapping[str, Any], _report: Report) -> Any:
    os._exit(0)


def answer_nonsense(_arguments: Mapping[str, Any], _report: Report) -> Any:
    """Write over everything that is open, as if it were the channel."""
    for number in range(3, 100):
        refused(lambda number=number: os.write(number, b"\xff" * 64))
    time.sleep(3600)


def look_around(arguments: Mapping[str, Any], _report: Report) -> Any:
    """Report what can be seen and done from here."""
    thread = threading.Thread(target=int)
    thread.start()
    return {
        "environment": dict(os.environ),  # noqa: TID251  # what leaks is the question
        "files": sorted(
            number for number in range(100) if refused(lambda n=number: os.fstat(n)) == "done"
        ),
        "modules": sorted(sys.modules),
        "fork": refused(lambda: os.fork() or os._exit(0)),
        "exec": refused(lambda: subprocess.run(["/bin/true"], check=False)),
        "connect": refused(lambda: socket.create_connection(("127.0.0.1", arguments["port"]))),
        "datagram": refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "signal": refused(lambda: os.kill(arguments["worker"], 0)),
        "environment of the worker": refused(
            lambda: Path(f"/proc/{arguments['worker']}/environ").read_bytes()
        ),
        "secret": refused(lambda: Path(arguments["secret"]).read_bytes()),
        "given": refused(lambda: Path(arguments["given"]).read_bytes()),
        "write to given": refused(lambda: Path(arguments["given"]).write_bytes(b"")),
        "write outside": refused(lambda: Path(arguments["secret"]).with_name("new").touch()),
        "write in scratch": refused(lambda: Path("new").write_bytes(b"x")),
        "link in scratch": refused(lambda: Path("link").symlink_to(arguments["secret"])),
    }


JOBS: dict[str, Job] = {
    job.__name__: job
    for job in (
        *(add, spin, sleep, allocate_at_once, allocate_bit_by_bit, allocate_shared),
        *(write_a_huge_file, crash, fail, find_no_room, leave, answer_nonsense, look_around),
    )
} | {"inspect": allocate_bit_by_bit}
"""By name; as an archive that is a bomb to whatever opens it, too."""
