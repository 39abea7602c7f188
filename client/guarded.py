"""`python -m client.guarded PID COMMAND...` runs a command that does not outlive its parent PID.

The supervisor may be killed without a chance to stop its children. Linux can then send each of them
SIGTERM; they have to ask for it themselves, and the request survives the change into the command.
(Between fork and exec of a process with threads no Python may run, hence this small program.) Other
systems have nothing like it: there, children of a killed supervisor have to be stopped by hand.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:
            sys.exit(1)  # the parent died before it could be watched
    os.execvp(command[0], command)  # noqa: S606  # replacing this process is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
