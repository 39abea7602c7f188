"""The bare backbone's step as torch takes it by default, in a process of its own.

Nothing that PASS chooses is chosen here: memory goes back to the system after every tensor, maps
lie channels first, the optimiser updates one parameter after another. What glibc was told about
memory cannot be taken back, hence the process; it takes a step for each line that it reads.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarks.pass_steps import Step, bare_step, finished, views
from reference_model.engine.processes import Processes


@contextmanager
def plain_backbone(processes: Processes, batch: int) -> Iterator[Step]:
    """A step in the other process; it has ended when the block is left."""
    command = [sys.executable, "-m", __name__, str(processes.device), str(batch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        asked, done = child.stdin, child.stdout
        assert asked is not None  # noqa: S101  # piped
        assert done is not None  # noqa: S101  # piped

        def step() -> None:
            asked.write(b"\n")
            asked.flush()
            if not done.readline():
                raise RuntimeError(f"{' '.join(command)} ended; what it said stands above")

        yield step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", type=torch.device)
    parser.add_argument("batch", type=int)
    asked = parser.parse_args()
    processes = Processes(asked.device)
    step = bare_step(
        views(asked.batch), processes, channels_last=False, fused=False, compiled=False
    )
    for _ in sys.stdin:
        with finished(processes):
            step()
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
