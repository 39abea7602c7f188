"""The soak of benchmarks/soak.py, a short one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def test_many_clients_and_killed_workers_lose_and_leave_nothing() -> None:
    words = ["--submissions", "24", "--images", "10", "--clients", "8"]
    run = subprocess.run(
        [sys.executable, SOAK, *words], capture_output=True, text=True, timeout=800, check=False
    )

    assert run.stdout, run.stderr
    told = json.loads(run.stdout)
    assert told["faults"] == []
    assert told["kills"] >= 1
