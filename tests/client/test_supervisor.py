import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.errors import SupervisionEnded
from client.supervisor import Child, Patience, Supervisor

pytestmark = pytest.mark.slow

IMPATIENT = Patience(restart_pause_seconds=0.05, stop_grace_seconds=3.0)

# Says hello with its process id in a file, then waits to be told to end.
LIVING = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(60)
"""
SHORT_LIVED = "import sys; sys.exit(7)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LIVING
# Starts a process of its own in its group, which does not listen to anyone.
PARENT = (
    """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
"""
    + LIVING
)


def child(name: str, code: str, *arguments: str) -> Child:
    return Child(
        name=name,
        command=[sys.executable, "-c", code, *arguments],
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def pids(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Act in another thread: the supervisor wants the main one."""
    thread = threading.Thread(target=action)
    thread.start()
    yield
    thread.join()


class TestRun:
    def test_keeps_all_children_until_stopped_and_leaves_none(self, tmp_path: Path) -> None:
        children = [child(name, LIVING, str(tmp_path)) for name in ("one", "two")]
        supervisor = Supervisor(children, IMPATIENT)

        def stop() -> None:
            wait_for(lambda: len(pids(tmp_path)) == 2)
            supervisor.stop()

        with meanwhile(stop):
            supervisor.run()

        assert not any(is_alive(pid) for pid in pids(tmp_path))

    def test_starts_a_killed_child_again(self, tmp_path: Path) -> None:
        supervisor = Supervisor([child("one", LIVING, str(tmp_path))], IMPATIENT)

        def kill_then_stop() -> None:
            wait_for(lambda: len(pids(tmp_path)) == 1)
            os.kill(next(iter(pids(tmp_path))), signal.SIGKILL)
            wait_for(lambda: len(pids(tmp_path)) == 2)
            supervisor.stop()

        with meanwhile(kill_then_stop):
            supervisor.run()

        assert not any(is_alive(pid) for pid in pids(tmp_path))

    def test_what_a_killed_child_had_started_goes_with_it(self, tmp_path: Path) -> None:
        families, strays = tmp_path / "families", tmp_path / "strays"
        families.mkdir()
        strays.mkdir()
        code = PARENT.replace("sys.argv[2], sys.argv[1]]", f"sys.argv[2], {str(strays)!r}]")
        supervisor = Supervisor([child("one", code, str(families), STUBBORN)], IMPATIENT)

        def kill_then_stop() -> None:
            wait_for(lambda: bool(pids(families)) and bool(pids(strays)))
            stray = next(iter(pids(strays)))
            os.kill(next(iter(pids(families))), signal.SIGKILL)
            wait_for(lambda: not is_alive(stray))
            supervisor.stop()

        with meanwhile(kill_then_stop):
            supervisor.run()

        assert not any(is_alive(pid) for pid in pids(strays))

    def test_a_child_that_keeps_ending_brings_everything_down(self, tmp_path: Path) -> None:
        children = [child("good", LIVING, str(tmp_path)), child("bad", SHORT_LIVED)]

        with pytest.raises(SupervisionEnded, match=r"bad ended with exit code 7 .* 5 times") as end:
            Supervisor(children, IMPATIENT).run()

        assert end.value.exit_code == 3
        assert not any(is_alive(pid) for pid in pids(tmp_path))

    def test_a_child_that_will_not_end_is_killed_after_the_grace(self, tmp_path: Path) -> None:
        patience = Patience(stop_grace_seconds=0.3)
        supervisor = Supervisor([child("one", STUBBORN, str(tmp_path))], patience)

        def stop() -> None:
            wait_for(lambda: len(pids(tmp_path)) == 1)
            supervisor.stop()

        with meanwhile(stop):
            supervisor.run()

        assert not any(is_alive(pid) for pid in pids(tmp_path))

    def test_asked_twice_it_does_not_wait_for_the_grace(self, tmp_path: Path) -> None:
        patience = Patience(stop_grace_seconds=60)
        supervisor = Supervisor([child("one", STUBBORN, str(tmp_path))], patience)

        def stop_twice() -> None:
            wait_for(lambda: len(pids(tmp_path)) == 1)
            supervisor.stop()
            supervisor.stop()

        started = time.monotonic()
        with meanwhile(stop_twice):
            supervisor.run()

        assert time.monotonic() - started < 20


SUPERVISING = """
import sys
from client.supervisor import Child, Supervisor
child = Child(name="one", command=[sys.executable, "-c", sys.argv[1], sys.argv[2]], environment={})
Supervisor([child]).run()
"""


class TestProcess:
    @pytest.fixture
    def supervising(self, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", SUPERVISING, LIVING, str(tmp_path)]
        with subprocess.Popen(command, cwd=root, start_new_session=True) as process:
            wait_for(lambda: len(pids(tmp_path)) == 1)
            yield process
            process.kill()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_it_cleanly(
        self, supervising: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
    ) -> None:
        supervising.send_signal(number)

        assert supervising.wait(timeout=20) == 0
        assert not any(is_alive(pid) for pid in pids(tmp_path))

    def test_children_have_sessions_of_their_own(
        self, supervising: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        (ward,) = pids(tmp_path)

        assert os.getsid(ward) == ward
        assert os.getsid(ward) != os.getsid(supervising.pid)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells orphans")
    def test_children_die_with_a_killed_supervisor(
        self, supervising: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        (ward,) = pids(tmp_path)

        supervising.kill()

        wait_for(lambda: not is_alive(ward))
