"""One thread for everything: the tensors are tiny, and sums of several threads differ in order."""

from collections.abc import Iterator

import pytest
import torch

from reference_model.data.folders import DataFolder
from reference_model.recipes import Recipe
from tests.support.tiny_data import write_tiny_data
from tests.support.tiny_recipe import tiny_recipe


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(write_tiny_data(tmp_path_factory.mktemp("tiny") / "data"))


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    return tiny_recipe()
