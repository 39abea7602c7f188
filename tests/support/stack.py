"""A private site: `luss serve` with its children, in a folder of its own, on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.database import NO_TO_ALL

LUSS = Path(sys.executable).with_name("luss")
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
START_SECONDS = 60
DECLARE = [
    word
    for key in NO_TO_ALL
    for word in ("--declare", f"{key}={'yes' if key == 'label_generation' else 'no'}")
]


class Stack:
    """The site, seen from outside: its commands, its HTTP interface, its processes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Take settings beside the folder and the port, as variables of the environment."""
        self.folder = folder
        self._settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self.token = ""
        self._serving: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name[:5] != "LUSS_"}  # noqa: TID251  # what a shell would pass on
        return {
            **inherited,
            "LUSS_DATA_DIR": str(self.folder / "var"),
            "LUSS_PORT": str(self.port),
            "LUSS_SERVER": self.url,
            "LUSS_TOKEN": self.token,
            "LUSS_PASSWORD": PASSWORD,
            "XDG_STATE_HOME": str(self.folder / "state"),
            **self._settings,
        }

    def luss(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `luss` command to its end, as a person would."""
        run = subprocess.run(
            [LUSS, *words],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if check and run.returncode:
            raise AssertionError(f"luss {words} ended with {run.returncode}:\n{run.stderr}")
        return run

    def register(self, slug: str, masks: Path, *, classes: int, split: str = "test") -> None:
        words = ["--classes", str(classes), "--split", split, "--truth", masks]
        self.luss("admin", "dataset", slug, *words)

    def submit(self, archive: Path, *, subset: str) -> str:
        """Submit as a participant does; return the submission's id."""
        words = ["--protocol", "fully-unsupervised", "--subset", subset, "--split", "test"]
        public_id: str = json.loads(
            self.luss("submit", archive, *words, *DECLARE, "--json").stdout
        )["id"]
        return public_id

    @contextmanager
    def another_worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run one more worker beside the site's own."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [LUSS, "worker"], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(timeout=60)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._serving = subprocess.Popen(
                [LUSS, "serve"], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        eventually(self._answers, seconds=START_SECONDS, what=f"{self.url} to answer")

    def stop(self) -> int:
        """Stop the site as Ctrl-C does; return the exit code."""
        assert self._serving is not None
        self._serving.send_signal(signal.SIGINT)
        return self._serving.wait(timeout=60)

    def _answers(self) -> bool:
        assert self._serving is not None
        assert self._serving.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        """Read from the API with this site's token, or as anybody when there is none."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = httpx.get(f"{self.url}{path}", headers=headers)
        answer.raise_for_status()
        return answer.json()

    def submission(self, public_id: str) -> Any:
        return self.get(f"/api/v1/submissions/{public_id}")

    def final(self, public_id: str, *, seconds: float = 60) -> Any:
        """Wait until a submission has ended and return it."""
        states = ("scored", "rejected", "failed", "withdrawn")
        eventually(
            lambda: self.submission(public_id)["state"] in states,
            seconds=seconds,
            what=f"submission {public_id} to end",
        )
        return self.submission(public_id)

    def workers(self) -> list[int]:
        """Return the processes of this site's worker, the oldest first."""
        return self._processes("worker.celery_app", "worker")

    def web(self) -> list[int]:
        """Return the process that answers requests."""
        return self._processes("uvicorn")

    def _processes(self, *wanted: str) -> list[int]:
        mine = f"LUSS_DATA_DIR={self.folder / 'var'}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked
            if mine in environment and all(word.encode() in words for word in wanted):
                found.append(int(process.name))
        return sorted(found)

    def files(self, folder: str) -> list[str]:
        root = self.folder / "var" / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@contextmanager
def stack_in(folder: Path, **settings: str) -> Iterator[Stack]:
    """Start a site with an account and a token; nothing of it runs on afterwards."""
    stack = Stack(folder, **settings)
    stack.luss("admin", "init")
    stack.luss("admin", "user", EMAIL)
    stack.token = stack.luss("admin", "token", EMAIL, "--scope", "submit").stdout.strip()
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def eventually(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.1)
