from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack, stack_in

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A site whose subset 50, split test, is the golden set s50."""
    with stack_in(tmp_path_factory.mktemp("site")) as started:
        started.register("50", GOLDEN / "s50" / "masks", classes=50)
        yield started
