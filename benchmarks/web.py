"""How fast the site answers on PostgreSQL with 10 000 scored submissions; prints one JSON line.

    python -m benchmarks.web [--quick] [--seconds N] [--connections N]

One process of the site, as `luss serve` starts it, is asked over HTTP by several connections of
another process for each thing in turn: the board's page and its JSON, a 304 of it, a submission's
page, and two routes that exist here only, which run SELECT 1: one in the session that endpoints
are given (`select_1`), one in a session opened by hand (`select_1_direct`). Rounds over all of
them are repeated, so that what else the machine does meets each alike; figures are of all rounds
together. The board's page is also timed with 100 submissions, and for a member, whose page is
written once for all members who see the same. PostgreSQL is a private one, or that of
LUSS_DATABASE_URL (an empty database).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import quantiles
from urllib.parse import urlencode

import uvicorn
from sqlalchemy import text

from benchmarks.scored_submissions import BOARD, MEMBER, PASSWORD, fill, more
from client.stack.postgresql import PrivatePostgresql
from client.stack.programs import free_port
from server import schema
from server.app import create_app
from server.db import Database
from server.dependencies import ReadingDep, RoomsDep
from server.jobs.queue import RecordingQueue
from server.settings import Settings

METHODS = 100
FEW, MANY = 100, 10_000
ROUNDS = 3
Figures = dict[str, float]


@dataclass
class Timings:
    """Seconds of each request, and of the rounds in which they were made."""

    requests: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def figures(self) -> Figures:
        cuts = quantiles(self.requests, n=100)
        return {
            "per_second": round(len(self.requests) / self.elapsed, 1),
            "p50_ms": round(1000 * cuts[49], 2),
            "p99_ms": round(1000 * cuts[98], 2),
        }


@dataclass(frozen=True)
class Question:
    path: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 000 submissions, short rounds")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each thing in a round")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        _serve(chosen.serve)
        return
    seconds = min(chosen.seconds, 1.0) if chosen.quick else chosen.seconds
    with _postgresql() as url:
        found = _measured(
            url,
            many=MANY // 10 if chosen.quick else MANY,
            seconds=seconds,
            connections=chosen.connections,
        )
    sys.stdout.write(f"{json.dumps(found)}\n")


def _measured(url: str, *, many: int, seconds: float, connections: int) -> dict[str, object]:
    schema.upgrade(url)
    database = Database(url, RecordingQueue())
    random = Random(0)  # noqa: S311  # made-up scores
    fill(database, methods=METHODS, submissions=FEW, random=random)
    with _site(url) as port:
        before = _asked({"board_page": Question(BOARD)}, port, seconds, connections)
        member_before = _asked(
            {"board_page": Question(BOARD, headers=_signed_in(port))}, port, seconds, connections
        )
    more(database, FEW, many, methods=METHODS, random=random)
    database.close()
    with _site(url) as port:
        etag = _head(port, f"/api/v1{BOARD}")["etag"]
        found = _asked(
            {
                "select_1": Question("/benchmark/select-1"),
                "select_1_direct": Question("/benchmark/select-1-direct"),
                "board_json": Question(f"/api/v1{BOARD}"),
                "board_304": Question(
                    f"/api/v1{BOARD}", status=304, headers=(("If-None-Match", etag),)
                ),
                "board_page": Question(BOARD),
                "board_page_member": Question(BOARD, headers=_signed_in(port)),
                "submission_page": Question("/submissions/s0"),
            },
            port,
            seconds,
            connections,
        )
    rates = {name: figures["per_second"] for name, figures in found.items()}
    return {
        "submissions": many,
        "methods": METHODS,
        "connections": connections,
        **found,
        "few_submissions": FEW,
        "board_page_few": before["board_page"],
        "board_page_member_few": member_before["board_page"],
        "json_to_select_1": round(rates["board_json"] / rates["select_1"], 2),
        "json_to_select_1_direct": round(rates["board_json"] / rates["select_1_direct"], 2),
        "304_to_select_1": round(rates["board_304"] / rates["select_1"], 2),
        "304_to_select_1_direct": round(rates["board_304"] / rates["select_1_direct"], 2),
        "304_to_json": round(rates["board_304"] / rates["board_json"], 2),
    }


def _asked(
    questions: dict[str, Question], port: int, seconds: float, connections: int
) -> dict[str, Figures]:
    """Ask each question for a while, in rounds; what the first answers cost is not counted."""
    timings = {name: Timings() for name in questions}
    for question in questions.values():
        _ask(question, port, 0.3, connections, Timings())
    for _ in range(ROUNDS):
        for name, question in questions.items():
            _ask(question, port, seconds / ROUNDS, connections, timings[name])
    return {name: each.figures() for name, each in timings.items()}


def _ask(question: Question, port: int, seconds: float, connections: int, into: Timings) -> None:
    start = time.perf_counter()
    end = start + seconds
    threads = [
        threading.Thread(target=_keep_asking, args=(question, port, end, into))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    into.elapsed += time.perf_counter() - start


def _keep_asking(question: Question, port: int, end: float, into: Timings) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    headers = {"Accept": "text/html", **dict(question.headers)}
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.request("GET", question.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        into.requests.append(time.perf_counter() - start)
        if answer.status != question.status:
            raise SystemExit(f"{question.path} answered {answer.status}, not {question.status}")
    connection.close()


def _head(port: int, path: str) -> dict[str, str]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return {name.lower(): value for name, value in answer.getheaders()}


def _signed_in(port: int) -> tuple[tuple[str, str], ...]:
    """Sign in as a browser does, and return its cookies as a header."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/sign-in", headers={"Accept": "text/html"})
    page = connection.getresponse()
    cookie = (page.getheader("set-cookie") or "").split(";")[0]
    form_token = page.read().decode().split('name="form_token" value="')[1].split('"')[0]
    fields = {"email": MEMBER, "password": PASSWORD, "form_token": form_token}
    connection.request(
        "POST",
        "/sign-in",
        body=urlencode(fields),
        headers={"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
    )
    answer = connection.getresponse()
    answer.read()
    given = [value.split(";")[0] for name, value in answer.getheaders() if name == "set-cookie"]
    if answer.status != 303 or not given:  # noqa: PLR2004
        raise SystemExit(f"signing in answered {answer.status}")
    return (("Cookie", "; ".join([cookie, *given])),)


@contextmanager
def _site(url: str) -> Iterator[int]:
    """Run the site in a process of its own, with the routes that only this benchmark has."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ) | {  # noqa: TID251  # handed on, not read
            "LUSS_DATABASE_URL": url,
            "LUSS_DATA_DIR": folder,
            "LUSS_ENVIRONMENT": "test",
            "LUSS_RATE_LIMIT_ADDRESS": "1000000000",  # each request is counted, none refused
        }
        command = [sys.executable, "-m", "benchmarks.web", "--serve", str(port)]
        process = subprocess.Popen(command, env=environment)
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _head(port, "/healthz")
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the site did not start")


def _serve(port: int) -> None:
    app = create_app(Settings(), queue=RecordingQueue())

    @app.get("/benchmark/select-1")
    def select_1(session: ReadingDep) -> dict[str, int]:
        return {"one": session.scalar(text("SELECT 1")) or 0}

    @app.get("/benchmark/select-1-direct")
    def select_1_direct(built: RoomsDep) -> dict[str, int]:
        with built.database.reading() as session:
            return {"one": session.scalar(text("SELECT 1")) or 0}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


@contextmanager
def _postgresql() -> Iterator[str]:
    given = os.environ.get("LUSS_DATABASE_URL")  # noqa: TID251  # whose settings the site reads
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="luss-benchmark-"))
    folder.chmod(0o711)  # PostgreSQL runs as another account where root starts it
    server = PrivatePostgresql(folder)
    server.prepare()
    child = server.child()
    process = subprocess.Popen(
        [*child.command],
        env=dict(child.environment),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not server.answers():
            time.sleep(0.1)
        server.create_database("luss")
        yield server.url("luss")
    finally:
        process.send_signal(child.stop_signal)
        process.wait(timeout=60)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
