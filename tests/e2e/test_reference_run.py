"""A reference run from the web to the board, with everything that works on it killed half-way."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.model_work import kill_model_worker, processes_told
from tests.support.stack import PASSWORD, Stack, stack_in
from tests.support.tiny_data import write_tiny_data
from tests.support.waiting import eventually

pytest.importorskip("torch")
pytestmark = pytest.mark.slow
ORGANIZER = "grace@example.org"
BOARD = "fully-unsupervised/shapes/val"
PATIENCE_SECONDS = 900


def send(browser: httpx.Client, page: str, action: str, **fields: str) -> httpx.Response:
    """Send a form of a page as a browser does."""
    (token,) = set(re.findall(r'name="form_token" value="([^"]+)"', browser.get(page).text))
    answer = browser.post(action, data={"form_token": token, **fields})
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    return answer


def started_from_the_web(stack: Stack) -> str:
    """Sign in as an organizer and start a run; return its id."""
    stack.luss("admin", "user", ORGANIZER, "--organizer")
    with httpx.Client(base_url=stack.url, timeout=120) as browser:
        send(browser, "/sign-in", "/sign-in", email=ORGANIZER, password=PASSWORD)
        order = {"recipe": "tiny", "board": "shapes/val", "seed": "5"}
        path = send(browser, "/reference-runs", "/reference-runs", **order).headers["location"]
        assert browser.get(path).status_code == httpx.codes.OK
    return path.rpartition("/")[2]


def checkpoint_of(folder: Path) -> int:
    steps = [int(path.stem.rpartition("-")[2]) for path in folder.glob("pretrain/checkpoint-*")]
    return max(steps, default=0)


def statuses(folder: Path) -> list[Any]:
    with suppress(FileNotFoundError):
        return [json.loads(line) for line in (folder / "status.jsonl").read_text().splitlines()]
    return []


def test_it_ends_as_a_verified_baseline_though_its_worker_is_killed(tmp_path: Path) -> None:
    data = write_tiny_data(tmp_path / "data", train=8)
    brisk = {
        "LUSS_LEASE_SECONDS": "6",
        "LUSS_MODEL_CHECKPOINT_SECONDS": "1",
        "OMP_NUM_THREADS": "1",  # threads wait for one another where the machine is busy
    }
    with stack_in(tmp_path, starts=("serve", "--model"), **brisk) as stack:
        words = ["--split", "val", "--truth", data / "validation-segmentation", "--images", data]
        stack.luss("admin", "dataset", "shapes", "--classes", "3", *words)
        public_id = started_from_the_web(stack)
        folder = tmp_path / "var" / "model-runs" / public_id
        eventually(
            lambda: checkpoint_of(folder) > 0,
            seconds=PATIENCE_SECONDS,
            every=0.02,
            what="the first checkpoint",
        )
        kill_model_worker(stack, folder)
        kept, told = checkpoint_of(folder), len(statuses(folder))
        assert not (folder / "pretrain" / "done.json").exists(), "it was killed too late"

        eventually(
            lambda: bool(stack.get(f"/api/v1/boards/{BOARD}")["rows"]),
            seconds=PATIENCE_SECONDS,
            every=1,
            what="the run's entry on the board",
        )

        (row,) = stack.get(f"/api/v1/boards/{BOARD}")["rows"]
        assert (row["kind"], row["method"]) == ("verified", "PASS-s (reference, tiny)")
        assert (row["team"], row["run_here"]) == ("grace", True)
        goes_on = next(line for line in statuses(folder)[told:] if line["stage"] == "pretrain")
        assert goes_on["step"] == kept + 1
        assert not processes_told(folder)
