from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack, native_stack_in, stack_in

MASKS = Path(__file__).parents[1] / "golden" / "s50" / "masks"


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A site of `luss serve` whose subset 50, split test, is the golden set s50."""
    with stack_in(tmp_path_factory.mktemp("site")) as started:
        started.register("50", MASKS, classes=50)
        yield started


@pytest.fixture(scope="session")
def native_stack() -> Iterator[Stack]:
    """The same on the production topology, `luss stack`."""
    with native_stack_in() as started:
        started.register("50", MASKS, classes=50)
        yield started


@pytest.fixture(scope="session")
def stack(embedded_stack: Stack) -> Stack:
    return embedded_stack
