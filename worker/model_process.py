"""PASS as a process of its own: `luss pass`, in a folder that survives whoever watches it.

The process has its own memory, a session of its own (so that all of it can be killed at once) and
none of our settings. It is told to end when its worker dies. Until it really has, it holds the
folder's lock, so that nobody takes its work over before.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from server.model_runs.claims import Standing

REFUSED, INTERRUPTED = 1, 143
"""Exit codes of `luss pass`: it would end so again; it was told to end and can go on."""
STOP_SECONDS = 30
"""How long a process that is told to end may take for its checkpoint."""
CURVE_POINTS = 120
"""Points that are kept of a stage's losses."""
_TAIL_BYTES = 4096
_HANDED_ON = frozenset({"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "VIRTUAL_ENV"})
_HANDED_ON_PREFIXES = ("CUDA_", "GOMP_", "MKL_", "NCCL_", "NVIDIA_", "OMP_", "TORCH_")
_BRIEF_WAITS = {"GOMP_SPINCOUNT": "10000"}
"""Torch's threads wait for one another by spinning, and beside the site and other workers keep from
running whom they wait for: on two busy cores a step of `demo` took 3.3 s, and 0.6 s with this."""
_LOCK_FILE, _LOG_FILE, _STATUS_FILE = "lock", "log.txt", "status.jsonl"


class FolderInUse(Exception):
    """A process of an earlier worker has not ended yet."""


@contextmanager
def locked(folder: Path) -> Iterator[IO[bytes]]:
    """Hold a run's folder, made if it is not there; what is yielded carries the lock.

    Raises:
        FolderInUse: somebody else holds it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as reason:
            raise FolderInUse(f"{folder} is still in use") from reason
        yield lock


class ModelProcess:
    """`luss pass` at work in a folder; a context manager that leaves nothing running."""

    def __init__(self, words: Sequence[str], *, folder: Path, lock: IO[bytes]) -> None:
        self._folder = folder
        luss = str(Path(sys.executable).with_name("luss"))
        guard = (sys.executable, "-m", "client.guarded", str(os.getpid()))
        with (folder / _LOG_FILE).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # the command is ours
                [*guard, luss, "pass", *words],
                env=environment(),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, with time for a checkpoint, and kill what is left of its group."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ended_within(self, seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        return self._process.returncode is not None

    @property
    def exit_code(self) -> int:
        """Return how it ended; negative is the signal that killed it."""
        code = self._process.returncode
        if code is None:
            raise RuntimeError("the process has not ended")
        return code

    @property
    def blames_weights(self) -> bool:
        """Tell whether it ended because of the weights that it was given."""
        said = _statuses(self._folder)
        return self.exit_code > 0 and bool(said) and said[-1].get("fault") == "weights"

    @property
    def last_words(self) -> str:
        """Return why it ended, as far as it could say so."""
        if self.exit_code < 0:
            return f"The process was killed by {signal.Signals(-self.exit_code).name}."
        said = _statuses(self._folder)
        if said and said[-1].get("message"):
            return str(said[-1]["message"])
        lines = _end_of(self._folder / _LOG_FILE, _TAIL_BYTES).split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "It said nothing.")


def standing_of(folder: Path) -> Standing:
    """Read how far the run in a folder is."""
    nothing: dict[str, Any] = {}
    said = next((line for line in reversed(_statuses(folder)) if line.get("stage")), nothing)
    return Standing(
        stage=said.get("stage"),
        step=said.get("step", 0),
        steps=said.get("steps", 0),
        seconds_left=said.get("seconds_left"),
        curves={log.parent.name: _curve(log) for log in sorted(folder.glob("*/losses.jsonl"))},
    )


def _statuses(folder: Path) -> list[dict[str, Any]]:
    """Return the last whole lines of the status file."""
    found = []
    for line in _end_of(folder / _STATUS_FILE, _TAIL_BYTES).split("\n"):
        with suppress(json.JSONDecodeError):  # the first and the last one may be cut
            found.append(json.loads(line))
    return [said for said in found if isinstance(said, dict)]


def _curve(log: Path) -> list[list[float]]:
    """Return steps and losses of a stage, thinned out to what a small plot can show."""
    points = []
    for line in log.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):  # the last line may be half written
            said = json.loads(line)
            points.append([said["step"], said["total"]])
    every = -(-len(points) // CURVE_POINTS) or 1
    return points[::every]


def _end_of(file: Path, size: int) -> str:
    """Return the last bytes of a file as text; nothing where there is none."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - size))
            return opened.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def environment() -> dict[str, str]:
    """Return what a model may know of our environment: how to compute, and no secret."""
    handed_on = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  # handed on, not read
        if name in _HANDED_ON or name.startswith(_HANDED_ON_PREFIXES)
    }
    return _BRIEF_WAITS | handed_on
