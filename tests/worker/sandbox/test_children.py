"""Real children, some of them hostile: what they cost, and what they can reach."""

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from worker.sandbox.allowance import Allowance, ChildFailed, Ending, Walls
from worker.sandbox.children import ChildProcesses
from worker.sandbox.confinement import NoWalls, check_walls
from worker.sandbox.zygote import ENVIRONMENT

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
HOSTILE = "tests.support.hostile_jobs"
MB = 2**20
LIMITS = Allowance(memory_bytes=512 * MB, cpu_seconds=60, wall_seconds=60, file_bytes=64 * MB)


def nothing(*_: object) -> None:
    """Take a report, or let the work go on."""


class Children:
    """A sandbox with hostile jobs, and a folder for each of them."""

    def __init__(self, folder: Path, walls: Walls = Walls.FULL) -> None:
        self._folder = folder
        self.sandbox = ChildProcesses(LIMITS, walls, jobs_module=HOSTILE)

    @property
    def zygote(self) -> int:
        assert self.sandbox._zygote is not None
        return self.sandbox._zygote._process.pid

    @contextmanager
    def limited(self, **limits: float) -> Iterator[None]:
        self.sandbox._allowance = Allowance(**{**LIMITS.to_json(), **limits})
        yield
        self.sandbox._allowance = LIMITS

    def run(
        self,
        job: str,
        *,
        progress: Callable[[int, int], None] = nothing,
        still_wanted: Callable[[], None] = nothing,
        readable: tuple[Path, ...] = (),
        **arguments: Any,
    ) -> Any:
        return self.sandbox.run(
            job,
            arguments,
            scratch=Path(mkdtemp(dir=self._folder)),
            readable=readable,
            progress=progress,
            still_wanted=still_wanted,
        )


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    made = Children(tmp_path_factory.mktemp("children"))
    yield made
    made.sandbox.close()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(holds: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_answers_and_progress_come_back(children: Children) -> None:
    heard = []

    first = children.run("add", a=1, b=2, progress=lambda *said: heard.append(said))
    second = children.run("add", a=3, b=4)

    assert (first["sum"], second["sum"]) == (3, 7)
    assert first["pid"] != second["pid"]
    assert heard == [(1, 2)]


@pytest.mark.parametrize(
    ("job", "limits", "ending"),
    [
        ("sleep", {"wall_seconds": 1}, Ending.TIME_LIMIT),
        ("spin", {"wall_seconds": 1}, Ending.TIME_LIMIT),
        ("spin", {"cpu_seconds": 1}, Ending.CPU_LIMIT),
        ("allocate_at_once", {}, Ending.MEMORY_LIMIT),
        ("allocate_bit_by_bit", {}, Ending.MEMORY_LIMIT),
        ("allocate_shared", {}, Ending.MEMORY_LIMIT),
        ("write_a_huge_file", {}, Ending.FILE_LIMIT),
        ("crash", {}, Ending.CRASHED),
        ("fail", {}, Ending.ERROR),
        ("leave", {}, Ending.ERROR),
        ("answer_nonsense", {}, Ending.ERROR),
    ],
)
def test_what_goes_wrong_costs_a_child_and_has_a_name(
    children: Children, job: str, limits: dict[str, float], ending: Ending
) -> None:
    zygote = children.zygote
    started = time.monotonic()

    with children.limited(**limits), pytest.raises(ChildFailed) as failed:
        children.run(job)

    assert failed.value.ending is ending
    assert time.monotonic() - started < limits.get("wall_seconds", 1) + 10
    assert children.zygote == zygote


def test_a_full_disk_is_told_as_the_system_tells_it(children: Children) -> None:
    with pytest.raises(OSError, match="No space left") as full:
        children.run("find_no_room")

    assert full.value.errno == errno.ENOSPC


def test_a_crash_says_where_in_the_log(
    children: Children, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ChildFailed, match="SIGSEGV"), caplog.at_level(logging.ERROR):
        children.run("crash")

    assert "Segmentation fault" in caplog.text
    assert "hostile_jobs.py" in caplog.text


class TestReach:
    @pytest.fixture
    def seen(self, children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        children.sandbox.close()  # another zygote starts in this environment
        monkeypatch.setenv("LUSS_DATABASE_URL", "postgresql://luss:secret@db/luss")
        secret, given = tmp_path / "secret", tmp_path / "given"
        secret.write_text("a")
        given.write_text("b")
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            return children.run(
                "look_around",
                port=listening.getsockname()[1],
                worker=os.getpid(),
                secret=str(secret),
                given=str(given),
                readable=(given,),
            )

    def test_nothing_secret_is_inherited(self, seen: Any) -> None:
        # Python and OpenCV add one variable each.
        assert set(seen["environment"]) <= {*ENVIRONMENT, "LC_CTYPE", "LD_LIBRARY_PATH"}
        assert len(seen["files"]) == 4
        foreign = {"sqlalchemy", "celery", "kombu", "obstore", "pydantic", "server", "fastapi"}
        assert not foreign & set(seen["modules"])

    def test_there_is_no_way_out(self, seen: Any) -> None:
        for deed in (
            *("fork", "exec", "connect", "datagram", "signal", "environment of the worker"),
            *("secret", "write to given", "write outside", "link in scratch"),
        ):
            assert seen[deed] == "PermissionError", deed

    def test_what_the_work_needs_is_there(self, seen: Any) -> None:
        assert seen["given"] == seen["write in scratch"] == "done"


def test_without_the_kernels_filters_limits_hold_all_the_same(tmp_path: Path) -> None:
    children = Children(tmp_path, Walls.LIMITS)
    try:
        with children.limited(wall_seconds=1), pytest.raises(ChildFailed) as slow:
            children.run("sleep")
        with pytest.raises(ChildFailed) as large:
            children.run("allocate_at_once")
    finally:
        children.sandbox.close()

    assert (slow.value.ending, large.value.ending) == (Ending.TIME_LIMIT, Ending.MEMORY_LIMIT)


def test_jobs_of_several_threads_run_side_by_side(children: Children) -> None:
    sums: list[int] = []

    def work(number: int) -> None:
        sums.append(children.run("add", a=number, b=0)["sum"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sums) == list(range(6))


def test_a_job_that_is_wanted_no_longer_ends_and_so_does_its_child(children: Children) -> None:
    pids: list[int] = []

    def not_wanted() -> None:
        if pids:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        children.run("sleep", progress=lambda pid, _: pids.append(pid), still_wanted=not_wanted)

    assert eventually(lambda: not is_alive(pids[0]))


def test_a_killed_zygote_costs_the_jobs_of_the_moment(children: Children) -> None:
    pids: list[int] = []

    def kill_the_zygote(pid: int, _total: int) -> None:
        pids.append(pid)
        os.kill(children.zygote, signal.SIGKILL)

    with pytest.raises(ChildFailed) as lost:
        children.run("sleep", progress=kill_the_zygote)

    assert lost.value.ending is Ending.LOST
    assert eventually(lambda: not is_alive(pids[0]))
    assert children.run("add", a=1, b=2)["sum"] == 3


def test_no_child_outlives_its_worker(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            (
                "import sys; from pathlib import Path;"
                "from tests.worker.sandbox.test_children import Children;"
                "Children(Path(sys.argv[1])).run("
                "    'sleep', progress=lambda pid, _: print(pid, flush=True))"
            ),
            str(tmp_path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        children_of = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
        zygote = int(children_of.read_text())
        assert is_alive(child)

        worker.kill()

    assert eventually(lambda: not (is_alive(child) or is_alive(zygote)))


def test_what_was_started_before_serves_the_first_job(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.sandbox.start()
    zygote = children.zygote
    children.sandbox.start()

    assert children.run("add", a=1, b=2)["sum"] == 3
    assert children.zygote == zygote
    children.sandbox.close()


def test_a_zygote_that_cannot_start_is_told(tmp_path: Path) -> None:
    sandbox = ChildProcesses(LIMITS, Walls.FULL, jobs_module="no.such.module")

    with pytest.raises(ChildFailed, match="did not start"):
        sandbox.start()
    with pytest.raises(ChildFailed, match="did not start"):
        sandbox.run(
            "add", {}, scratch=tmp_path, readable=(), progress=nothing, still_wanted=nothing
        )


def test_walls_that_the_system_cannot_build_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for walls in Walls:
        check_walls(walls)

    monkeypatch.setattr("worker.sandbox.landlock.version", lambda: 0)
    check_walls(Walls.LIMITS)
    with pytest.raises(NoWalls, match="LUSS_SANDBOX=limits protects less"):
        check_walls(Walls.FULL)

    monkeypatch.setattr(sys, "platform", "darwin")
    check_walls(Walls.NONE)
    for walls in (Walls.FULL, Walls.LIMITS):
        with pytest.raises(NoWalls, match="LUSS_SANDBOX=none protects less"):
            check_walls(walls)
