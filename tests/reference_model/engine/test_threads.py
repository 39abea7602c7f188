"""How torch's threads wait is decided before torch is there."""

import os
import subprocess
import sys

import pytest

SAY = """
import sys
import reference_model
assert "torch" not in sys.modules
import os
print(os.environ["GOMP_SPINCOUNT"])
"""


@pytest.mark.parametrize(("given", "kept"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_spin_for_a_moment_unless_told_otherwise(given: dict[str, str], kept: str) -> None:
    without = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}  # noqa: TID251  # a setting of torch
    said = subprocess.run(
        [sys.executable, "-c", SAY],
        env={**without, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == kept
