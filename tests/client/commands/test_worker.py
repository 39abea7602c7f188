import sys

import pytest

from tests.client.commands.conftest import Luss


def test_an_unknown_queue_is_a_usage_error_with_a_hint(luss: Luss) -> None:
    finished = luss("worker", "--queues", "score,modle")

    assert finished.exit_code == 2
    assert "did you mean model?" in finished.stderr


def test_the_queue_model_without_pytorch_is_a_usage_error(
    luss: Luss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    finished = luss("worker", "--queues", "model")

    assert finished.exit_code == 2
    assert "pip install 'lussbench[model]'" in finished.stderr
