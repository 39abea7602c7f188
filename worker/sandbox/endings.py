"""What became of a child: its answer, or one sentence on why there is none."""

import errno
import logging
import os
import signal
from pathlib import Path
from typing import Any

from worker.sandbox.allowance import Allowance, ChildFailed, Ending
from worker.sandbox.confinement import STDERR
from worker.sandbox.keeper import Order

log = logging.getLogger(__name__)
_LAST_WORDS_BYTES = 4000
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def answer(said: dict[str, Any] | None, judged: dict[str, Any] | None, order: Order) -> Any:
    """Return what the child has answered.

    Args:
        said: the child's last message.
        judged: its keeper's verdict.
        order: what was asked for.

    Raises:
        ChildFailed: there is no answer.
        OSError: the child's disk has no room, which is nobody's doing in there.
    """
    if judged is None:
        raise ChildFailed(Ending.LOST, "the processes that read archives were killed")
    said = said or {}
    log.info(
        "%s took %.2f s of processor and %d MB at most",
        order.job,
        judged["cpu_seconds"],
        judged["peak_bytes"] // 2**20,
    )
    ending = judged["ending"] or said.get("ending")
    if ending is None and "answer" in said:
        return said["answer"]
    ending = Ending.ERROR if ending is None else Ending(ending)
    log.error(
        "the child for %s ended with %s, exit code %d: %s",
        order.job,
        ending,
        judged["code"],
        said.get("details") or _last_words(order.scratch),
    )
    if ending is Ending.ERROR and said.get("errno") in _NO_ROOM:
        raise OSError(said["errno"], os.strerror(said["errno"]), str(order.scratch))
    raise ChildFailed(ending, _sentence(ending, order.allowance, judged["code"]))


def _sentence(ending: Ending, allowance: Allowance, code: int) -> str:
    """Say it to the participant, who may have done nothing wrong, as the end of a sentence."""
    memory, file = (
        f"{count / 2**30:.3g} GiB" for count in (allowance.memory_bytes, allowance.file_bytes)
    )
    if ending is Ending.CRASHED:
        name = signal.Signals(-code).name
        return f"the process that read the archive crashed with signal {-code} ({name})"
    return {
        Ending.MEMORY_LIMIT: f"reading the archive took more memory than the {memory} it may take",
        Ending.TIME_LIMIT: f"reading the archive took over {allowance.wall_seconds:g} s",
        Ending.CPU_LIMIT: f"reading the archive took over {allowance.cpu_seconds} s on processors",
        Ending.FILE_LIMIT: f"reading the archive wrote a file larger than {file}",
        Ending.LOST: "the process that read the archive was killed from outside",
        Ending.ERROR: "the process that read the archive ended with an error",
    }[ending]


def _last_words(scratch: Path) -> str:
    try:
        with (scratch / STDERR).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return "it said nothing"
