from pathlib import Path

import pytest

from tests.client.commands.conftest import Luss


def test_without_a_schema_it_says_what_to_run_first(
    luss: Luss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUSS_DATA_DIR", str(tmp_path))

    finished = luss("serve")

    assert finished.exit_code == 3
    assert "run `luss admin init` first" in finished.stderr
