import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from contextlib import nullcontext
import torch
from reference_model.engine.processes import started

def fill(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(10, 1024, 1024)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with started("cpu") if sys.argv[1] == "started" else nullcontext():
    fill(12)  # the heap finds its shape
    print(fill(5))
"""


def page_faults(kind: str) -> int:
    """How often five tensors of 40 MB, one after another, had the system fetch a page."""
    run = subprocess.run(
        [sys.executable, "-c", FAULTS, kind], check=True, capture_output=True, text=True
    )
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_memory_of_freed_tensors_is_used_again_without_asking_the_system() -> None:
    assert page_faults("plain") > 10 * page_faults("started")
