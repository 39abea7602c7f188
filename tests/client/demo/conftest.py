from pathlib import Path

import pytest

from client.demo.dataset import write_demo_data


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo data set: making it takes ten seconds, so the tests share it and only read."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    write_demo_data(folder, seed=0)
    return folder
