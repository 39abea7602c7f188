"""Many submissions from many clients while workers are killed: nothing lost, nothing left behind.

Prints one JSON line. `luss stack` runs with two workers and short leases; clients send one
submission after another, each waiting for its end, while now and then one worker is killed with
all its processes. Then everything is counted: submissions in the API, rows in the database, files
in the store, the vault and the folders for passing things, memory of web and workers.

`faults` lists what is not as it should be; the exit code is 1 unless it is empty. To be killed is
none: a submission may be tried ten times here. An attempt that ends early for any other reason than
a worker that was lost is one. `lost_unkilled` counts the lost ones that no kill explains: their
workers were so starved of processor that leases of 4 s ran out.

    python -m benchmarks.soak [--submissions 300] [--images 60] [--clients 20]
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # the folder of this file has modules of other names

from benchmarks.evaluator import CLASSES, make_set
from server.submissions.attempts import NO_LONGER_WANTED, WORKER_LOST
from tests.support.stack import NativeStack, native_stack_in

SUBSET, WORKERS = "bench", 2
LEASE_SECONDS = 4
KILL_AFTER = (3, 12)
"""How many submissions end between two kills."""
KILLS_PER_MINUTE = 8  # the supervisor gives up on what dies more than five times a minute
MAX_ATTEMPTS = 10  # workers die more often here than anywhere
LOST = (WORKER_LOST, NO_LONGER_WANTED)
LONGEST_SECONDS = 900
TIDY_SECONDS = 10 * LEASE_SECONDS
SAMPLE_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.2
LOG_BYTES = 20_000
ASK_EVERY_SECONDS = 0.5
MEBIBYTE = 2**20
FLAT_MB = 40
"""By how much the last third of a run may exceed the first: caches fill, leaks do not stop."""


@dataclass
class Beside:
    """What happens beside the clients: kills, and samples of memory in bytes."""

    stack: NativeStack
    ended: int = 0
    kills: int = 0
    web: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=each) for each in (self._kill, self._sample)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _kill(self) -> None:
        """Kill whenever a few more submissions have ended, though not too often."""
        drawn, times = random.Random(1), deque[float]()  # noqa: S311  # when, not what
        due = drawn.randint(*KILL_AFTER)
        while not self._over.wait(LOOK_EVERY_SECONDS):
            groups = self.stack.worker_groups()
            are_up = len([group for group in groups if len(group) > 1]) == WORKERS
            while times and times[0] < time.monotonic() - 60:
                times.popleft()
            if self.ended >= due and are_up and len(times) < KILLS_PER_MINUTE:
                self.stack.kill_worker(0)  # the older one: they take turns
                times.append(time.monotonic())
                self.kills += 1
                due = self.ended + drawn.randint(*KILL_AFTER)

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.web.append(sum(map(own_bytes, self.stack.web())))
            groups = self.stack.worker_groups()
            self.workers.append(max((sum(map(own_bytes, each)) for each in groups), default=0))


def own_bytes(pid: int) -> int:
    """Return the memory that a process has for itself; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def grown_mb(samples: Sequence[int]) -> float:
    """Return by how much the peak of the last third exceeds that of the first, in MiB."""
    third = max(1, len(samples) // 3)
    return round((max(samples[-third:]) - max(samples[:third])) / MEBIBYTE, 1)


def sent_and_ended(beside: Beside, archive: bytes, count: int, clients: int) -> list[Any]:
    """Let clients send one submission after another; return how each has ended."""
    stack = beside.stack

    def client(first: int) -> list[Any]:
        bodies = []
        for number in range(first, count, clients):
            public_id = stack.send(archive, subset=SUBSET, method_name=f"method {number}")
            bodies.append(stack.final(public_id, seconds=LONGEST_SECONDS, every=ASK_EVERY_SECONDS))
            beside.ended += 1
        return bodies

    with ThreadPoolExecutor(clients) as pool:
        return [body for bodies in pool.map(client, range(clients)) for body in bodies]


def faults_of(stack: NativeStack, bodies: Sequence[Any]) -> list[str]:
    """Say what is not as it should be."""
    count, faults = len(bodies), []
    states = Counter(body["state"] for body in bodies)
    if set(states) != {"scored"}:
        faults.append(f"states: {dict(states)}")
        faults += [str(body["attempt_log"]) for body in bodies if body["state"] != "scored"]
    if others := Counter(each for each in early_ends(bodies) if each not in LOST):
        faults.append(f"attempts ended early: {dict(others)}")
    if len({json.dumps(body["scores"], sort_keys=True) for body in bodies}) != 1:
        faults.append("the same archive has several scores")
    for what, (found, expected) in _counts(stack, count).items():
        if found != expected:
            faults.append(f"{what}: {found} instead of {expected}")
    return faults


def early_ends(bodies: Sequence[Any]) -> list[str]:
    """Return why attempts ended that did not do their work."""
    attempts = [each for body in bodies for each in body["attempt_log"]]
    return [str(each["reason"]) for each in attempts if each["outcome"] != "done"]


def _counts(stack: NativeStack, count: int) -> dict[str, tuple[int, int]]:
    """Return how many there are of everything, and how many there should be."""
    board = stack.get(f"/api/v1/boards/fully-unsupervised/{SUBSET}/test")
    rows = {
        "submission": count,
        "submission WHERE state = 'scored'": count,
        "score": count,
        "shard": 0,
        "attempt WHERE ended_at IS NULL": 0,
    }
    files = {"store/archives": count, "vault/tallies": count}
    files |= dict.fromkeys(("staging", "vault/shards", "tmp"), 0)
    return (
        {each: (stack.rows(f"SELECT count(*) FROM {each}")[0][0], rows[each]) for each in rows}  # noqa: S608  # the words are ours
        | {each: (len(stack.files(each)), files[each]) for each in files}
        | {"rows of the board": (len(board["rows"]), count)}
    )


def soak(count: int, images: int, clients: int) -> dict[str, object]:
    """Run it on a stack of its own, whose temporary files lie in its own folder."""
    settings = {"LUSS_LEASE_SECONDS": LEASE_SECONDS, "LUSS_MAX_ATTEMPTS": MAX_ATTEMPTS}
    with (
        tempfile.TemporaryDirectory(prefix="luss-bench-") as name,
        native_stack_in(**{name: str(value) for name, value in settings.items()}) as stack,
        told_on_failure(stack.log),
    ):
        make_set(Path(name), images)
        stack.register(SUBSET, Path(name) / "truth", classes=CLASSES)
        archive = (Path(name) / "prediction.zip").read_bytes()
        beside = Beside(stack)
        begin = time.perf_counter()
        with beside.going_on():
            bodies = sent_and_ended(beside, archive, count, clients)
        seconds = time.perf_counter() - begin
        tidied_by = time.monotonic() + TIDY_SECONDS
        while (faults := faults_of(stack, bodies)) and time.monotonic() < tidied_by:
            time.sleep(1)
    grown = {"web": grown_mb(beside.web), "worker": grown_mb(beside.workers)}
    faults += [f"{who} grew by {mb} MB" for who, mb in grown.items() if mb > FLAT_MB]
    tries = Counter(body["attempts"] for body in bodies)
    return {
        "submissions": count,
        "images": images,
        "clients": clients,
        "seconds": round(seconds, 1),
        "submissions_per_minute": round(60 * count / seconds, 1),
        "kills": beside.kills,
        "lost_unkilled": max(0, len(early_ends(bodies)) - beside.kills),
        "retried": count - tries[1],
        "most_tries": max(tries),
        "web_peak_mb": round(max(beside.web) / MEBIBYTE, 1),
        "worker_peak_mb": round(max(beside.workers) / MEBIBYTE, 1),
        **{f"{who}_grew_mb": mb for who, mb in grown.items()},
        "faults": faults,
    }


@contextmanager
def told_on_failure(log: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        sys.stderr.write(log.read_text()[-LOG_BYTES:])
        raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=300)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--clients", type=int, default=20)
    asked = parser.parse_args()
    result = soak(asked.submissions, asked.images, asked.clients)
    print(json.dumps(result))
    sys.exit(bool(result["faults"]))


if __name__ == "__main__":
    main()
